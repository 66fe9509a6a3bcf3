import { afterEach, describe, expect, it } from 'vitest';
import { ClusterNetworks } from '../../src/adapters/cluster-networks.js';
import { ManualClock } from '../config/manual-clock.js';
import { FakeCluster, listOf, refusal, settle } from '../fakes/kube-requester.js';
import type { Answering } from '../fakes/kube-requester.js';

const closing: ClusterNetworks[] = [];
afterEach(async () => {
  for (const networks of closing.splice(0)) await networks.close();
});

const nad = (name: string, config: unknown, resourceVersion = '5'): unknown => ({
  metadata: { uid: `uid-${name}`, resourceVersion, namespace: 'shop', name },
  spec: { config },
});
const blue = nad(
  'blue',
  JSON.stringify({ cniVersion: '1.0.0', type: 'ovn-k8s-cni-overlay', name: 'blue-net', mtu: 1400 }),
);

function setup(answering: Answering) {
  const clock = new ManualClock();
  const client = new FakeCluster(answering);
  const networks = new ClusterNetworks({ client, clock, random: () => 0.5 });
  closing.push(networks);
  let changes = 0;
  networks.onChange(() => (changes += 1));
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1_000) {
      clock.advance(Math.min(left, 1_000));
      await settle();
    }
  };
  return { clock, client, networks, pass, changes: () => changes };
}

describe('the networks of the host cluster', () => {
  it('are read only once somebody asks, and then told of', async () => {
    const { client, networks, changes } = setup(() => listOf([blue, nad('broken', '{'), nad('none', undefined)], '10'));
    await settle();
    expect([client.requests, networks.state()]).toEqual([[], undefined]);
    expect(networks.find('shop', 'blue')).toBe('pending');
    await settle();
    expect(changes()).toBeGreaterThan(0);
    expect(client.requests).toMatchObject([{ path: '/apis/k8s.cni.cncf.io/v1/network-attachment-definitions' }]);
    expect(networks.find('shop', 'blue')).toEqual({ networkName: 'blue-net', mtu: 1400 });
    expect(networks.find('shop', 'broken')).toBe('invalid');
    expect(networks.find('shop', 'none')).toBe('invalid');
    expect(networks.find('shop', 'red')).toBe('absent');
    expect(networks.find('other', 'blue')).toBe('absent');
    expect(networks.state()).toEqual({ kind: 'synced', server: 'https://fake:6443' });
  });

  it('follow the watch', async () => {
    const { client, networks } = setup(() => listOf([blue], '10'));
    networks.find('shop', 'blue');
    await settle();
    client.emit('MODIFIED', nad('blue', '{"name":"blue-net"}', '11'));
    expect(networks.find('shop', 'blue')).toEqual({ networkName: 'blue-net', mtu: undefined });
    client.emit('DELETED', nad('blue', '{"name":"blue-net"}', '12'));
    expect(networks.find('shop', 'blue')).toBe('absent');
  });

  it('are absent in a cluster that does not know the kind, which is asked again after minutes', async () => {
    let isInstalled = false;
    const { client, networks, pass, changes } = setup(() =>
      isInstalled ? listOf([blue], '10') : refusal(404, 'NotFound', 'the server could not find the requested resource'),
    );
    networks.find('shop', 'blue');
    await settle();
    expect(networks.find('shop', 'blue')).toBe('absent');
    expect(changes()).toBeGreaterThan(0);
    await pass(299_000);
    expect(networks.find('shop', 'blue')).toBe('absent');
    expect(client.requests).toHaveLength(1);
    await pass(2_000);
    expect(client.requests).toHaveLength(2);
    expect(networks.find('shop', 'blue')).toBe('absent');
    isInstalled = true;
    await pass(301_000);
    expect(networks.find('shop', 'blue')).toMatchObject({ networkName: 'blue-net' });
  });

  it('are pending while they may not be read, and the reason is there to see', async () => {
    const { networks } = setup(() => refusal(403, 'Forbidden', 'cannot list network-attachment-definitions'));
    networks.find('shop', 'blue');
    await settle();
    expect(networks.find('shop', 'blue')).toBe('pending');
    expect(networks.state()).toMatchObject({
      kind: 'connecting',
      code: 'KUBE_FORBIDDEN',
      message: expect.stringContaining('cannot list network-attachment-definitions') as string,
    });
  });

  it('stay known when a server that starts does not know the kind yet', async () => {
    const { client, networks, pass } = setup(() => listOf([blue], '10'));
    networks.find('shop', 'blue');
    await settle();
    client.answer = () => refusal(404, 'NotFound', 'the server could not find the requested resource');
    client.stream = async (request) => {
      await client.request(request);
    };
    client.endWatches();
    await pass(60_000);
    expect(networks.find('shop', 'blue')).toMatchObject({ networkName: 'blue-net' });
    expect(networks.state()).toMatchObject({ kind: 'stale', code: 'KUBE_NOT_FOUND' });
  });

  it('are asked for no more after the end', async () => {
    const { client, networks } = setup(() => listOf([blue], '10'));
    await networks.close();
    expect(networks.find('shop', 'blue')).toBe('pending');
    await settle();
    expect(client.requests).toEqual([]);
  });
});
