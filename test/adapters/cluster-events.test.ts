import { afterEach, describe, expect, it } from 'vitest';
import { ClusterEvents } from '../../src/adapters/cluster-events.js';
import { AgentError } from '../../src/lib/errors.js';
import { ManualClock } from '../config/manual-clock.js';
import { FakeRequester, refusal, settle } from '../fakes/kube-requester.js';
import type { Answering, FakeAnswer } from '../fakes/kube-requester.js';
import { podView } from '../fakes/pods.js';
import type { KubeRequest } from '../../src/kube/index.js';

interface StoredEvent {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly count: number;
  readonly message: string;
}

/** An API server that keeps events. */
class EventServer {
  readonly events = new Map<string, StoredEvent>();
  readonly answer = (request: KubeRequest): FakeAnswer => {
    if (request.method === 'POST') {
      const event = request.body as StoredEvent;
      if (this.events.has(event.metadata.name)) return refusal(409, 'AlreadyExists', 'there is one');
      this.events.set(event.metadata.name, event);
      return { status: 201, body: event };
    }
    const name = request.path.split('/').at(-1) ?? '';
    const before = this.events.get(name);
    if (before === undefined) return refusal(404, 'NotFound', `events "${name}" not found`);
    const event = { ...before, ...(request.body as object) };
    this.events.set(name, event);
    return { status: 200, body: event };
  };
}

const sinks: ClusterEvents[] = [];
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close(0);
});

function setup(answering?: Answering) {
  const clock = new ManualClock();
  const server = new EventServer();
  const client = new FakeRequester(answering ?? server.answer);
  const make = (): ClusterEvents => {
    const sink = new ClusterEvents({
      client,
      clock,
      random: () => 0.5,
      reporter: { component: 'dpu-node-agent', instance: 'dpu-7' },
      onBug: (error) => expect.unreachable(String(error)),
    });
    sinks.push(sink);
    return sink;
  };
  const pass = async (ms: number): Promise<void> => {
    await settle();
    clock.advance(ms);
    await settle();
  };
  return { clock, server, client, make, sink: make(), pass };
}

const pod = podView();
const counts = (server: EventServer): readonly number[] => [...server.events.values()].map(({ count }) => count);

