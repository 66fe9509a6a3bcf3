/** The switch under the pods fails: its database, its daemon, its devices. Whatever can be kept is kept, the rest comes back. */

import { describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { representorOf } from '../../../src/sandbox/lab/host-functions.js';
import { agentUser, attachSays, AttachRig, eventually } from './attach-rig.js';
import {
  addressOf,
  agentWrites,
  converged,
  differences,
  podRequest,
  readRows,
  statusOf,
  podNamed,
  twoPods,
} from './world.js';

const synced = (agent: AgentProcess): Promise<unknown> =>
  attachSays(agent, ({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug');

/** Statuses that the agent wrote. */
const told = (rig: AttachRig): readonly string[] =>
  agentWrites(rig, agentUser).filter((line) => line.includes('pods/status'));

describe('when ovsdb-server is killed', () => {
  it('nobody who stays or comes is told anything, and what was asked meanwhile is done when it is back', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent();
    await synced(agent);
    const [first, second] = await twoPods(rig);
    const [third] = await rig.half.runPods([podRequest('c')]);
    if (third === undefined) throw new Error('a pod was asked for');
    const before = await readRows(rig);
    rig.cluster.audit.clear();
    await rig.ovs.killOvsdbServer();
    await attachSays(agent, ({ mode }) => mode === 'blind', 'that it sees nothing');
    const started = rig.half.runPods([podRequest('d')]);
    await rig.half.stopPods([third]);
    await attachSays(agent, ({ podCount, mode }) => podCount === 3 && mode === 'blind', 'that it knows the pods');
    // What its host half has taken back may lose its status: that needs no look at the switch.
    expect(told(rig).filter((line) => !line.includes('/c '))).toEqual([]);
    expect(statusOf(podNamed(rig, 'd'))).toBeUndefined();
    await rig.ovs.startOvsdbServer();
    await started;
    await converged(rig);
    // No packets are counted: this datapath is one with vswitchd's main thread, which waits for its database.
    await eventually(() => rig.hosts.ping(first.role, addressOf(second), 3), 'the pods reach one another');
    const after = await readRows(rig);
    expect(after.ports.size).toBe(before.ports.size);
    for (const { interfaces } of [first, second]) {
      const port = representorOf(interfaces[0]!.request.function);
      expect(after.ports.get(port)).toEqual(before.ports.get(port));
    }
  });
});

describe('when ovs-vswitchd is killed', () => {
  it('no status is touched for a short while, and packets pass again after it', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent();
    await synced(agent);
    const [first, second] = await twoPods(rig);
    const before = await readRows(rig);
    rig.cluster.audit.clear();
    await rig.ovs.killVswitchd();
    await attachSays(agent, ({ counts }) => counts['VswitchdSilent'] === 2, 'VswitchdSilent of both');
    // Nobody is called ready on the word of a daemon that is dead.
    const started = rig.half.runPods([podRequest('c')]);
    await eventually(async () => (await rig.ports()).length === 3, 'the row of the third');
    expect(statusOf(podNamed(rig, 'c'))).toBeUndefined();
    await rig.ovs.startVswitchd();
    await started;
    await converged(rig);
    await eventually(() => rig.hosts.ping(first.role, addressOf(second)), 'the pods reach one another');
    expect(told(rig).filter((line) => !line.includes('/c '))).toEqual([]);
    const after = await readRows(rig);
    for (const name of ['rep0-1', 'rep0-2']) {
      expect(after.ports.get(name)?.uuids).toEqual(before.ports.get(name)?.uuids);
    }
  });
});

describe('when the host reboots', () => {
  it('all functions vanish and come back, and so do the ports of its pods', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent();
    await synced(agent);
    const pods = await rig.half.runPods(['a', 'b', 'c'].map(podRequest));
    const gone = await rig.hosts.vanish();
    await attachSays(agent, ({ counts }) => counts['RepresentorMissing'] === 3, 'RepresentorMissing of all');
    await eventually(async () => (await rig.ports()).length === 0, 'no port is left without its device');
    await rig.hosts.create(gone);
    await converged(rig);
    // The pods of before the reboot are dead: each gets another sandbox.
    for (const { pod, role, interfaces } of pods) {
      for (const { request } of interfaces) await rig.half.cni.del(request);
      await rig.hosts.namespaces.remove(role);
      await rig.half.kubelet.startSandbox(
        pod,
        interfaces.map(({ request }) => request.function),
      );
    }
    await converged(rig);
    expect(await rig.ports()).toHaveLength(3);
  });
});

describe('when the DPU reboots', () => {
  it('the transient ports that the boot script deletes come back', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent();
    await synced(agent);
    const [first, second] = await twoPods(rig);
    await agent.kill();
    await rig.ovs.killVswitchd('SIGTERM');
    // As ovs-ctl --delete-transient-ports does.
    const text = await rig.ovs.vsctl('--bare', '--columns=name', 'find', 'Port', 'other_config:transient=true');
    const transient = text.split('\n').filter((name) => name !== '');
    expect(transient).toEqual(expect.arrayContaining(['rep0-1', 'rep0-2']));
    for (const name of transient) await rig.ovs.vsctl('del-port', name);
    await rig.ovs.startVswitchd();
    expect((await differences(rig)).length).toBeGreaterThan(0);
    agent.start();
    await converged(rig);
    await eventually(() => rig.hosts.ping(first.role, addressOf(second), 3), 'the pods reach one another');
  });
});
