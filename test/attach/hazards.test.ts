/**
 * What a hostile host, or a tenant who can create pods, can try against the planner, each attack with its harmless outcome.
 * The rows of the threat table are the headings. What is not the planner's (tokens, leases, files, the wire of the status
 * patch) is tested where it is made.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planAttachments } from '../../src/attach/plan-attach.js';
import { ownerKey } from '../../src/model/ownership.js';
import type { PodView } from '../../src/model/pod.js';
import {
  identityOf,
  inputOf,
  podOf,
  podPort,
  settingsOf,
  uplink,
  verdictOf,
  vfName,
  vfOf,
  worldOf,
  type PodParts,
} from '../fakes/attach-inputs.js';
import { AttachSimulation } from '../fakes/attach-simulation.js';
import { bridgeRow, mapOf, netdev, portRow } from '../fakes/plan-rows.js';
import { anyText, trickyTexts, unparsableTexts } from './hostile-texts.js';

const vf1 = vfName(1);
const victim = podOf('victim', { details: { default: '0/1/sandbox-of-victim' } });

/** Older than the victim, so that no order of creation saves it. */
const attackerOf = (parts: PodParts): PodView => podOf('attacker', { createdMs: 1, ...parts });

/** The victim is attached and ready. */
function underAttack(): AttachSimulation {
  const world = new AttachSimulation(worldOf(), [victim]);
  world.settle();
  world.rounds.length = 0;
  return world;
}

const reasonOf = (world: AttachSimulation, name: string) => verdictOf(world.look().plan, name).verdict.reason;

/** The victim's rows, link and verdict are what they were, and nothing was done. */
function expectUnharmed(world: AttachSimulation, before: AttachSimulation = underAttack()): void {
  expect(world.done()).toEqual([]);
  expect(world.port(vf1)).toEqual(before.port(vf1));
  expect(world.observed.netdevs.get(vf1)).toEqual(before.observed.netdevs.get(vf1));
  expect(reasonOf(world, 'victim')).toBe('Ready');
}

describe('1: a tenant writes connection details into its own pod', () => {
  it('and claims a function that a victim holds: refused, finally and at once', () => {
    const world = underAttack().put(attackerOf({ details: { default: '0/1/own-sandbox' } }));
    world.settle();
    expectUnharmed(world);
    expect(verdictOf(world.look().plan, 'attacker').verdict).toMatchObject({
      reason: 'RepresentorClaimedTwice',
      isFinal: true,
    });
  });

  it('without having been given a function by the scheduler: refused where resources are named', () => {
    const world = new AttachSimulation(worldOf(), [attackerOf({ details: { default: '0/2/s' } })]);
    world.fields = { settings: settingsOf({ resourceNames: ['nvidia.com/bf3_vfs'] }) };
    world.settle();
    expect([world.done(), reasonOf(world, 'attacker')]).toEqual([[], 'ResourceNotRequested']);
  });

  it('of a pod in the network of its host: refused', () => {
    const world = new AttachSimulation(worldOf(), [attackerOf({ details: { default: '0/2/s' }, isHostNetwork: true })]);
    world.settle();
    expect([world.done(), reasonOf(world, 'attacker')]).toEqual([[], 'PodNotEligible']);
  });

  it('of a pod that has ended: it claims nothing', () => {
    const world = new AttachSimulation(worldOf(), [
      attackerOf({ details: { default: '0/1' }, isTerminal: true }),
      victim,
    ]);
    world.settle();
    expect(world.ids(vf1)['iface-id']).toBe('ns_victim');
  });
});

