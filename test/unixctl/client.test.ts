import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findControlSocket, UnixctlClient, type UnixctlOptions } from '../../src/unixctl/index.js';
import { FakeDaemon, type Asked } from '../fakes/unixctl-daemon.js';
import { eventually } from '../integration/lab/daemon.js';

let daemon: FakeDaemon;

beforeEach(async () => {
  daemon = await FakeDaemon.start();
});

afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
});

const dial = async (options: UnixctlOptions = {}): Promise<UnixctlClient> =>
  UnixctlClient.connect(findControlSocket(daemon.dir, 'ovs-vswitchd'), options);

const methods = (): readonly string[] => daemon.asked.map(({ method }) => method);

const notConnected = expect.objectContaining({ code: 'NOT_CONNECTED' }) as Error;

describe('the control socket', () => {
  it('is found by the pid file', () => {
    expect(findControlSocket(daemon.dir, 'ovs-vswitchd')).toBe(daemon.path(42));
  });

  it('is not guessed when the pid file is missing or holds something else', async () => {
    expect(() => findControlSocket(daemon.dir, 'ovsdb-server')).toThrow(notConnected);
    await writeFile(join(daemon.dir, 'ovsdb-server.pid'), '../../etc/passwd\n');
    expect(() => findControlSocket(daemon.dir, 'ovsdb-server')).toThrow(notConnected);
  });
});

