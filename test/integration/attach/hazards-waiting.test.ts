/** Who can make the agent wait, and what that costs others: pods that never get their network, and writers of the lease. */

import { setInterval } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { attachSays, AttachRig, eventually, leaseNamespace, nodeName } from './attach-rig.js';
import { attack, claim, refused, rewrite } from './attackers.js';
import { converged, PingStream, podNamed, readRows, statusOf, twoPods } from './world.js';

const synced = (agent: AgentProcess): Promise<unknown> =>
  attachSays(agent, ({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug');

describe('a pod that never gets its network', () => {
  it('holds up nobody else, and is told so in time (13)', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent({ attach: { waitMs: 5000 } });
    await synced(agent);
    // Addresses, but no logical port of that name: OVN never says installed.
    const networks = (n: number): string =>
      JSON.stringify({ default: { mac_address: `0a:58:0a:f4:01:0${n}`, ip_addresses: [`10.244.1.${n}/16`] } });
    await rig.half.controller.close();
    for (const n of [3, 4]) {
      attack(rig, { name: `stuck-${n}`, details: claim(String(n), `s${n}`) });
      rewrite(rig, `stuck-${n}`, { 'k8s.ovn.org/pod-networks': networks(n) });
    }
    await eventually(async () => (await rig.ports()).length === 2, 'their rows');
    attack(rig, { name: 'fine', details: claim('1', 's1') });
    rewrite(rig, 'fine', { 'k8s.ovn.org/pod-networks': networks(1) });
    await rig.ovn?.addPorts([
      {
        name: 'default_fine',
        switchName: 'node1',
        mac: '0a:58:0a:f4:01:01',
        ips: ['10.244.1.1'],
        podUid: podNamed(rig, 'fine').metadata.uid,
      },
    ]);
    await eventually(() => statusOf(podNamed(rig, 'fine'))?.Status === 'Ready', 'the healthy one is ready');
    for (const n of [3, 4]) expect(statusOf(podNamed(rig, `stuck-${n}`))).toBeUndefined();
    for (const n of [3, 4]) await refused(rig, `stuck-${n}`, 'OvnNotInstalled');
  });
});

describe('the lease of the DPU', () => {
  const lease = (rig: AttachRig): { spec: { renewTime: string; acquireTime: string } } =>
    rig.cluster.direct.get('leases.coordination.k8s.io', {
      namespace: leaseNamespace,
      name: `ovn-dpu-${nodeName}`,
    }) as unknown as { spec: { renewTime: string; acquireTime: string } };

  const write = (rig: AttachRig, renewTime: string): void => {
    rig.cluster.direct.patch(
      'leases.coordination.k8s.io',
      { namespace: leaseNamespace, name: `ovn-dpu-${nodeName}` },
      { spec: { renewTime, holderIdentity: 'ovnkube-dpu-node' } },
      { contentType: 'application/merge-patch+json' },
    );
  };

  const micro = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

  /** Renews four times in a second, as a second ovnkube would every ten. */
  const renewAgain = async (rig: AttachRig, signal: AbortSignal): Promise<void> => {
    for await (const _tick of setInterval(250, undefined, { signal })) write(rig, micro(Date.now()));
  };

  const timing = { attach: { lease: { namespace: leaseNamespace, renewMs: 1000, durationS: 4 } } };

  it('that somebody else renews keeps the agent from plugging, and it says so; what is attached stays (15)', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const agent = await rig.agent(timing);
    await synced(agent);
    const [first, second] = await twoPods(rig);
    const before = await readRows(rig);
    const stream = new PingStream(rig, first, second);
    const renewer = new AbortController();
    const other = renewAgain(rig, renewer.signal).catch(String);
    await attachSays(agent, ({ mode }) => mode === 'leaseForeign', 'that another renews the lease');
    attack(rig, { name: 'new', details: claim('3', 'x') });
    rewrite(rig, 'new', { 'k8s.ovn.org/pod-networks': '{"default":{"mac_address":"0a:58:0a:f4:01:03"}}' });
    const said = await attachSays(agent, ({ counts }) => counts['LeaseForeign'] === 1, 'why it waits');
    expect(said.findings.map(({ reason }) => reason)).toContain('LeaseForeign');
    expect(statusOf(podNamed(rig, 'new'))).toBeUndefined();
    expect((await readRows(rig)).ports).toEqual(before.ports);
    await stream.answers(10);
    renewer.abort();
    await other;
    // The other has stopped: after a whole duration the agent goes on by itself.
    await eventually(() => statusOf(podNamed(rig, 'new'))?.Status === 'Ready', 'it is attached then');
    expect(await stream.lost()).toBe(0);
  });

  it('that is dated back is renewed again, so that the host goes on adding pods (15)', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const agent = await rig.agent(timing);
    await synced(agent);
    await eventually(() => lease(rig).spec.renewTime !== lease(rig).spec.acquireTime, 'the agent renews');
    write(rig, micro(Date.now() - 3_600_000));
    await expect(rig.half.cni.status()).rejects.toThrow('DPU Not Ready');
    await eventually(() => Date.parse(lease(rig).spec.renewTime) > Date.now() - 4000, 'it is renewed');
    await rig.half.cni.status();
    await twoPods(rig);
    await converged(rig);
  });
});