describe('2: two pods claim one function', () => {
  it("and the attacker copies the victim's sandbox and network: the victim's port is neither removed nor changed", () => {
    const world = underAttack().put(attackerOf({ details: { default: '0/1/sandbox-of-victim' } }));
    world.settle();
    for (let update = 2; update < 6; update += 1) {
      world
        .put(attackerOf({ details: { default: '0/1/sandbox-of-victim' }, resourceVersion: String(update) }))
        .settle();
    }
    expectUnharmed(world);
  });

  it('and the attacker goes away, is deleted, or ends: the victim does not notice', () => {
    const attacker = attackerOf({ details: { default: '0/1/sandbox-of-victim' } });
    const ends: ((world: AttachSimulation) => void)[] = [
      (world) => void world.remove(attacker.uid),
      (world) => void world.miss(attacker.uid),
      (world) => void world.put({ ...attacker, isTerminal: true }),
      (world) => void world.put(attackerOf({})),
      (world) => void world.put(attackerOf({ details: '[]' })),
    ];
    for (const end of ends) {
      const world = underAttack().put(attacker);
      world.settle();
      end(world);
      world.settle();
      expectUnharmed(world);
    }
  });

  it('and the agent is started anew: the rows say whose it is', () => {
    const world = underAttack().put(attackerOf({ details: { default: '0/1/sandbox-of-victim' } }));
    world.settle();
    world.restart().settle();
    expectUnharmed(world);
  });

  it('and the host takes the function away and gives it back: the victim has it again', () => {
    const world = underAttack().put(attackerOf({ details: { default: '0/1/sandbox-of-victim' } }));
    world.dropNetdev(vf1).settle();
    world.setNetdev(vfOf(1, { ifindex: 900 })).settle();
    expect(world.ids(vf1)['iface-id']).toBe('ns_victim');
  });

  it('and the attacker moves its own attachment onto the held one: it loses its own and gains nothing', () => {
    const world = underAttack().put(attackerOf({ details: { default: '0/2' } }));
    world.settle();
    world.rounds.length = 0;
    world.put(attackerOf({ details: { default: '0/1' } })).settle();
    expect(world.done()).toEqual([`detach ${vfName(2)}`]);
    expect(world.ids(vf1)['iface-id']).toBe('ns_victim');
    expect(reasonOf(world, 'victim')).toBe('Ready');
  });
});

describe('3: an attacker claims first', () => {
  it('a function that no pool gives to pods: refused, and free for whom it is', () => {
    const world = new AttachSimulation(worldOf(), [attackerOf({ details: { default: '0/1' } })]);
    world.fields = { settings: settingsOf({ pools: [{ pf: 0, vfs: new Set([2, 3]) }] }) };
    world.settle();
    expect(reasonOf(world, 'attacker')).toBe('RepresentorReserved');
    expect(world.look().plan.holders.size).toBe(0);
  });

  it('without asking for the resource: the victim who does gets it', () => {
    const resources = ['nvidia.com/bf3_vfs'];
    const world = new AttachSimulation(worldOf(), [attackerOf({ details: { default: '0/1' } })]);
    world.fields = { settings: settingsOf({ resourceNames: resources }) };
    world.settle();
    world.put({ ...victim, resources: new Map([['nvidia.com/bf3_vfs', 1]]) }).settle();
    expect(world.ids(vf1)['iface-id']).toBe('ns_victim');
  });

  it('and holds it only while it lives and claims: the victim is told, and gets it afterwards', () => {
    const attacker = attackerOf({ details: { default: '0/1' } });
    const world = new AttachSimulation(worldOf(), [attacker]);
    world.settle();
    world.put(victim).settle();
    expect(verdictOf(world.look().plan, 'victim')).toMatchObject({
      heldBy: 'u-attacker|default',
      verdict: { reason: 'RepresentorClaimedTwice', state: 'failed' },
    });
    world.remove(attacker.uid).settle();
    expect(world.ids(vf1)['iface-id']).toBe('ns_victim');
  });
});

describe('4: ids that are paths, names or numbers of another kind', () => {
  it.each(['../../0', '0/../1', '0-0', 'p0', '-1', '01', '1e0', '0x1', ' 1', '1 ', '١', '1\u0000', '4294967297', ''])(
    'pfId or vfId %j finds nothing and harms nothing',
    (id) => {
      for (const ids of [
        { pfId: id, vfId: '1' },
        { pfId: '0', vfId: id },
      ]) {
        const text = JSON.stringify({ default: { ...ids, sandboxId: 'sandbox-of-victim' } });
        const world = underAttack().put(attackerOf({ details: text }));
        world.settle();
        expectUnharmed(world);
        expect(reasonOf(world, 'attacker')).toBe('DetailsInvalid');
      }
    },
  );
});

