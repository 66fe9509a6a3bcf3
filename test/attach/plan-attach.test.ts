import { describe, expect, it } from 'vitest';
import { planAttachments } from '../../src/attach/plan-attach.js';
import { ownerKey } from '../../src/model/ownership.js';
import {
  actionNames,
  identityOf,
  inputOf,
  mark,
  podOf,
  podPort,
  settingsOf,
  verdictOf,
  vfName,
  vfOf,
  worldOf,
} from '../fakes/attach-inputs.js';
import { AttachSimulation } from '../fakes/attach-simulation.js';
import { bridgeRow, interfaceRow, mapOf, portRow } from '../fakes/plan-rows.js';

const vf1 = vfName(1);
const vf2 = vfName(2);
const podA = podOf('a', { details: { default: '0/1' } });
const podB = podOf('b', { details: { default: '0/1' } });

/** Pod a, attached by VF 1 and ready. */
function attached(): AttachSimulation {
  const world = new AttachSimulation(worldOf(), [podA]);
  world.settle();
  world.rounds.length = 0;
  return world;
}

const reasonOf = (world: AttachSimulation, name: string, nadKey?: string) =>
  verdictOf(world.look().plan, name, nadKey).verdict.reason;

describe('one pod', () => {
  it('is attached, switched on, and ready on evidence', () => {
    const world = new AttachSimulation(worldOf(), [podA]);
    const { plan } = world.settle();
    expect(world.done()).toEqual(['attach pf0vf1']);
    expect(world.ids(vf1)).toMatchObject({ 'iface-id': 'ns_a', 'iface-id-ver': 'u-a', sandbox: 's1' });
    expect(world.observed.netdevs.get(vf1)).toMatchObject({ isUp: true, mtu: 1400 });
    const verdict = verdictOf(plan, 'a');
    expect(verdict).toMatchObject({ isPlugged: true, device: vf1, verdict: { reason: 'Ready' } });
    expect(verdict.evidence).toMatchObject({ ofport: '1', link_state: 'up', 'ovn-installed': 'true' });
  });

  it('has its link switched on only once its port is there', () => {
    const world = new AttachSimulation(worldOf(), [podA]);
    expect(world.step().plan.linksUp).toEqual([]);
    expect(world.step().plan.linksUp).toEqual([{ name: vf1, mtu: 1400, isUp: true }]);
  });

  it('is not ready before OVN says so, where that is required', () => {
    const main = { ofport: 4, linkState: 'up', ifindex: 101 } as const;
    const port = podPort(vf1, identityOf('a'), { main: { ...podPort(vf1, identityOf('a')).interfaces[0], ...main } });
    const observed = worldOf({ ports: [port], netdevs: [vfOf(1, { isUp: true, isPromiscuous: true, mtu: 1400 })] });
    expect(verdictOf(planAttachments(inputOf([podA], observed)), 'a').verdict.reason).toBe('OvnNotInstalled');
    const lenient = inputOf([podA], observed, { settings: settingsOf({ ovnInstalled: 'ignore' }) });
    expect(verdictOf(planAttachments(lenient), 'a').verdict.reason).toBe('Ready');
  });

  it('waits for its address, its bridge and its device, and says for which', () => {
    const noAddress = podOf('a', { details: { default: '0/1' }, annotations: { networks: undefined } });
    expect(reasonOf(new AttachSimulation(worldOf(), [noAddress]), 'a')).toBe('PodNetworkMissing');
    expect(reasonOf(new AttachSimulation(worldOf({ bridges: [] }), [podA]), 'a')).toBe('BridgeAbsent');
    expect(reasonOf(new AttachSimulation(worldOf({ netdevs: [] }), [podA]), 'a')).toBe('RepresentorMissing');
  });

  it('is not attached again while Open vSwitch has yet to apply the removal of its port', () => {
    const plan = planAttachments(inputOf([podA], worldOf(), { held: new Set([vf1]) }));
    expect(plan.actions).toEqual([]);
    expect(verdictOf(plan, 'a').verdict.reason).toBe('NotApplied');
  });

  it('leaves nothing behind when it is deleted', () => {
    const world = new AttachSimulation(worldOf(), [
      podOf('a', { details: { default: '0/1' }, annotations: { ingressBandwidth: '10M' } }),
    ]);
    world.settle();
    expect(world.observed.qos.size).toBe(1);
    world.remove('u-a').settle();
    expect([world.observed.ports.size, world.observed.qos.size]).toEqual([0, 0]);
    expect(world.observed.netdevs.get(vf1)?.isUp).toBe(false);
  });

  it('is detached at once when its DELETED event was seen', () => {
    const { plan } = attached().remove('u-a').step();
    expect(plan.actions).toMatchObject([{ kind: 'detach', port: vf1, cause: 'the pod was deleted' }]);
    expect(plan.linksDown).toEqual([{ name: vf1, isUp: false }]);
  });

  it('is detached at once when it was deleted and its device is gone too', () => {
    expect(actionNames(attached().dropNetdev(vf1).remove('u-a').step().plan)).toEqual([`detach ${vf1}`]);
  });

  it('that is missing from the list keeps its port until it has been missed for long enough', () => {
    const world = attached().miss('u-a');
    const first = world.step().plan;
    expect([first.actions, first.candidates]).toMatchObject([[], [{ cause: 'podMissing' }]]);
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`]);
  });

  it('that comes back to the list keeps its port', () => {
    const world = attached().miss('u-a');
    world.step();
    world.step();
    world.put(podA).settle();
    expect(world.done()).toEqual([]);
  });

  it('is detached when it has released the function, and when it has ended', () => {
    for (const pod of [podOf('a'), podOf('a', { details: {} }), podOf('a', { ...podA, isTerminal: true })]) {
      expect(actionNames(attached().put(pod).step().plan)).toEqual([`detach ${vf1}`]);
    }
  });

  it('that has ended is neither attached nor spoken of', () => {
    const ended = podOf('a', { details: { default: '0/1' }, isTerminal: true });
    const plan = planAttachments(inputOf([ended], worldOf()));
    expect([plan.actions, plan.verdicts]).toEqual([[], []]);
  });

  it('that a stale list still holds after its deletion is gone', () => {
    const world = attached();
    world.deleted.add('u-a');
    expect(world.step().plan).toMatchObject({ actions: [{ kind: 'detach' }], verdicts: [] });
  });
});

describe('a changed identity', () => {
  it.each([
    ['sandbox', podOf('a', { details: { default: '0/1/s2' } }), vf1],
    ['function', podOf('a', { details: { default: '0/2' } }), vf2],
  ])('of %s is a detach in one plan and an attach in a later one', (_what, changed, device) => {
    const world = attached().put(changed);
    expect(actionNames(world.step().plan)).toEqual([`detach ${vf1}`]);
    expect(reasonOf(world, 'a')).toBe('NotApplied');
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${device}`]);
    expect(reasonOf(world, 'a')).toBe('Ready');
  });

  it('says what it waits for meanwhile', () => {
    const other = attached().put(podOf('a', { details: { default: '0/2' } }));
    expect(verdictOf(other.look().plan, 'a').verdict).toMatchObject({ reason: 'DetachPending', state: 'waiting' });
    const same = attached().put(podOf('a', { details: { default: '0/1/s2' } }));
    expect(verdictOf(same.look().plan, 'a')).toMatchObject({ isPlugged: false, verdict: { reason: 'DetachPending' } });
  });

  it('of sandbox detaches even where the new one may not be attached', () => {
    const world = attached().put(podOf('a', { details: { default: '0/1/s2' } }));
    world.fields = { settings: settingsOf({ reserved: [{ pf: 0, vfs: undefined }] }) };
    expect(actionNames(world.step().plan)).toEqual([`detach ${vf1}`]);
  });

  it.each([1, 2])('of uid under one name replaces the port, by VF %i', (vf) => {
    const again = podOf('a', { uid: 'u-a2', createdMs: 2000, details: { default: `0/${vf}/s9` } });
    const world = attached().remove('u-a').put(again);
    expect(actionNames(world.step().plan)).toEqual([`detach ${vf1}`]);
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach pf0vf${vf}`]);
    expect(world.ids(`pf0vf${vf}`)).toMatchObject({ 'iface-id': 'ns_a', 'iface-id-ver': 'u-a2', sandbox: 's9' });
  });

  it.each([1, 2])('of uid needs no DELETED event: the name belongs to one pod at a time (VF %i)', (vf) => {
    const again = podOf('a', { uid: 'u-a2', createdMs: 2000, details: { default: `0/${vf}/s9` } });
    const world = attached().miss('u-a').put(again);
    expect(actionNames(world.step().plan)).toEqual([`detach ${vf1}`]);
    world.settle();
    expect(reasonOf(world, 'a')).toBe('Ready');
  });

  it('of uid is seen for networks besides the default one as well', () => {
    const details = { 'ns/blue': '0/1' };
    const world = new AttachSimulation(worldOf(), [podOf('a', { details })]);
    world.settle();
    world.rounds.length = 0;
    world.miss('u-a').put(podOf('a', { uid: 'u-a2', createdMs: 2000, details: { 'ns/blue': '0/2/s9' } }));
    world.settle(5);
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf2}`]);
  });

  it('ignores an earlier pod of the same name that a stale list still holds', () => {
    const again = podOf('a', { uid: 'u-a2', createdMs: 2000, details: { default: '0/2/s9' } });
    const world = attached().put(again);
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf2}`]);
  });
});

describe('several networks', () => {
  const pod = podOf('a', { details: { default: '0/1', 'ns/blue': '0/2', 'ns/blue/1': '0/3' } });

  it('of one pod are attached side by side, each with its own name', () => {
    const world = new AttachSimulation(worldOf(), [pod]);
    world.settle();
    const names = [1, 2, 3].map((vf) => world.ids(vfName(vf))['iface-id']);
    expect(names).toEqual(['ns_a', 'ns.blue_ns_a', 'ns.blue.1_ns_a']);
    expect(world.ids(vfName(3))).toMatchObject({ 'k8s.ovn.org/nad': 'ns/blue/1', 'k8s.ovn.org/network': 'ns.blue' });
  });

  it('leave the others alone when one goes', () => {
    const world = new AttachSimulation(worldOf(), [pod]);
    world.settle();
    world.rounds.length = 0;
    world.put(podOf('a', { details: { default: '0/1', 'ns/blue/1': '0/3' } })).settle();
    expect(world.done()).toEqual([`detach ${vf2}`]);
  });

  it('with one iface-id: the attached one keeps it, whatever the order of their names', () => {
    const world = new AttachSimulation(worldOf(), [podOf('a', { details: { 'ns/a.b': '0/1' } })]);
    world.settle();
    world.rounds.length = 0;
    world.put(podOf('a', { details: { 'ns/a-b': '0/2', 'ns/a.b': '0/1' } })).settle();
    expect(world.done()).toEqual([]);
    expect(reasonOf(world, 'a', 'ns/a.b')).toBe('Ready');
    expect(reasonOf(world, 'a', 'ns/a-b')).toBe('IfaceIdTaken');
  });

  it('with one iface-id: one that cannot be read any more keeps it too', () => {
    const world = new AttachSimulation(worldOf(), [podOf('a', { details: { 'ns/a.b': '0/1' } })]);
    world.settle();
    world.rounds.length = 0;
    const text = '{"ns/a.b":{"pfId":0},"ns/a-b":{"pfId":"0","vfId":"2","sandboxId":"s1"}}';
    const networks = podOf('a', { details: { 'ns/a-b': '0/2' } }).annotations.networks;
    world.put(podOf('a', { details: text, annotations: { networks } })).settle();
    expect(world.done()).toEqual([]);
    expect(reasonOf(world, 'a', 'ns/a-b')).toBe('IfaceIdTaken');
  });

  it('of one pod cannot share a function', () => {
    const world = new AttachSimulation(worldOf(), [podOf('a', { details: { default: '0/1', 'ns/blue': '0/1' } })]);
    world.settle();
    expect(world.done()).toEqual([`attach ${vf1}`]);
    expect(reasonOf(world, 'a', 'ns/blue')).toBe('RepresentorClaimedTwice');
  });
});

describe('a function that another pod holds', () => {
  it('is refused to the newcomer, who is told nothing of the holder', () => {
    const world = attached().put(podB);
    const { plan } = world.settle();
    expect(world.done()).toEqual([]);
    const { verdict, heldBy } = verdictOf(plan, 'b');
    expect([verdict.reason, verdict.isFinal, heldBy]).toEqual(['RepresentorClaimedTwice', true, 'u-a|default']);
    expect(verdict.message).toContain('ns/a');
    expect(verdict.publicReason).not.toContain('ns/a');
  });

  it('is given to the newcomer once the holder has released it, ended or gone', () => {
    const releases: ((world: AttachSimulation) => AttachSimulation)[] = [
      (world) => world.remove('u-a'),
      (world) => world.put(podOf('a')),
      (world) => world.put(podOf('a', { details: { default: '0/1' }, isTerminal: true })),
      (world) => world.put(podOf('a', { details: { default: '0/2' } })),
    ];
    for (const release of releases) {
      const world = attached().put(podB);
      world.settle();
      release(world).settle();
      expect(world.done().slice(0, 1)).toEqual([`detach ${vf1}`]);
      expect(world.ids(vf1)['iface-id']).toBe('ns_b');
    }
  });

  it('is not given away while its holder is only missing from the list', () => {
    const world = attached().put(podB);
    world.settle();
    world.miss('u-a').step();
    expect(world.done()).toEqual([]);
    expect(verdictOf(world.look().plan, 'b').verdict).toMatchObject({
      reason: 'RepresentorClaimedTwice',
      isFinal: false,
    });
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf1}`]);
  });

  it('stays with its holder while the device is away', () => {
    const older = podOf('z', { details: { default: '0/1' }, createdMs: 1 });
    const world = attached();
    world.dropNetdev(vf1).settle();
    world.put(older).settle();
    world.setNetdev(vfOf(1, { ifindex: 900 })).settle();
    expect(world.ids(vf1)['iface-id']).toBe('ns_a');
  });

  it('stays with its holder while the sources of the device disagree', () => {
    const world = attached();
    const doubtful = {
      ...vfOf(1, { isUp: true, isPromiscuous: true, mtu: 1400 }),
      kind: 'other',
      evidence: 'conflict',
    } as const;
    world
      .setNetdev({ ...doubtful, pf: undefined, vf: undefined })
      .put(podB)
      .settle();
    expect(world.done()).toEqual([]);
  });

  it('stays with its holder when a new configuration grants it no more', () => {
    const world = attached();
    world.fields = { settings: settingsOf({ pools: [] }) };
    world.settle();
    expect(world.done()).toEqual([]);
    expect(verdictOf(world.look().plan, 'a')).toMatchObject({
      isPlugged: true,
      verdict: { reason: 'RepresentorReserved' },
    });
  });

  it('of two that come at once is given to the older pod', () => {
    const older = podOf('z', { details: { default: '0/1' }, createdMs: 1 });
    const world = new AttachSimulation(worldOf(), [podA, older]);
    world.settle();
    expect(world.ids(vf1)['iface-id']).toBe('ns_z');
  });

  it('that was granted before its row is made is not lost to an older newcomer', () => {
    const world = attached().put(podB).remove('u-a');
    world.step();
    world.put(podOf('z', { details: { default: '0/1' }, createdMs: 1 })).settle();
    expect(world.ids(vf1)['iface-id']).toBe('ns_b');
  });
});

