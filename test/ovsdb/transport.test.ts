import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dial, tlsFingerprint } from '../../src/ovsdb/transport.js';
import { ScriptedOvsdbPeer } from '../fakes/scripted-ovsdb-peer.js';

let dir: string;
const never = new AbortController().signal;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dial-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('a dial', () => {
  it('connects to a unix socket and to a TCP port', async () => {
    await using peer = await ScriptedOvsdbPeer.start();
    const unix = await dial({ kind: 'unix', path: peer.path }, { signal: never });
    unix.destroy();
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const tcp = await dial({ kind: 'tcp', host: '127.0.0.1', port }, { signal: never });
    tcp.destroy();
    server.close();
    await once(server, 'close');
    const refused = dial({ kind: 'tcp', host: '127.0.0.1', port }, { signal: never });
    await expect(refused).rejects.toMatchObject({ code: 'CONNECT_FAILED', facts: { systemError: 'ECONNREFUSED' } });
  });

  it('tells a server that never started from one that crashed', async () => {
    const path = join(dir, 'db.sock');
    const missing = dial({ kind: 'unix', path }, { signal: never });
    await expect(missing).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      remedy: expect.stringContaining('not exist') as string,
    });
    await writeFile(path, '');
    const stale = dial({ kind: 'unix', path }, { signal: never });
    await expect(stale).rejects.toMatchObject({
      facts: { systemError: 'ECONNREFUSED' },
      remedy: expect.stringContaining('crash') as string,
    });
  });

  it('can be abandoned before and while it waits', async () => {
    await expect(dial({ kind: 'unix', path: dir }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const controller = new AbortController();
    // A documentation address (RFC 5737): nobody answers there.
    const slow = dial({ kind: 'tcp', host: '192.0.2.1', port: 6640 }, { signal: controller.signal });
    controller.abort();
    await expect(slow).rejects.toMatchObject({ code: expect.stringMatching(/ABORTED|CONNECT_FAILED/) as string });
  });

  it('needs the files of TLS', async () => {
    const dialed = dial({ kind: 'tls', host: '127.0.0.1', port: 1 }, { signal: never });
    await expect(dialed).rejects.toMatchObject({ code: 'TLS_INVALID' });
  });
});

describe('the fingerprint of the TLS files', () => {
  it('changes when one of them does, and holds when one is missing', async () => {
    const files = { keyFile: join(dir, 'key'), certificateFile: join(dir, 'cert'), caFile: join(dir, 'ca') };
    await writeFile(files.keyFile, 'key');
    await writeFile(files.caFile, 'ca');
    const incomplete = await tlsFingerprint(files);
    expect(incomplete).toContain('ENOENT');
    await writeFile(files.certificateFile, 'certificate');
    const complete = await tlsFingerprint(files);
    expect(complete).not.toBe(incomplete);
    expect(await tlsFingerprint(files)).toBe(complete);
    await writeFile(files.certificateFile, 'a longer certificate');
    expect(await tlsFingerprint(files)).not.toBe(complete);
  });
});
