import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnixctlSession } from '../../src/unixctl/index.js';
import { FakeDaemon } from '../fakes/unixctl-daemon.js';
import { eventually } from '../integration/lab/daemon.js';

let daemon: FakeDaemon;
let session: UnixctlSession;

beforeEach(async () => {
  daemon = await FakeDaemon.start();
  session = new UnixctlSession(daemon.dir);
});

afterEach(async () => {
  session.close();
  await daemon[Symbol.asyncDispose]();
});

const methods = (): readonly string[] => daemon.asked.map(({ method }) => method);

describe('a session with a daemon', () => {
  it('dials once for many callers', async () => {
    expect(await Promise.all(['a', 'b', 'c'].map((command) => session.call(command)))).toEqual([
      'OK\n',
      'OK\n',
      'OK\n',
    ]);
    expect(daemon.sockets.size).toBe(1);
    expect(session.incarnation).toEqual({ pid: 42, number: 1 });
  });

  it('asks for the list of commands once in a life of the daemon', async () => {
    const list = 'The available commands are:\n  version                 \n  upcall/show             \n';
    daemon.behave = (request) => daemon.answer(request, list);
    expect(await Promise.all([session.has('upcall/show'), session.has('metrics/show')])).toEqual([true, false]);
    expect(await session.has('version')).toBe(true);
    expect(methods()).toEqual(['list-commands']);
    await daemon.die();
    await rm(daemon.path(42), { force: true });
    await daemon.listen(43);
    daemon.behave = (request) => daemon.answer(request, '  metrics/show\n');
    expect(await session.has('metrics/show')).toBe(true);
    expect(session.incarnation).toEqual({ pid: 43, number: 2 });
  });

  it('asks for the list again when the first answer did not come', async () => {
    daemon.behave = ({ socket, id }) => socket.write(`{"id":${id},"error":"busy"}`);
    await expect(session.has('version')).rejects.toMatchObject({ code: 'UNIXCTL_REFUSED' });
    daemon.behave = (request) => daemon.answer(request, '  version\n');
    expect(await session.has('version')).toBe(true);
  });

  it('follows the pid file to a new process while the old connection still lives', async () => {
    daemon.behave = () => undefined;
    const old = session.call('slow');
    const asked = await eventually(() => daemon.asked[0]);
    await daemon.listen(43);
    daemon.behave = (request) => daemon.answer(request, 'from the new one');
    expect(await session.call('x')).toBe('from the new one');
    expect(session.incarnation).toEqual({ pid: 43, number: 2 });
    daemon.answer(asked, 'from the old one');
    expect(await old).toBe('from the old one');
    await eventually(() => daemon.sockets.size === 1);
  });

  it('dials the same process again after a lost connection, and does not send the command again', async () => {
    daemon.behave = ({ socket }) => socket.destroy();
    await expect(session.call('x')).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    daemon.behave = (request) => daemon.answer(request, 'back');
    expect(await session.call('y')).toBe('back');
    expect(methods()).toEqual(['x', 'y']);
    expect(session.incarnation).toEqual({ pid: 42, number: 1 });
  });

  it('tells a new life from the old one when the process id is the same', async () => {
    await session.call('x');
    await daemon.die();
    await rm(daemon.path(42), { force: true });
    await rm(join(daemon.dir, 'ovs-vswitchd.pid'));
    await daemon.listen(42);
    expect(await eventually(() => session.call('y').catch(() => undefined))).toBe('OK\n');
    expect(session.incarnation).toEqual({ pid: 42, number: 2 });
  });

  it('recognises the pid file of a process that has gone', async () => {
    await session.call('x');
    await daemon.die();
    const dead = await eventually(() =>
      session.call('y').then(
        () => undefined,
        (error: unknown) => (String(error).includes('has gone') ? error : undefined),
      ),
    );
    expect(dead).toMatchObject({ code: 'NOT_CONNECTED', facts: { pid: 42 } });
  });

  it('keeps a living connection whose pid file somebody removed', async () => {
    await session.call('x');
    await rm(join(daemon.dir, 'ovs-vswitchd.pid'));
    expect(await session.call('y')).toBe('OK\n');
  });

  it('streams, and counts over all connections', async () => {
    daemon.behave = (request) => daemon.answer(request, 'a\nb\n');
    const lines: string[] = [];
    for await (const line of session.stream('dump')) lines.push(line);
    await daemon.die();
    await rm(daemon.path(42), { force: true });
    await daemon.listen(43);
    for await (const line of session.stream('dump')) lines.push(line);
    expect(lines).toEqual(['a', 'b', 'a', 'b']);
    expect(session.counts).toMatchObject({ sent: 2, answered: 2 });
  });

  it('is closed for good', async () => {
    daemon.behave = () => undefined;
    const call = session.call('x');
    await eventually(() => daemon.asked.length > 0);
    session.close();
    await expect(call).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await expect(session.call('y')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });
});