describe('details that cannot be read', () => {
  it.each(['null-ish', '[]', '{"default":', '{"default":{"pfId":0}}', '{"default":{}}', '{"default":{"pfId":"x"}}'])(
    'keep the port: %s',
    (details) => {
      const world = attached().put(podOf('a', { details }));
      const { plan } = world.settle();
      expect(world.done()).toEqual([]);
      expect(verdictOf(plan, 'a')).toMatchObject({ isPlugged: true, verdict: { reason: 'DetailsInvalid' } });
    },
  );

  it('are said of each network that is attached', () => {
    const world = new AttachSimulation(worldOf(), [podOf('a', { details: { default: '0/1', 'ns/blue': '0/2' } })]);
    world.settle();
    const { plan } = world.put(podOf('a', { details: '[]' })).settle();
    expect(plan.verdicts.map(({ nadKey, isPlugged }) => [nadKey, isPlugged])).toEqual([
      ['default', true],
      ['ns/blue', true],
    ]);
  });

  it('keep the function from others', () => {
    const world = attached().put(podOf('a', { details: '[]' }), podB);
    world.settle();
    expect(world.done()).toEqual([]);
  });

  it('do not spoil another network of the pod', () => {
    const text = '{"default":{"pfId":0},"ns/blue":{"pfId":"0","vfId":"2","sandboxId":"s1"}}';
    const { networks } = podOf('a', { details: { default: '0/1', 'ns/blue': '0/2' } }).annotations;
    const world = attached().put(podOf('a', { details: text, annotations: { networks } }));
    world.settle();
    expect(world.done()).toEqual([`attach ${vf2}`]);
  });
});