describe('the unixctl client', () => {
  it('sends command and arguments and returns the text, with what it cost', async () => {
    const client = await dial();
    daemon.behave = (request) => daemon.answer(request, 'yes\n');
    const answer = await client.ask('ofproto/trace', ['br0', 'in_port=1']);
    expect(answer).toMatchObject({ text: 'yes\n', sizeBytes: '{"id":1,"result":"yes\\n","error":null}'.length });
    for (const duration of [answer.waitedMs, answer.roundTripMs, answer.transferMs]) {
      expect(duration).toBeGreaterThanOrEqual(0);
    }
    expect(daemon.asked).toMatchObject([{ id: 1, method: 'ofproto/trace', params: ['br0', 'in_port=1'] }]);
    client.close();
  });

  it('gives the daemon the next command only when it has answered the one before', async () => {
    const client = await dial();
    const waiting: Asked[] = [];
    daemon.behave = (request) => waiting.push(request);
    const calls = Promise.all([client.call('a'), client.call('b'), client.call('c')]);
    for (const method of ['a', 'b', 'c']) {
      const request = await eventually(() => waiting.shift());
      expect([request.method, waiting.length]).toEqual([method, 0]);
      daemon.answer(request, `answer to ${method}`);
    }
    expect(await calls).toEqual(['answer to a', 'answer to b', 'answer to c']);
    client.close();
  });

  it('turns away what would wait behind too many', async () => {
    const client = await dial({ queueLengthMax: 1 });
    daemon.behave = () => undefined;
    const calls = [client.call('a'), client.call('b')].map((call) => call.catch((error: unknown) => error));
    await expect(client.call('c')).rejects.toMatchObject({ code: 'UNIXCTL_BUSY' });
    expect(client.counts).toMatchObject({ sent: 1, turnedAway: 1 });
    client.close();
    expect(await Promise.all(calls)).toMatchObject([{ code: 'CLIENT_CLOSED' }, { code: 'CLIENT_CLOSED' }]);
  });

  it('reports a refusal in the words of the daemon, escaped', async () => {
    daemon.behave = ({ socket, id }) => socket.write(`{"error":"unknown \\u001b[31mbridge\\n","id":${id}}`);
    const client = await dial();
    const refusal = { code: 'UNIXCTL_REFUSED', message: 'unknown \\u001b[31mbridge' };
    await expect(client.call('x')).rejects.toMatchObject(refusal);
    expect(client.counts).toMatchObject({ answered: 1, refused: 1 });
    client.close();
  });

  it('fails what waits when the daemon hangs up or talks nonsense', async () => {
    daemon.behave = ({ socket }) => socket.destroy();
    const client = await dial();
    const calls = [client.call('x'), client.call('y')].map((call) => call.catch((error: unknown) => error));
    // The second one was not sent, so that it certainly did not happen.
    expect(await Promise.all(calls)).toMatchObject([{ code: 'CONNECTION_LOST' }, { code: 'NOT_CONNECTED' }]);
    for (const nonsense of ['hello', '{"id":1}', '{"id":1,"result":{}}', '{"id":2,"result":"not mine"}']) {
      daemon.behave = ({ socket }) => socket.write(nonsense);
      await expect((await dial()).call('x')).rejects.toMatchObject({ code: 'PEER_PROTOCOL' });
    }
  });

  it('does not listen to a daemon that was not asked', async () => {
    const client = await dial();
    await client.call('x');
    for (const socket of daemon.sockets) socket.write('{"id":1,"result":"again"}');
    await eventually(() => client.isEnded);
    await expect(client.call('y')).rejects.toMatchObject({ code: 'PEER_PROTOCOL' });
  });

  it('gives up at the deadline, throws the late answer away and only then goes on', async () => {
    const client = await dial();
    daemon.behave = () => undefined;
    await expect(client.call('slow', [], { deadlineMs: 1 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      facts: { isSent: true },
    });
    // The daemon is still at it, so nothing else is sent.
    await expect(client.call('other', [], { deadlineMs: 1 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      facts: { isSent: false },
    });
    const next = client.call('next');
    const slow = await eventually(() => daemon.asked[0]);
    expect(methods()).toEqual(['slow']);
    expect(client.busyMs).toBeGreaterThan(0);
    daemon.behave = (request) => daemon.answer(request, 'mine');
    daemon.answer(slow, 'late');
    expect(await next).toBe('mine');
    expect(methods()).toEqual(['slow', 'next']);
    expect(client.busyMs).toBeUndefined();
    expect(client.counts).toMatchObject({ sent: 2, answered: 1, expired: 2, stale: 1 });
    client.close();
  });

  it('tells a caller who gives up whether the command was sent', async () => {
    const client = await dial();
    daemon.behave = () => undefined;
    const abort = new AbortController();
    const calls = ['sent', 'waiting'].map((command) =>
      client.call(command, [], { signal: abort.signal }).catch((error: unknown) => error),
    );
    abort.abort();
    expect(await Promise.all(calls)).toMatchObject([{ code: 'ABORTED_IN_FLIGHT' }, { code: 'ABORTED' }]);
    await expect(client.call('x', [], { signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    client.close();
  });

  it('fails what waits, and every later call, when it is closed', async () => {
    daemon.behave = () => undefined;
    const client = await dial();
    const call = client.call('x');
    client.close();
    await expect(call).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await expect(client.call('x')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });

  it('ends what it has when it is retired, takes no more, and hangs up', async () => {
    const client = await dial();
    daemon.behave = () => undefined;
    const calls = Promise.all([client.call('a'), client.call('b')]);
    const first = await eventually(() => daemon.asked[0]);
    client.retire();
    await expect(client.call('c')).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    daemon.behave = (request) => daemon.answer(request, 'done');
    daemon.answer(first, 'done');
    expect(await calls).toEqual(['done', 'done']);
    expect(client.isEnded).toBe(true);
  });

  it('refuses an answer that is longer than agreed, before it is complete', async () => {
    const client = await dial({ answerSizeMax: 1000 });
    daemon.behave = ({ socket }) => socket.write(`{"id":1,"result":"${'x'.repeat(2000)}`);
    await expect(client.call('x')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(client.isEnded).toBe(true);
  });

  it('takes as one text no more than it may hold, while a stream goes on for as long as it wants', async () => {
    const client = await dial({ textSizeMax: 1000 });
    const long = 'x'.repeat(99).concat('\\n').repeat(100);
    daemon.behave = ({ socket }) => socket.write(`{"id":1,"error":null,"result":"${long}"}`);
    const lines: string[] = [];
    for await (const line of client.stream('x')) lines.push(line);
    expect(lines).toHaveLength(100);
    daemon.behave = ({ socket }) => socket.write(`{"id":2,"error":null,"result":"${long}`);
    await expect(client.call('x')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(client.isEnded).toBe(true);
  });

  it('says who did not answer when nobody listens', async () => {
    await expect(UnixctlClient.connect(join(daemon.dir, 'none'))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });
});
