/** dpuctl against the real daemon: on the socket, over TCP with certificates, and by a context. */

import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { CertificateFolder, type PemFiles } from '../../kube/certificates.js';
import { dpuctlFile } from '../agent/build.js';
import { call, type CallResult } from '../agent/call.js';
import { Rig } from '../agent/rig.js';
import { Daemon, eventually } from '../lab/daemon.js';
import { addressesOf, Folder, wordsOf } from './stage.js';

const run = promisify(execFile);

let certificates: CertificateFolder;
let folder: Folder;
let rig: Rig;
let agent: AgentProcess;
let ca: PemFiles;
let operator: PemFiles;
let tcp: string;
let contexts: string;

/** How an agent is reached. */
type Way = 'socket' | 'certificates' | 'context';

function wayArgs(way: Way): readonly string[] {
  const tls = ['--ca', ca.certFile, '--cert', operator.certFile, '--key', operator.keyFile];
  switch (way) {
    case 'socket':
      return ['--run-dir', agent.runDir];
    case 'certificates':
      return ['--address', tcp, ...tls];
    case 'context':
      return ['--context', 'lab'];
  }
}

const dpuctl = (way: Way, ...args: readonly string[]): Promise<CallResult> =>
  call([process.execPath, dpuctlFile, ...args, ...wayArgs(way)], { DPUCTL_CONFIG: contexts });

/** What a command prints that has to succeed. */
async function printed(way: Way, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await dpuctl(way, ...args);
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, '']);
  return stdout;
}

beforeAll(async () => {
  [certificates, folder] = await Promise.all([CertificateFolder.make(), Folder.make()]);
  ca = await certificates.authority('ca');
  const server = await certificates.leaf('server', 'ca');
  operator = await certificates.leaf('operator', 'ca', 'URI:spiffe://lab/operator');
  rig = await Rig.start({ vswitchd: true, devices: ['a', 'b', 'rep0-1'] });
  const port = (name: string): object => ({ name, kind: 'system', interfaceExternalIds: { 'dpf-id': `ns/${name}` } });
  const ports = ['a', 'b'].map((name) => ({ kind: 'service', dpfId: `ns/${name}` }));
  agent = await rig.agent({
    bridges: [{ name: 'br-sfc', failMode: 'secure', ports: [port('a'), port('b')] }, { name: 'br-int' }],
    chains: [{ name: 'wire', switches: [{ ports }] }],
    api: {
      grpc: {
        listen: ['127.0.0.1:0'],
        tls: { certFile: server.certFile, keyFile: server.keyFile, clientCaFile: ca.certFile },
        grants: [{ identity: 'spiffe://lab/operator', role: 'operator' }],
      },
    },
  });
  await agent.ready(0);
  tcp = (await addressesOf(agent)).tcp[0] ?? '';
  contexts = join(folder.dir, 'contexts.json');
  const lab = { address: tcp, ca: ca.certFile, cert: operator.certFile, key: operator.keyFile };
  await writeFile(contexts, JSON.stringify({ contexts: { lab } }));
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await certificates.remove();
  await folder[Symbol.asyncDispose]();
});

describe.each<Way>(['socket', 'certificates', 'context'])('dpuctl by %s', (way) => {
  it('shows what there is', async () => {
    expect(await printed(way, 'status')).toMatch(/^READY/);
    expect(await printed(way, 'get', 'bridges')).toMatch(/^br-sfc .*ready/m);
    expect(await printed(way, 'get', 'ports')).toMatch(/^a .*br-sfc/m);
    expect(await printed(way, 'get', 'chains')).toMatch(/^wire .*ready/m);
    expect(await printed(way, 'why', 'chain', 'wire')).toContain('wire');
    expect(await printed(way, 'version')).toMatch(/dpuctl \d.*\n.*agent/s);
  });
});

