import { describe, expect, it } from 'vitest';
import { managedKeysKey, ownerKey, parsePins, pinsKey } from '../../src/model/ownership.js';
import { deriveDatapathId, deriveHwaddr } from '../../src/plan/identity.js';
import {
  actionNames,
  actionOf,
  bridgeIntent,
  bridgeRow,
  mapOf,
  marked,
  observedOf,
  owner,
  ownPortRow,
  planOf,
  portIntent,
  portRow,
} from '../fakes/plan-rows.js';
import { apply } from '../fakes/plan-world.js';

const intents = { bridges: [bridgeIntent('br-int')] };
/** The bridge as the agent made it. */
const made = apply(observedOf(), planOf(intents, observedOf()).actions);
const madeRow = made.bridges.get('br-int')!;

describe('an own bridge that does not exist', () => {
  const full = bridgeIntent('br-int', {
    datapathType: 'netdev',
    failMode: 'secure',
    protocols: ['OpenFlow15', 'OpenFlow13'],
    otherConfig: mapOf({ 'mac-table-size': '4096' }),
    externalIds: mapOf({ site: 'a' }),
    mtu: 9000,
  });

  it('is created with its settings, its mark and its local port in one plan', () => {
    const plan = planOf({ bridges: [full] }, observedOf());
    expect(actionNames(plan)).toEqual(['createBridge br-int', 'createPort br-int']);
    const { row } = actionOf(plan, 'createBridge');
    expect(row.set).toEqual(
      new Map<string, unknown>([
        ['datapath_type', 'netdev'],
        ['fail_mode', 'secure'],
        ['protocols', ['OpenFlow13', 'OpenFlow15']],
      ]),
    );
    expect(row.setKeys.get('external_ids')?.get(ownerKey)).toBe(owner);
    expect(row.setKeys.get('external_ids')?.get('site')).toBe('a');
    expect(row.setKeys.get('other_config')?.get('mac-table-size')).toBe('4096');
    expect(actionOf(plan, 'createPort')).toMatchObject({ bridge: 'br-int', bridgeUuid: undefined });
    expect(actionOf(plan, 'createPort').interface.set.get('mtu_request')).toBe(9000);
  });

  it('notes which keys it wrote', () => {
    const { row } = actionOf(planOf({ bridges: [full] }, observedOf()), 'createBridge');
    expect(JSON.parse(row.setKeys.get('external_ids')!.get(managedKeysKey)!)).toEqual([
      'external_ids:site',
      'other_config:datapath-id',
      'other_config:hwaddr',
      'other_config:mac-table-size',
    ]);
  });

  it('pins datapath-id and hwaddr, derived from the machine and the name', () => {
    const { row } = actionOf(planOf(intents, observedOf()), 'createBridge');
    const pins = { 'datapath-id': deriveDatapathId('dpu-1', 'br-int'), hwaddr: deriveHwaddr('dpu-1', 'br-int') };
    expect(row.setKeys.get('other_config')).toEqual(mapOf(pins));
    expect(parsePins(row.setKeys.get('external_ids')!)).toEqual(mapOf(pins));
  });

  it('costs no traffic', () => {
    expect(planOf(intents, observedOf()).actions.map(({ loss }) => loss)).toEqual([undefined, undefined]);
  });

  it.each(['share', 'observe'] as const)('is not created in mode %s', (mode) => {
    const plan = planOf({ bridges: [bridgeIntent('br-int', { mode })] }, observedOf());
    expect(plan.actions).toEqual([]);
    expect(plan.blocked).toMatchObject([{ object: { name: 'br-int' }, state: 'waiting', reason: 'BridgeAbsent' }]);
  });

  it("is not created while somebody's port has its name", () => {
    const world = observedOf({ bridges: [bridgeRow('br-f')], ports: [portRow('br-int', 'br-f')] });
    const plan = planOf(intents, world);
    expect(plan.actions).toEqual([]);
    expect(plan.blocked).toMatchObject([
      { object: { kind: 'bridge' }, state: 'failed', reason: 'PortOnForeignBridge' },
      { object: { kind: 'port' }, state: 'waiting', reason: 'BridgeAbsent' },
    ]);
    expect(plan.findings).toMatchObject([{ claimants: ['config.yaml:1', 'whoever put it on br-f'] }]);
  });

  it("is not created while its name is that of the agent's own port on a bridge that is only observed", () => {
    const world = observedOf({ bridges: [bridgeRow('br-o')], ports: [ownPortRow('br-int', 'br-o')] });
    const bridges = [bridgeIntent('br-o', { mode: 'observe' }), ...intents.bridges];
    const plan = planOf({ bridges }, world);
    expect(plan.actions).toEqual([]);
    expect(plan.blocked).toContainEqual(expect.objectContaining({ reason: 'ReadOnly', state: 'failed' }));
  });
});

