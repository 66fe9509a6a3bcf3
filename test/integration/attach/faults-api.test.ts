/** The API server of the host cluster fails in every way that it can; pods that are attached do not notice. */

import { describe, expect, it } from 'vitest';
import type { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { agentUser, attachSays, AttachRig, eventually, nodeName } from './attach-rig.js';
import { converged, lies, PingStream, podNamed, podRequest, readRows, statusOf, twoPods } from './world.js';

const synced = (rig: Awaited<ReturnType<AttachRig['agent']>>): Promise<unknown> =>
  attachSays(rig, ({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug');

const unsynced = (rig: Awaited<ReturnType<AttachRig['agent']>>): Promise<unknown> =>
  attachSays(rig, ({ cluster }) => cluster.kind !== 'synced', 'that the cluster is away');

const details = (vf: number): string =>
  JSON.stringify({ default: { pfId: '0', vfId: String(vf), sandboxId: `sandbox-${vf}` } });

/** A pod as if its host half had asked already, made without the API's front. */
function makeClaim(rig: AttachRig, name: string, vf: number): void {
  rig.cluster.direct.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', annotations: { 'k8s.ovn.org/dpu.connection-details': details(vf) } },
    spec: { nodeName, containers: [{ name: 'pause', image: 'pause' }] },
  });
}

const removePod = (rig: AttachRig, name: string): void => {
  rig.cluster.direct.delete('pods', { namespace: 'default', name }, { graceSeconds: 0 });
};

describe('while the API server of the host cluster is down', () => {
  it('attached pods go on, and what has changed meanwhile is applied when it is back', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent();
    await synced(agent);
    const [first, second] = await twoPods(rig);
    const [third] = await rig.half.runPods([podRequest('c')]);
    const stream = new PingStream(rig, first, second);
    await rig.cluster.stop();
    await unsynced(agent);
    removePod(rig, 'c');
    makeClaim(rig, 'd', 4);
    await stream.answers(10);
    // Nothing that is attached is touched for want of news.
    const port = `rep0-${third?.interfaces[0]?.request.function.vf ?? 0}`;
    expect((await readRows(rig)).ports.has(port)).toBe(true);
    await rig.cluster.start();
    await converged(rig);
    expect(statusOf(podNamed(rig, 'd'))).toEqual({ Status: 'Ready' });
    expect((await rig.ports()).includes(port)).toBe(false);
    expect(await stream.lost()).toBe(0);
  });
});

describe('an API server that is frozen', () => {
  it('costs no packet, is noticed by the lease, and is caught up with when it goes on', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const agent = await rig.agent({ attach: { lease: { namespace: 'ovn-kubernetes', renewMs: 1000, durationS: 10 } } });
    await synced(agent);
    const [first, second] = await twoPods(rig);
    const stream = new PingStream(rig, first, second);
    rig.cluster.faults.freeze();
    const saysLate = ({ lease }: { lease: { kind: string; message?: string | undefined } }): boolean =>
      lease.kind === 'held' && lease.message?.includes('cannot be kept') === true;
    await attachSays(agent, saysLate, 'that the lease cannot be kept');
    removePod(rig, 'b');
    await stream.answers(10);
    expect(await stream.lost()).toBe(0);
    rig.cluster.faults.thaw();
    await converged(rig);
    expect(await rig.ports()).toEqual(['rep0-1']);
  });
});

describe('an API server that has forgotten its history', () => {
  it('is listed anew; what was missed is made up for, a pod that is merely missing after its grace', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const agent = await rig.agent({ attach: { goneGraceMs: 1000 } });
    await synced(agent);
    await twoPods(rig);
    const { cluster } = rig;
    const away = { status: 503, times: Infinity, match: { user: agentUser } };
    cluster.faults.refuse(away);
    cluster.faults.cutWatches({ match: { user: agentUser } });
    await unsynced(agent);
    removePod(rig, 'a');
    makeClaim(rig, 'e', 3);
    cluster.compact();
    cluster.audit.clear();
    cluster.faults.clear();
    await converged(rig);
    expect(statusOf(podNamed(rig, 'e'))?.Status).toBe('Ready');
    const asked = cluster.audit.entries(agentUser).filter(({ resource }) => resource === 'pods');
    expect(asked.map(({ verb }) => verb)).toContain('list');
    expect(await rig.ports()).toHaveLength(2);
  });
});

