import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { textAt, valueAt } from '../../../src/sandbox/cluster/json.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { ask, open, podOf, watch } from './fixtures.js';
import type { TestWatch, WatchEvent } from './fixtures.js';

let cluster: ClusterApi;
const pods = '/api/v1/namespaces/default/pods';

beforeEach(async () => {
  cluster = new ClusterApi({ isTls: false, kubelet: 'manual' });
  await cluster.start();
});
afterEach(async () => {
  expect(cluster.bugs).toEqual([]);
  await cluster.close();
});

const shown = (event: WatchEvent | undefined): unknown =>
  event === undefined ? undefined : [event.type, textAt(event.object, 'metadata', 'name')];

async function take(stream: TestWatch, count: number): Promise<unknown[]> {
  const events: unknown[] = [];
  for (let i = 0; i < count; i += 1) events.push(shown(await stream.next()));
  return events;
}

const label = (name: string, labels: Record<string, string>): unknown =>
  cluster.direct.patch('pods', { name }, [{ op: 'add', path: '/metadata/labels', value: labels }]);

describe('a watch', () => {
  it('starts with what is there when it names no version or 0', async () => {
    cluster.direct.create('pods', podOf('a'));
    for (const version of ['', '&resourceVersion=0']) {
      const stream = await watch(cluster, `${pods}?watch=true${version}`);
      expect(await take(stream, 1)).toEqual([['ADDED', 'a']]);
      stream.close();
    }
  });

  it('starts after the version that it names', async () => {
    cluster.direct.create('pods', podOf('a'));
    const { revision } = cluster;
    cluster.direct.create('pods', podOf('b'));
    cluster.direct.delete('pods', { name: 'a' }, { graceSeconds: 0 });
    const stream = await watch(cluster, `${pods}?watch=1&resourceVersion=${revision}`);
    expect(await take(stream, 2)).toEqual([
      ['ADDED', 'b'],
      ['DELETED', 'a'],
    ]);
    stream.close();
  });

  it('tells what comes to fit its selectors as added and what ceases to as deleted', async () => {
    cluster.direct.create('pods', podOf('a'));
    const from = cluster.revision;
    const stream = await watch(cluster, `${pods}?watch=true&labelSelector=on%3Dyes&resourceVersion=${from}`);
    label('a', { on: 'yes' });
    label('a', { on: 'yes', more: 'x' });
    label('a', { on: 'no' });
    label('a', { on: 'yes' });
    expect(await take(stream, 3)).toEqual([
      ['ADDED', 'a'],
      ['MODIFIED', 'a'],
      ['DELETED', 'a'],
    ]);
    const last = await stream.next();
    expect([last?.type, textAt(last?.object, 'metadata', 'resourceVersion')]).toEqual([
      'ADDED',
      String(cluster.revision),
    ]);
    stream.close();
  });

  it('shows what was deleted under the version of its deletion', async () => {
    cluster.direct.create('pods', podOf('a', { labels: { on: 'yes' } }));
    const stream = await watch(
      cluster,
      `${pods}?watch=true&labelSelector=on%3Dyes&resourceVersion=${cluster.revision}`,
    );
    label('a', { on: 'no' });
    const event = await stream.next();
    expect(valueAt(event?.object, 'metadata', 'labels')).toEqual({ on: 'yes' });
    expect(textAt(event?.object, 'metadata', 'resourceVersion')).toBe(String(cluster.revision));
    stream.close();
  });

  it('sends bookmarks to those who take them, and no version twice backwards', async () => {
    const from = cluster.revision;
    const stream = await watch(cluster, `${pods}?watch=true&allowWatchBookmarks=true&resourceVersion=${from}`);
    cluster.direct.create('configmaps', { metadata: { name: 'elsewhere' } });
    await eventually(() => cluster.watchCount === 1);
    cluster.bookmark();
    const event = await stream.next();
    expect(event).toEqual({
      type: 'BOOKMARK',
      object: {
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: { resourceVersion: String(cluster.revision), creationTimestamp: null },
      },
    });
    stream.close();
  });

  it('marks the end of the initial events when asked to send them', async () => {
    cluster.direct.create('pods', podOf('a'));
    const query = 'watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
    const stream = await watch(cluster, `${pods}?${query}`);
    expect(await take(stream, 1)).toEqual([['ADDED', 'a']]);
    const mark = await stream.next();
    expect(valueAt(mark?.object, 'metadata', 'annotations')).toEqual({ 'k8s.io/initial-events-end': 'true' });
    stream.close();
  });

  it('from before a compaction is told 410 in the stream, which then ends', async () => {
    const from = cluster.revision;
    cluster.direct.create('pods', podOf('a'));
    cluster.compact();
    const stream = await watch(cluster, `${pods}?watch=true&resourceVersion=${from}`);
    const event = await stream.next();
    expect(event).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
    expect(await stream.next()).toBeUndefined();
  });

  it('from a version that was lost is silent until the counter has passed it', async () => {
    const old = cluster.snapshot();
    cluster.direct.create('pods', podOf('lost'));
    cluster.skipRevisions(1);
    const from = cluster.revision;
    await cluster.stop();
    cluster.restore(old);
    await cluster.start();
    const stream = await watch(cluster, `${pods}?watch=true&resourceVersion=${from}`);
    for (const name of ['a', 'b', 'c']) cluster.direct.create('pods', podOf(name));
    expect(shown(await stream.next())).toEqual(['ADDED', 'c']);
    const { status, body } = await ask(cluster, `${pods}?resourceVersion=${from + 10}`);
    expect([status, textAt(body, 'reason')]).toEqual([504, 'Timeout']);
    stream.close();
  });

  it('ends in order when its time is up', async () => {
    const stream = await watch(cluster, `${pods}?watch=true&timeoutSeconds=1`);
    expect(await stream.next()).toBeUndefined();
    expect(cluster.watchCount).toBe(0);
  });

  it('of a client that does not read is cut, and the others go on', async () => {
    await cluster.close();
    cluster = new ClusterApi({ isTls: false, backlogBytesMax: 256 * 1024 });
    await cluster.start();
    const slow = await open(cluster, `${pods}?watch=true`);
    const quick = await watch(cluster, `${pods}?watch=true`);
    slow.pause();
    await eventually(() => cluster.watchCount === 2);
    const drained = (async (): Promise<number> => {
      let count = 0;
      while ((await quick.next()) !== undefined) if ((count += 1) === 400) return count;
      return count;
    })();
    for (let i = 0; i < 400; i += 1) {
      cluster.direct.create('pods', podOf(`p${i}`, { annotations: { a: 'x'.repeat(100_000) } }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await drained).toBe(400);
    await eventually(() => cluster.watchCount === 1);
    quick.close();
    slow.destroy();
  });

  it('refuses selectors that it does not know before the stream begins', async () => {
    expect((await ask(cluster, `${pods}?watch=true&fieldSelector=spec.foo%3D1`)).status).toBe(400);
    expect((await ask(cluster, `${pods}?watch=true&resourceVersion=abc`)).status).toBe(400);
  });
});