describe('an own bridge that exists', () => {
  it('is left alone when it is as intended', () => {
    expect(planOf(intents, made).actions).toEqual([]);
  });

  it('is repaired in place, column by column, and only where it differs', () => {
    const wanted = bridgeIntent('br-int', { failMode: 'secure', protocols: ['OpenFlow13'] });
    const plan = planOf({ bridges: [wanted] }, made);
    const { edit, uuid, differences } = actionOf(plan, 'editBridge');
    expect(uuid).toBe(madeRow.uuid);
    expect([...edit.set.keys()]).toEqual(['fail_mode', 'protocols']);
    expect(differences).toContainEqual({ table: 'Bridge', field: 'fail_mode', from: '(unset)', to: 'secure' });
  });

  it('keeps settings that are not declared, whoever set them', () => {
    const row = { ...madeRow, failMode: 'standalone' as const, datapathType: 'netdev', protocols: ['OpenFlow10'] };
    expect(planOf(intents, { ...made, bridges: new Map([['br-int', row]]) }).actions).toEqual([]);
  });

  it.each([
    ['its datapath type', { datapathType: 'netdev' }, 'all traffic of the bridge'],
    ['its fail mode', { failMode: 'secure' as const }, 'all flows of the bridge are flushed'],
    ['its datapath-id', { datapathId: '00000000000000aa' }, 'OpenFlow connections of the bridge reconnect'],
  ])('warns of what it costs to change %s', (_what, fields, loss) => {
    const plan = planOf({ bridges: [bridgeIntent('br-int', fields)] }, made);
    expect(actionOf(plan, 'editBridge').loss).toContain(loss);
  });

  it('loses the keys that are no longer declared, and no others', () => {
    const declared = bridgeIntent('br-int', { otherConfig: mapOf({ mine: '1' }) });
    const before = apply(observedOf(), planOf({ bridges: [declared] }, observedOf()).actions);
    const row = before.bridges.get('br-int')!;
    const shared = { ...row, otherConfig: new Map([...row.otherConfig, ['theirs', '2']]) };
    const world = { ...before, bridges: new Map([['br-int', shared]]) };
    const after = apply(world, planOf(intents, world).actions);
    expect([...after.bridges.get('br-int')!.otherConfig.keys()].sort()).toEqual(['datapath-id', 'hwaddr', 'theirs']);
  });

  it.each(['datapath-id', 'hwaddr'])('has its %s restored when somebody edits it', (key) => {
    const edited = { ...madeRow, otherConfig: new Map([...madeRow.otherConfig, [key, 'edited']]) };
    const world = { ...made, bridges: new Map([['br-int', edited]]) };
    expect(actionOf(planOf(intents, world), 'editBridge').edit.setKeys.get('other_config')).toEqual(
      mapOf({ [key]: madeRow.otherConfig.get(key)! }),
    );
  });

  it('keeps a declared identity as its pin when it is no longer declared', () => {
    const declared = bridgeIntent('br-int', { datapathId: '00000000000000aa', hwaddr: '02:00:00:00:00:aa' });
    const world = apply(observedOf(), planOf({ bridges: [declared] }, observedOf()).actions);
    expect(planOf(intents, world).actions).toEqual([]);
  });

  it('is still recognised when the mark was wiped from its row, and gets it back', () => {
    const wiped = { ...made, bridges: new Map([['br-int', { ...madeRow, externalIds: mapOf({ theirs: '1' }) }]]) };
    const plan = planOf(intents, wiped);
    expect(plan.findings).toEqual([]);
    expect(actionOf(plan, 'editBridge').edit.setKeys.get('external_ids')?.get(ownerKey)).toBe(owner);
    const after = apply(wiped, plan.actions).bridges.get('br-int')!;
    expect(after.externalIds.get('theirs')).toBe('1');
    expect(after.otherConfig).toEqual(madeRow.otherConfig);
  });

  it('gets its local port back when somebody removed the row', () => {
    const plan = planOf(intents, { ...made, ports: new Map() });
    expect(actionNames(plan)).toEqual(['createPort br-int']);
    expect(actionOf(plan, 'createPort').bridgeUuid).toBe(madeRow.uuid);
  });

  it('survives notes that somebody damaged', () => {
    const damaged = new Map([...madeRow.externalIds, [pinsKey, '{'], [managedKeysKey, '[["other_config:theirs"]]']]);
    const otherConfig = new Map([...madeRow.otherConfig, ['theirs', '1']]);
    const world = { ...made, bridges: new Map([['br-int', { ...madeRow, externalIds: damaged, otherConfig }]]) };
    const after = apply(world, planOf(intents, world).actions).bridges.get('br-int')!;
    expect(after.externalIds).toEqual(madeRow.externalIds);
    expect(after.otherConfig).toEqual(otherConfig);
  });
});