describe('a device that was created anew', () => {
  it('is detached and attached once it has been seen often enough', () => {
    const world = attached().setNetdev(vfOf(1, { ifindex: 500 }));
    expect(world.step().plan.actions).toEqual([]);
    expect(reasonOf(world, 'a')).toBe('DeviceRecreated');
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf1}`]);
    expect(reasonOf(world, 'a')).toBe('Ready');
  });

  it('is not seen in a reading from before its port got its number', () => {
    const world = attached();
    const { observed } = world;
    const stale = new Map(observed.netdevs).set(vf1, vfOf(1, { isUp: true, mtu: 1400, isPromiscuous: false }));
    const input = inputOf([podA], { ...observed, netdevs: stale });
    expect(verdictOf(planAttachments(input), 'a').verdict.reason).toBe('DeviceRecreated');
    const plan = planAttachments({ ...input, fresh: new Set([vf1]) });
    expect(verdictOf(plan, 'a').verdict.reason).toBe('Ready');
    expect(plan.candidates).toEqual([]);
  });

  it('after it was away for long is attached again', () => {
    const world = attached();
    world.dropNetdev(vf1).settle();
    expect(world.done()).toEqual([`detach ${vf1}`]);
    world.setNetdev(vfOf(1, { ifindex: 500 })).settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf1}`]);
  });
});

