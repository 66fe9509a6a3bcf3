import { describe, expect, it } from 'vitest';
import type { PortIntent } from '../../src/model/intent.js';
import type { Observed, ObservedInterface, ObservedPort } from '../../src/model/observed.js';
import { managedKeysKey, ownerKey, parsePins, pinsKey } from '../../src/model/ownership.js';
import {
  actionNames,
  actionOf,
  bridgeIntent,
  bridgeRow,
  interfaceRow,
  mapOf,
  marked,
  netdev,
  observedOf,
  owner,
  patchIntent,
  planOf,
  portIntent,
  portRow,
  type WorldFields,
} from '../fakes/plan-rows.js';
import { apply } from '../fakes/plan-world.js';

const bridges = [bridgeIntent('br-int', { mode: 'share' }), bridgeIntent('br-b', { mode: 'share' })];
const bridgeRows = [bridgeRow('br-int'), bridgeRow('br-b')];
const wanted = (name: string, fields: Partial<PortIntent> = {}) => ({
  bridges,
  ports: [portIntent(name, 'br-int', fields)],
});

/** The world after the agent made its ports. */
function madeOf(intents: Parameters<typeof planOf>[0], fields: WorldFields = {}): Observed {
  const world = observedOf({ bridges: bridgeRows, ...fields });
  return apply(world, planOf(intents, world).actions);
}

function withPort(world: Observed, port: ObservedPort): Observed {
  return { ...world, ports: new Map([...world.ports, [port.name, port]]) };
}

/** The world with columns of the port's one interface changed behind the agent's back. */
function withInterface(world: Observed, name: string, fields: Partial<ObservedInterface>): Observed {
  const port = world.ports.get(name)!;
  return withPort(world, { ...port, interfaces: [{ ...port.interfaces[0]!, ...fields }] });
}

const made = madeOf(wanted('x0'));
const madePort = made.ports.get('x0')!;
const madeInterface = madePort.interfaces[0]!;

describe('a port that does not exist', () => {
  it('is created with both rows marked, its settings and a number of its own', () => {
    const plan = planOf(
      wanted('x0', {
        vlan: { tag: 7, trunks: [3, 2, 3], mode: 'access' },
        mtu: 9000,
        ofport: 12,
        options: mapOf({ o: '1' }),
        otherConfig: mapOf({ c: '1' }),
        externalIds: mapOf({ e: '1' }),
        interfaceExternalIds: mapOf({ 'iface-id': 'pod' }),
      }),
      observedOf({ bridges: bridgeRows }),
    );
    const { port, interface: main, bridgeUuid, loss } = actionOf(plan, 'createPort');
    expect(bridgeUuid).toBe('bridge-br-int');
    expect(loss).toBeUndefined();
    expect(port.set).toEqual(
      new Map<string, unknown>([
        ['tag', 7],
        ['trunks', [2, 3]],
        ['vlan_mode', 'access'],
      ]),
    );
    expect(port.setKeys.get('other_config')).toEqual(mapOf({ c: '1' }));
    expect(port.setKeys.get('external_ids')).toEqual(
      marked({ e: '1', [managedKeysKey]: '["external_ids:e","other_config:c"]' }),
    );
    expect(main.set).toEqual(
      new Map<string, unknown>([
        ['type', 'internal'],
        ['ofport_request', 12],
        ['mtu_request', 9000],
      ]),
    );
    expect(main.setKeys.get('options')).toEqual(mapOf({ o: '1' }));
    expect(main.setKeys.get('external_ids')?.get('iface-id')).toBe('pod');
    expect(main.setKeys.get('external_ids')?.get(ownerKey)).toBe(owner);
  });

  it('writes nothing that a new row holds anyway', () => {
    const { port, interface: main } = actionOf(planOf(wanted('x0'), observedOf({ bridges: bridgeRows })), 'createPort');
    expect([...port.set.keys()]).toEqual([]);
    expect([...main.set.keys()]).toEqual(['type', 'ofport_request']);
  });

  it('is not created while vswitchd has yet to apply its removal', () => {
    const plan = planOf(wanted('x0'), observedOf({ bridges: bridgeRows }), { held: new Set(['x0']) });
    expect(plan.actions).toEqual([]);
  });

  it('waits for a bridge that no intent describes', () => {
    const plan = planOf({ ports: [portIntent('x0', 'br-int')] }, observedOf({ bridges: bridgeRows }));
    expect(plan.actions).toEqual([]);
    expect(plan.blocked).toMatchObject([{ object: { name: 'x0' }, state: 'waiting', reason: 'BridgeAbsent' }]);
  });

  it('has no MTU where it is a patch port, which takes none', () => {
    const world = observedOf({ bridges: bridgeRows });
    const plan = planOf({ bridges, ports: [patchIntent('a', 'br-int', 'b', 'br-b', { mtu: 9000 })] }, world);
    const row = actionOf(plan, 'createPort').interface;
    expect(row.set.has('mtu_request')).toBe(false);
    expect(row.setKeys.get('options')).toEqual(mapOf({ peer: 'b' }));
  });
});

