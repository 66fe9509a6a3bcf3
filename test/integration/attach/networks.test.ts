/** Pods with more than the default network, and with limits: rows, packets, and what `kubectl describe` shows of it all. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { defaultNetwork, type RunningPod, type StandInNetwork } from '../../../src/sandbox/lab/host-half.js';
import { detailsAnnotation, statusAnnotation } from '../../../src/sandbox/lab/pod-networks.js';
import { attachSays, AttachRig, eventually } from './attach-rig.js';
import { attack, claim, eventsOf, rewrite } from './attackers.js';
import { addressOf, annotation, converged, podNamed, podRequest, readRows, statusOf, type PortRow } from './world.js';

const run = promisify(execFile);

const blue: StandInNetwork = { nad: 'default/blue-net', switchName: 'blue', prefix: '10.245' };

const synced = (agent: AgentProcess): Promise<unknown> =>
  attachSays(agent, ({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug');

function define({ cluster }: AttachRig, name: string, config: string): void {
  cluster.direct.create('network-attachment-definitions', {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'default' },
    spec: { config },
  });
}

const blueConfig = '{"cniVersion":"1.0.0","name":"tenant-blue","type":"ovn-k8s-cni-overlay","mtu":1380}';

const portOf = ({ interfaces }: RunningPod, index = 0): string => `rep0-${interfaces[index]?.request.function.vf ?? 0}`;

async function rowOf(rig: AttachRig, pod: RunningPod, index = 0): Promise<PortRow> {
  const row = (await readRows(rig)).ports.get(portOf(pod, index));
  if (row === undefined) throw new Error(`${portOf(pod, index)} is not there`);
  return row;
}

async function kubectl({ cluster, ovs }: AttachRig, ...args: readonly string[]): Promise<string> {
  const config = await cluster.writeKubeconfig(ovs.dir);
  const { stdout } = await run('kubectl', [`--kubeconfig=${config}`, `--cache-dir=${ovs.dir}/cache`, ...args], {
    timeout: 20_000,
  });
  return stdout;
}

describe('a pod with two networks', () => {
  it('has a port in each, under the names of OVN, and reaches others in both', async () => {
    await using rig = await AttachRig.start({ networks: [defaultNetwork, blue], vfCount: 6 });
    define(rig, 'blue-net', blueConfig);
    const agent = await rig.agent();
    await synced(agent);
    const networks = 'default/blue-net,default/blue-net';
    const [first, second] = await rig.half.runPods([
      { ...podRequest('a'), networks },
      { ...podRequest('b'), networks: 'default/blue-net' },
    ]);
    if (first === undefined || second === undefined) throw new Error('two pods were asked for');
    await converged(rig);
    const { uid } = first.pod.metadata;
    const main = await rowOf(rig, first);
    expect(main.ids).toMatchObject({ 'iface-id': 'default_a', 'iface-id-ver': uid, sandbox: first.sandboxId });
    expect(Object.keys(main.ids)).not.toContain('k8s.ovn.org/nad');
    for (const [index, nadKey] of [
      [1, 'default/blue-net'],
      [2, 'default/blue-net/1'],
    ] as const) {
      const ip = first.interfaces[index]?.cidrs[0];
      expect((await rowOf(rig, first, index)).ids).toMatchObject({
        'iface-id': `${nadKey.replaceAll(/[-/]/g, '.')}_default_a`,
        'iface-id-ver': uid,
        'k8s.ovn.org/network': 'tenant-blue',
        'k8s.ovn.org/nad': nadKey,
        attached_mac: first.interfaces[index]?.mac,
        ip_addresses: ip,
        'vf-netdev-name': portOf(first, index),
      });
    }
    const mtu = await rig.hosts.namespaces.run('dpu', 'cat', `/sys/class/net/${portOf(first, 1)}/mtu`);
    expect(Number(mtu)).toBe(1380);
    for (const index of [0, 1]) {
      await eventually(() => rig.hosts.ping(second.role, addressOf(first, index)), `b reaches a by ${index}`);
    }
    // One network leaves, the others stay as they are.
    const before = await readRows(rig);
    const [, , third] = first.interfaces;
    if (third === undefined) throw new Error('it has three networks');
    await rig.half.cni.del(third.request);
    await eventually(async () => (await rig.ports()).length === 4, 'its port is gone');
    await eventually(
      () => Object.keys(annotation(podNamed(rig, 'a'), statusAnnotation)).length === 2,
      'its status too',
    );
    const after = await readRows(rig);
    for (const name of after.ports.keys()) expect(after.ports.get(name)).toEqual(before.ports.get(name));
  });

  it('whose definition is missing, hostile or late waits for it, and its default network does not', async () => {
    await using rig = await AttachRig.start({ ovn: false, vfCount: 6 });
    const hostile = ['bad-json', 'bad-mtu', 'bad-name', 'bad-proto'];
    define(rig, 'bad-json', '{');
    define(rig, 'bad-mtu', '{"name":"x","mtu":1e9}');
    define(rig, 'bad-name', JSON.stringify({ name: 'a b="c"\n' }));
    define(rig, 'bad-proto', '{"__proto__":{"name":"x"}}');
    const agent = await rig.agent();
    await synced(agent);
    const networks = ['late', ...hostile];
    const entry = (n: number): object => ({ mac_address: `0a:58:0a:f5:00:0${n}`, ip_addresses: [`10.245.0.${n}/16`] });
    const claims = networks.map((name, n) => [`default/${name}`, { pfId: '0', vfId: String(n + 2), sandboxId: 's' }]);
    attack(rig, {
      name: 'a',
      details: JSON.stringify({ default: { pfId: '0', vfId: '1', sandboxId: 's' }, ...Object.fromEntries(claims) }),
    });
    const addresses = networks.map((name, n) => [`default/${name}`, entry(n + 2)] as const);
    // The stand-in has given the default network its address; the rest are networks that it does not know.
    await eventually(() => statusOf(podNamed(rig, 'a'))?.Status === 'Ready', 'the default network');
    rewrite(rig, 'a', {
      'k8s.ovn.org/pod-networks': JSON.stringify({ default: entry(1), ...Object.fromEntries(addresses) }),
    });
    await attachSays(agent, ({ counts }) => counts['NetworkUnknown'] === networks.length, 'what it does not know');
    define(rig, 'late', blueConfig);
    await eventually(() => statusOf(podNamed(rig, 'a'), 'default/late')?.Status === 'Ready', 'the late one');
    expect(await rig.ports()).toEqual(['rep0-1', 'rep0-2']);
    for (const name of hostile) expect(statusOf(podNamed(rig, 'a'), `default/${name}`)?.Status).not.toBe('Ready');
  });
});

describe('limits of a pod', () => {
  it('are rows that follow its annotations, hold for every network, and go with it', async () => {
    await using rig = await AttachRig.start({ networks: [defaultNetwork, blue], vfCount: 6 });
    define(rig, 'blue-net', blueConfig);
    const agent = await rig.agent();
    await synced(agent);
    // Another's limit, which no pod is about.
    await rig.ovs.vsctl('--', '--id=@q', 'create', 'QoS', 'type=linux-htb', 'external_ids:sandbox=other');
    const limits = { 'kubernetes.io/ingress-bandwidth': '10M', 'kubernetes.io/egress-bandwidth': '20M' };
    const [pod, free] = await rig.half.runPods([
      { ...podRequest('a'), networks: 'default/blue-net', annotations: limits },
      podRequest('b'),
    ]);
    if (pod === undefined || free === undefined) throw new Error('two pods were asked for');
    await converged(rig);
    const limitsOf = async (index: number): Promise<readonly unknown[]> => {
      const [row, { qos }] = [await rowOf(rig, pod, index), await readRows(rig)];
      const limit = row.qos === undefined ? undefined : qos.get(row.qos);
      return [limit?.config['max-rate'], limit?.ids['sandbox'], row.policingRate];
    };
    for (const index of [0, 1]) expect(await limitsOf(index)).toEqual(['10000000', pod.sandboxId, 20_000]);
    expect((await rowOf(rig, free)).qos).toBeUndefined();
    const [before] = [await rowOf(rig, pod)];
    rewrite(rig, 'a', { 'kubernetes.io/ingress-bandwidth': '5M', 'kubernetes.io/egress-bandwidth': null });
    await eventually(
      async () => JSON.stringify(await limitsOf(1)) === JSON.stringify(['5000000', pod.sandboxId, 0]),
      'others',
    );
    // The same rows, changed in place: a limit is no reason to lose a packet.
    expect(await rowOf(rig, pod)).toMatchObject({ uuids: before.uuids, qos: before.qos, ofport: before.ofport });
    rewrite(rig, 'a', { 'kubernetes.io/ingress-bandwidth': null });
    await eventually(async () => (await readRows(rig)).qos.size === 1, 'its limits are gone');
    rewrite(rig, 'a', { 'kubernetes.io/ingress-bandwidth': '1G' });
    await eventually(async () => (await readRows(rig)).qos.size === 3, 'its limits are back');
    await converged(rig);
    await rig.half.stopPods([pod]);
    await converged(rig);
    const left = [...(await readRows(rig)).qos.values()].map(({ ids }) => ids['sandbox']);
    expect(left).toEqual(['other']);
  });
});

describe('kubectl', () => {
  it('shows to whoever owns the pod why it has no network, and when it has', async () => {
    await using rig = await AttachRig.start({ cluster: { isTls: true } });
    const agent = await rig.agent();
    await synced(agent);
    const [pod] = await rig.half.runPods([{ ...podRequest('a'), functions: [{ pf: 0, vf: 1 }] }]);
    if (pod === undefined) throw new Error('a pod was asked for');
    attack(rig, { name: 'b', details: claim('1', 'x') });
    await eventually(() => eventsOf(rig, 'b').includes('RepresentorClaimedTwice'), 'an Event');
    const refused = await kubectl(rig, 'describe', 'pod', 'b');
    expect(refused).toMatch(/Warning\s+RepresentorClaimedTwice\s+.*dpu-node-agent.*in use by another pod/);
    expect(refused).not.toContain('default/a');
    await rig.half.stopPods([pod]);
    await eventually(() => eventsOf(rig, 'b').includes('Attached'), 'another Event');
    expect(await kubectl(rig, 'describe', 'pod', 'b')).toMatch(/Normal\s+Attached\s+.*dpu-node-agent/);
    const jsonpath = `jsonpath={.metadata.annotations.${statusAnnotation.replaceAll('.', '\\.')}}`;
    expect(await kubectl(rig, 'get', 'pod', 'b', '-o', jsonpath)).toBe('{"default":{"Status":"Ready"}}');
    await kubectl(rig, 'annotate', 'pod', 'b', `${detailsAnnotation}-`);
    await converged(rig);
    expect(await rig.ports()).toEqual([]);
  });
});