describe('rows that others have changed', () => {
  const withoutIds = (world: AttachSimulation, keys: readonly string[], where: 'port' | 'interface' | 'both') => {
    const drop = (map: ReadonlyMap<string, string>) => new Map([...map].filter(([key]) => !keys.includes(key)));
    return world.changePort(vf1, (port) => ({
      ...port,
      externalIds: where === 'interface' ? port.externalIds : drop(port.externalIds),
      interfaces: port.interfaces.map((entry) =>
        where === 'port' ? entry : { ...entry, externalIds: drop(entry.externalIds) },
      ),
    }));
  };

  it.each(['port', 'interface', 'both'] as const)('get their mark back: %s', (where) => {
    const world = withoutIds(attached(), [ownerKey], where);
    world.settle();
    expect(world.done()).toEqual([`repair ${vf1}`]);
    expect(world.port(vf1).externalIds.get(ownerKey)).toBe(mark);
    expect(world.ids(vf1)[ownerKey]).toBe(mark);
  });

  it('that lost one of two marks are still removed with their pod', () => {
    for (const where of ['port', 'interface'] as const) {
      const world = withoutIds(attached(), [ownerKey], where).remove('u-a');
      world.settle();
      expect(world.observed.ports.size).toBe(0);
    }
  });

  it('get a wiped sandbox back in place', () => {
    const world = withoutIds(attached(), ['sandbox'], 'interface');
    world.settle();
    expect(world.done()).toEqual([`repair ${vf1}`]);
    expect(world.ids(vf1)['sandbox']).toBe('s1');
  });

  it.each([['iface-id'], ['iface-id-ver'], ['iface-id', 'iface-id-ver', 'sandbox']])(
    'are made anew without %s, and the function stays with its pod',
    (...keys) => {
      const world = withoutIds(attached(), keys, 'interface');
      world.put(podOf('z', { details: { default: '0/1' }, createdMs: 1 })).settle();
      expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf1}`]);
      expect(world.ids(vf1)['iface-id']).toBe('ns_a');
    },
  );

  it('are removed with their pod whatever is left of their identity', () => {
    const world = withoutIds(attached(), ['iface-id', 'iface-id-ver', 'sandbox'], 'interface').remove('u-a');
    world.settle();
    expect(world.observed.ports.size).toBe(0);
  });

  it('get changed values back, and keep the keys of others', () => {
    const world = attached().changePort(vf1, (port) => ({
      ...port,
      otherConfig: mapOf({ 'rstp-enable': 'true' }),
      interfaces: port.interfaces.map((entry) => ({
        ...entry,
        externalIds: new Map([...entry.externalIds, ['attached_mac', 'x'], ['theirs', 'y'], ['ovn-installed-ts', '1']]),
      })),
    }));
    world.settle();
    expect(world.done()).toEqual([`repair ${vf1}`]);
    expect(world.ids(vf1)).toMatchObject({ theirs: 'y', 'ovn-installed': 'true', 'ovn-installed-ts': '1' });
    expect(world.ids(vf1)['attached_mac']).not.toBe('x');
    expect(Object.fromEntries(world.port(vf1).otherConfig)).toEqual({ 'rstp-enable': 'true', transient: 'true' });
  });

  it('moved to another bridge are detached there and attached where they belong', () => {
    const world = new AttachSimulation(worldOf({ bridges: [bridgeRow('br-int'), bridgeRow('br-x')] }), [podA]);
    world.settle();
    world.rounds.length = 0;
    world.changePort(vf1, (port) => ({ ...port, bridge: 'br-x' })).settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf1}`]);
    expect(world.port(vf1).bridge).toBe('br-int');
  });

  it('stay where they are while there is no bridge to move them to', () => {
    const world = new AttachSimulation(worldOf({ bridges: [bridgeRow('br-int'), bridgeRow('br-x')] }), [podA]);
    world.settle();
    world.rounds.length = 0;
    world.fields = { settings: settingsOf({ bridge: 'br-new' }) };
    world.settle();
    expect(world.done()).toEqual([]);
  });

  it('that were made a bond are made anew, and are removed with their pod', () => {
    const bonded = () =>
      attached().changePort(vf1, (port) => ({ ...port, interfaces: [...port.interfaces, interfaceRow('eth9')] }));
    const world = bonded();
    world.settle();
    expect(world.done()).toEqual([`detach ${vf1}`, `attach ${vf1}`]);
    const gone = bonded().remove('u-a');
    gone.settle();
    expect(gone.done()).toEqual([`detach ${vf1}`]);
  });

  it('are shown as not ready when the type is wrong, whatever number the port has', () => {
    const world = attached().changePort(vf1, (port) => ({
      ...port,
      interfaces: port.interfaces.map((entry) => ({ ...entry, type: 'dpdk' })),
    }));
    expect(reasonOf(world, 'a')).toBe('NotApplied');
    world.settle();
    expect(reasonOf(world, 'a')).toBe('Ready');
  });
});

