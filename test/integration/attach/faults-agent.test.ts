/** The agent itself dies, at any instant, and pods change under it: the next one finds everything in the world itself. */

import { describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import type { RunningPod } from '../../../src/sandbox/lab/host-half.js';
import { seeded } from '../agent/chaos.js';
import { attachSays, AttachRig, eventually } from './attach-rig.js';
import {
  addressOf,
  converged,
  lies,
  PingStream,
  podNamed,
  podRequest,
  podsOf,
  readRows,
  statusOf,
  twoPods,
} from './world.js';

const synced = (agent: AgentProcess): Promise<unknown> =>
  attachSays(agent, ({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug');

/** Whoever is missing from a list is believed to be gone after a second. */
const briefGrace = { attach: { goneGraceMs: 1000 } };

const portOf = ({ interfaces }: RunningPod): string => `rep0-${interfaces[0]?.request.function.vf ?? 0}`;

/** Kills the agent at random instants, until told to stop; each life is long enough to do something. */
async function killAgain(
  rig: AttachRig,
  agent: AgentProcess,
  random: () => number,
  isOver: () => boolean,
): Promise<number> {
  let kills = 0;
  while (!isOver()) {
    const [linesMin, rows] = [random() * 24, (await rig.ports()).length];
    // An instant of its work, not of the clock: after so many of its own changes, whatever they are.
    await eventually(
      async () => isOver() || Math.abs((await rig.ports()).length - rows) >= linesMin,
      'changes',
      60_000,
    );
    await agent.kill();
    kills += 1;
    expect(await lies(rig)).toEqual([]);
    agent.start();
  }
  return kills;
}

describe('an agent that is killed at random instants of a burst', () => {
  it.each([1, 2])('leaves nothing behind, loses nothing and lies about nothing (seed %i)', async (seed) => {
    const count = 48;
    await using rig = await AttachRig.start({ vfCount: count });
    const agent = await rig.agent(briefGrace);
    await synced(agent);
    const random = seeded(seed);
    let isOver = false;
    const killer = killAgain(rig, agent, random, () => isOver);
    const limits = (index: number): object =>
      index % 3 === 0 ? { annotations: { 'kubernetes.io/ingress-bandwidth': '10M' } } : {};
    const requests = Array.from({ length: count }, (_, index) => ({ ...podRequest(`p${index}`), ...limits(index) }));
    const pods = await rig.half.runPods(requests);
    const [stays, goes] = [pods.slice(0, count / 2), pods.slice(count / 2)];
    await rig.half.stopPods(goes);
    isOver = true;
    expect(await killer).toBeGreaterThan(1);
    await converged(rig);
    expect((await readRows(rig)).qos.size).toBe(8);
    const [first, second] = [stays[0], stays.at(-1)];
    if (first === undefined || second === undefined) throw new Error('half of the pods stay');
    await eventually(() => rig.hosts.ping(first.role, addressOf(second)), 'two of them reach one another');
    await rig.half.stopPods(stays);
    await converged(rig);
    expect([await rig.ports(), (await readRows(rig)).qos.size]).toEqual([[], 0]);
  });
});

describe('while the agent is away', () => {
  it('attached pods go on; who comes and goes meanwhile is attached and detached by the next', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent(briefGrace);
    await synced(agent);
    const [first, second] = await twoPods(rig);
    const [third] = await rig.half.runPods([podRequest('c')]);
    if (third === undefined) throw new Error('a pod was asked for');
    const before = await readRows(rig);
    const stream = new PingStream(rig, first, second);
    await agent.kill();
    await rig.half.stopPods([third]);
    const started = rig.half.runPods([podRequest('d')]);
    await stream.answers(10);
    agent.start();
    const [fourth] = await started;
    await converged(rig);
    const after = await readRows(rig);
    for (const pod of [first, second]) expect(after.ports.get(portOf(pod))).toEqual(before.ports.get(portOf(pod)));
    expect(fourth).toBeDefined();
    expect(await stream.lost()).toBe(0);
  });
});

describe('a pod that stays', () => {
  it('gets a new port with each new sandbox, by the same function or another, and is never ready in between', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent(briefGrace);
    await synced(agent);
    const [first, second] = await twoPods(rig);
    const { kubelet } = rig.half;
    const rows = [(await readRows(rig)).ports.get(portOf(first))];
    let running = first;
    for (const wanted of [running.interfaces[0]?.request.function, { pf: 0, vf: 4 }]) {
      await kubelet.stopSandbox(running);
      await eventually(() => statusOf(podNamed(rig, 'a')) === undefined, 'the status is taken back');
      running = await kubelet.startSandbox(running.pod, wanted === undefined ? [] : [wanted]);
      rows.push((await readRows(rig)).ports.get(portOf(running)));
      await converged(rig);
      await eventually(() => rig.hosts.ping(running.role, addressOf(second)), 'it reaches the other');
    }
    expect(new Set(rows.map((row) => row?.uuids[0])).size).toBe(3);
    expect(rows.map((row) => row?.ids['sandbox'])).toEqual([first.sandboxId, expect.any(String), running.sandboxId]);
    expect(portOf(running)).toBe('rep0-4');
    expect(await rig.ports()).toHaveLength(2);
  });

  it('changes its sandbox and its function in one write, as nobody should, and ends with one port that works', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent(briefGrace);
    await synced(agent);
    const [first] = await twoPods(rig);
    const api = rig.api;
    const change = (vfId: string, sandboxId: string): Promise<unknown> =>
      api.annotate('default', 'a', first.pod.metadata.uid, () => ({
        'k8s.ovn.org/dpu.connection-details': JSON.stringify({ default: { pfId: '0', vfId, sandboxId } }),
      }));
    for (const [vfId, sandboxId] of [
      ['3', 'one'],
      ['3', 'two'],
      ['4', 'two'],
      ['1', 'three'],
    ] as const) {
      await change(vfId, sandboxId);
      await converged(rig);
      const row = (await readRows(rig)).ports.get(`rep0-${vfId}`);
      expect([row?.ids['sandbox'], row?.ids['iface-id']]).toEqual([sandboxId, 'default_a']);
      expect(await rig.ports()).toHaveLength(2);
    }
  });
});

describe('a pod that is made anew under the same name', () => {
  it('gets a port of its own, whether its predecessor was seen to go or not', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent(briefGrace);
    await synced(agent);
    const [first, second] = await twoPods(rig);
    await rig.half.stopPods([first]);
    const [again] = await rig.half.runPods([podRequest('a')]);
    if (again === undefined) throw new Error('a pod was asked for');
    await converged(rig);
    expect(again.pod.metadata.uid).not.toBe(first.pod.metadata.uid);
    await eventually(() => rig.hosts.ping(again.role, addressOf(second)), 'it reaches the other');
    await agent.kill();
    await rig.half.stopPods([again]);
    const started = rig.half.runPods([{ ...podRequest('a'), functions: [{ pf: 0, vf: 4 }] }]);
    await eventually(() => podsOf(rig).length === 2, 'the third of that name');
    agent.start();
    const [third] = await started;
    if (third === undefined) throw new Error('a pod was asked for');
    await converged(rig);
    expect((await readRows(rig)).ports.get(portOf(third))?.ids['iface-id-ver']).toBe(third.pod.metadata.uid);
    await eventually(() => rig.hosts.ping(third.role, addressOf(second)), 'it reaches the other');
  });
});