describe('the sink of events', () => {
  it('creates the first occurrence in the namespace of the pod', async () => {
    const { client, server, sink, pass } = setup();
    sink.report(pod, 'Warning', 'RepresentorClaimed', 'rep0-3 is taken');
    await pass(30);
    expect(client.requests).toMatchObject([{ method: 'POST', path: '/api/v1/namespaces/shop/events' }]);
    expect([...server.events.values()]).toMatchObject([
      { count: 1, reason: 'RepresentorClaimed', message: 'rep0-3 is taken' },
    ]);
    expect(sink.stats()).toEqual({ sent: 1, failed: 0, dropped: 0, waiting: 0, problem: undefined });
  });

  it('counts repetitions and tells them once a minute, with the newest words', async () => {
    const { client, server, sink, pass } = setup();
    for (let turn = 0; turn < 5; turn += 1) {
      sink.report(pod, 'Warning', 'NotPlugged', `try ${turn}`);
      await pass(1_000);
    }
    expect(client.requests).toHaveLength(1);
    await pass(60_000);
    expect(client.requests.slice(1)).toMatchObject([
      { method: 'PATCH', contentType: 'application/merge-patch+json', body: { count: 5, message: 'try 4' } },
    ]);
    expect(counts(server)).toEqual([5]);
    await pass(600_000);
    expect(client.requests).toHaveLength(2);
  });

  it('keeps reasons and incarnations of a pod apart', async () => {
    const { server, sink, pass } = setup();
    sink.report(pod, 'Normal', 'Attached', 'a');
    sink.report(pod, 'Warning', 'NotPlugged', 'b');
    sink.report(podView({ uid: 'uid-2' }), 'Normal', 'Attached', 'c');
    await pass(30);
    expect(counts(server)).toEqual([1, 1, 1]);
  });

  it('counts on after a restart instead of reporting anew', async () => {
    const { server, sink, make, pass } = setup();
    for (let turn = 0; turn < 3; turn += 1) sink.report(pod, 'Normal', 'Attached', 'a');
    await pass(30);
    const restarted = make();
    restarted.report(pod, 'Normal', 'Attached', 'b');
    await pass(30);
    expect(counts(server)).toEqual([4]);
    restarted.report(pod, 'Normal', 'Attached', 'c');
    await pass(30);
    await pass(60_000);
    expect([...server.events.values()]).toMatchObject([{ count: 5, message: 'c' }]);
  });

  it('begins anew when the server has deleted the event meanwhile', async () => {
    const { server, sink, pass } = setup();
    sink.report(pod, 'Normal', 'Attached', 'a');
    await pass(30);
    server.events.clear();
    sink.report(pod, 'Normal', 'Attached', 'b');
    await pass(30);
    await pass(60_000);
    expect(counts(server)).toEqual([1]);
  });

  it('sends no more than its rates, of one pod and in total, and loses nothing of a burst for that', async () => {
    const { client, server, sink, pass } = setup();
    for (let reason = 0; reason < 30; reason += 1) sink.report(pod, 'Normal', `Reason${reason}`, 'x');
    await pass(30);
    expect(client.requests).toHaveLength(10);
    for (let index = 0; index < 200; index += 1) sink.report(podView({ uid: `u${index}` }), 'Normal', 'Attached', 'x');
    await pass(30);
    expect(client.requests.length).toBeLessThanOrEqual(101);
    for (let second = 0; second < 15; second += 1) await pass(1_000);
    expect(server.events.size).toBe(210);
    for (let minute = 0; minute < 25; minute += 1) await pass(60_000);
    expect(server.events.size).toBe(230);
    expect(sink.stats()).toMatchObject({ dropped: 0, waiting: 0 });
  });

  it('forgets the oldest when nobody takes them, counts what is lost, and sends the rest later', async () => {
    let isAway = true;
    const server = new EventServer();
    const { sink, pass } = setup((request) => {
      if (isAway) throw new AgentError('CONNECT_FAILED', 'the API server cannot be reached');
      return server.answer(request);
    });
    for (let index = 0; index < 700; index += 1) sink.report(podView({ uid: `u${index}` }), 'Normal', 'Attached', 'x');
    await pass(30);
    expect(sink.stats()).toMatchObject({
      dropped: 200,
      waiting: 500,
      problem: expect.stringContaining('reached') as string,
    });
    await pass(120_000);
    isAway = false;
    for (let minute = 0; minute < 10; minute += 1) await pass(60_000);
    expect(server.events.size).toBe(500);
    expect(sink.stats()).toMatchObject({ waiting: 0, problem: undefined });
  });

  it('does not lose an event that is reported again while its first report is on the way and was dropped', async () => {
    const server = new EventServer();
    let release: (() => void) | undefined;
    const { sink, pass } = setup(async (request) => {
      if (release === undefined) await new Promise<void>((resolve) => (release = resolve));
      return server.answer(request);
    });
    sink.report(pod, 'Normal', 'Attached', 'first');
    await pass(30);
    for (let index = 0; index < 500; index += 1) sink.report(podView({ uid: `u${index}` }), 'Normal', 'Attached', 'x');
    sink.report(pod, 'Normal', 'Attached', 'again');
    release?.();
    for (let minute = 0; minute < 10; minute += 1) await pass(60_000);
    expect(sink.stats()).toMatchObject({ waiting: 0 });
    expect([...server.events.values()].some(({ message, count }) => message === 'again' && count === 2)).toBe(true);
  });

  it('leaves the server alone for as long as that asks', async () => {
    const { client, sink, pass } = setup(() => ({ ...refusal(429, 'TooManyRequests', 'later'), retryAfterMs: 90_000 }));
    sink.report(pod, 'Normal', 'Attached', 'x');
    await pass(30);
    await pass(89_000);
    expect(client.requests).toHaveLength(1);
    await pass(2_000);
    expect(client.requests).toHaveLength(2);
  });

  const hopeless: readonly (readonly [string, FakeAnswer])[] = [
    ['its namespace is gone', refusal(404, 'NotFound', 'namespaces "shop" not found')],
    ['the server refuses its content', refusal(422, 'Invalid', 'Event "x" is invalid')],
    [
      'its namespace is going',
      {
        status: 403,
        body: {
          reason: 'Forbidden',
          message: 'being terminated',
          details: { causes: [{ reason: 'NamespaceTerminating' }] },
        },
      },
    ],
  ];
  it.each(hopeless)('drops an event when %s, and goes on with the next', async (_, answer) => {
    const server = new EventServer();
    const { sink, pass } = setup((request) => (request.path.includes('/shop/') ? answer : server.answer(request)));
    sink.report(pod, 'Normal', 'Attached', 'x');
    sink.report(podView({ uid: 'uid-2', namespace: 'other' }), 'Normal', 'Attached', 'x');
    await pass(30);
    expect(server.events.size).toBe(1);
    expect(sink.stats()).toMatchObject({ dropped: 1, failed: 1, waiting: 0 });
  });

  it('asks once a minute whether it may by now', async () => {
    const { client, sink, pass } = setup(() => refusal(403, 'Forbidden', 'cannot create events'));
    for (let index = 0; index < 20; index += 1) sink.report(podView({ uid: `u${index}` }), 'Normal', 'Attached', 'x');
    for (let minute = 0; minute < 5; minute += 1) await pass(60_000);
    expect(client.requests.length).toBeLessThanOrEqual(6);
    expect(sink.stats()).toMatchObject({
      waiting: 20,
      problem: expect.stringContaining('cannot create events') as string,
    });
  });

  it('sends what it has when it is closed, and takes no more', async () => {
    const { server, sink } = setup();
    sink.report(pod, 'Normal', 'Attached', 'x');
    await sink.close();
    sink.report(pod, 'Normal', 'Detached', 'y');
    await settle();
    expect(counts(server)).toEqual([1]);
  });

  it('closes in time although the server answers nothing', async () => {
    const { clock, client, sink, pass } = setup(
      (request) =>
        new Promise((_, reject) => {
          const late = (): void => reject(new AgentError('ABORTED_IN_FLIGHT', 'the request was given up'));
          request.signal?.addEventListener('abort', late);
        }),
    );
    sink.report(pod, 'Normal', 'Attached', 'x');
    await pass(30);
    expect(client.requests).toHaveLength(1);
    let isClosed = false;
    const closing = sink.close(2_000).then(() => (isClosed = true));
    await settle();
    expect(isClosed).toBe(false);
    clock.advance(2_000);
    await closing;
  });

  it('holds the agent to reasons that a machine can read', () => {
    const { sink } = setup();
    expect(() => sink.report(pod, 'Normal', 'not one word', 'x')).toThrow('CamelCase');
  });
});