describe('dpuctl from afar', () => {
  it('lists, describes and explains the other kinds too, in every format', async () => {
    expect(await printed('context', 'get', 'representors')).toMatch(/^rep0-1 /m);
    for (const kind of ['attachments', 'findings', 'intents']) await printed('context', 'get', kind);
    for (const format of ['wide', 'yaml', 'json']) await printed('context', 'get', 'ports', '-o', format);
    const { code, stdout } = await dpuctl('context', 'describe', 'port', 'a');
    expect([code, stdout]).toEqual([0, expect.stringContaining('ofport')]);
    expect(await printed('context', 'why', 'port', 'a')).toContain('br-sfc');
    expect(await printed('context', 'top', '--once', '--interval', '0.5')).toMatch(/^port +a /m);
    expect((await dpuctl('context', 'describe', 'port', 'none')).code).toBe(2);
    expect((await dpuctl('context', 'trace', 'wire')).code).toBe(0);
  });

  it('shows a difference, applies it, tells the change to a watcher, journals it, and takes it back', async () => {
    const file = join(folder.dir, 'bundle.json');
    await writeFile(file, JSON.stringify({ bridges: [{ name: 'br-x', failMode: 'secure' }] }));
    const watcher = new Daemon(
      [process.execPath, dpuctlFile, 'watch', 'bridges', ...wayArgs('certificates')],
      process.env,
    );
    watcher.start();
    await eventually(() => watcher.output.includes('br-sfc'), 'the snapshot');
    const diff = await dpuctl('context', 'diff', '-f', file);
    expect([diff.code, diff.stdout]).toEqual([3, expect.stringContaining('create bridge br-x')]);
    expect(await wordsOf(rig.lab, 'list-br')).not.toContain('br-x');
    await printed('context', 'apply', '-f', file, '--wait');
    expect(await wordsOf(rig.lab, 'list-br')).toContain('br-x');
    await eventually(() => watcher.output.includes('br-x'), 'the watcher tells it');
    await watcher.stop('SIGTERM');
    expect((await dpuctl('context', 'diff', '-f', file)).code).toBe(0);
    expect(await printed('context', 'get', 'intents')).toMatch(/^dpuctl .*ready/m);
    expect(await printed('socket', 'journal', '-o', 'wide')).toContain('on behalf of spiffe://lab/operator');
    await printed('context', 'delete', 'intents', 'dpuctl');
    await eventually(async () => !(await wordsOf(rig.lab, 'list-br')).includes('br-x'), 'br-x is gone');
    const again = await dpuctl('context', 'delete', 'intents', 'dpuctl');
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('NOT_FOUND')]);
  });

  it('makes a support archive that opens, and holds no name of a certificate', async () => {
    const file = join(folder.dir, 'support.tar.gz');
    const { code, stderr } = await dpuctl('socket', 'bundle', '-f', file, '--config', rig.configFile);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const into = join(folder.dir, 'unpacked');
    await mkdir(into);
    await run('tar', ['-xzf', file, '-C', into]);
    const names = (await readdir(into, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    expect(names.length).toBeGreaterThan(5);
    const texts = await Promise.all(names.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')));
    expect(texts.join('\n')).toContain('br-sfc');
    expect(texts.join('\n')).not.toContain('spiffe://lab/operator');
  });

  it('looks at the machine with doctor', async () => {
    const { code, stdout } = await dpuctl('socket', 'doctor', '--config', rig.configFile, '-o', 'json');
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly { readonly outcome: string }[] };
    expect(checks.length).toBeGreaterThan(5);
    const hasFailed = checks.some(({ outcome }) => outcome === 'fail');
    expect(code).toBe(hasFailed ? 3 : 0);
  });

  it('ends with 1 when nobody answers or lets it in, and with 2 when it was asked wrongly', async () => {
    const none = await call([
      process.execPath,
      dpuctlFile,
      'status',
      '--address',
      '127.0.0.1:1',
      ...wayArgs('certificates').slice(2),
    ]);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('NOT_CONNECTED')]);
    const bare = await call([process.execPath, dpuctlFile, 'status', '--address', tcp]);
    expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining('--cert')]);
    const stranger = await certificates.leaf('stranger', 'ca', 'URI:spiffe://lab/stranger');
    const tls = ['--ca', ca.certFile, '--cert', stranger.certFile, '--key', stranger.keyFile];
    const denied = await call([process.execPath, dpuctlFile, 'status', '--address', tcp, ...tls]);
    expect([denied.code, denied.stderr]).toEqual([1, expect.stringContaining('API_FORBIDDEN')]);
    expect((await dpuctl('context', 'get', 'nonsense')).code).toBe(2);
    expect(
      (await call([process.execPath, dpuctlFile, 'status', '--context', 'none'], { DPUCTL_CONFIG: contexts })).code,
    ).toBe(2);
  });
});
