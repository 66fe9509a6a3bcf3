import { spawn, type ChildProcess } from 'node:child_process';
import { fstatSync } from 'node:fs';
import { chmod, lstat, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { socketHandleFd } from '../../src/api/grpc/socket-fd.js';
import { SocketPeers, hintsIn, holderOf, peerInodeIn } from '../../src/host/socket-peers.js';
import { systemClock } from '../../src/lib/clock.js';

const isRoot = process.getuid?.() === 0;
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(): Promise<{ readonly path: string; readonly server: Server }> {
  const dir = await mkdtemp(join(tmpdir(), 'peers-test-'));
  await chmod(dir, 0o755);
  const path = join(dir, 's');
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o666);
  cleanups.push(async () => {
    server.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { path, server };
}

/** A process that connects, as another user where `ids` says so, after `before` has run in it; it stays until the test ends. */
function connectAs(path: string, ids: { readonly uid?: number; readonly gid?: number }, before = ''): ChildProcess {
  const script = `use IO::Socket::UNIX; ${before} my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!"; sleep 60;`;
  const child = spawn('/usr/bin/perl', ['-e', script, path], { ...ids, stdio: 'inherit' });
  cleanups.push(() => void child.kill('SIGKILL'));
  return child;
}

async function accepted(server: Server): Promise<Socket> {
  const [socket] = (await once(server, 'connection')) as [Socket];
  cleanups.push(() => void socket.destroy());
  return socket;
}

/** Node shows the descriptor of a socket in a field of its own; when that moves, this fails. */
function fdOf(socket: Socket): number {
  const fd = socketHandleFd(socket);
  if (fd === undefined) throw new Error('Node does not show the descriptor of a socket any more');
  return fd;
}

describe.skipIf(!isRoot)('the process at the other end of a Unix socket', () => {
  it('is told with its user, its groups and its number', async () => {
    const { path, server } = await listen();
    const child = connectAs(path, { uid: 1234, gid: 4321 });
    const peer = await new SocketPeers({ clock: systemClock }).peerOf(fdOf(await accepted(server)), path);
    expect(peer).toMatchObject({ kind: 'process', uid: 1234, pid: child.pid });
    expect(peer.kind === 'process' && peer.gids[0]).toBe(4321);
  });

  it('is not hidden by its name, which may look like what ss prints', async () => {
    const { path, server } = await listen();
    const child = connectAs(path, { uid: 1234, gid: 4321 }, '$0 = q{x",pid=1,fd=3)};');
    const peer = await new SocketPeers({ clock: systemClock }).peerOf(fdOf(await accepted(server)), path);
    expect(peer).toMatchObject({ kind: 'process', uid: 1234, pid: child.pid });
  });

  it('is told for many that come at once', async () => {
    const { path, server } = await listen();
    const peers = new SocketPeers({ clock: systemClock });
    const uids = [1001, 1002, 1003, 1004];
    const found: Promise<unknown>[] = [];
    const all = new Promise<void>((resolve) => {
      server.on('connection', (socket) => {
        cleanups.push(() => void socket.destroy());
        found.push(peers.peerOf(fdOf(socket), path));
        if (found.length === uids.length) resolve();
      });
    });
    for (const uid of uids) connectAs(path, { uid, gid: uid });
    await all;
    const told = (await Promise.all(found)) as { readonly uid: number }[];
    expect(told.map(({ uid }) => uid).sort()).toEqual(uids);
  });

  it('is unknown without ss, and that is told once with the reason', async () => {
    const { path, server } = await listen();
    connectAs(path, {});
    const reasons: string[] = [];
    const ss = { file: '/nonexistent/ss', args: [] };
    const peers = new SocketPeers({ clock: systemClock, ss, onUnknown: (reason) => reasons.push(reason) });
    const fd = fdOf(await accepted(server));
    expect(await peers.peerOf(fd, path)).toEqual({ kind: 'unknown', reason: 'ss cannot be used: ENOENT' });
    await peers.peerOf(fd, path);
    expect(reasons).toEqual(['ss cannot be used: ENOENT']);
  });
});

describe('a process that a hint names', () => {
  const openPath = 0o10000000;

  it('holds the socket only where the descriptor is a socket of the kernel, not the name of one', async () => {
    const { path, server } = await listen();
    const client = createConnection(path);
    cleanups.push(() => void client.destroy());
    const socket = await accepted(server);
    const { dev, ino } = fstatSync(fdOf(socket));
    const own = { pid: String(process.pid), fd: String(fdOf(socket)) };
    expect(await holderOf(own, { ino, dev })).toMatchObject({ pid: process.pid, uid: process.getuid?.() });
    expect(await holderOf(own, { ino, dev: dev + 1 })).toBeUndefined();
    expect(await holderOf(own, { ino: ino + 1, dev })).toBeUndefined();
    // A name that somebody else owns, with a number of the file system that it is in.
    const named = await open(path, openPath);
    cleanups.push(() => named.close());
    expect((await named.stat()).isSocket()).toBe(true);
    const hint = { pid: String(process.pid), fd: String(named.fd) };
    expect(await holderOf(hint, { ino: (await lstat(path)).ino, dev })).toBeUndefined();
  });
});

describe('many that come at once', () => {
  it('share the runs of ss, of which there is never more than one', async () => {
    const { path, server } = await listen();
    const dir = await mkdtemp(join(tmpdir(), 'peers-ss-'));
    cleanups.push(() => rm(dir, { recursive: true, force: true }));
    const file = join(dir, 'ss');
    const log = join(dir, 'log');
    await writeFile(file, `#!/bin/sh\necho "begin $*" >> ${log}\nsleep 0.1\nss "$@"\necho end >> ${log}\n`, {
      mode: 0o755,
    });
    const peers = new SocketPeers({ clock: systemClock, ss: { file, args: [] } });
    const found: Promise<unknown>[] = [];
    const all = new Promise<void>((resolve) => {
      server.on('connection', (socket) => {
        cleanups.push(() => void socket.destroy());
        found.push(peers.peerOf(fdOf(socket), path));
        if (found.length === 20) resolve();
      });
    });
    for (let index = 0; index < 20; index += 1) {
      const client = createConnection(path);
      cleanups.push(() => void client.destroy());
    }
    await all;
    for (const peer of await Promise.all(found)) expect(peer).toMatchObject({ kind: 'process', pid: process.pid });
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    expect(lines.filter((_, index) => index % 2 === 1).every((line) => line === 'end')).toBe(true);
    expect(lines.length).toBeLessThan(40);
  });
});

describe('what ss prints', () => {
  it('is believed only where nobody else can have written it', () => {
    const row = 'u_str ESTAB 0 0 /run/s 100 * 200';
    expect(peerInodeIn(`${row}\nu_str ESTAB 0 0 /run/s 101 * 201\n`, 100)).toBe(200);
    // A name in the place of the peer's `*`, and two answers for one socket.
    expect(peerInodeIn('u_str ESTAB 0 0 /run/s 100 /evil 200', 100)).toBeUndefined();
    expect(peerInodeIn(`${row}\nu_str ESTAB 0 0 /run/s 100 * 300`, 100)).toBeUndefined();
    expect(peerInodeIn('u_str LISTEN 0 5 /run/s 100 * 0', 100)).toBeUndefined();
  });

  it('gives hints, all of which are looked at', () => {
    const row = 'u_str ESTAB 0 0 * 200 * 100 users:(("",pid=1,fd=3),(",pid=42,fd=5),("a",pid=43,fd=6))';
    expect(hintsIn(row, 200)).toEqual([
      { pid: '1', fd: '3' },
      { pid: '42', fd: '5' },
      { pid: '43', fd: '6' },
    ]);
  });
});
