/**
 * What the build does to the root of the image. The package managers and `chroot` are stand-ins which write down how they were
 * called: their repositories are not there, and what is asked of them is what can be wrong.
 */

import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const run = promisify(execFile);
const script = join(import.meta.dirname, '../../../containerfile/install-tools.sh');
const tools = ['ip', 'devlink', 'tc', 'ss', 'ethtool'];

let dir = '';
let root = '';

async function place(file: string, text = '', mode = 0o755): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  // Beside the umask.
  await chmod(file, mode);
}

/** A program that install-tools.sh finds in place of the machine's own. */
const standIn = (name: string, text: string): Promise<void> => place(join(dir, 'bin', name), `#!/bin/sh\n${text}\n`);

/** Only what the script itself needs of the machine, so that no package manager of it is found. */
const needed = ['sh', 'cat', 'chmod', 'cp', 'find', 'ln', 'mknod', 'rm', 'rmdir', 'touch', 'mkdir'];

const install = (): Promise<{ readonly stderr: string }> =>
  run('/bin/sh', [script, root], { env: { PATH: join(dir, 'bin') }, timeout: 20_000 });

/** How it fails. */
const failure = async (): Promise<string> =>
  install().then(
    () => 'it did not fail',
    (error: unknown) => (error as { readonly stderr: string }).stderr,
  );

const nodeIs = (version: string): Promise<void> => standIn('chroot', `echo ${version}`);

const fillRoot = async (names: readonly string[]): Promise<void> => {
  for (const name of names) await place(join(root, 'usr/sbin', name));
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'install-tools-'));
  root = join(dir, 'root');
  await mkdir(join(dir, 'bin'));
  for (const name of needed) {
    const found = (await run('/bin/sh', ['-c', `command -v ${name}`])).stdout.trim();
    await symlink(found, join(dir, 'bin', name));
  }
  await nodeIs('24.0.0');
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

it('takes away what installs packages of Node.js, rights, and what an engine brings, and nothing else', async () => {
  await fillRoot(tools);
  const kept = ['usr/local/bin/node', 'usr/share/nodejs/acorn/index.js', 'etc/os-release'];
  const gone = [
    'usr/local/lib/node_modules/npm/bin/npm-cli.js',
    'usr/local/lib/node_modules/corepack/dist/corepack.js',
  ];
  gone.push('usr/share/nodejs/npm/cli.js', 'opt/yarn-v1.22.22/bin/yarn', 'etc/resolv.conf', 'etc/hostname');
  for (const name of [...kept, ...gone]) await place(join(root, name));
  for (const name of ['npm', 'npx', 'corepack', 'yarn', 'yarnpkg']) {
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin', name));
  }
  await place(join(root, 'usr/bin/su'), '', 0o4755);
  await install();
  const files = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  expect(files.sort()).toEqual([...kept, 'usr/bin/su', ...tools.map((name) => `usr/sbin/${name}`)].sort());
  expect((await stat(join(root, 'usr/bin/su'))).mode & 0o7777).toBe(0o755);
});

it.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0'])('takes Node.js %s', async (version) => {
  await fillRoot(['node', ...tools]);
  await nodeIs(version);
  await expect(install()).resolves.toBeDefined();
});

it.each(['18.20.4', '20.18.3', '20.9.0'])('refuses Node.js %s, which package.json does too', async (version) => {
  await fillRoot(['node', ...tools]);
  await nodeIs(version);
  expect(await failure()).toContain(`Node.js 20.19 or newer is needed, the root has ${version}`);
});

/** Writes its arguments down, and brings what it is asked for. */
const manager = (brings: readonly string[]): string =>
  `echo "$*" >> ${dir}/calls
   case "$*" in *" install "*) for tool in ${brings.join(' ')}; do mkdir -p ${root}/usr/sbin; : > ${root}/usr/sbin/$tool; done; esac`;

const calls = async (): Promise<readonly string[]> => (await readFile(join(dir, 'calls'), 'utf8')).trim().split('\n');

it.each(['dnf', 'microdnf'])('installs by %s from the repositories of the build stage', async (name) => {
  await fillRoot(['node']);
  await standIn(name, manager(tools));
  await install();
  const lines = await calls();
  expect(lines.map((line) => / (module enable|install|clean) /.exec(line)?.[1])).toEqual([
    'module enable',
    'install',
    'clean',
  ]);
  for (const line of lines) {
    expect(line).toContain(` --installroot ${root} `);
    // Without any of these microdnf refuses, and dnf takes what the root has.
    for (const option of ['--config', '--setopt=cachedir', '--setopt=reposdir', '--setopt=varsdir']) {
      expect(line).toMatch(new RegExp(` ${option}[ =]/\\S`));
    }
    expect(line.includes(' --noplugins ')).toBe(name === 'microdnf');
  }
  expect(lines[1]).toMatch(/ install nodejs iproute iproute-tc ethtool ca-certificates$/);
});

it('takes a Node.js that has its version in its name', async () => {
  // No module of that name: the release has packages in place of streams.
  const brings = manager([...tools, '../bin/node-24']);
  await standIn('dnf', `case "$*" in *" module enable "*) exit 1; esac\n${brings}\nchmod -R a+x ${root}/usr`);
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await install();
  expect((await calls())[0]).toMatch(/ install nodejs24 iproute /);
  expect(await readlink(join(root, 'usr/bin/node'))).toBe('node-24');
});

it('names what is missing still', async () => {
  await fillRoot(['node']);
  await standIn('dnf', manager(['ip', 'devlink', 'tc', 'ss']));
  expect(await failure()).toContain('still missing: ethtool');
});

it('gives apt-get of the root the names of servers and a /dev/null, and takes both away again', async () => {
  await fillRoot(['node']);
  await place(join(root, 'usr/bin/apt-get'));
  for (const name of ['dev', 'etc']) await mkdir(join(root, name));
  await standIn(
    'chroot',
    `case "$2" in node) echo 24.0.0; exit; esac
     cat ${root}/etc/resolv.conf > ${dir}/servers
     ls=no; if [ -e ${root}/dev/null ]; then ls=yes; fi; echo $ls > ${dir}/null
     for tool in ${tools.join(' ')}; do : > ${root}/usr/sbin/$tool; done`,
  );
  await install();
  expect(await readFile(join(dir, 'servers'), 'utf8')).toBe(await readFile('/etc/resolv.conf', 'utf8'));
  expect(await readFile(join(dir, 'null'), 'utf8')).toBe('yes\n');
  expect(await readdir(join(root, 'dev'))).toEqual([]);
  expect(await readdir(join(root, 'etc'))).toEqual([]);
});