describe('a port of the agent', () => {
  it('is left alone when it is as intended', () => {
    expect(planOf(wanted('x0'), made).actions).toEqual([]);
  });

  it('is repaired in place, row by row', () => {
    const plan = planOf(wanted('x0', { vlan: { tag: 9, trunks: [], mode: undefined }, mtu: 9000 }), made);
    expect(actionNames(plan)).toEqual(['editPort x0', 'editInterface x0']);
    expect(actionOf(plan, 'editPort')).toMatchObject({
      uuid: madePort.uuid,
      loss: expect.stringContaining('VLAN') as string,
    });
    expect(actionOf(plan, 'editInterface')).toMatchObject({ uuid: madeInterface.uuid, loss: undefined });
    expect(
      planOf(wanted('x0', { mtu: 9000 }), apply(made, planOf(wanted('x0', { mtu: 9000 }), made).actions)).actions,
    ).toEqual([]);
  });

  it('has columns emptied that the intent leaves empty', () => {
    const world = withPort(made, { ...madePort, tag: 5, vlanMode: 'access', trunks: [4] });
    expect(actionOf(planOf(wanted('x0'), world), 'editPort').edit.set).toEqual(
      new Map<string, unknown>([
        ['tag', undefined],
        ['trunks', []],
        ['vlan_mode', undefined],
      ]),
    );
  });

  it('takes trunks in any order, and each named twice, for the same', () => {
    const trunked = (trunks: number[]) => wanted('x0', { vlan: { tag: undefined, trunks, mode: undefined } });
    const world = madeOf(trunked([1, 2, 3]));
    expect(planOf(trunked([3, 3, 2, 1]), world).actions).toEqual([]);
  });

  it('keeps foreign keys, and loses the keys that are no longer declared', () => {
    const before = madeOf(wanted('x0', { interfaceExternalIds: mapOf({ mine: '1' }), options: mapOf({ mine: '1' }) }));
    const main = before.ports.get('x0')!.interfaces[0]!;
    const shared = {
      externalIds: new Map([...main.externalIds, ['theirs', '2']]),
      options: new Map([...main.options, ['theirs', '2']]),
    };
    const world = withInterface(before, 'x0', shared);
    const after = apply(world, planOf(wanted('x0'), world).actions).ports.get('x0')!.interfaces[0]!;
    expect(after.options).toEqual(mapOf({ theirs: '2' }));
    expect([...after.externalIds.keys()].sort()).toEqual([ownerKey, pinsKey, 'theirs'].sort());
  });

  it.each([
    ['its port row', { externalIds: new Map() }, {}],
    ['its interface row', {}, { externalIds: new Map() }],
  ])('gets its mark back when it was wiped from %s', (_row, port, main) => {
    const world = withPort(made, { ...madePort, ...port, interfaces: [{ ...madeInterface, ...main }] });
    const after = apply(world, planOf(wanted('x0'), world).actions);
    expect(after.ports.get('x0')?.externalIds).toEqual(madePort.externalIds);
    expect(after.ports.get('x0')?.interfaces[0]?.externalIds).toEqual(madeInterface.externalIds);
  });

  it('costs traffic when it becomes another type of interface', () => {
    const plan = planOf(wanted('x0', { attachment: { kind: 'dpdk', type: 'dpdk' } }), made);
    expect(actionOf(plan, 'editInterface').loss).toContain('opens it anew');
  });

  it('loses interfaces that somebody added to it', () => {
    const world = withPort(made, {
      ...madePort,
      interfaces: [madeInterface, interfaceRow('eth9'), interfaceRow('eth8')],
    });
    const plan = planOf(wanted('x0'), world);
    expect(actionOf(plan, 'dropInterfaces')).toMatchObject({
      uuid: madePort.uuid,
      interfaceUuids: ['interface-eth8', 'interface-eth9'],
      differences: [{ from: 'eth8, eth9, x0', to: 'x0' }],
    });
    expect(planOf(wanted('x0'), apply(world, plan.actions)).actions).toEqual([]);
  });

  it('is moved, not made anew, when it is wanted on another bridge', () => {
    const moved = { bridges, ports: [portIntent('x0', 'br-b')] };
    const plan = planOf(moved, made);
    expect(actionOf(plan, 'movePort')).toMatchObject({
      uuid: madePort.uuid,
      from: 'br-int',
      fromUuid: 'bridge-br-int',
      to: 'br-b',
      toUuid: 'bridge-br-b',
    });
    const after = apply(made, plan.actions);
    expect(after.ports.get('x0')).toMatchObject({ uuid: madePort.uuid, bridge: 'br-b' });
    expect(planOf(moved, after).actions).toEqual([]);
  });

  it('is moved to a bridge that the same plan creates', () => {
    const moved = { bridges: [bridgeIntent('br-new')], ports: [portIntent('x0', 'br-new')] };
    const plan = planOf(moved, made);
    expect(actionOf(plan, 'movePort')).toMatchObject({ to: 'br-new', toUuid: undefined });
    expect(planOf(moved, apply(made, plan.actions)).actions).toEqual([]);
  });

  it('becomes the local port of a bridge that takes its name', () => {
    const plan = planOf({ bridges: [bridgeIntent('x0')] }, made);
    const after = apply(made, plan.actions);
    expect(after.ports.get('x0')).toMatchObject({ uuid: madePort.uuid, bridge: 'x0' });
    expect(after.ports.get('x0')?.interfaces[0]?.ofportRequest).toBeUndefined();
    expect(planOf({ bridges: [bridgeIntent('x0')] }, after).actions).toEqual([]);
  });
});