describe("somebody else's rows", () => {
  it('of exactly the same identity are adopted, with no packet lost', () => {
    const port = podPort(vf1, identityOf('a'), { owner: undefined });
    const netdevs = [vfOf(1, { isUp: true, isPromiscuous: true })];
    const world = new AttachSimulation(worldOf({ ports: [port], netdevs }), [podA]);
    world.settle();
    expect(world.done()).toEqual([`repair ${vf1}`]);
    expect(world.port(vf1).uuid).toBe(port.uuid);
    expect(world.port(vf1).externalIds.get(ownerKey)).toBe(mark);
  });

  it.each([
    ['another iface-id', identityOf('a', { ifaceId: 'ns_other' })],
    ['another uid', identityOf('a', { uid: 'u-old' })],
    ['another sandbox', identityOf('a', { sandboxId: 's0' })],
    ['another network', identityOf('a', { nadKey: 'ns/blue' })],
  ])('with %s are left alone', (_what, identity) => {
    const world = new AttachSimulation(worldOf({ ports: [podPort(vf1, identity, { owner: undefined })] }), [podA]);
    world.settle();
    expect(world.done()).toEqual([]);
    expect(reasonOf(world, 'a')).toBe('RepresentorForeign');
  });

  it("with another agent's mark are left alone though the identity is the same", () => {
    for (const owner of ['agent-2/pods', 'agent-1']) {
      const world = new AttachSimulation(worldOf({ ports: [podPort(vf1, identityOf('a'), { owner })] }), [podA]);
      world.settle();
      expect(world.done()).toEqual([]);
      expect(reasonOf(world, 'a')).toBe('RepresentorForeign');
    }
  });

  it('on another bridge are left alone though the identity is the same', () => {
    const port = podPort(vf1, identityOf('a'), { owner: undefined, port: { bridge: 'br-x' } });
    const bridges = [bridgeRow('br-int'), bridgeRow('br-x')];
    const world = new AttachSimulation(worldOf({ ports: [port], bridges }), [podA]);
    world.settle();
    expect([world.done(), reasonOf(world, 'a')]).toEqual([[], 'RepresentorForeign']);
  });

  it('that hold the device as a member of a bond keep it', () => {
    const bond = portRow('bond0', 'br-ex', { interfaces: [interfaceRow('p0'), interfaceRow(vf1)] });
    const world = new AttachSimulation(worldOf({ ports: [bond] }), [podA]);
    world.settle();
    expect([world.done(), reasonOf(world, 'a')]).toEqual([[], 'RepresentorForeign']);
  });

  it('that carry the iface-id keep the pod from being attached on the same bridge, and only there', () => {
    const port = (bridge: string) => podPort('veth9', identityOf('a'), { owner: undefined, port: { bridge } });
    const taken = new AttachSimulation(worldOf({ ports: [port('br-int')] }), [podA]);
    taken.settle();
    expect([taken.done(), reasonOf(taken, 'a')]).toEqual([[], 'IfaceIdTaken']);
    const bridges = [bridgeRow('br-int'), bridgeRow('br-x')];
    const free = new AttachSimulation(worldOf({ ports: [port('br-x')], bridges }), [podA]);
    free.settle();
    expect(free.done()).toEqual([`attach ${vf1}`]);
  });

  it('are not removed with their pod', () => {
    const port = podPort(vf1, identityOf('gone'), { owner: undefined });
    const world = new AttachSimulation(worldOf({ ports: [port] }), []);
    world.deleted.add('u-gone');
    world.settle();
    expect(world.done()).toEqual([]);
  });
});

