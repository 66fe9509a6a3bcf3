/** The DPU's lease as the host half of ovn-kubernetes reads it, and another writer who renews it. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentRig } from './agent-rig.js';
import { attachAnnotations } from './kube-object.js';

const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** A time in the form of MicroTime. */
const timeText = (wallMs: number): string => new Date(wallMs).toISOString().replace('Z', '000Z');

describe('the lease of the DPU', () => {
  let rig: AgentRig;
  beforeAll(async () => {
    rig = await AgentRig.open();
    await rig.startAgent();
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
  });

  async function renewTime(): Promise<string> {
    return String((await rig.stage.lease())?.spec?.['renewTime']);
  }

  it('is created as ovn-kubernetes would, with the node as its owner', async () => {
    const { stage } = rig;
    const lease = await rig.until(() => stage.lease(), 'there is a lease');
    const { holderIdentity, leaseDurationSeconds, renewTime: renewed, acquireTime } = lease.spec ?? {};
    expect([holderIdentity, leaseDurationSeconds]).toEqual(['ovnkube-dpu-node', 4]);
    expect(renewed).toMatch(microTime);
    expect(acquireTime).toMatch(microTime);
    expect(lease.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Node',
        name: stage.name,
        uid: stage.nodeUid,
        controller: true,
        blockOwnerDeletion: false,
      },
    ]);
  });

  it('is renewed, without touching when it was acquired', async () => {
    const first = await rig.stage.lease();
    await rig.until(async () => (await renewTime()) > String(first?.spec?.['renewTime']), 'it is renewed');
    const lease = await rig.stage.lease();
    expect(lease?.spec?.['acquireTime']).toBe(first?.spec?.['acquireTime']);
    expect(lease?.metadata.ownerReferences).toEqual(first?.metadata.ownerReferences);
    const shown = await rig.stage.admin.run(['get', 'lease', rig.stage.leaseName, '-n', rig.stage.leaseNamespace]);
    expect(shown).toContain('ovnkube-dpu-node');
  });

  it('is made anew after somebody deleted it', async () => {
    const { stage } = rig;
    const { metadata } = await rig.until(() => stage.lease(), 'there is a lease');
    await stage.api.object('DELETE', stage.leasePath);
    await rig.until(async () => {
      const uid = (await stage.lease())?.metadata.uid;
      return uid !== undefined && uid !== metadata.uid;
    }, 'there is another lease');
    await rig.says(({ lease, mode }) => lease.kind === 'held' && mode === 'on', 'that it holds the lease');
  });

  it('stops all plugging while another writer renews it, which is reported, and plugging goes on afterwards', async () => {
    const { stage } = rig;
    const stop = new AbortController();
    const renewing = (async () => {
      while (!stop.signal.aborted) {
        const patch = JSON.stringify({ spec: { holderIdentity: 'ovnkube-dpu-node', renewTime: timeText(Date.now()) } });
        const { leaseName, leaseNamespace } = stage;
        await stage.admin.run(['patch', 'lease', leaseName, '-n', leaseNamespace, '--type=merge', '-p', patch]);
      }
    })();
    try {
      await rig.says(({ mode, lease }) => mode === 'leaseForeign' && lease.kind === 'foreign', 'that it is foreign');
      const status = await rig.agent.status();
      const finding = status?.findings.find(({ reason }) => reason === 'LeaseForeign');
      expect(finding?.message).toContain(stage.name);
      expect(finding?.remedy).toContain('attach.mode');
      const pod = await stage.createPod('waiting', attachAnnotations(1));
      await rig.says(({ counts }) => counts['LeaseForeign'] === 1, 'that the pod waits for the lease');
      expect(await rig.ports()).toEqual([]);
      expect(await stage.statusText('waiting')).toBeUndefined();
      // Nor does the agent write the lease while it belongs to the other.
      const mark = (await stage.lease())?.metadata.annotations?.['dpu-agent/renew-time'];
      expect(mark).not.toBe(await renewTime());
      stop.abort();
      await renewing;
      await rig.says(({ mode }) => mode === 'on', 'that it may plug again');
      await rig.plugged(1, pod.metadata.uid);
      await rig.installFlows(1);
      await rig.statusIs('waiting', '{"default":{"Status":"Ready"}}');
    } finally {
      stop.abort();
      await renewing;
    }
  });
});