describe('the OpenFlow number of a port', () => {
  it('is pinned in its note, and restored when somebody edits the request', () => {
    const pinned = madeInterface.ofportRequest!;
    expect(parsePins(madeInterface.externalIds)).toEqual(mapOf({ ofport: String(pinned) }));
    const plan = planOf(wanted('x0'), withInterface(made, 'x0', { ofportRequest: 9 }));
    expect(actionOf(plan, 'editInterface').edit.set).toEqual(new Map([['ofport_request', pinned]]));
  });

  it('stays when the pin was damaged, for the request still tells it', () => {
    const damaged = new Map([...madeInterface.externalIds, [pinsKey, '{"ofport":"x"}']]);
    const world = withInterface(made, 'x0', { externalIds: damaged });
    const after = apply(world, planOf(wanted('x0'), world).actions);
    expect(after.ports.get('x0')?.interfaces[0]).toMatchObject({
      ofportRequest: madeInterface.ofportRequest,
      externalIds: madeInterface.externalIds,
    });
  });

  it('has no pin while it is declared, and warns when it changes', () => {
    const plan = planOf(wanted('x0', { ofport: 5 }), made);
    const { edit, loss } = actionOf(plan, 'editInterface');
    expect(edit.set).toEqual(new Map([['ofport_request', 5]]));
    expect(edit.deleteKeys.get('external_ids')).toEqual([pinsKey]);
    expect(loss).toContain('another OpenFlow number');
  });

  it('stays as it was declared when it is no longer', () => {
    const world = madeOf(wanted('x0', { ofport: 5 }));
    const after = apply(world, planOf(wanted('x0'), world).actions).ports.get('x0')!.interfaces[0]!;
    expect(after.ofportRequest).toBe(5);
    expect(parsePins(after.externalIds).get('ofport')).toBe('5');
  });
});

describe("a port without the agent's mark", () => {
  const foreign = observedOf({
    bridges: bridgeRows,
    ports: [portRow('x0', 'br-int', { externalIds: mapOf({ theirs: '1' }) }, { ofport: 4 })],
  });

  it('is left alone and reported', () => {
    const plan = planOf(wanted('x0'), foreign);
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([
      { reason: 'ForeignPort', claimants: ['config.yaml:1', 'whoever made the port'] },
    ]);
    expect(plan.blocked).toMatchObject([{ state: 'failed', reason: 'ForeignPort' }]);
  });

  it('is taken over by adopt, in place, with its number and its foreign keys', () => {
    const adopting = wanted('x0', { adopt: true });
    const after = apply(foreign, planOf(adopting, foreign).actions);
    const row = after.ports.get('x0')!;
    expect(row).toMatchObject({ uuid: 'port-x0', externalIds: marked({ theirs: '1' }) });
    expect(row.interfaces[0]).toMatchObject({ uuid: 'interface-x0', ofport: 4, ofportRequest: 4 });
    expect(planOf(wanted('x0'), after).actions).toEqual([]);
  });

  it('is never removed, wanted or not', () => {
    expect(planOf({ bridges }, foreign).candidates).toEqual([]);
  });
});

