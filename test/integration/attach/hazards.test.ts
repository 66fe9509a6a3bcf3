/**
 * What tenants, other writers and a hostile host can write, against the agent that runs: the victim keeps its packets and
 * its rows to the letter, the attacker is told no by status and Event. Numbers are those of the known gaps of others.
 */

import { describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { detailsAnnotation, statusAnnotation } from '../../../src/sandbox/lab/pod-networks.js';
import { agentUser, attachSays, AttachRig, eventually } from './attach-rig.js';
import { attack, claim, eventsOf, functionOf, refused, rewrite } from './attackers.js';
import { annotation, converged, lies, PingStream, podNamed, podRequest, readRows, statusOf, twoPods } from './world.js';

const synced = (agent: AgentProcess): Promise<unknown> =>
  attachSays(agent, ({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug');

describe('who claims what is another’s', () => {
  it('is refused and takes nothing from its victim, not even with its sandbox (1, 2, 12)', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent();
    await synced(agent);
    const [victim, other] = await twoPods(rig);
    const before = await readRows(rig);
    const stream = new PingStream(rig, victim, other);
    const vf = String(functionOf(victim).vf);
    attack(rig, { name: 'copy', details: claim(vf, victim.sandboxId) });
    attack(rig, { name: 'own-sandbox', details: claim(vf, 'deadbeef') });
    const said = await refused(rig, 'copy', 'RepresentorClaimedTwice');
    await refused(rig, 'own-sandbox', 'RepresentorClaimedTwice');
    // The tenant learns nothing about others.
    expect(said).not.toMatch(/default\/|rep0|a\b.*default/);
    // More turns of the same, as the next update of the pod would give the original a second chance.
    for (const turn of ['one', 'two']) {
      rewrite(rig, 'copy', { [detailsAnnotation]: claim(vf, victim.sandboxId), turn });
      await refused(rig, 'copy', 'RepresentorClaimedTwice');
    }
    rig.cluster.direct.delete('pods', { namespace: 'default', name: 'own-sandbox' }, { graceSeconds: 0 });
    await stream.answers(20);
    expect((await readRows(rig)).ports).toEqual(before.ports);
    expect(await stream.lost()).toBe(0);
    // Only when the victim has released it does somebody else get it.
    await rig.half.stopPods([victim]);
    await eventually(() => statusOf(podNamed(rig, 'copy'))?.Status === 'Ready', 'it is the attacker’s turn');
    await converged(rig);
  });

  it('first holds it until it is gone: the later pod is told at once, and gets it then (3)', async () => {
    await using rig = await AttachRig.start({ addMsMax: 20_000 });
    const agent = await rig.agent();
    await synced(agent);
    attack(rig, { name: 'early', details: claim('1', 'squat') });
    await eventually(() => statusOf(podNamed(rig, 'early'))?.Status === 'Ready', 'the squatter has it');
    await expect(rig.half.runPods([{ ...podRequest('late'), functions: [{ pf: 0, vf: 1 }] }])).rejects.toThrow(
      '1 pods do not run',
    );
    await eventually(() => eventsOf(rig, 'late').includes('RepresentorClaimedTwice'), 'an Event');
    rig.cluster.direct.delete('pods', { namespace: 'default', name: 'early' }, { graceSeconds: 0 });
    const pod = podNamed(rig, 'late');
    await rig.half.kubelet.startSandbox(pod, [{ pf: 0, vf: 1 }]);
    await converged(rig);
  });

  it('gets no port that is not a pod’s: management port, gateway, uplink, foreign port (4, 5, 6, 18)', async () => {
    await using rig = await AttachRig.start();
    const { ovs, hosts } = rig;
    // A management port on VF 3, and somebody else's port on VF 4, as ovn-kubernetes and a service chain plug them.
    await hosts.namespaces.links(
      'dpu',
      'link add rep0-0 type veth peer name gw0',
      'link add ovn-k8s-mp0 type veth peer name mp0',
      'link set ovn-k8s-mp0 up',
      'link set rep0-0 up',
      'link set rep0-4 up',
    );
    await ovs.vsctl(
      'add-port',
      'br-int',
      'ovn-k8s-mp0',
      '--',
      'set',
      'Interface',
      'ovn-k8s-mp0',
      'external_ids:iface-id=k8s-host-1',
    );
    await ovs.vsctl(
      'add-port',
      'br-int',
      'rep0-0',
      '--',
      'add-br',
      'br-sfc',
      '--',
      'set',
      'Bridge',
      'br-sfc',
      'datapath_type=netdev',
    );
    await ovs.vsctl('add-port', 'br-sfc', 'rep0-4');
    const agent = await rig.agent();
    await synced(agent);
    const before = await readRows(rig);
    const claims: readonly (readonly [name: string, details: string, reason: string])[] = [
      ['gateway', claim('0', 'x'), 'RepresentorReserved'],
      ['empty-sandbox', claim('0', ''), 'DetailsInvalid'],
      ['mgmt', claim('0', '', 'ovn-k8s-mp'), 'DetailsInvalid'],
      ['path', claim('../../x', 'x'), 'DetailsInvalid'],
      ['zeros', claim('01', 'x'), 'DetailsInvalid'],
      ['sign', claim('-1', 'x'), 'DetailsInvalid'],
      ['wide', claim('４', 'x'), 'DetailsInvalid'],
      ['blank', claim('2', 'a iface-id=default_a'), 'DetailsInvalid'],
      ['foreign', claim('4', 'x'), 'RepresentorForeign'],
    ];
    for (const [name, details] of claims) attack(rig, { name, details });
    attack(rig, { name: 'hostnet', details: claim('2', 'x'), isHostNetwork: true });
    for (const [name, , reason] of claims.slice(0, -1)) await refused(rig, name, reason);
    await refused(rig, 'hostnet', 'PodNotEligible');
    await attachSays(agent, ({ counts }) => counts['RepresentorForeign'] === 1, 'RepresentorForeign');
    expect(await readRows(rig)).toEqual(before);
    const links = await hosts.namespaces.run('dpu', 'ip', '-br', 'link', 'show', 'type', 'veth', 'up');
    for (const name of ['rep0-0', 'ovn-k8s-mp0', 'rep0-4']) expect(links).toContain(name);
  });
});

describe('texts that break others', () => {
  it('take no port away, end no process and reach no log as they are (10, 14)', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent();
    await synced(agent);
    const [victim, other] = await twoPods(rig);
    const before = await readRows(rig);
    const { pid } = agent;
    const stream = new PingStream(rig, victim, other);
    const good = claim(String(functionOf(victim).vf), victim.sandboxId);
    const control = '\u001b[31mred\u0007\u0000\u202e\r\nforged line';
    // Megabytes do not fit into an object: 256 KiB are all that annotations may hold together.
    const texts = [
      '[]',
      '5',
      '"text"',
      '{',
      good.slice(0, -5),
      '{"__proto__":{"pfId":"0","vfId":"2","sandboxId":"x"}}'.replace('}}', '},"default":7}'),
      '{"default":null}',
      `{"default":{"pfId":0,"vfId":1,"sandboxId":${JSON.stringify(control)}}}`,
      JSON.stringify({ default: { pfId: control, vfId: '1', sandboxId: 'x' } }),
      `{"default":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      JSON.stringify({ default: 'x'.repeat(200_000) }),
      JSON.stringify(Object.fromEntries(Array.from({ length: 9000 }, (_, n) => [`ns/net-${n}`, {}]))),
    ];
    for (const [index, text] of texts.entries()) {
      rewrite(rig, 'a', { [detailsAnnotation]: text, turn: String(index) });
      attack(rig, { name: `bad-${index}`, details: text });
      await eventually(async () => (await rig.pod(`bad-${index}`)) !== undefined, 'the agent has seen it');
    }
    await stream.answers(20);
    expect((await readRows(rig)).ports).toEqual(before.ports);
    // Details that are not understood say nothing about a pod that is attached, and nobody calls it broken.
    expect(statusOf(podNamed(rig, 'a'))?.Status).toBe('Ready');
    await eventually(() => eventsOf(rig, 'a').includes('DetailsInvalid'), 'an Event about the victim');
    rewrite(rig, 'a', { [detailsAnnotation]: good });
    await eventually(() => statusOf(podNamed(rig, 'a'))?.Status === 'Ready', 'it is ready');
    expect(await stream.lost()).toBe(0);
    expect(agent.pid).toBe(pid);
    // eslint-disable-next-line no-control-regex -- it is what must not be there
    expect(agent.log).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f\u202e]|^forged line/m);
  });

  it('that say nothing are a release, and so is null, which crashes the original (10)', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const agent = await rig.agent();
    await synced(agent);
    await twoPods(rig);
    rewrite(rig, 'a', { [detailsAnnotation]: 'null' });
    await eventually(async () => (await rig.ports()).length === 1, 'its port is gone');
    await eventually(() => statusOf(podNamed(rig, 'a')) === undefined, 'so is its status');
    await synced(agent);
  });

  it('in the status are replaced or removed, and what others wrote beside it is kept (11)', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const agent = await rig.agent();
    await synced(agent);
    await twoPods(rig);
    // Ready without a port, before its host half has asked for anything.
    attack(rig, { name: 'forged', status: '{"default":{"Status":"Ready"}}' });
    await eventually(() => statusOf(podNamed(rig, 'forged')) === undefined, 'the forged status is removed');
    attack(rig, { name: 'lying', details: claim('0', 'x'), status: '{"default":{"Status":"Ready"}}' });
    await refused(rig, 'lying', 'RepresentorReserved');
    const sibling = '{"Status":"Ready","note":"keep"}';
    // By turns, for what is overwritten again and again is put right ever more slowly.
    for (const [index, text] of [
      'null',
      '[]',
      '{',
      '{"default":{"Status":"Error"}}',
      '{"Status":"Error","Reason":"x"}',
      'x'.repeat(100_000),
    ].entries()) {
      const name = index % 2 === 0 ? 'a' : 'b';
      rewrite(rig, name, { [statusAnnotation]: text });
      await eventually(
        () => {
          const found = podNamed(rig, name).metadata.annotations?.[statusAnnotation];
          return found === '{"default":{"Status":"Ready"}}';
        },
        `the truth instead of ${text.slice(0, 40)}`,
      );
    }
    expect(await lies(rig)).toEqual([]);
    rewrite(rig, 'b', { [statusAnnotation]: `{"x/y":${sibling},"default":{"Status":"Error"}}` });
    await eventually(() => statusOf(podNamed(rig, 'b'))?.Status === 'Ready', 'the truth again');
    // The entry of a network that nobody asked for is a forged one.
    await eventually(() => !('x/y' in annotation(podNamed(rig, 'b'), statusAnnotation)), 'the other is removed');
  });
});

describe('a pod that is made anew under the same name', () => {
  it('is not told what was meant for its predecessor, however late that arrives (12)', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    const agent = await rig.agent();
    await synced(agent);
    const { cluster } = rig;
    // The request is on its way while the pod is replaced.
    cluster.faults.delay({ delayMs: 700, match: { user: agentUser, verb: 'patch', resource: 'pods', name: 'a' } });
    attack(rig, { name: 'a', details: claim('0', 'x') });
    await attachSays(agent, ({ statuses }) => statuses.inFlight === 1, 'a write under way');
    cluster.direct.delete('pods', { namespace: 'default', name: 'a' }, { graceSeconds: 0 });
    attack(rig, { name: 'a', status: '{"b/c":{"Status":"Ready"}}' });
    const answers = (): readonly number[] =>
      cluster.audit
        .entries(agentUser)
        .filter(({ verb, name }) => verb === 'patch' && name === 'a')
        .map(({ status }) => status);
    await eventually(() => answers().includes(422), 'the late request, refused');
    await eventually(() => podNamed(rig, 'a').metadata.annotations?.[statusAnnotation] === '{}', 'its own truth');
  });
});

describe('ports of others', () => {
  it('are not touched when their devices vanish with all the functions (8, 18)', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent();
    await synced(agent);
    const [first] = await twoPods(rig);
    // One that carries an iface-id of a pod which is about to come, and one whose device is away.
    await rig.ovs.vsctl(
      '--may-exist',
      'add-port',
      'br-int',
      'foreign0',
      '--',
      'set',
      'Interface',
      'foreign0',
      'type=internal',
      'external_ids:iface-id=default_c',
    );
    await rig.ovs.vsctl(
      '--no-wait',
      'add-port',
      'br-int',
      'rep0-9',
      '--',
      'set',
      'Interface',
      'rep0-9',
      'external_ids:sandbox=x',
      'external_ids:iface-id-ver=y',
    );
    const before = await readRows(rig);
    attack(rig, { name: 'c', details: claim('3', 'x') });
    await attachSays(agent, ({ counts }) => counts['IfaceIdTaken'] === 1, 'IfaceIdTaken');
    await rig.hosts.vanish();
    await eventually(async () => (await rig.ports()).length === 1, 'the own ones are gone');
    const after = await readRows(rig);
    for (const name of ['foreign0', 'rep0-9', 'br-int']) {
      expect(after.ports.get(name)?.uuids).toEqual(before.ports.get(name)?.uuids);
      expect(after.ports.get(name)?.ids).toEqual(before.ports.get(name)?.ids);
    }
    expect(functionOf(first).pf).toBe(0);
  });
});