describe('limits', () => {
  const limited = podOf('a', {
    details: { default: '0/1' },
    annotations: { ingressBandwidth: '10M', egressBandwidth: '5M' },
  });

  it('are set both ways, changed in place, and taken away', () => {
    const world = new AttachSimulation(worldOf(), [limited]);
    world.settle();
    const uuid = world.port(vf1).qos ?? '';
    expect(world.port(vf1).interfaces[0]).toMatchObject({ policingRate: 5000, policingBurst: 500 });
    expect(Object.fromEntries(world.observed.qos.get(uuid)?.otherConfig ?? [])).toEqual({ 'max-rate': '10000000' });
    world.put(podOf('a', { ...limited, annotations: { ...limited.annotations, ingressBandwidth: '20M' } })).settle();
    expect(world.port(vf1).qos).toBe(uuid);
    expect(world.observed.qos.get(uuid)?.otherConfig.get('max-rate')).toBe('20000000');
    world.put(podA).settle();
    expect([world.port(vf1).qos, world.observed.qos.size]).toEqual([undefined, 0]);
    expect(world.port(vf1).interfaces[0]).toMatchObject({ policingRate: 0, policingBurst: 0 });
  });

  it('of one network survive the attachment of another of the same sandbox', () => {
    const world = new AttachSimulation(worldOf(), [limited]);
    world.settle();
    const uuid = world.port(vf1).qos;
    const both = podOf('a', {
      details: { default: '0/1', 'ns/blue': '0/2' },
      annotations: { ingressBandwidth: '10M' },
    });
    world.put(both).settle();
    expect(world.port(vf1).qos).toBe(uuid);
    expect(world.port(vf2).qos).not.toBe(uuid);
  });

  it("of somebody else on the port stay, and that the pod's is not in effect is shown", () => {
    const qos = { uuid: 'theirs', type: 'linux-hfsc', otherConfig: mapOf({}), externalIds: mapOf({}) };
    const world = new AttachSimulation(worldOf({ qos: [qos] }), [podA]);
    world.settle();
    world.rounds.length = 0;
    world.changePort(vf1, (port) => ({ ...port, qos: 'theirs' })).put(limited);
    const { plan } = world.settle();
    expect(world.port(vf1).qos).toBe('theirs');
    expect(verdictOf(plan, 'a').evidence['qos']).toContain("not this agent's");
    world.remove('u-a').settle();
    expect([...world.observed.qos.values()]).toEqual([qos]);
  });

  it("that two ports were made to share are nobody's, and never keep a pod from going", () => {
    const world = new AttachSimulation(worldOf(), [limited, podOf('b', { details: { default: '0/2' } })]);
    world.settle();
    const { qos } = world.port(vf1);
    world.changePort(vf2, (port) => ({ ...port, qos })).settle();
    world.remove('u-a').settle();
    expect(world.observed.ports.has(vf1)).toBe(false);
    world.remove('u-b').settle();
    expect([world.observed.ports.size, world.observed.qos.size]).toEqual([0, 0]);
  });

  it('that no port uses are dropped, and only the marked ones', () => {
    const row = (uuid: string, owner: Record<string, string>) => ({
      uuid,
      type: 'linux-htb',
      otherConfig: mapOf({}),
      externalIds: mapOf({ ...owner, sandbox: 's1' }),
    });
    const qos = [
      row('b', { [ownerKey]: mark }),
      row('a', { [ownerKey]: mark }),
      row('c', {}),
      row('d', { [ownerKey]: 'agent-1' }),
    ];
    const world = new AttachSimulation(worldOf({ qos }), []);
    world.settle();
    expect(world.done()).toEqual(['dropQos a', 'dropQos b']);
  });

  it('that cannot be read are shown, and limit nothing', () => {
    const pod = podOf('a', { details: { default: '0/1' }, annotations: { ingressBandwidth: 'fast' } });
    const { plan } = new AttachSimulation(worldOf(), [pod]).settle();
    expect(verdictOf(plan, 'a').evidence['bandwidth']).toContain('fast');
  });
});