describe('a device that was created anew under Open vSwitch', () => {
  const intents = wanted('p0', { attachment: { kind: 'system' } });
  const device = netdev('p0');
  const before = madeOf(intents, { netdevs: [device] });
  const ripe = new Set(['deviceRecreated port:p0']);
  const withDevice = (fields: Partial<typeof device>): Observed => ({
    ...before,
    netdevs: new Map([['p0', { ...device, ...fields }]]),
  });

  it.each([
    ['is no longer promiscuous', { isPromiscuous: false }],
    ['has another ifindex than the one that was opened', { ifindex: 11 }],
  ])('is noticed when it %s, and nothing is done at first sight', (_how, fields) => {
    const plan = planOf(intents, withDevice(fields));
    expect(plan.candidates).toMatchObject([{ cause: 'deviceRecreated', object: { name: 'p0' } }]);
    expect(plan.actions).toEqual([]);
  });

  it('is taken out once it is ripe, and put back once that was applied', () => {
    const gone = withDevice({ ifindex: 11, isPromiscuous: false });
    const plan = planOf(intents, gone, { ripe });
    expect(actionNames(plan)).toEqual(['deletePort p0']);
    expect(actionOf(plan, 'deletePort')).toMatchObject({
      cause: 'deviceRecreated',
      loss: expect.stringContaining('none') as string,
    });
    const removed = apply(gone, plan.actions);
    expect(planOf(intents, removed, { held: new Set(['p0']) }).actions).toEqual([]);
    const back = apply(removed, planOf(intents, removed).actions);
    expect(planOf(intents, back)).toMatchObject({ actions: [], candidates: [] });
  });

  it('is taken out without repairing it first', () => {
    const changed = wanted('p0', { attachment: { kind: 'system' }, mtu: 9000 });
    expect(actionNames(planOf(changed, withDevice({ isPromiscuous: false }), { ripe }))).toEqual(['deletePort p0']);
  });

  it('is not suspected while vswitchd is silent, or has not opened the port', () => {
    const silent = {
      ...withDevice({ isPromiscuous: false }),
      liveness: { answering: new Set<string>(), silent: new Set(['br-int']), denied: new Set<string>() },
    };
    expect(planOf(intents, silent).candidates).toEqual([]);
    const unopened = withInterface(withDevice({ isPromiscuous: false }), 'p0', { ofport: -1 });
    expect(planOf(intents, unopened).candidates).toEqual([]);
  });

  it('is moved, and not taken out as well, when it is wanted on another bridge', () => {
    const moved = { bridges, ports: [portIntent('p0', 'br-b', { attachment: { kind: 'system' } })] };
    const plan = planOf(moved, withDevice({ isPromiscuous: false }), { ripe });
    expect(actionNames(plan)).toContain('movePort p0');
    expect(actionNames(plan)).not.toContain('deletePort p0');
  });

  it('is left in place where it would not be put back', () => {
    const unusable = { ...intents, bridges: [bridgeIntent('br-int', { datapathType: 'doca' })] };
    expect(planOf(unusable, withDevice({ isPromiscuous: false }), { ripe }).actions).toEqual([]);
  });

  it('is not sought behind internal ports', () => {
    const world = { ...made, netdevs: new Map([['x0', netdev('x0', { isPromiscuous: false })]]) };
    expect(planOf(wanted('x0'), world).candidates).toEqual([]);
  });
});

describe('a bridge in mode observe', () => {
  const observing = [bridgeIntent('br-int', { mode: 'observe' }), bridgeIntent('br-b', { mode: 'share' })];

  it('gets no port, and says what differs', () => {
    const plan = planOf(
      { bridges: observing, ports: [portIntent('x0', 'br-int')] },
      observedOf({ bridges: bridgeRows }),
    );
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([{ reason: 'ObservedDiffers', object: { name: 'x0' } }]);
  });

  it('is as described when the port is there, whoever made it', () => {
    const world = observedOf({ bridges: bridgeRows, ports: [portRow('x0', 'br-int')] });
    expect(planOf({ bridges: observing, ports: [portIntent('x0', 'br-int')] }, world).findings).toEqual([]);
  });

  it('says so when the port is on another bridge', () => {
    const world = observedOf({ bridges: bridgeRows, ports: [portRow('x0', 'br-b')] });
    const plan = planOf({ bridges: observing, ports: [portIntent('x0', 'br-int')] }, world);
    expect(plan.findings[0]?.message).toContain('is on br-b');
  });

  it("keeps the agent's own port even when it is wanted elsewhere", () => {
    const plan = planOf({ bridges: observing, ports: [portIntent('x0', 'br-b')] }, made);
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([{ reason: 'ReadOnly', claimants: ['config.yaml:1', 'bridge br-int'] }]);
  });

  it("keeps the agent's own port when nobody wants it, and says so", () => {
    const plan = planOf({ bridges: observing }, made, { ripe: new Set(['orphan port:x0']) });
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([{ reason: 'OrphanKept', object: { name: 'x0' } }]);
  });
});