describe('5 and 17: a claim of what is no function of a pod', () => {
  it.each([
    ['an uplink', uplink(0, { pf: 0, vf: 9 })],
    ["the host's PF", vfOf(9, { kind: 'hostPf' })],
    ['a function of this machine', vfOf(9, { kind: 'localVf', isExternal: false })],
    ['a device whose sources disagree', vfOf(9, { kind: 'other', evidence: 'conflict' })],
    ['the renamed management port', vfOf(9, { name: 'ovn-k8s-mp0' })],
  ])('%s: refused, and its link is left alone', (_what, device) => {
    const world = new AttachSimulation(worldOf({ netdevs: [device] }), [attackerOf({ details: { default: '0/9' } })]);
    world.settle();
    expect([world.done(), reasonOf(world, 'attacker')]).toEqual([[], 'RepresentorReserved']);
    expect(world.observed.netdevs.get(device.name)).toEqual(device);
  });

  it('a port that this machine declares for itself: refused', () => {
    const world = new AttachSimulation(worldOf(), [attackerOf({ details: { default: '0/1' } })]);
    world.fields = { declared: { names: new Set([vf1]), functions: [] } };
    world.settle();
    expect([world.done(), reasonOf(world, 'attacker')]).toEqual([[], 'RepresentorReserved']);
  });

  it('a function that a declared port asks for, under whatever name its device is: refused', () => {
    const world = new AttachSimulation(worldOf(), [attackerOf({ details: { default: '0/1' } })]);
    world.fields = { declared: { names: new Set(), functions: [{ controller: 1, pf: 0, vf: 1 }] } };
    world.settle();
    expect([world.done(), reasonOf(world, 'attacker')]).toEqual([[], 'RepresentorReserved']);
  });

  it('a function that is declared only once a pod has it: the configuration wins, and the port makes room', () => {
    const world = underAttack();
    world.fields = { declared: { names: new Set([vf1]), functions: [{ controller: undefined, pf: 0, vf: 1 }] } };
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`]);
    expect(reasonOf(world, 'victim')).toBe('RepresentorReserved');
  });

  it('the management function before it is plugged or renamed: refused because it is reserved', () => {
    const world = new AttachSimulation(worldOf(), [attackerOf({ details: { default: '0/0' } })]);
    world.fields = { settings: settingsOf({ reserved: [{ pf: 0, vfs: new Set([0]) }] }) };
    world.settle();
    expect([world.done(), reasonOf(world, 'attacker')]).toEqual([[], 'RepresentorReserved']);
  });
});

describe('a network whose definition has yet to be read', () => {
  it('leaves what was made from it before ready, and makes nothing new', () => {
    const details = { default: '0/1', 'ns/blue': '0/2' };
    const world = new AttachSimulation(worldOf(), [podOf('a', { details })]);
    world.settle();
    world.put(podOf('b', { details: { 'ns/blue': '0/3' } }));
    world.fields = { findNetwork: () => 'pending' };
    world.settle();
    const of = (name: string) => verdictOf(world.look().plan, name, 'ns/blue').verdict.reason;
    expect([of('a'), of('b'), world.observed.ports.has(vfName(3))]).toEqual(['Ready', 'NetworkUnknown', false]);
  });
});

describe('what ovnkube-node left behind', () => {
  const limit = { type: 'linux-htb', otherConfig: mapOf({ 'max-rate': '1000' }) };
  const qosOf = (sandbox: string) => ({ uuid: 'q1', ...limit, externalIds: mapOf({ sandbox }) });
  const left = podPort(vf1, identityOf('a'), { owner: undefined, port: { qos: 'q1' } });
  const podA = podOf('a', { details: { default: '0/1' }, annotations: { ingressBandwidth: '5M' } });
  const netdevs = [vfOf(1, { isUp: true, isPromiscuous: true })];

  it('the limit of a port is taken over with it, and goes with it', () => {
    const world = new AttachSimulation(worldOf({ netdevs, ports: [left], qos: [qosOf('s1')] }), [podA]);
    world.settle();
    expect(world.observed.qos.get('q1')?.otherConfig.get('max-rate')).toBe('5000000');
    expect(world.port(vf1).qos).toBe('q1');
    world.remove('u-a').settle();
    expect([world.observed.ports.size, world.observed.qos.size]).toEqual([0, 0]);
  });

  it('the limit that the pod does not ask for goes', () => {
    const plain = podOf('a', { details: { default: '0/1' } });
    const world = new AttachSimulation(worldOf({ netdevs, ports: [left], qos: [qosOf('s1')] }), [plain]);
    world.settle();
    expect([world.port(vf1).qos, world.observed.qos.size]).toEqual([undefined, 0]);
  });

  it('a limit of another sandbox is somebody else’s', () => {
    const world = new AttachSimulation(worldOf({ netdevs, ports: [left], qos: [qosOf('s9')] }), [podA]);
    world.settle();
    expect(world.observed.qos.get('q1')).toEqual(qosOf('s9'));
  });

  it('the port of a pod that is gone: the words name the command that removes it', () => {
    const old = podPort(vf1, identityOf('old'), { owner: undefined });
    const world = new AttachSimulation(worldOf({ ports: [old] }), [podA]);
    world.settle();
    expect(world.done()).toEqual([]);
    expect(verdictOf(world.look().plan, 'a').verdict.message).toBe(
      `${vf1} is a port of br-int that is not this agent's. It is left of ns_old, which is not listed; ` +
        `to remove it: ovs-vsctl --if-exists del-port br-int ${vf1}`,
    );
  });
});