/** As the manual of etcd has it: a restore raises the revision far and forgets the history, so that every watch starts anew. */
async function restoreBackup({ cluster }: AttachRig, backup: ReturnType<ClusterApi['snapshot']>): Promise<void> {
  await cluster.stop();
  const { revision } = cluster;
  cluster.restore(backup);
  cluster.skipRevisions(revision - cluster.revision + 1000);
  cluster.compact();
  await cluster.start();
}

type AttachView = Parameters<Parameters<typeof attachSays>[1]>[0];

/** A server that was away for long is tried again after 30 s at the most; and then the pods have to be read. */
const backMsMax = 50_000;

describe('an API server that comes back with older data', () => {
  it('takes no port from a pod that it has forgotten, if it is gone itself before the grace is over', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const goneGraceMs = 1500;
    const agent = await rig.agent({ attach: { goneGraceMs } });
    await synced(agent);
    const [first] = await rig.half.runPods([podRequest('a')]);
    const older = rig.cluster.snapshot();
    const [second] = await rig.half.runPods([podRequest('b')]);
    if (first === undefined || second === undefined) throw new Error('two pods were asked for');
    const before = await readRows(rig);
    const newer = rig.cluster.snapshot();
    const stream = new PingStream(rig, first, second);
    await restoreBackup(rig, older);
    await attachSays(agent, ({ podCount, cluster }) => podCount === 1 && cluster.kind === 'synced', 'one pod');
    // It goes away again: a list that is old by now takes nothing from anybody, however long that lasts.
    await rig.cluster.stop();
    const sinceMs = Date.now();
    await attachSays(
      agent,
      ({ wallMs }) => wallMs > sinceMs + goneGraceMs + 200,
      'anything after the grace',
      backMsMax,
    );
    await restoreBackup(rig, newer);
    const isBack = ({ podCount, cluster }: AttachView): boolean => podCount === 2 && cluster.kind === 'synced';
    await attachSays(agent, isBack, 'two pods', backMsMax);
    await converged(rig);
    expect((await readRows(rig)).ports).toEqual(before.ports);
    expect(await stream.lost()).toBe(0);
  });
});

describe('a watch', () => {
  it('that is cut in the middle of an event loses none', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const agent = await rig.agent();
    await synced(agent);
    const { faults } = rig.cluster;
    const running = [];
    for (const name of ['a', 'b', 'c']) {
      expect(faults.cutWatchesInNextEvent({ user: agentUser, resource: 'pods' })).toBe(1);
      running.push(...(await rig.half.runPods([podRequest(name)])));
      await synced(agent);
    }
    await converged(rig);
    await rig.half.stopPods(running);
    await converged(rig);
    expect(await rig.ports()).toEqual([]);
  });
});

describe('an API server that refuses', () => {
  it('by 401, 429 and 500 is asked again until it gives in, and nobody is lied to', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const agent = await rig.agent();
    await synced(agent);
    const { faults, audit } = rig.cluster;
    const own = { user: agentUser };
    faults.refuse({ status: 500, match: { ...own, verb: 'watch', resource: 'pods' } });
    faults.cutWatches({ match: own });
    const patch = { ...own, verb: 'patch', resource: 'pods' };
    faults.refuse({ status: 401, times: 2, match: { ...patch, name: 'a' } });
    faults.refuse({ status: 429, times: 2, match: { ...patch, name: 'b' }, retryAfterSeconds: 1 });
    faults.refuse({ status: 500, times: 2, match: { ...patch, name: 'c' } });
    const started = rig.half.runPods(['a', 'b', 'c'].map(podRequest));
    await eventually(() => audit.entries(agentUser).filter(({ isFault }) => isFault).length >= 7, 'the faults');
    expect(await lies(rig)).toEqual([]);
    await started;
    await converged(rig);
  });
});
