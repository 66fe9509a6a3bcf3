import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { textAt } from '../../../src/sandbox/cluster/json.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { ask, open, podOf, watch } from './fixtures.js';

let cluster: ClusterApi;
const pods = '/api/v1/namespaces/default/pods';

beforeEach(async () => {
  cluster = new ClusterApi({ isTls: false });
  await cluster.start();
});
afterEach(async () => {
  expect(cluster.bugs).toEqual([]);
  await cluster.close();
});

const isThere = (name: string): boolean => cluster.direct.find('pods', { name }) !== undefined;

describe('faults on order', () => {
  it('refuse the next matching requests and no others', async () => {
    cluster.faults.refuse({ status: 429, retryAfterSeconds: 7, times: 2, match: { verb: 'list', resource: 'pods' } });
    expect((await ask(cluster, '/api/v1/nodes')).status).toBe(200);
    const first = await ask(cluster, pods);
    expect([first.status, first.headers['retry-after'], textAt(first.body, 'reason')]).toEqual([
      429,
      '7',
      'TooManyRequests',
    ]);
    expect((await ask(cluster, pods)).status).toBe(429);
    expect((await ask(cluster, pods)).status).toBe(200);
    expect(cluster.audit.entries().map((entry) => entry.isFault)).toEqual([false, true, true, false]);
  });

  it('carry a request out and lose the answer', async () => {
    cluster.faults.loseReply({ match: { verb: 'create' } });
    await expect(ask(cluster, pods, { method: 'POST', body: podOf('a') })).rejects.toThrow();
    expect(isThere('a')).toBe(true);
  });

  it('lose a request that is then not carried out', async () => {
    cluster.faults.loseRequest({ match: { verb: 'create' } });
    await expect(ask(cluster, pods, { method: 'POST', body: podOf('a') })).rejects.toThrow();
    expect(isThere('a')).toBe(false);
  });

  it('answer with what is no JSON', async () => {
    cluster.faults.garble();
    await expect(ask(cluster, pods)).rejects.toThrow(SyntaxError);
    cluster.faults.garble();
    cluster.faults.clear();
    expect((await ask(cluster, pods)).status).toBe(200);
  });

  it('answer late', async () => {
    cluster.faults.delay({ delayMs: 200, match: { verb: 'list' } });
    const order: string[] = [];
    await Promise.all([
      ask(cluster, pods).then(() => order.push('delayed')),
      ask(cluster, '/version').then(() => order.push('prompt')),
    ]);
    expect(order).toEqual(['prompt', 'delayed']);
  });

  it('freeze everything, open watches too, and go on where they were', async () => {
    const stream = await watch(cluster, `${pods}?watch=true`);
    await eventually(() => cluster.watchCount === 1);
    cluster.faults.freeze();
    cluster.direct.create('pods', podOf('a'));
    const answers: number[] = [];
    const events: unknown[] = [];
    const asked = ask(cluster, '/version').then(({ status }) => answers.push(status));
    const heard = stream.next().then((event) => events.push(textAt(event?.object, 'metadata', 'name')));
    // A connection is accepted all the same: that is what makes a frozen server hard to tell from a slow one.
    await new Promise<void>((resolve) => {
      const socket = connect(cluster.port, '127.0.0.1', () => {
        socket.destroy();
        resolve();
      });
    });
    expect([answers, events]).toEqual([[], []]);
    cluster.faults.thaw();
    await Promise.all([asked, heard]);
    expect([answers, events]).toEqual([[200], ['a']]);
    stream.close();
  });

  it('do not carry out what was asked of a frozen server that then died', async () => {
    cluster.faults.freeze();
    const asked = ask(cluster, pods, { method: 'POST', body: podOf('a') });
    asked.catch(() => undefined);
    await eventually(() => cluster.cutConnections() > 0);
    await expect(asked).rejects.toThrow();
    cluster.faults.thaw();
    await ask(cluster, '/version');
    expect(isThere('a')).toBe(false);
  });

  it('cut watches, with half an event where wanted', async () => {
    const [plain, half, next] = await Promise.all([1, 2, 3].map(() => watch(cluster, `${pods}?watch=true`)));
    await eventually(() => cluster.watchCount === 3);
    plain!.close();
    await eventually(() => cluster.watchCount === 2);
    expect(cluster.faults.cutWatches({ match: { resource: 'nodes' } })).toBe(0);
    expect(cluster.faults.cutWatchesInNextEvent({ resource: 'pods' })).toBe(2);
    cluster.direct.create('pods', podOf('a'));
    await expect(half!.next()).rejects.toThrow();
    await expect(next!.next()).rejects.toThrow();
    await eventually(() => cluster.watchCount === 0);
  });

  it('put a line that is no event into a watch', async () => {
    const stream = await watch(cluster, `${pods}?watch=true`);
    await eventually(() => cluster.watchCount === 1);
    cluster.faults.garbleWatches('{"type":');
    await expect(stream.next()).rejects.toThrow(SyntaxError);
    stream.close();
  });
});

describe('the server', () => {
  it('dies with its connections and comes back on the same port with its data', async () => {
    cluster.direct.create('pods', podOf('a'));
    const { port } = cluster;
    const stream = await watch(cluster, `${pods}?watch=true&resourceVersion=${cluster.revision}`);
    await cluster.stop();
    await expect(stream.next()).rejects.toThrow();
    await expect(ask(cluster, pods)).rejects.toThrow();
    await cluster.start();
    expect(cluster.port).toBe(port);
    expect((await ask(cluster, `${pods}/a`)).status).toBe(200);
  });

  it('says in every answer that it is embedded, and what time it takes it to be', async () => {
    cluster.setSkew(3_600_000);
    const { headers } = await ask(cluster, pods);
    expect(headers['x-embedded-cluster']).toBe('embedded+dpu-node-agent');
    expect(Date.parse(headers.date ?? '') - Date.now()).toBeGreaterThan(3_000_000);
  });

  it('takes no body above its limit, and no kind of body or path that it does not know', async () => {
    const large = podOf('a', { annotations: { a: 'x'.repeat(4 * 1024 * 1024) } });
    expect((await ask(cluster, pods, { method: 'POST', body: large })).status).toBe(413);
    expect((await ask(cluster, pods, { method: 'POST', body: {}, contentType: 'text/plain' })).status).toBe(415);
    expect((await ask(cluster, '/api/v1/gadgets')).status).toBe(404);
    expect((await ask(cluster, `${pods}/%ff`)).status).toBe(400);
    expect((await ask(cluster, pods, { method: 'PUT', body: {} })).status).toBe(405);
    expect((await ask(cluster, `${pods}/a/frob`)).status).toBe(404);
  });

  it('survives a client that hangs up in the middle of anything', async () => {
    const response = await open(cluster, `${pods}?watch=true`);
    response.destroy();
    await new Promise<void>((resolve) => {
      const socket = connect(cluster.port, '127.0.0.1', () => {
        socket.write(`POST ${pods} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"ki`, () => {
          socket.destroy();
          resolve();
        });
      });
    });
    await eventually(() => cluster.watchCount === 0);
    expect((await ask(cluster, pods)).status).toBe(200);
  });
});
