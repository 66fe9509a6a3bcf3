import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import { KubeClient } from '../../src/kube/client.js';
import { kubeChannelName } from '../../src/kube/events.js';
import type { KubeEvent } from '../../src/kube/events.js';
import { Reflector } from '../../src/kube/reflector.js';
import type { ReflectorOptions } from '../../src/kube/reflector-options.js';
import { identityOf, textMember } from '../../src/kube/json-value.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { FakeApiServer, sendJson, sendStatus, status } from './fake-api-server.js';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Quick, so that failures cost a test milliseconds. */
const timing = {
  idleMsMax: 2_000,
  usefulMsMin: 0,
  auditGapMs: 0,
  auditMsMax: 0,
  backoff: { baseMs: 10, capMs: 40 },
  pageSize: 3,
};

async function makeServer(): Promise<FakeApiServer> {
  const server = await new FakeApiServer().listen();
  cleanups.push(() => server.stop());
  return server;
}

function view(object: unknown): { uid: string; resourceVersion: string; value: string } | undefined {
  const identity = identityOf(object);
  const text = textMember(object, 'text');
  return identity === undefined || text === undefined || text === 'boring' ? undefined : { ...identity, value: text };
}

function makeReflector(
  server: { readonly url: string },
  options: Partial<ReflectorOptions<string>> = {},
): Reflector<string> {
  const client = new KubeClient({ access: { kind: 'server', server: server.url }, deadlineMs: 5_000 });
  const reflector = new Reflector<string>({
    client,
    clock: systemClock,
    random: () => 0.5,
    path: '/api/v1/pods',
    query: { fieldSelector: 'spec.nodeName=n1' },
    view,
    ...options,
    timing: { ...timing, ...options.timing },
  });
  cleanups.push(async () => {
    await reflector.close();
    client.close();
  });
  reflector.start();
  return reflector;
}

function held(reflector: Reflector<string>): Record<string, string> {
  return Object.fromEntries([...reflector.items()].sort());
}

function truth(server: FakeApiServer): Record<string, string> {
  const interesting = [...server.objects.values()].filter(({ text }) => text !== 'boring');
  return Object.fromEntries(interesting.map(({ metadata, text }) => [metadata.uid, text] as const).sort());
}

async function untilSame(reflector: Reflector<string>, server: FakeApiServer): Promise<void> {
  const isSame = (): boolean =>
    reflector.state().kind === 'synced' && JSON.stringify(held(reflector)) === JSON.stringify(truth(server));
  try {
    await eventually(isSame, 'the reflector holds what the server has');
  } catch (error) {
    expect(held(reflector)).toEqual(truth(server));
    throw error;
  }
}

