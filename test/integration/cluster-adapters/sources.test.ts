import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterNetworks } from '../../../src/adapters/cluster-networks.js';
import { ClusterPods } from '../../../src/adapters/cluster-pods.js';
import { systemClock } from '../../../src/lib/clock.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { HostCluster, nodeName } from './host-cluster.js';

describe('what is read of the host cluster', () => {
  let cluster: HostCluster;
  const closing: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    cluster = await HostCluster.start();
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await cluster.close();
  });

  async function watchPods(): Promise<ClusterPods> {
    const pods = new ClusterPods({ client: await cluster.client(), clock: systemClock, random: Math.random });
    closing.push(() => pods.close());
    pods.start();
    return pods;
  }
  const names = (pods: ClusterPods): string =>
    [...(pods.snapshot()?.pods.values() ?? [])]
      .map(({ name }) => name)
      .sort()
      .join();

  it('are the pods of the node, as kubectl makes, marks and deletes them', async () => {
    cluster.makePod('web');
    const pods = await watchPods();
    pods.setNodeName(nodeName);
    await eventually(() => names(pods) === 'web', 'the pod is listed');
    const { uid } = [...pods.snapshot()!.pods.values()][0]!;
    cluster.makePod('db');
    await eventually(() => names(pods) === 'db,web', 'the new pod is seen');
    await cluster.kubectl('annotate', 'pod', '-n', 'shop', 'web', 'kubernetes.io/ingress-bandwidth=10M');
    await eventually(
      () => pods.snapshot()?.pods.get(uid)?.annotations.ingressBandwidth === '10M',
      'the annotation is seen',
    );
    await cluster.kubectl('delete', 'pod', '-n', 'shop', 'web');
    await eventually(() => names(pods) === 'db', 'the pod leaves');
    expect([...(pods.snapshot()?.deleted ?? [])]).toEqual([uid]);
  });

  it('are not taken for gone when the node turns out to have another name', async () => {
    cluster.makePod('web');
    const pods = await watchPods();
    pods.setNodeName(nodeName);
    await eventually(() => names(pods) === 'web', 'the pod is listed');
    pods.setNodeName('host-b');
    expect(pods.snapshot()).toBeUndefined();
    await eventually(() => pods.snapshot() !== undefined, 'the other node is listed');
    expect(names(pods)).toBe('');
    expect(pods.snapshot()?.deleted.size).toBe(0);
  });

  it('stay known while the API server is down, and are current again afterwards', async () => {
    cluster.makePod('web');
    const pods = await watchPods();
    pods.setNodeName(nodeName);
    await eventually(() => pods.state().kind === 'synced', 'the pods are listed');
    await cluster.api.stop();
    await eventually(() => pods.state().kind === 'stale', 'the outage is noticed');
    expect(names(pods)).toBe('web');
    cluster.makePod('db');
    await cluster.api.start();
    await eventually(() => names(pods) === 'db,web', 'the change of that time is seen', 60_000);
    await eventually(() => pods.state().kind === 'synced', 'it is synced');
  });

  it('are the networks that NetworkAttachmentDefinitions describe', async () => {
    const config = JSON.stringify({ cniVersion: '1.0.0', type: 'ovn-k8s-cni-overlay', name: 'blue-net', mtu: 1400 });
    cluster.api.direct.create('network-attachment-definitions.k8s.cni.cncf.io', {
      metadata: { name: 'blue', namespace: 'shop' },
      spec: { config },
    });
    const networks = new ClusterNetworks({ client: await cluster.client(), clock: systemClock, random: Math.random });
    closing.push(() => networks.close());
    expect(networks.find('shop', 'blue')).toBe('pending');
    await eventually(() => networks.find('shop', 'blue') !== 'pending', 'the networks are listed');
    expect(networks.find('shop', 'blue')).toEqual({ networkName: 'blue-net', mtu: 1400 });
    expect(networks.find('shop', 'red')).toBe('absent');
  });

  it('may be withheld, with the missing right in the message', async () => {
    const networks = new ClusterNetworks({
      client: await cluster.client('poor'),
      clock: systemClock,
      random: Math.random,
    });
    closing.push(() => networks.close());
    expect(networks.find('shop', 'blue')).toBe('pending');
    await eventually(() => JSON.stringify(networks.state()).includes('KUBE_FORBIDDEN'), 'the right is named');
    expect(networks.find('shop', 'blue')).toBe('pending');
  });
});
