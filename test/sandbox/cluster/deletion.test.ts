import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { textAt, valueAt } from '../../../src/sandbox/cluster/json.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { podOf } from './fixtures.js';

let cluster: ClusterApi;
const web = { namespace: 'default', name: 'web' };

beforeEach(() => {
  cluster = new ClusterApi({ kubelet: 'manual' });
});

const isThere = (): boolean => cluster.direct.find('pods', web) !== undefined;

describe('deleting a pod', () => {
  it('that runs on a node marks it and waits for the kubelet', () => {
    cluster.direct.create('pods', podOf('web'));
    const { object, isGone } = cluster.direct.delete('pods', web);
    expect(isGone).toBe(false);
    expect(valueAt(object, 'metadata', 'deletionGracePeriodSeconds')).toBe(30);
    const leftMs = Date.parse(textAt(object, 'metadata', 'deletionTimestamp')) - cluster.nowMs();
    expect(leftMs).toBeGreaterThan(20_000);
    expect(cluster.finishDeletions()).toBe(1);
    expect(isThere()).toBe(false);
  });

  it('can be made quicker but not slower', () => {
    cluster.direct.create('pods', podOf('web'));
    const first = cluster.direct.delete('pods', web, { graceSeconds: 60 }).object;
    expect(cluster.direct.delete('pods', web, { graceSeconds: 100 }).object).toEqual(first);
    const second = cluster.direct.delete('pods', web, { graceSeconds: 10 }).object;
    const [longMs, shortMs] = [first, second].map((pod) => Date.parse(textAt(pod, 'metadata', 'deletionTimestamp')));
    expect(longMs! - shortMs!).toBe(50_000);
    expect(cluster.direct.delete('pods', web, { graceSeconds: 0 }).isGone).toBe(true);
  });

  it('that no node runs, or that has ended, removes it at once', () => {
    cluster.direct.create('pods', { ...podOf('web'), spec: { containers: [{ name: 'c', image: 'i' }] } });
    expect(cluster.direct.delete('pods', web).isGone).toBe(true);
    cluster.direct.create('pods', podOf('web'));
    const ended = [{ op: 'replace', path: '/status/phase', value: 'Succeeded' }];
    cluster.direct.patch('pods', { ...web, subresource: 'status' }, ended);
    expect(cluster.direct.delete('pods', web).isGone).toBe(true);
  });

  it('keeps it as long as a finalizer holds it', () => {
    cluster.direct.create('pods', podOf('web', { finalizers: ['example.com/hold'] }));
    expect(cluster.direct.delete('pods', web, { graceSeconds: 0 }).isGone).toBe(false);
    cluster.direct.patch('pods', web, [{ op: 'remove', path: '/metadata/finalizers' }]);
    expect(isThere()).toBe(false);
  });

  it('of another incarnation is refused', () => {
    cluster.direct.create('pods', podOf('web'));
    expect(() => cluster.direct.delete('pods', web, { uid: 'of-the-former-pod' })).toThrow(/Precondition failed/);
    expect(() => cluster.direct.delete('pods', web, { resourceVersion: '1' })).toThrow(/has been modified/);
    expect(isThere()).toBe(true);
  });

  it('is finished by the kubelet that is played here, unless a new pod took the name', async () => {
    cluster.kubelet = 20;
    cluster.direct.create('pods', podOf('web'));
    cluster.direct.delete('pods', web);
    cluster.direct.delete('pods', web, { graceSeconds: 0 });
    const successor = cluster.direct.create('pods', podOf('web'));
    cluster.direct.create('pods', podOf('other'));
    cluster.direct.delete('pods', { namespace: 'default', name: 'other' });
    await eventually(() => cluster.direct.find('pods', { namespace: 'default', name: 'other' }) === undefined);
    expect(cluster.direct.get('pods', web)).toEqual(successor);
  });
});

describe('deleting a namespace', () => {
  const phase = (): string => textAt(cluster.direct.find('namespaces', { name: 'n' }), 'status', 'phase');

  it('takes everything in it, and lasts until the last of it is gone', async () => {
    cluster.direct.create('namespaces', { metadata: { name: 'n' } });
    cluster.direct.create('pods', podOf('web', { namespace: 'n' }));
    cluster.direct.create('configmaps', { metadata: { name: 'c', namespace: 'n' } });
    expect(cluster.direct.delete('namespaces', { name: 'n' }).isGone).toBe(false);
    expect(phase()).toBe('Terminating');
    expect(cluster.direct.list('configmaps', { namespace: 'n' })).toEqual([]);
    expect(() => cluster.direct.create('pods', podOf('late', { namespace: 'n' }))).toThrow(/being terminated/);
    cluster.finishDeletions('n');
    await eventually(() => cluster.direct.find('namespaces', { name: 'n' }) === undefined);
  });

  it('that is empty removes it at once', () => {
    cluster.direct.create('namespaces', { metadata: { name: 'n' } });
    expect(cluster.direct.delete('namespaces', { name: 'n' }).isGone).toBe(true);
  });
});