describe('a reflector', () => {
  it('lists in pages, then follows additions, changes and deletions', async () => {
    const server = await makeServer();
    for (let index = 0; index < 8; index += 1) server.put(`pod-${index}`, 'first');
    const reflector = makeReflector(server);
    await untilSame(reflector, server);
    expect(server.lists().map(({ query }) => query.get('limit'))).toEqual(['3', '3', '3']);
    expect(server.lists().every(({ query }) => query.get('fieldSelector') === 'spec.nodeName=n1')).toBe(true);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    server.put('pod-8', 'added');
    server.put('pod-0', 'changed');
    server.delete('pod-1');
    await untilSame(reflector, server);
    expect([...reflector.deleted]).toEqual(['uid-pod-1']);
    expect(reflector.stats()).toMatchObject({ lists: 1, relists: 0, watches: 1, events: 3 });
  });

  it('asks for bookmarks and a bounded watch, and resumes from the last bookmark', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    const reflector = makeReflector(server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    const [first] = server.watches();
    expect(first?.query.get('allowWatchBookmarks')).toBe('true');
    expect(first?.query.get('timeoutSeconds')).toBe('450');
    server.bookmark(5000);
    await eventually(() => reflector.stats().bookmarks === 1, 'the bookmark was read');
    server.endWatches();
    await eventually(() => server.watches().length === 2, 'it watches again');
    expect(server.watches()[1]?.query.get('resourceVersion')).toBe('5000');
    expect(reflector.state().kind).toBe('synced');
  });

  it('drops an object that is of no interest any more, and tells a new incarnation from the old', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    server.put('b', 'one');
    const reflector = makeReflector(server);
    await untilSame(reflector, server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    server.put('a', 'boring');
    server.put('b', 'again', 'uid-b-2');
    await untilSame(reflector, server);
    expect(held(reflector)).toEqual({ 'uid-b-2': 'again' });
    expect([...reflector.deleted]).toEqual(['uid-b']);
  });

  it('starts over when the version expires in the middle of the pages', async () => {
    const server = await makeServer();
    for (let index = 0; index < 5; index += 1) server.put(`pod-${index}`, 'first');
    server.once.push((request, response, asked) => {
      server.serve(request, response, asked);
      server.delete('pod-0');
      server.compact();
    });
    const reflector = makeReflector(server);
    await untilSame(reflector, server);
    expect(reflector.stats().errors.get('KUBE_GONE')).toBe(1);
    expect(held(reflector)['uid-pod-0']).toBeUndefined();
  });

  it('lists anew after 410 in the stream, without counting what is missing as deleted', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    server.put('b', 'one');
    const reflector = makeReflector(server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    server.cut();
    server.delete('a');
    server.put('c', 'one');
    server.compact();
    await untilSame(reflector, server);
    expect(held(reflector)).toEqual({ 'uid-b': 'one', 'uid-c': 'one' });
    expect([...reflector.deleted]).toEqual([]);
    expect(reflector.stats().relists).toBeGreaterThanOrEqual(1);
  });

  it('lists anew after 410 as the answer to the watch', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    server.once.push(
      (request, response, asked) => server.serve(request, response, asked),
      (_request, response) => sendStatus(response, 410, 'Expired', 'too old'),
    );
    const reflector = makeReflector(server);
    await eventually(() => reflector.stats().relists === 1, 'it listed anew');
    await untilSame(reflector, server);
  });

  it.each([401, 403, 429, 500, 503])('survives status %i and goes on', async (code) => {
    const server = await makeServer();
    server.put('a', 'one');
    let refusals = 3;
    server.always = (request, response, asked) => {
      refusals -= 1;
      if (refusals >= 0) sendStatus(response, code, 'No', 'not now', { 'retry-after': '0' });
      else server.serve(request, response, asked);
    };
    const reflector = makeReflector(server);
    await untilSame(reflector, server);
    expect(reflector.state().lastError).toBeUndefined();
  });

  it('says what is wrong and keeps what it has while the server refuses it', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    const reflector = makeReflector(server);
    await untilSame(reflector, server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    let changes = 0;
    reflector.onChange(() => (changes += 1));
    server.always = (_request, response) => sendStatus(response, 403, 'Forbidden', 'pods is forbidden');
    server.cut();
    await eventually(() => reflector.state().lastError?.code === 'KUBE_FORBIDDEN', 'the refusal is told');
    expect(reflector.state().kind).toBe('stale');
    expect(reflector.state().lastError?.message).toContain('pods is forbidden');
    expect(held(reflector)).toEqual({ 'uid-a': 'one' });
    expect(changes).toBeGreaterThan(0);
    server.always = undefined;
    await untilSame(reflector, server);
  });

  it('outlives an error in the stream and a server that is away', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    const reflector = makeReflector(server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    server.write(`${JSON.stringify({ type: 'ERROR', object: status(500, 'InternalError', 'etcd is slow') })}\n`);
    await eventually(() => reflector.stats().errors.get('KUBE_SERVER_ERROR') === 1, 'the error was counted');
    await untilSame(reflector, server);
    await server.stop();
    await eventually(() => (reflector.stats().errors.get('CONNECT_FAILED') ?? 0) >= 3, 'it keeps trying');
    expect(reflector.state().kind).toBe('stale');
    server.put('b', 'while away');
    server.delete('a');
    await server.listen();
    await untilSame(reflector, server);
  });

  it('hangs up on a connection that is half open, and resumes', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    // Accepts the watch, and never says anything again.
    const mute: unknown[] = [];
    server.once.push(
      (request, response, asked) => server.serve(request, response, asked),
      (_request, response) => {
        response.writeHead(200).flushHeaders();
        mute.push(response);
      },
    );
    const reflector = makeReflector(server, { timing: { idleMsMax: 100 } });
    await eventually(() => mute.length === 1 && reflector.state().kind === 'synced', 'the mute watch is up');
    server.put('b', 'unheard');
    await eventually(() => reflector.items().size === 2, 'the change came by another connection');
    expect(reflector.stats().errors.get('CONNECTION_LOST')).toBeGreaterThanOrEqual(1);
  });

  it('resumes after a cut within an event, losing and repeating nothing', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    const reflector = makeReflector(server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    const { lastEventMs } = reflector.stats();
    server.write('{"type":"MODIFIED","object":{"metadata":{"na');
    await eventually(() => reflector.stats().lastHeardMs !== lastEventMs, 'half an event came');
    server.cut();
    server.put('a', 'two');
    await untilSame(reflector, server);
    expect(held(reflector)).toEqual({ 'uid-a': 'two' });
  });

  it.each([
    ['no JSON', '{"type":\n'],
    ['an unknown type', '{"type":"EXPLODED","object":{"metadata":{"uid":"x","resourceVersion":"1"}}}\n'],
    ['an object without identity', '{"type":"ADDED","object":{}}\n'],
    ['null', 'null\n'],
  ])('drops the connection over %s and resumes', async (_what, line) => {
    const server = await makeServer();
    server.put('a', 'one');
    const reflector = makeReflector(server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    server.write(line);
    await eventually(() => reflector.stats().malformed === 1, 'the event was counted');
    server.put('b', 'after');
    await untilSame(reflector, server);
  });

  it('passes over an event that comes broken every time', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    let broken = 0;
    server.always = (request, response, asked) => {
      if (asked.query.get('watch') === null || asked.query.get('resourceVersion') !== '101') {
        server.serve(request, response, asked);
        return;
      }
      broken += 1;
      // Here, not after a wait: a poll may see the third one only, and then nothing new is there to be listed.
      if (broken === 1) server.put('b', 'after');
      response.writeHead(200);
      response.end('{"type":"MOD\n');
    };
    const reflector = makeReflector(server, { timing: { usefulMsMin: 60_000 } });
    await eventually(() => broken >= 1, 'the first broken event');
    await untilSame(reflector, server);
    expect(broken).toBe(3);
    expect(reflector.stats().relists).toBe(1);
  });

  it('notices by an event that the server came back with older data', async () => {
    const server = await makeServer();
    const old = server.put('a', 'one');
    for (let index = 0; index < 20; index += 1) server.put('b', `state ${index}`);
    const reflector = makeReflector(server, { timing: { auditMsMax: 60_000, auditGapMs: 60_000 } });
    await untilSame(reflector, server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    server.restore(101, [old]);
    server.bookmark();
    await untilSame(reflector, server);
    expect(held(reflector)).toEqual({ 'uid-a': 'one' });
    expect([...reflector.deleted]).toEqual([]);
  });

  it('notices by its audit that the server was away and came back with older data', async () => {
    const server = await makeServer();
    const old = server.put('a', 'one');
    for (let index = 0; index < 20; index += 1) server.put('b', `state ${index}`);
    const reflector = makeReflector(server);
    await untilSame(reflector, server);
    await server.stop();
    await eventually(() => reflector.state().kind === 'stale', 'it is stale');
    server.restore(101, [old]);
    await server.listen();
    await untilSame(reflector, server);
    expect(held(reflector)).toEqual({ 'uid-a': 'one' });
  });

  it('lists anew when the server says that it is behind the version', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    const tooLarge = {
      ...status(504, 'Timeout', 'Too large resource version: 101, current: 7'),
      details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
    };
    server.once.push(
      (request, response, asked) => server.serve(request, response, asked),
      (_request, response) => sendJson(response, 504, tooLarge),
    );
    const reflector = makeReflector(server);
    await eventually(() => reflector.stats().relists === 1, 'it listed anew');
    await untilSame(reflector, server);
  });

  it('asks for smaller pages when one is too large', async () => {
    const server = await makeServer();
    for (let index = 0; index < 9; index += 1) server.put(`pod-${index}`, 'x'.repeat(1000));
    const reflector = makeReflector(server, { timing: { pageSize: 16 }, limits: { pageSizeBytesMax: 6_000 } });
    await untilSame(reflector, server);
    expect(server.lists().map(({ query }) => query.get('limit'))).toEqual(['16', '4', '4', '4']);
  });

  it('refuses more objects than it may hold, and says so', async () => {
    const server = await makeServer();
    for (let index = 0; index < 9; index += 1) server.put(`pod-${index}`, 'first');
    const reflector = makeReflector(server, { limits: { itemsMax: 8 } });
    await eventually(() => reflector.state().lastError?.code === 'LIMIT_EXCEEDED', 'the limit is told');
    expect(reflector.isListed).toBe(false);
    server.delete('pod-0');
    await untilSame(reflector, server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    server.put('pod-9', 'one too many');
    await eventually(() => reflector.stats().errors.get('LIMIT_EXCEEDED') !== undefined, 'the limit is told again');
    expect(reflector.items().size).toBeLessThanOrEqual(8);
  });

  it('keeps what a write returned against events that are older', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    const reflector = makeReflector(server);
    await untilSame(reflector, server);
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    const written = { metadata: { name: 'a', uid: 'uid-a', resourceVersion: '104' }, text: 'written' };
    reflector.accept(written);
    expect(held(reflector)).toEqual({ 'uid-a': 'written' });
    server.put('a', 'older, in flight');
    server.put('b', 'to see that it was read');
    await eventually(() => reflector.items().has('uid-b'), 'both events were read');
    expect(reflector.items().get('uid-a')).toBe('written');
    server.put('a', 'written');
    server.put('a', 'after');
    await untilSame(reflector, server);
  });

  it('tells on its channel what it listed, what failed and when it is in sync', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    server.once.push((_request, response) => sendStatus(response, 503, 'Busy', 'later', { 'retry-after': '0' }));
    const told: KubeEvent[] = [];
    const listen = (message: unknown): void => void told.push(message as KubeEvent);
    subscribe(kubeChannelName, listen);
    cleanups.push(() => void unsubscribe(kubeChannelName, listen));
    const reflector = makeReflector(server);
    await untilSame(reflector, server);
    expect(told.map(({ kind }) => kind)).toEqual(['failed', 'listed', 'synced']);
    expect(told[0]).toMatchObject({ path: '/api/v1/pods', error: { code: 'KUBE_SERVER_ERROR' } });
    expect(told[1]).toMatchObject({ objectCount: 1, isRelist: false });
  });

  it('can be closed in every state, and is silent afterwards', async () => {
    const server = await makeServer();
    server.put('a', 'one');
    const reflector = makeReflector(server);
    let changes = 0;
    reflector.onChange(() => (changes += 1));
    await eventually(() => server.watchers.size === 1, 'the watch is up');
    await reflector.close();
    const before = changes;
    server.put('b', 'unseen');
    await eventually(() => server.connectionCount <= 1, 'the watch was hung up');
    expect(changes).toBe(before);
    expect(held(reflector)).toEqual({ 'uid-a': 'one' });
  });
});
