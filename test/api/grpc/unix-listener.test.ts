import { spawnSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnixListener, groupId } from '../../../src/api/grpc/unix-listener.js';

let dir: string;
const listeners: UnixListener[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'listener-test-'));
});
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
  await rm(dir, { recursive: true, force: true });
});

async function open(path = join(dir, 'api.sock'), group?: string): Promise<UnixListener> {
  const listener = await UnixListener.open({
    path,
    group,
    onSocket: (socket) => socket.on('error', () => undefined).end('here'),
  });
  listeners.push(listener);
  return listener;
}

async function heardAt(path: string): Promise<string> {
  const socket = createConnection(path);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return chunk.toString();
}

const refusal = (message: string): unknown =>
  expect.objectContaining({ code: 'API_ADDRESS', message: expect.stringContaining(message) as unknown });

describe('the Unix socket', () => {
  it('is open to its owner and its group alone, and goes with the listener', async () => {
    const path = join(dir, 'run', 'api.sock');
    const listener = await open(path, process.getuid?.() === 0 ? '12345' : undefined);
    const found = await stat(path);
    expect(found.mode & 0o777).toBe(0o660);
    if (process.getuid?.() === 0) expect(found.gid).toBe(12_345);
    expect((await stat(join(dir, 'run'))).mode & 0o022).toBe(0);
    expect(await heardAt(path)).toBe('here');
    expect(await readdir(join(dir, 'run'))).toEqual(['api.sock']);
    await listener.close();
    expect(await readdir(join(dir, 'run'))).toEqual([]);
  });

  it('takes the place of one that a dead process left', async () => {
    const path = join(dir, 'api.sock');
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script, path]);
    expect((await lstat(path)).isSocket()).toBe(true);
    await open(path);
    expect(await heardAt(path)).toBe('here');
  });

  it('leaves one at which somebody answers, and whatever is no socket', async () => {
    const path = join(dir, 'api.sock');
    const other = createServer((socket) => socket.on('error', () => undefined).end('other')).listen(path);
    await once(other, 'listening');
    await expect(open(path)).rejects.toEqual(refusal('somebody answers there'));
    expect(await heardAt(path)).toBe('other');
    other.close();
    const file = join(dir, 'file');
    await writeFile(file, 'mine');
    await expect(open(file)).rejects.toEqual(refusal('something else than a socket'));
    expect((await readdir(dir)).sort()).toEqual(['file']);
  });

  it('is not made where everybody may write, or under too long a name', async () => {
    const open0 = join(dir, 'open');
    await mkdir(open0);
    await chmod(open0, 0o777);
    await expect(open(join(open0, 'api.sock'))).rejects.toEqual(refusal('everybody may write'));
    await expect(open(join(dir, 'x'.repeat(100), 'api.sock'))).rejects.toEqual(refusal('too long'));
  });

  it('that another has replaced meanwhile is left to that one', async () => {
    const path = join(dir, 'api.sock');
    const first = await open(path);
    await rm(path);
    await open(path);
    await first.close();
    expect(await heardAt(path)).toBe('here');
  });

  it('has a group by number or by name, and none that is not there', async () => {
    const file = join(dir, 'group');
    await writeFile(file, 'root:x:0:\ndpu:x:990:a,b\nbroken\n');
    expect(await Promise.all(['990', 'dpu', 'root'].map((name) => groupId(name, file)))).toEqual([990, 990, 0]);
    await expect(groupId('broken', file)).rejects.toEqual(refusal('there is no group broken'));
    await expect(groupId('nobody-at-all', file)).rejects.toEqual(refusal('there is no group'));
  });
});