describe('what the database refused', () => {
  const refused = new Map([[`port:${vf1}`, 'constraint violation: \u0007 no']]);

  it('rests and is said of the attachment, with its words made safe', () => {
    const plan = planAttachments(inputOf([podA], worldOf(), { quarantined: refused }));
    expect(plan.actions).toEqual([]);
    expect(verdictOf(plan, 'a').verdict.reason).toBe('TransactionRefused');
    expect(verdictOf(plan, 'a').verdict.message).not.toContain('\u0007');
  });

  it('does not make a port unready that needs no change', () => {
    const world = attached();
    world.fields = { quarantined: refused };
    expect(reasonOf(world, 'a')).toBe('Ready');
  });

  it('makes a port unready whose repair was refused', () => {
    const world = attached().changePort(vf1, (port) => ({ ...port, otherConfig: new Map() }));
    world.fields = { quarantined: refused };
    const { plan } = world.look();
    expect([plan.actions, verdictOf(plan, 'a').verdict.reason]).toEqual([[], 'TransactionRefused']);
  });

  it('rests as a removal too, and its link is left up', () => {
    const world = attached().remove('u-a');
    world.fields = { quarantined: refused };
    expect(world.look().plan).toMatchObject({ actions: [], linksDown: [] });
  });
});

describe('a batch that is cut short', () => {
  it('ends where the whole one does', () => {
    const pods = [1, 2, 3].map((vf) => podOf(`p${vf}`, { details: { default: `0/${vf}` } }));
    const world = new AttachSimulation(worldOf(), pods);
    for (let round = 0; round < 4; round += 1) world.step(1);
    world.put(podOf('p1', { details: { default: '0/2' } }), podOf('p2', { details: { default: '0/1' } }));
    for (let round = 0; round < 4; round += 1) world.step(1);
    const { plan } = world.settle();
    expect(plan.verdicts.map(({ verdict }) => verdict.reason)).toEqual(['Ready', 'Ready', 'Ready']);
    expect([world.ids(vf1)['iface-id'], world.ids(vf2)['iface-id']]).toEqual(['ns_p2', 'ns_p1']);
  });
});
