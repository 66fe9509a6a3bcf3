import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/lib/clock.js';
import { systemClock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import { RpcConnection, rpcLimitsDefault } from '../../src/ovsdb/rpc.js';
import type { RpcLimits } from '../../src/ovsdb/rpc.js';
import type { Json } from '../../src/ovsdb/types.js';
import { FrameScanner } from '../../src/ovsdb/wire/frame-scanner.js';

interface Rig {
  readonly rpc: RpcConnection;
  /** What was written, parsed. */
  readonly sent: { id: number | string | null; method?: string; params?: Json; result?: Json; error?: Json }[];
  readonly notified: [string, readonly Json[]][];
  readonly closed: AgentError[];
  readonly stream: Duplex;
  /** The peer says this. */
  readonly say: (text: string) => void;
  /** Lets the peer take what was written, when the rig is told to hold it back. */
  readonly release: () => void;
}

function makeRig(options: { limits?: Partial<RpcLimits>; holdsBack?: boolean; clock?: Clock } = {}): Rig {
  const sent: Rig['sent'] = [];
  const held: (() => void)[] = [];
  const reader = new FrameScanner({
    frameSizeMax: 1 << 20,
    depthMax: 1000,
    onMessage: (message) => sent.push(message as unknown as Rig['sent'][number]),
  });
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      // What is said in one turn may come in one write.
      reader.push(chunk);
      if (options.holdsBack === true) held.push(done);
      else done();
    },
  });
  const notified: Rig['notified'] = [];
  const closed: AgentError[] = [];
  const rpc = new RpcConnection({
    stream,
    clock: options.clock ?? systemClock,
    limits: { ...rpcLimitsDefault, ...options.limits },
    onNotification: (method, params) => notified.push([method, params]),
    onClose: (error) => closed.push(error),
  });
  const say = (text: string): void => void stream.emit('data', Buffer.from(text));
  return { rpc, sent, notified, closed, stream, say, release: () => held.shift()?.() };
}

