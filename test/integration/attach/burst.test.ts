/** A node's worth of pods at once. What this takes is mostly the lab's own time: a namespace, a cable and a CNI call for each. */

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { heapFlags } from '../../../src/sandbox/agent-process.js';
import { seeded } from '../agent/chaos.js';
import { agentUser, attachSays, AttachRig, eventually } from './attach-rig.js';
import { addressOf, agentWrites, converged, podRequest, readRows } from './world.js';

const count = 200;

/** Resident memory, MB. */
async function residentMb(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid ?? 0}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? NaN) / 1024;
}

/** Milliseconds of processor time. */
async function processorMs(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid ?? 0}/stat`, 'utf8');
  const [user = '0', system = '0'] = text.slice(text.lastIndexOf(')')).split(' ').slice(12, 14);
  return (Number(user) + Number(system)) * 10;
}

describe('two hundred pods at once', () => {
  it('are all attached, reach one another, and are all gone when they are deleted at once', async () => {
    await using rig = await AttachRig.start({ vfCount: count });
    const agent = await rig.agent({}, heapFlags);
    await attachSays(agent, ({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug');
    rig.cluster.audit.clear();
    const usedMs = await processorMs(agent.pid);
    const pods = await rig.half.runPods(Array.from({ length: count }, (_, index) => podRequest(`p${index}`)));
    await converged(rig);
    expect((await rig.ports()).length).toBe(count);
    const random = seeded(200);
    const pick = (): (typeof pods)[number] => {
      const pod = pods[Math.floor(random() * count)];
      if (pod === undefined) throw new Error('there are two hundred');
      return pod;
    };
    for (let pair = 0; pair < 8; pair += 1) {
      const [from, to] = [pick(), pick()];
      await eventually(() => rig.hosts.ping(from.role, addressOf(to)), `${from.role} reaches ${addressOf(to)}`);
    }
    // One status for each, for nothing was called ready before it was.
    const statuses = agentWrites(rig, agentUser).filter((line) => line.includes('pods/status'));
    expect(statuses.filter((line) => line.endsWith(' 200'))).toHaveLength(count);
    await rig.half.stopPods(pods);
    await converged(rig);
    expect([await rig.ports(), (await readRows(rig)).qos.size]).toEqual([[], 0]);
    expect(rig.half.controller.failures).toEqual([]);
    const [mb, ms] = [await residentMb(agent.pid), (await processorMs(agent.pid)) - usedMs];
    expect(mb).toBeLessThan(160);
    console.log(`the agent after 200 pods: ${mb.toFixed(0)} MB resident, ${ms} ms of processor time for all of them`);
  });
});