describe('a pin that Open vSwitch would not take', () => {
  const withPins = (pins: Readonly<Record<string, string>>) => {
    const externalIds = new Map([...madeRow.externalIds, [pinsKey, JSON.stringify(pins)]]);
    return { ...made, bridges: new Map([['br-int', { ...madeRow, externalIds }]]) };
  };

  it.each([
    ['words', 'zz', 'garbage'],
    ['zeros', '0000000000000000', '00:00:00:00:00:00'],
    ['a group address', '1', 'ff:ff:ff:ff:ff:ff'],
    ['more than an address', '00000000000000aaa', '02:00:00:00:00:00:00'],
  ])('is replaced by what the bridge has: %s', (_what, datapathId, hwaddr) => {
    const world = withPins({ 'datapath-id': datapathId, hwaddr });
    const after = apply(world, planOf(intents, world).actions).bridges.get('br-int')!;
    expect(after).toEqual(madeRow);
  });

  it('is not taken from other_config either', () => {
    const world = withPins({});
    const row = world.bridges.get('br-int')!;
    const broken = { ...row, datapathId: undefined, otherConfig: mapOf({ 'datapath-id': 'zz', hwaddr: 'garbage' }) };
    const after = apply(world, planOf(intents, { ...world, bridges: new Map([['br-int', broken]]) }).actions);
    expect(after.bridges.get('br-int')!.otherConfig).toEqual(
      mapOf({ 'datapath-id': deriveDatapathId('dpu-1', 'br-int'), hwaddr: deriveHwaddr('dpu-1', 'br-int') }),
    );
  });
});