describe('a pod that names more functions than it asked for', () => {
  const details = { default: '0/1', 'ns/blue': '0/2', 'ns/red': '0/3' };
  const settings = settingsOf({ resourceNames: ['a/vf', 'b/vf'] });
  const hogOf = (count: number) => podOf('hog', { details, resources: new Map([['a/vf', count]]) });

  it('gets as many as it asked for, the default network first', () => {
    const world = new AttachSimulation(worldOf(), [hogOf(1)]);
    world.fields = { settings };
    world.settle();
    expect(world.done()).toEqual([`attach ${vf1}`]);
    expect(verdictOf(world.look().plan, 'hog', 'ns/blue').verdict).toMatchObject({
      reason: 'ResourceNotRequested',
      isFinal: true,
    });
  });

  it('keeps what it has before it gets anything else', () => {
    const world = new AttachSimulation(worldOf(), [
      podOf('hog', { details: { 'ns/red': '0/3' }, resources: new Map([['b/vf', 1]]) }),
    ]);
    world.fields = { settings };
    world.settle();
    world.put(hogOf(1));
    world.settle();
    expect(world.done()).toEqual([`attach ${vfName(3)}`]);
  });

  it('keeps no function from others in a network in which it has no address', () => {
    const hog = podOf('hog', { details, createdMs: 1, annotations: { networks: podOf('hog').annotations.networks } });
    const world = new AttachSimulation(worldOf(), [hog, podOf('late', { details: { default: '0/2' } })]);
    world.settle();
    expect([...world.done()].sort()).toEqual([`attach ${vf1}`, `attach ${vfName(2)}`]);
    expect(reasonOf(world, 'late')).toBe('Ready');
  });
});