/** Lets what was said in this turn of the event loop go out. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('an RPC connection', () => {
  it('sends nothing but id, method and params: another member makes ovsdb-server hang up', async () => {
    const { rpc, sent } = makeRig();
    void rpc.call('echo', ['x']);
    await turn();
    expect(sent).toEqual([{ id: 1, method: 'echo', params: ['x'] }]);
  });

  it('matches replies to calls in any order', async () => {
    const { rpc, say } = makeRig();
    const first = rpc.call('echo', [1]);
    const second = rpc.call('echo', [2]);
    say('{"id":2,"result":"two","error":null}{"id":1,"result":"one"}');
    expect([await first, await second]).toEqual(['one', 'two']);
  });

  it('keeps integers exact', async () => {
    const { rpc, say } = makeRig();
    const call = rpc.call('echo', []);
    say('{"id":1,"result":[9007199254740993]}');
    expect(await call).toEqual([9007199254740993n]);
  });

  it('turns errors into typed ones, in both shapes and without a result', async () => {
    const { rpc, say } = makeRig();
    const plain = rpc.call('dance', []);
    say('{"id":1,"error":"unknown method"}');
    await expect(plain).rejects.toMatchObject({ code: 'OVSDB_UNKNOWN_METHOD' });
    const rich = rpc.call('transact', []);
    say('{"id":2,"error":{"error":"unknown database","details":"no"},"result":null}');
    await expect(rich).rejects.toMatchObject({ code: 'OVSDB_UNKNOWN_DATABASE', facts: { method: 'transact' } });
  });

  it('answers an echo with its parameters, and a notification with nothing', async () => {
    const { say, sent, notified } = makeRig();
    say(
      '{"id":"echo","method":"echo","params":[]}{"id":null,"method":"update","params":[1]}{"method":"locked","params":["a"]}',
    );
    await turn();
    expect(sent).toEqual([{ id: 'echo', result: [], error: null }]);
    expect(notified).toEqual([
      ['update', [1]],
      ['locked', ['a']],
    ]);
  });

  it.each([
    '{"id":9,"result":1}',
    '{"id":"1","result":1}',
    '{"id":1}',
    '{"id":1,"method":5,"params":[]}',
    '{"id":null,"method":"update","params":{}}',
    '[]',
    '{]',
  ])('closes on %s, and the pending call has an unknown outcome', async (text) => {
    const { rpc, say, closed, stream } = makeRig();
    const call = rpc.call('echo', []);
    say(text);
    await expect(call).rejects.toMatchObject({ code: 'CONNECTION_LOST', cause: { code: 'PEER_PROTOCOL' } });
    expect(closed.map(({ code }) => code)).toEqual(['PEER_PROTOCOL']);
    expect(stream.destroyed).toBe(true);
    await expect(rpc.call('echo', [])).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });

  it('refuses a message larger than the limit', () => {
    const { say, closed } = makeRig({ limits: { frameBytesMax: 50 } });
    say(`{"id":null,"method":"update","params":["${'x'.repeat(60)}"]}`);
    expect(closed.map(({ code }) => code)).toEqual(['LIMIT_EXCEEDED']);
  });

  it('refuses to send what would kill the session, and stays open', async () => {
    const { rpc, sent, closed } = makeRig();
    for (const text of ['\0', '\ud800']) {
      await expect(rpc.call('echo', [text])).rejects.toMatchObject({ code: 'OVSDB_VALUE_INVALID' });
    }
    expect(sent).toEqual([]);
    expect(closed).toEqual([]);
  });

  it('holds requests back while too many are unanswered, and sends them in order', async () => {
    const { rpc, say, sent } = makeRig({ limits: { inFlightMax: 2 } });
    const calls = [1, 2, 3, 4].map((value) => rpc.call('echo', [value]));
    await turn();
    expect(sent).toHaveLength(2);
    expect(rpc.inFlight).toBe(4);
    say('{"id":1,"result":1}{"id":2,"result":2}');
    await turn();
    expect(sent.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    say('{"id":3,"result":3}{"id":4,"result":4}');
    expect(await Promise.all(calls)).toEqual([1, 2, 3, 4]);
  });

  it('holds requests back while the peer does not read, and fails those beyond the limit', async () => {
    const { rpc, sent, release } = makeRig({ limits: { outgoingBytesMax: 50, waitingMax: 1 }, holdsBack: true });
    void rpc.call('echo', ['x'.repeat(20_000)]).catch(String);
    void rpc.call('echo', ['second']).catch(String);
    await expect(rpc.call('echo', ['third'])).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await turn();
    expect(sent).toHaveLength(1);
    release();
    await expect.poll(() => sent.length).toBe(2);
  });

  it('gives up a call by signal or deadline, saying whether it was sent, and consumes the late reply', async () => {
    const { rpc, say, sent, closed } = makeRig({ limits: { inFlightMax: 1 } });
    const controller = new AbortController();
    const running = rpc.call('transact', ['Lab'], { signal: controller.signal });
    const waiting = rpc.call('transact', ['Lab'], { signal: controller.signal });
    const late = rpc.call('list_dbs', [], { deadlineMs: 1 });
    await expect(late).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    controller.abort();
    const [first, second] = await Promise.allSettled([running, waiting]);
    expect(first).toMatchObject({ reason: { code: 'ABORTED_IN_FLIGHT', isOutcomeUnknown: true } });
    expect(second).toMatchObject({ reason: { code: 'ABORTED', isOutcomeUnknown: false } });
    await turn();
    expect(sent.map(({ method, params }) => [method, params])).toEqual([
      ['transact', ['Lab']],
      ['cancel', [1]],
    ]);
    say('{"id":1,"error":"canceled"}');
    await expect(rpc.call('echo', [], { deadlineMs: 1 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await expect(rpc.call('echo', [], { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(closed).toEqual([]);
  });

  it('blames a peer that asks for echoes and does not read the answers', () => {
    const { say, closed } = makeRig({ limits: { outgoingBytesMax: 10 }, holdsBack: true });
    for (let round = 0; round < 5; round += 1) say('{"id":"echo","method":"echo","params":["xxxxxxxxxxxxxxxxxxxx"]}');
    expect(closed.map(({ code }) => code)).toEqual(['PEER_PROTOCOL']);
  });

  it('fails what is pending when the peer hangs up, also inside a message', async () => {
    const { rpc, say, stream, closed } = makeRig();
    const call = rpc.call('echo', []);
    say('{"id":1,');
    stream.emit('end');
    await expect(call).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(closed[0]?.code).toBe('PEER_PROTOCOL');
    rpc.close(new AgentError('CLIENT_CLOSED', 'twice'));
    expect(closed).toHaveLength(1);
  });

  it('counts what went over the wire', async () => {
    const { rpc, say } = makeRig();
    const call = rpc.call('echo', []);
    say('{"id":1,"result":[]}');
    await call;
    expect(rpc).toMatchObject({ bytesIn: 20, messagesIn: 1, messagesOut: 1, bytesOut: 36, inFlight: 0 });
  });
});
