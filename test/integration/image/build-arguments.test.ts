/** What scripts/image.mjs asks of the builder, which is a stand-in here: the tree is a small repository of its own. */

import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const run = promisify(execFile);
const project = join(import.meta.dirname, '../../..');
/** 2026-01-01. */
const time = '1767225600 +0000';

let dir = '';
let tree = '';

const git = async (...args: readonly string[]): Promise<string> => {
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
  const env = { ...process.env, GIT_AUTHOR_DATE: time, GIT_COMMITTER_DATE: time, GIT_CONFIG_GLOBAL: '/dev/null' };
  return (await run('git', [...who, ...args], { cwd: tree, env })).stdout.trim();
};

/** Builds nothing: writes its arguments down, an image's number, and the two documents. */
const builder = (): string => `#!/bin/sh
set -eu
case $1 in
  build)
    shift
    printf '%s\\n' "$@" > ${dir}/arguments
    while [ "$1" != --iidfile ]; do shift; done
    echo sha256:0 > "$2" ;;
  from) echo container ;;
  mount) echo ${dir}/root ;;
esac`;

/** The value of each `--build-arg`. */
async function built(): Promise<ReadonlyMap<string, string>> {
  const env = { ...process.env, IMAGE_BUILDER: join(dir, 'builder'), GIT_CONFIG_GLOBAL: '/dev/null' };
  delete (env as NodeJS.ProcessEnv)['SOURCE_DATE_EPOCH'];
  await run(process.execPath, [join(tree, 'scripts/image.mjs'), '--out', join(dir, 'out')], { env });
  const lines = (await readFile(join(dir, 'arguments'), 'utf8')).trim().split('\n');
  expect(lines[lines.indexOf('--timestamp') + 1]).toBe('1767225600');
  const values = lines.filter((_line, at) => lines[at - 1] === '--build-arg');
  return new Map(values.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'build-arguments-'));
  tree = join(dir, 'tree');
  const documents = join(dir, 'root/usr/share/doc/dpu-node-agent');
  for (const place of [documents, join(tree, 'scripts'), join(tree, 'src')]) await mkdir(place, { recursive: true });
  for (const name of ['sbom.cdx.json', 'third-party-licenses.txt']) await writeFile(join(documents, name), name);
  await writeFile(join(dir, 'builder'), builder());
  await chmod(join(dir, 'builder'), 0o755);
  for (const name of ['package.json', 'scripts/image.mjs']) await cp(join(project, name), join(tree, name));
  await writeFile(join(tree, 'src/main.ts'), '');
  await git('init', '--quiet');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'all');
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

it('tells the commit and its time', async () => {
  const given = await built();
  expect(given.get('REVISION')).toBe(await git('rev-parse', 'HEAD'));
  expect(given.get('SOURCE_DATE_EPOCH')).toBe('1767225600');
  expect(given.get('CREATED')).toBe('2026-01-01T00:00:00Z');
  expect(await readFile(join(dir, 'out/sbom.cdx.json'), 'utf8')).toBe('sbom.cdx.json');
});

it.each(['src/main.ts', 'src/new.ts'])('does not pass %s, which is in no commit, off as the commit', async (name) => {
  await writeFile(join(tree, name), 'changed');
  expect((await built()).get('REVISION')).toBe(`${await git('rev-parse', 'HEAD')}-dirty`);
});

it('minds nothing that is no part of the image', async () => {
  await writeFile(join(tree, 'notes.txt'), 'mine');
  expect((await built()).get('REVISION')).toBe(await git('rev-parse', 'HEAD'));
});

it('says unknown where there is no commit', async () => {
  await rm(join(tree, '.git'), { recursive: true });
  const env = { ...process.env, IMAGE_BUILDER: join(dir, 'builder'), SOURCE_DATE_EPOCH: '5' };
  await run(process.execPath, [join(tree, 'scripts/image.mjs'), '--out', join(dir, 'out')], { env });
  expect(await readFile(join(dir, 'arguments'), 'utf8')).toContain('\nREVISION=unknown\n');
});