describe('6: a claim of the management port', () => {
  const ids = { 'iface-id': 'k8s-host-a', 'k8s.ovn.org/management-port-name': 'ovn-k8s-mp0' };
  const management = portRow(vfName(0), 'br-int', {}, { type: '', externalIds: mapOf(ids) });
  const devices = [vfOf(0, { isUp: true, isPromiscuous: true }), vfOf(1)];

  it.each(['""', '"s"', 'null', '" "', '{}'])('with sandboxId %s: its port stays, and its link up', (sandboxId) => {
    const details = `{"default":{"pfId":"0","vfId":"0","sandboxId":${sandboxId}}}`;
    const world = new AttachSimulation(worldOf({ ports: [management], netdevs: devices }), [attackerOf({ details })]);
    world.settle();
    world.remove('u-attacker').settle();
    expect(world.done()).toEqual([]);
    expect(world.ids(vfName(0))).toMatchObject(ids);
    expect(world.observed.netdevs.get(vfName(0))?.isUp).toBe(true);
  });

  it('that sits on another bridge: its link stays up too', () => {
    const elsewhere = { ...management, bridge: 'br-ex' };
    const bridges = [bridgeRow('br-int'), bridgeRow('br-ex')];
    const pods = [attackerOf({ details: { default: '0/0' } })];
    const world = new AttachSimulation(worldOf({ ports: [elsewhere], netdevs: devices, bridges }), pods);
    world.settle();
    world.remove('u-attacker').settle();
    expect([world.done(), world.rounds.flatMap(({ plan }) => [...plan.linksDown, ...plan.linksUp])]).toEqual([[], []]);
  });
});

describe('7: a name that may mean a function of this machine', () => {
  it('is granted only as far as the finder does, and never when two devices answer', () => {
    const netdevs = [vfOf(1), vfOf(1, { name: 'pf0vf1_local', evidence: 'legacyName' })];
    const world = new AttachSimulation(worldOf({ netdevs }), [attackerOf({ details: { default: '0/1' } })]);
    world.settle();
    expect([world.done(), reasonOf(world, 'attacker')]).toEqual([[], 'RepresentorAmbiguous']);
  });
});

describe('8: one iface-id on two ports', () => {
  it('of networks of one pod whose names collide: the first port stays, the other is refused', () => {
    const world = new AttachSimulation(worldOf(), [podOf('victim', { details: { 'ns/a-b': '0/1' } })]);
    world.settle();
    world.rounds.length = 0;
    world.put(podOf('victim', { details: { 'ns/a-b': '0/1', 'ns/a.b': '0/2' } })).settle();
    expect(world.done()).toEqual([]);
    expect(verdictOf(world.look().plan, 'victim', 'ns/a.b').verdict.reason).toBe('IfaceIdTaken');
    expect(verdictOf(world.look().plan, 'victim', 'ns/a-b').verdict.reason).toBe('Ready');
  });

  it("of somebody else's port: theirs is not deleted", () => {
    const theirs = podPort('veth9', identityOf('attacker'), { owner: undefined });
    const world = new AttachSimulation(worldOf({ ports: [theirs] }), [attackerOf({ details: { default: '0/1' } })]);
    world.settle();
    expect([world.done(), reasonOf(world, 'attacker')]).toEqual([[], 'IfaceIdTaken']);
  });
});

describe('10: annotations that crash, or detach', () => {
  it.each(unparsableTexts)('%s in the details of an attached pod keeps its port', (_what, details) => {
    const world = underAttack().put({ ...victim, annotations: { ...victim.annotations, details } });
    world.settle();
    expect(world.done()).toEqual([]);
    expect(verdictOf(world.look().plan, 'victim')).toMatchObject({
      isPlugged: true,
      verdict: { reason: 'DetailsInvalid' },
    });
  });

  it('null and a missing annotation mean that the host has released the function', () => {
    for (const details of ['null', undefined]) {
      const world = underAttack().put({ ...victim, annotations: { ...victim.annotations, details } });
      world.settle();
      expect(world.done()).toEqual([`detach ${vf1}`]);
    }
  });

  it.each(trickyTexts)('%s in any annotation of an attacker touches nobody', (text) => {
    for (const name of ['details', 'networks', 'status', 'ingressBandwidth', 'egressBandwidth'] as const) {
      const attacker = attackerOf({ details: { default: '0/2' }, annotations: { [name]: text } });
      const world = underAttack().put(attacker);
      world.settle();
      expect(world.port(vf1)).toEqual(underAttack().port(vf1));
    }
  });

  it('any text at all in any annotation neither throws nor touches another pod', () => {
    const { observed } = underAttack();
    fc.assert(
      fc.property(anyText, anyText, anyText, (details, networks, ingressBandwidth) => {
        const attacker = attackerOf({ details, annotations: { networks, ingressBandwidth } });
        const plan = planAttachments(inputOf([victim, attacker], observed));
        expect(plan.actions.filter(({ key, kind }) => kind !== 'attach' || !key.startsWith('u-attacker|'))).toEqual([]);
      }),
    );
  });

  it('too long a text keeps the port as well', () => {
    const details = { sizeBytes: 300_000 };
    const world = underAttack().put({ ...victim, annotations: { ...victim.annotations, details } });
    world.settle();
    expect(world.done()).toEqual([]);
  });
});