describe('a bridge that carries no mark', () => {
  const foreign = observedOf({
    bridges: [bridgeRow('br-int', { datapathId: '00000000000000bb', otherConfig: mapOf({ theirs: '1' }) })],
    ports: [portRow('br-int', 'br-int', {}, { ofport: 65534, macInUse: '02:00:00:00:00:bb' })],
  });

  it('is left alone and reported, with everything that was to be put on it', () => {
    const plan = planOf({ ...intents, ports: [portIntent('x0', 'br-int')] }, foreign);
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([
      { reason: 'ForeignBridge', claimants: ['config.yaml:1', 'whoever made the bridge'] },
    ]);
    const reasons = plan.blocked.map(({ object, reason }) => `${object.kind} ${object.name} ${reason}`);
    expect(reasons.sort()).toEqual(['bridge br-int ForeignBridge', 'port br-int BridgeAbsent', 'port x0 BridgeAbsent']);
  });

  it('is taken over by adopt, and keeps its identities and foreign keys', () => {
    const adopting = { bridges: [bridgeIntent('br-int', { adopt: true })] };
    const after = apply(foreign, planOf(adopting, foreign).actions);
    const row = after.bridges.get('br-int')!;
    expect(row.uuid).toBe('bridge-br-int');
    expect(row.otherConfig).toEqual(
      mapOf({ theirs: '1', 'datapath-id': '00000000000000bb', hwaddr: '02:00:00:00:00:bb' }),
    );
    expect(planOf(adopting, after).actions).toEqual([]);
    // The mark is enough from now on.
    expect(planOf(intents, after).actions).toEqual([]);
  });

  it('keeps a datapath-id that somebody had configured, rather than the one in use', () => {
    const configured = bridgeRow('br-int', {
      datapathId: '00000000000000bb',
      otherConfig: mapOf({ 'datapath-id': '00000000000000cc' }),
    });
    const plan = planOf({ bridges: [bridgeIntent('br-int', { adopt: true })] }, observedOf({ bridges: [configured] }));
    expect(parsePins(actionOf(plan, 'editBridge').edit.setKeys.get('external_ids')!).get('datapath-id')).toBe(
      '00000000000000cc',
    );
  });

  it("is foreign as well when it carries another agent's mark, whatever its local port says", () => {
    const world = observedOf({
      bridges: [bridgeRow('br-int', { externalIds: mapOf({ [ownerKey]: 'agent-2' }) })],
      ports: [ownPortRow('br-int', 'br-int')],
    });
    expect(planOf(intents, world).findings).toMatchObject([{ reason: 'ForeignBridge' }]);
    expect(planOf({}, world, { ripe: new Set(['orphan bridge:br-int']) }).actions).toEqual([]);
  });

  it('is not marked or changed in mode share', () => {
    const wanted = bridgeIntent('br-int', { mode: 'share', failMode: 'secure', adopt: true });
    const plan = planOf({ bridges: [wanted], ports: [portIntent('x0', 'br-int')] }, foreign);
    expect(actionNames(plan)).toEqual(['createPort x0']);
    expect(actionOf(plan, 'createPort').bridgeUuid).toBe('bridge-br-int');
  });
});

describe('a datapath type that this Open vSwitch does not offer', () => {
  const wanted = { bridges: [bridgeIntent('br-int', { datapathType: 'doca' })], ports: [portIntent('x0', 'br-int')] };

  it('is reported, and nothing is created with it', () => {
    const plan = planOf(wanted, observedOf());
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([{ reason: 'DatapathTypeUnsupported' }]);
    expect(plan.findings[0]?.message).toContain('netdev, system, not doca');
  });

  it('leaves an existing bridge and its ports as they are', () => {
    const world = observedOf({
      bridges: [bridgeRow('br-int', { externalIds: marked() })],
      ports: [ownPortRow('br-int', 'br-int'), ownPortRow('x0', 'br-int')],
    });
    const plan = planOf(wanted, world);
    expect(plan.actions).toEqual([]);
    expect(plan.candidates).toEqual([]);
  });

  it('is tried where vswitchd does not say what it offers', () => {
    const plan = planOf(wanted, observedOf({ root: { datapathTypes: [] } }));
    expect(actionNames(plan)).toContain('createBridge br-int');
  });
});