describe('11: a forged status', () => {
  it('is no evidence: the pod is neither attached by it nor called ready', () => {
    const status = '{"default":{"Status":"Ready"}}';
    const world = new AttachSimulation(worldOf({ netdevs: [] }), [
      attackerOf({ details: { default: '0/1' }, annotations: { status } }),
    ]);
    world.settle();
    expect([world.done(), reasonOf(world, 'attacker')]).toEqual([[], 'RepresentorMissing']);
  });

  it('changes nothing of the plan', () => {
    const { observed } = underAttack();
    const forged = { ...victim, annotations: { ...victim.annotations, status: '{"default":{"Status":"Error"}}' } };
    const plan = planAttachments(inputOf([forged], observed));
    expect([plan.actions, verdictOf(plan, 'victim').verdict.reason]).toEqual([[], 'Ready']);
  });
});

describe('12: another pod of the same name', () => {
  it("does not inherit the former one's port, sandbox or readiness", () => {
    const again = podOf('victim', { uid: 'u-again', createdMs: 5000, details: { default: '0/1/sandbox-of-victim' } });
    const world = underAttack().remove(victim.uid).put(again);
    expect(verdictOf(world.look().plan, 'victim')).toMatchObject({ isPlugged: false });
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf1}`]);
    expect(world.ids(vf1)['iface-id-ver']).toBe('u-again');
  });
});

describe('14: texts that try to be something else', () => {
  it.each(['s iface-id=ns_victim', 's\tx', 's\n', 's"', "s'", 's=1', 's,t', '\u202es', '', 'x'.repeat(129)])(
    'sandboxId %j never reaches the database',
    (sandboxId) => {
      const details = JSON.stringify({ default: { pfId: '0', vfId: '2', sandboxId } });
      const world = underAttack().put(attackerOf({ details }));
      world.settle();
      expectUnharmed(world);
      expect(reasonOf(world, 'attacker')).toBe('DetailsInvalid');
    },
  );

  it('every value that is written is one word without quotes, blanks or control characters', () => {
    fc.assert(
      fc.property(anyText, anyText, (details, networks) => {
        const good = attackerOf({ details: { default: '0/2' } }).annotations;
        const pods = [
          attackerOf({ details, annotations: { networks: good.networks } }),
          podOf('b', { details: { default: '0/3' }, annotations: { networks } }),
        ];
        for (const action of planAttachments(inputOf(pods, worldOf())).actions) {
          if (action.kind !== 'attach') continue;
          for (const [key, value] of action.interfaceRow.setKeys.get('external_ids') ?? []) {
            if (key !== 'dpu-agent-keys') expect(value).toMatch(/^[!#-&(-~]+$/);
          }
        }
      }),
    );
  });

  it('nothing that is said holds a control character or has no end', () => {
    fc.assert(
      fc.property(anyText, anyText, (details, networks) => {
        const plan = planAttachments(inputOf([attackerOf({ details, annotations: { networks } })], worldOf()));
        for (const { verdict, evidence } of plan.verdicts) {
          for (const text of [verdict.message, verdict.publicReason ?? '', ...Object.values(evidence)]) {
            // eslint-disable-next-line no-control-regex -- control characters are what is looked for
            expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
            expect(text.length).toBeLessThan(1200);
          }
        }
      }),
    );
  });

  it('a tenant is never told a name of another pod or of this machine', () => {
    const world = underAttack().put(attackerOf({ details: { default: '0/1' } }));
    const { publicReason } = verdictOf(world.look().plan, 'attacker').verdict;
    expect(publicReason).not.toMatch(/victim|pf0vf1|br-int|u-/);
  });
});

describe('18: ports of others', () => {
  it('whose device the host has taken away stay as they are', () => {
    const chain = portRow(vfName(4), 'br-sfc', { externalIds: mapOf({ 'dpf-id': 'x' }) }, { ofport: -1 });
    const peer = podPort(vfName(5), identityOf('theirs'), { owner: undefined, main: { ofport: -1 } });
    const bridges = [bridgeRow('br-int'), bridgeRow('br-sfc')];
    const other = podPort(vfName(3), identityOf('theirs'), { owner: 'agent-2/pods' });
    const ports = [chain, peer, other];
    const world = new AttachSimulation(worldOf({ bridges, ports, netdevs: [] }), []);
    world.deleted.add('u-theirs');
    world.settle();
    expect(world.done()).toEqual([]);
    expect(world.observed.ports.size).toBe(3);
  });

  it('of the host that vanish by sriov_numvfs=0 and return: own ones go and come, others stay', () => {
    const chain = portRow(vfName(4), 'br-sfc', { externalIds: mapOf({ 'dpf-id': 'x' }) }, { type: '', ofport: 9 });
    const bridges = [bridgeRow('br-int'), bridgeRow('br-sfc')];
    const world = new AttachSimulation(worldOf({ bridges, ports: [chain] }), [victim]);
    world.settle();
    world.rounds.length = 0;
    for (const vf of [0, 1, 2, 3, 4, 5]) world.dropNetdev(vfName(vf));
    world.settle();
    expect([...world.observed.ports.keys()]).toEqual([vfName(4)]);
    for (const vf of [0, 1, 2, 3, 4, 5]) world.setNetdev(vfOf(vf, { ifindex: 700 + vf }));
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf1}`]);
    expect(reasonOf(world, 'victim')).toBe('Ready');
    expect(Object.fromEntries(world.port(vfName(4)).externalIds)).toEqual({ 'dpf-id': 'x' });
  });

  it("with the mark of the declared ports are not the pods'", () => {
    const declared = podPort(vf1, identityOf('victim', { sandboxId: 'sandbox-of-victim' }), { owner: 'agent-1' });
    const world = new AttachSimulation(worldOf({ ports: [declared] }), [victim]);
    world.settle();
    world.remove(victim.uid).settle();
    expect(world.done()).toEqual([]);
    expect(world.port(vf1).externalIds.get(ownerKey)).toBe('agent-1');
  });
});

describe('19: a port that lives on another bridge', () => {
  it('is not taken over, marked or moved for a pod', () => {
    const bridges = [bridgeRow('br-int'), bridgeRow('br-sfc')];
    const port = portRow(vf1, 'br-sfc', { externalIds: mapOf({ 'dpf-id': 'x' }) }, { type: '' });
    const world = new AttachSimulation(worldOf({ bridges, ports: [port] }), [victim]);
    world.settle();
    expect([world.done(), reasonOf(world, 'victim')]).toEqual([[], 'RepresentorForeign']);
  });
});

describe('devices with hostile surroundings', () => {
  it('a netdev that only looks like a function is not touched', () => {
    const fake = netdev(vf1, { kind: 'other', alias: 'pf0vf1' });
    const world = new AttachSimulation(worldOf({ netdevs: [fake] }), [victim]);
    world.settle();
    expect([world.done(), reasonOf(world, 'victim')]).toEqual([[], 'RepresentorMissing']);
    expect(world.observed.netdevs.get(vf1)).toEqual(fake);
  });
});
