import { describe, expect, it } from 'vitest';
import { known } from '../../src/model/fact.js';
import type { Netdev } from '../../src/model/netdev.js';
import type { ObservedBridge, ObservedPort, ObservedRoot } from '../../src/model/observed.js';
import { offloadLimitsDefault, type OffloadFacts, type OffloadLimits } from '../../src/offload/offload-facts.js';
import { OffloadRecord } from '../../src/offload/offload-record.js';
import type { ObservedSwitch } from '../../src/offload/record/database-record.js';
import type { SwitchQuickReading } from '../../src/offload/readings.js';
import { hostPf, uplink, vf } from '../fakes/offload-facts.js';
import { lifeOf, machineReading, quickReading, slowReading, toolsReading } from '../fakes/offload-readings.js';
import { bridgeRow, mapOf, marked, owner, portRow, rootRow } from '../fakes/plan-rows.js';

const on = mapOf({ 'hw-offload': 'true' });

interface SwitchFields {
  readonly root?: Partial<ObservedRoot>;
  readonly bridge?: Partial<ObservedBridge>;
  readonly ports?: readonly ObservedPort[];
}

const port = (name: string, main: Partial<ObservedPort['interfaces'][number]> = {}): ObservedPort =>
  portRow(name, 'br-int', {}, { type: '', ofport: 3, ...main });
const somePorts = [port('p0', { mtu: 9_000 }), port('pf0vf0'), port('pf0vf1')];

function seen({ root = {}, bridge = {}, ports = somePorts }: SwitchFields = {}): ObservedSwitch {
  return {
    root: rootRow({ otherConfig: on, ...root }),
    bridges: new Map([['br-int', bridgeRow('br-int', { datapathType: 'system', ...bridge })]]),
    ports: new Map(ports.map((row) => [row.name, row])),
  };
}

const devices = (...list: readonly Netdev[]): ReadonlyMap<string, Netdev> =>
  new Map(list.map((one) => [one.name, one]));
const card = devices(uplink, hostPf, vf(0), vf(1));

function newRecord(declared: Record<string, string> = {}, limits: Partial<OffloadLimits> = {}): OffloadRecord {
  return new OffloadRecord({
    declared: mapOf(declared),
    limits: { ...offloadLimitsDefault, ...limits },
    owner,
    nowMs: 0,
  });
}

/** Everything was read twice, 10 s apart. */
function watched(fields: SwitchFields = {}, quick: Partial<SwitchQuickReading> = {}): OffloadRecord {
  const record = newRecord();
  record.noteSwitch(seen(fields), false, 0);
  record.noteDevices(card, 0);
  for (const atMs of [0, 10_000]) {
    record.noteQuick(quickReading(atMs, quick));
    record.noteSlow(slowReading(atMs));
    record.noteMachine(machineReading(atMs));
    record.noteTools(toolsReading(atMs));
  }
  return record;
}

const kindsOf = (facts: OffloadFacts, names: readonly (keyof OffloadFacts)[]): readonly string[] =>
  names.map((name) => {
    const fact = facts[name];
    return typeof fact === 'object' && 'kind' in fact ? fact.kind : 'boot';
  });

const ofDatabase = ['root', 'bridges', 'interfaces', 'settings'] as const;
const ofQuick = ['coverage', 'upcalls'] as const;
const ofSlow = ['polledPorts', 'datapaths', 'heaps', 'logLines'] as const;
const ofMachine = ['memory', 'hugePages'] as const;
const ofTools = ['eswitches', 'qdiscs', 'addresses'] as const;

describe('the record of offload', () => {
  it('knows nothing at first, and says of each why', () => {
    const facts = newRecord().facts(0);
    for (const [name, fact] of Object.entries(facts)) {
      if (name === 'boot') continue;
      expect([name, fact]).toMatchObject([name, { kind: 'unknown' }]);
      expect((fact as { why: string }).why).not.toBe('');
    }
    expect(facts.boot).toMatchObject({ platform: { kind: 'unknown' }, watchedMs: 0 });
  });

  it('knows everything that was read', () => {
    const facts = watched().facts(10_000);
    const unread = Object.entries(facts).filter(
      ([name, fact]) => name !== 'boot' && (fact as { kind: string }).kind !== 'known',
    );
    // What this Open vSwitch does not tell, and what nobody measured.
    expect(unread.map(([name]) => name)).toEqual(['traffic', 'insertion', 'providedPorts']);
    expect(facts.boot).toMatchObject({ platform: known('over'), uptimeMs: known(7_210_000), watchedMs: 10_000 });
  });

  it('takes nothing away when a reading fails, until what it told is too old', () => {
    const record = watched();
    for (const name of ['quick', 'slow', 'machine', 'tools'] as const) record.noteUnreadable(name, 'no answer in time');
    const all = [...ofQuick, ...ofSlow, ...ofMachine, ...ofTools];
    expect(new Set(kindsOf(record.facts(40_000), all))).toEqual(new Set(['known']));
    const later = record.facts(41_000);
    expect(new Set(kindsOf(later, [...ofQuick, ...ofMachine]))).toEqual(new Set(['unknown']));
    expect(new Set(kindsOf(later, [...ofSlow, ...ofTools]))).toEqual(new Set(['known']));
    expect(later.upcalls).toEqual({ kind: 'unknown', why: 'it was last read 31 s ago: no answer in time' });
    expect([record.hugePages(), record.datapaths(), record.connections()]).toMatchObject([[], [], []]);
    expect(new Set(kindsOf(record.facts(191_000), all))).toEqual(new Set(['unknown']));
    // The daemon is still the one that it was.
    expect(record.facts(191_000).process).toMatchObject({ value: { pid: 10 } });
  });

  it('says nothing of the database while it cannot be read, and keeps since when what was so', () => {
    const record = newRecord();
    const broken = seen({ ports: [port('pf0vf7', { ofport: -1 })], root: { isRestoreAwaited: true, nextCfg: 9 } });
    record.noteSwitch(broken, false, 0);
    record.noteQuick(quickReading(0));
    record.noteSwitch(undefined, false, 20_000);
    expect(new Set(kindsOf(record.facts(20_000), ofDatabase))).toEqual(new Set(['unknown']));
    expect([record.settings(), record.edits(), record.restart()]).toEqual([[], [], undefined]);
    record.noteSwitch({ ...broken }, false, 60_000);
    const facts = record.facts(61_000);
    expect(facts.root).toMatchObject({ value: { laggedMs: 61_000, restoreWaitMs: 61_000 } });
    expect(facts.interfaces).toMatchObject({ value: [{ name: 'pf0vf7', brokenMs: 61_000 }] });
  });

  it('tells of an interface all that checks ask for', () => {
    const ports = [
      port('own', { externalIds: marked({ 'iface-id': 'pod-1' }), mtuRequest: 1_400, linkState: 'down' }),
      port('pod', { externalIds: mapOf({ 'dpu-agent-owner': `${owner}/pods` }) }),
      port('foreign', {
        error: 'No such device',
        ofport: undefined,
        otherConfig: mapOf({ 'hw-offload-priority': 'none' }),
      }),
    ];
    const facts = watched({ ports }).facts(10_000);
    expect(facts.interfaces).toMatchObject({
      value: [
        {
          name: 'own',
          bridge: 'br-int',
          isOwn: true,
          ifaceId: 'pod-1',
          mtuRequest: 1_400,
          linkState: 'down',
          brokenMs: 0,
        },
        { name: 'pod', isOwn: true, ifaceId: undefined },
        { name: 'foreign', isOwn: false, error: 'No such device', brokenMs: 10_000, isNew: false },
      ],
    });
  });

  it('makes the list of interfaces anew only when something of them changed', () => {
    const record = watched();
    const first = record.facts(11_000).interfaces;
    expect(record.facts(12_000).interfaces).toBe(first);
    record.noteSwitch(seen({ ports: [...somePorts] }), true, 12_500);
    expect(record.facts(13_000).interfaces).toBe(first);
    const changed = port('pf0vf1', { linkState: 'down' });
    record.noteSwitch(seen({ ports: [...somePorts.slice(0, 2), changed] }), true, 13_500);
    const second = record.facts(14_000).interfaces;
    expect(second).not.toBe(first);
    const rowsOf = (fact: typeof first) => (fact.kind === 'known' ? fact.value : []);
    expect(rowsOf(second)[0]).toBe(rowsOf(first)[0]);
    expect(rowsOf(second)[2]).toMatchObject({ linkState: 'down' });
    record.noteSwitch(seen({ ports: somePorts.slice(0, 1) }), true, 15_000);
    expect(rowsOf(record.facts(15_000).interfaces)).toHaveLength(1);
  });

  it('counts flaps and drops of five minutes, and anew under another daemon', () => {
    const record = newRecord();
    const flaps = (atMs: number, linkResets: number, drops: number) => {
      record.noteSwitch(seen({ ports: [port('p0', { linkResets })] }), true, atMs);
      record.noteStatistics(new Map([['p0', drops]]), atMs);
      const { interfaces } = record.facts(atMs);
      return interfaces.kind === 'known' ? [interfaces.value[0]?.linkResets, interfaces.value[0]?.mtuDrops] : [];
    };
    expect(flaps(0, 7, 100)).toEqual([0, 0]);
    expect(flaps(60_000, 9, 130)).toEqual([2, 30]);
    expect(flaps(120_000, 9, 130)).toEqual([2, 30]);
    for (let atMs = 180_000; atMs <= 480_000; atMs += 30_000) flaps(atMs, 9, 130);
    expect(flaps(510_000, 9, 130)).toEqual([0, 0]);
    record.noteQuick(quickReading(520_000));
    expect(flaps(530_000, 0, 0)).toEqual([0, 0]);
    expect(flaps(590_000, 1, 0)).toEqual([1, 0]);
    record.noteQuick(quickReading(600_000, { life: lifeOf(11, 595_000) }));
    expect(flaps(610_000, 1, 50)).toEqual([0, 0]);
  });

  it('forgets flaps that nobody counts any more', () => {
    const record = newRecord();
    record.noteSwitch(seen(), true, 0);
    record.noteStatistics(new Map([['p0', 100]]), 0);
    record.noteStatistics(new Map([['p0', 130]]), 5_000);
    const drops = (nowMs: number) => {
      const { interfaces } = record.facts(nowMs);
      return interfaces.kind === 'known' ? interfaces.value[0]?.mtuDrops : undefined;
    };
    expect([drops(6_000), drops(310_000)]).toEqual([30, 0]);
  });

  it('does not hold against a port that it was not there when the ports were looked at', () => {
    const record = newRecord();
    record.noteSwitch(seen(), false, 0);
    record.noteDevices(card, 0);
    const providerByPort = known(mapOf({ p0: 'tc', pf0vf0: 'tc', pf0vf1: 'tc' }));
    const look = (atMs: number): void => {
      record.noteQuick(quickReading(atMs));
      record.noteSlow(slowReading(atMs, { isOffloadEnabled: known(true), providerByPort }));
      record.noteTools(
        toolsReading(atMs, { qdiscs: known(new Map(['p0', 'pf0vf0', 'pf0vf1'].map((name) => [name, ['ingress']]))) }),
      );
    };
    const told = (nowMs: number) =>
      record.report(nowMs).findings.flatMap(({ reason, subject }) => (subject.name === 'pf0vf2' ? [reason] : []));
    look(10_000);
    record.noteDevices(devices(...card.values(), vf(2)), 20_000);
    record.noteSwitch(seen({ ports: [...somePorts, port('pf0vf2')] }), true, 20_000);
    expect(told(21_000)).toEqual([]);
    look(70_000);
    expect(told(71_000)).toEqual(['OffloadPortLeftOut', 'QdiscMissing']);
  });

  it('tells growth of counters, and of nothing that was counted by another daemon', () => {
    const coverage = (total: number) => ({ coverage: known(new Map([['upcall_flow_limit_hit', total]])) });
    const record = newRecord();
    record.noteSwitch(seen(), false, 0);
    record.noteQuick(quickReading(0, coverage(5)));
    expect(record.facts(0).coverage).toMatchObject({ kind: 'unknown' });
    record.noteQuick(quickReading(10_000, coverage(8)));
    const growth = new Map([['upcall_flow_limit_hit', 3]]);
    expect(record.facts(10_000).coverage).toEqual(known({ windowMs: 10_000, growth }));
    const life = lifeOf(11, 15_000);
    record.noteQuick(quickReading(20_000, { ...coverage(100), life }));
    expect(record.facts(20_000).coverage.kind).toBe('unknown');
    record.noteQuick(quickReading(30_000, { ...coverage(100), life }));
    expect(record.facts(30_000).coverage).toEqual(known({ windowMs: 10_000, growth: new Map() }));
  });

  it('forgets what was read of a daemon that is gone, and what comes late of it', () => {
    const record = watched();
    const life = lifeOf(11, 15_000);
    record.noteQuick(quickReading(20_000, { life }));
    expect(record.facts(20_000)).toMatchObject({
      datapaths: { kind: 'unknown', why: 'ovs-vswitchd was restarted, and was not read since' },
      process: { value: { pid: 11, ageMs: 5_000, isSuccessor: true } },
    });
    record.noteSlow(slowReading(19_000));
    expect(record.facts(20_000).datapaths.kind).toBe('unknown');
    record.noteSlow(slowReading(21_000, { life }));
    expect(record.facts(21_000).datapaths.kind).toBe('known');
  });

  it('says that no daemon runs', () => {
    const record = watched();
    record.noteNoDaemon('ovs-vswitchd has no pid file', 20_000);
    const facts = record.facts(20_000);
    for (const name of [...ofQuick, ...ofSlow, 'process'] as const) {
      expect(facts[name]).toEqual({ kind: 'unknown', why: 'ovs-vswitchd has no pid file' });
    }
    expect(record.isInEffect()).toEqual({ value: undefined, basis: 'no ovs-vswitchd runs' });
    expect(facts.settings).toMatchObject({ value: [{ key: 'hw-offload', effective: { kind: 'unknown' } }] });
  });

  it('tells the backlog of insertion at both ends of the window', () => {
    const insertion = (enqueued: number, inserted: number) => ({
      insertion: known({
        ...{ enqueued, inserted, connectionsBoth: 100, connectionsOne: 20 },
        ...{ latencyMean: 0.001, latencyDeviation: undefined },
      }),
    });
    const record = newRecord();
    const root = { isDocaInitialized: true, initColumns: { dpdk: true, doca: true } };
    record.noteSwitch(seen({ bridge: { datapathType: 'netdev' }, root }), false, 0);
    record.noteQuick(quickReading(0, insertion(10, 500)));
    record.noteQuick(quickReading(10_000, insertion(90, 500)));
    expect(record.facts(10_000).insertion).toEqual(
      known({ windowMs: 10_000, enqueued: 90, enqueuedBefore: 10, inserted: 500, insertedBefore: 500 }),
    );
    expect(record.insertion()).toMatchObject({ enqueued: 90, latencyMean: 0.001 });
    // The size that holds where none is stored.
    expect(record.connections()[0]).toEqual({ table: 'hardware', count: 120, limit: 250_000 });
    expect(record.context('netdev@ovs-netdev')).toMatchObject({ engine: 'doca', ctFill: 120 / 250_000 });
    record.noteQuick(quickReading(20_000, { insertion: known('refused') }));
    expect([record.insertion(), record.facts(20_000).insertion.kind]).toEqual([undefined, 'unknown']);
  });

  it('knows the engine of each datapath', () => {
    const record = watched({ bridge: { datapathType: 'netdev' }, root: { isDpdkInitialized: true } });
    expect(
      ['system@ovs-system', 'netdev@ovs-netdev', 'doca@ovs-doca', 'odd'].map((name) => record.context(name).engine),
    ).toEqual(['tc', 'dpdk', 'doca', 'unknown']);
    expect(newRecord().context('system@ovs-system')).toMatchObject({ engine: 'tc', isInEffect: undefined });
  });

  it('tells datapaths with the limit that is configured', () => {
    expect(watched().datapaths()).toMatchObject([
      { name: 'system@ovs-system', flowLimit: 10_000, flowLimitConfigured: 200_000 },
    ]);
    const own = watched({ root: { otherConfig: mapOf({ 'flow-limit': '5000' }) } });
    expect(own.datapaths()).toMatchObject([{ flowLimitConfigured: 5_000 }]);
  });

  it('sees a device that is gone although Open vSwitch says nothing of it', () => {
    const record = newRecord();
    const told = (nowMs: number) =>
      record.report(nowMs).findings.flatMap(({ reason, subject }) => (reason === 'PortStale' ? [subject.name] : []));
    const ports = [
      ...somePorts,
      port('pf0vf2', { ifindex: 0 }),
      port('elsewhere', { ifindex: 9 }),
      port('dpdk0', { type: 'dpdk', ifindex: 0 }),
    ];
    record.noteSwitch(seen({ ports }), false, 0);
    record.noteDevices(devices(...card.values(), vf(2)), 0);
    record.noteTools(toolsReading(0));
    record.noteDevices(card, 1_000_000);
    expect([told(1_000_000), told(1_299_999)]).toEqual([[], []]);
    expect([told(1_300_000), record.representors().stale]).toEqual([['pf0vf2'], 1]);
    record.noteDevices(devices(...card.values(), vf(2)), 1_400_000);
    expect(told(1_400_000)).toEqual([]);
  });

  it('tells of a daemon that answers nothing any more', () => {
    const record = watched();
    const told = (nowMs: number) => record.report(nowMs).findings.map(({ reason }) => reason);
    record.noteSwitch(seen({ root: { nextCfg: 9 } }), true, 20_000);
    record.noteBusy(30_000);
    expect(told(50_000)).toEqual(expect.not.arrayContaining(['MainThreadStalled', 'VswitchdLagging']));
    record.noteBusy(61_000);
    expect(told(81_000)).toEqual(expect.arrayContaining(['MainThreadStalled', 'VswitchdLagging']));
    record.noteBusy(undefined);
    record.noteSwitch(seen({ root: { nextCfg: 9, curCfg: 9 } }), true, 82_000);
    expect(told(82_000)).toEqual(expect.not.arrayContaining(['MainThreadStalled', 'VswitchdLagging']));
  });

  it('does not take datapaths from before a change of type for left over', () => {
    const record = watched();
    const told = (nowMs: number) => record.report(nowMs).findings.some(({ reason }) => reason === 'DatapathsMixed');
    const both = known(['system@ovs-system', 'netdev@ovs-netdev']);
    record.noteSlow(slowReading(11_000, { datapaths: both }));
    expect(told(11_000)).toBe(true);
    record.noteSlow(slowReading(12_000));
    record.noteSwitch(seen({ bridge: { datapathType: 'netdev' } }), true, 20_000);
    record.noteSlow(slowReading(21_000, { datapaths: both }));
    expect(told(22_000)).toBe(false);
    record.noteSlow(slowReading(81_000, { datapaths: both }));
    expect(told(81_000)).toBe(true);
  });

  it('counts representors of the host', () => {
    const record = newRecord({}, { vfsExpected: new Map([[0, 4]]) });
    record.noteSwitch(seen(), false, 0);
    record.noteDevices(card, 0);
    expect(record.representors()).toEqual({ expected: 4, present: 2, stale: 0, down: 0 });
  });

  it('has memory of ovs-vswitchd from the kernel, or from its own statistics', () => {
    const statistics = mapOf({ 'process_ovs-vswitchd': '9000,2000,1,4,5,6' });
    const record = watched({ root: { statistics } });
    expect(record.facts(10_000).process).toMatchObject({ value: { residentBytes: 2_048_000, crashes: 4 } });
    const process = known({ pid: 10, startedWallMs: 0, ageMs: 5, residentBytes: 77 });
    record.noteMachine(machineReading(20_000, { process }));
    expect(record.facts(20_000).process).toMatchObject({ value: { residentBytes: 77, crashes: 4 } });
    record.noteMachine(
      machineReading(30_000, { process: known({ ...{ pid: 9, startedWallMs: 0 }, ageMs: 5, residentBytes: 1 }) }),
    );
    expect(record.facts(30_000).process).toMatchObject({ value: { residentBytes: 2_048_000 } });
  });

  it('hands on what was measured of the traffic', () => {
    const record = newRecord();
    const traffic = known({
      windowMs: 1,
      packets: 2,
      hardwarePackets: 1,
      softwareFlows: new Map(),
      patterns: new Map(),
    });
    record.noteTraffic(traffic);
    expect(record.facts(0).traffic).toBe(traffic);
  });
});

describe('the engine of a machine', () => {
  it('is no other one for being looked at with more than before', () => {
    const record = newRecord();
    record.noteSwitch(seen(), false, 0);
    record.noteQuick(quickReading(0));
    expect([record.engine()?.kind, record.facts(0).engine.kind]).toEqual(['tc', 'known']);
    // Only now is it seen that the embedded switch is in legacy mode: it was so all the time.
    record.noteTools(
      toolsReading(1_000, { eswitches: known([{ device: 'pci/0', mode: 'legacy', encapMode: undefined }]) }),
    );
    expect([record.engine()?.kind, record.takeEvents()]).toEqual(['none', []]);
  });

  it('is no loss of TC that was only assumed while devlink did not answer', () => {
    const record = newRecord();
    record.noteSwitch(seen(), false, 0);
    record.noteUnreadable('tools', 'devlink did not answer in time');
    record.noteQuick(quickReading(0));
    expect(record.engine()?.kind).toBe('tc');
    record.noteTools(toolsReading(60_000, { eswitches: known([]) }));
    expect([record.engine()?.kind, record.takeEvents()]).toEqual(['none', []]);
    expect(record.report(61_000).findings.map(({ reason }) => reason)).not.toContain('EngineRegressed');
    // TC that was seen to work is lost.
    record.noteTools(toolsReading(120_000));
    record.noteTools(toolsReading(180_000, { eswitches: known([]) }));
    expect(record.takeEvents()).toHaveLength(2);
    expect(record.report(181_000).findings.map(({ reason }) => reason)).toContain('EngineRegressed');
  });

  it('is the one that is wanted once bridges have had another datapath_type for an hour', () => {
    const dpdk = { bridge: { datapathType: 'netdev' }, root: { isDpdkInitialized: true } };
    const told = (record: OffloadRecord, nowMs: number): boolean => {
      record.noteQuick(quickReading(nowMs));
      record.noteTools(toolsReading(nowMs));
      return record.report(nowMs).findings.some(({ reason }) => reason === 'EngineRegressed');
    };
    const changed = watched(dpdk);
    changed.noteSwitch(seen({ bridge: { datapathType: 'system' } }), true, 11_000);
    expect([told(changed, 3_600_000), told(changed, 3_700_000)]).toEqual([true, false]);
    // The same bridges, and DPDK was not initialised any more.
    const lost = watched(dpdk);
    lost.noteSwitch(seen({ bridge: { datapathType: 'netdev' } }), true, 11_000);
    expect([told(lost, 3_600_000), told(lost, 7_300_000)]).toEqual([true, true]);
  });

  it('is not told by what a daemon that was killed has left in the database', () => {
    const dpdk = { bridge: { datapathType: 'netdev' }, root: { isDpdkInitialized: true, ifaceTypes: ['dpdk'] } };
    const initialized = (record: OffloadRecord, nowMs: number) => {
      const { root } = record.facts(nowMs);
      return root.kind === 'known' ? [root.value.isDpdkInitialized, root.value.ifaceTypes.length] : root.why;
    };
    const start = (record: OffloadRecord, nowMs: number) =>
      record.noteQuick(quickReading(nowMs, { life: lifeOf(11, 18_000) }));
    const told = watched(dpdk);
    expect(initialized(told, 10_000)).toEqual([true, 1]);
    start(told, 20_000);
    expect(initialized(told, 20_000)).toEqual([undefined, 0]);
    expect([told.engine()?.kind, told.takeEvents()]).toEqual(['dpdk', []]);
    told.noteSwitch(seen({ ...dpdk, root: { isDpdkInitialized: false } }), true, 21_000);
    expect(initialized(told, 21_000)).toEqual([false, 3]);
    expect(told.takeEvents()).toMatchObject([{ isRegress: true }]);
    // One that has nothing new to say has said it after a while.
    const same = watched(dpdk);
    start(same, 20_000);
    start(same, 29_000);
    expect(initialized(same, 29_000)).toEqual([true, 1]);
  });

  it('is known to do less than what the daemon before had said, though that one was never met', () => {
    const dpdk = { bridge: { datapathType: 'netdev' }, root: { isDpdkInitialized: true } };
    const record = newRecord();
    record.noteSwitch(seen(dpdk), false, 0);
    expect(record.facts(0).engine).toMatchObject({ value: { now: { kind: 'dpdk' } } });
    // Another one has started, and has said what it has before it was asked for the first time.
    record.noteSwitch(seen({ ...dpdk, root: { isDpdkInitialized: false } }), true, 9_000);
    expect(record.takeEvents()).toEqual([]);
    record.noteTools(toolsReading(10_000));
    record.noteQuick(quickReading(10_000, { life: lifeOf(11, 8_000) }));
    record.noteQuick(quickReading(20_000, { life: lifeOf(11, 8_000) }));
    expect(record.takeEvents()).toMatchObject([{ isRegress: true, from: { kind: 'dpdk' }, to: { kind: 'none' } }]);
    expect(record.report(21_000).findings.map(({ reason }) => reason)).toContain('EngineRegressed');
  });

  it('is told once when it changes, and that it does less', () => {
    const record = watched({ bridge: { datapathType: 'netdev' }, root: { isDpdkInitialized: true } });
    record.noteSwitch(seen({ bridge: { datapathType: 'system' } }), true, 11_000);
    expect(record.takeEvents()).toMatchObject([{ isRegress: true, from: { kind: 'dpdk' }, to: { kind: 'tc' } }]);
    expect(record.takeEvents()).toEqual([]);
    expect(record.report(12_000).findings.map(({ reason }) => reason)).toContain('EngineRegressed');
  });

  it('does not change while no daemon runs, and events that nobody takes are bounded', () => {
    const record = watched();
    record.noteNoDaemon('it was stopped', 11_000);
    record.noteSwitch(seen({ bridge: { datapathType: 'netdev' } }), true, 12_000);
    expect(record.takeEvents()).toEqual([]);
    record.noteQuick(quickReading(23_000, { life: lifeOf(11, 12_500) }));
    expect(record.takeEvents()).toHaveLength(1);
    for (let round = 0; round < 500; round += 1) {
      const datapathType = round % 2 === 0 ? 'system' : 'netdev';
      record.noteSwitch(seen({ bridge: { datapathType } }), true, 14_000 + round);
    }
    expect(record.takeEvents()).toHaveLength(64);
  });
});

describe('settings', () => {
  it('are not judged before it is known what runs', () => {
    const record = newRecord({ 'max-idle': '20000' });
    record.noteSwitch(seen(), false, 0);
    expect([record.settings(), record.edits()]).toEqual([[], []]);
    expect(record.facts(0).settings).toEqual({ kind: 'unknown', why: 'ovs-vswitchd was not asked yet' });
    record.noteQuick(quickReading(1_000));
    expect(record.edits()).toEqual([{ key: 'max-idle', from: undefined, to: '20000' }]);
  });

  it('are judged anew when the configuration changes, and only then', () => {
    const record = newRecord({ 'max-idle': '20000' });
    record.noteSwitch(seen(), false, 0);
    record.noteQuick(quickReading(0));
    const before = record.settings();
    expect(record.settings()).toBe(before);
    record.setDeclared(mapOf({ 'max-idle': '10000' }), offloadLimitsDefault);
    expect(record.edits()).toEqual([]);
  });

  it('believe a no of the daemon only when it has seen the change', () => {
    const record = newRecord();
    const off = { isOffloadEnabled: known(false) };
    record.noteSwitch(seen({ root: { otherConfig: new Map() } }), false, 0);
    record.noteQuick(quickReading(1_000));
    record.noteSlow(slowReading(1_000, off));
    expect(record.isInEffect()).toMatchObject({ value: false, basis: 'dpif/offload/show says not enabled' });
    // It turns true and latches; the newest slow reading is from before.
    record.noteSwitch(seen(), true, 30_000);
    expect(record.isInEffect().value).toBeUndefined();
    record.noteQuick(quickReading(32_000));
    expect(record.isInEffect()).toMatchObject({
      value: true,
      basis: 'it was seen to turn true, and ovs-vswitchd took it',
    });
    record.noteSlow(slowReading(60_000, off));
    expect(record.isInEffect().value).toBe(false);
    record.noteTools(toolsReading(60_000));
    expect(record.report(61_000).findings.map(({ reason }) => reason)).toContain('HwOffloadNotInEffect');
  });

  it('do not believe a no of a daemon that has not read the database yet', () => {
    const record = newRecord();
    const off = (startedAtMs: number, fields = {}) => ({
      ...{ life: lifeOf(11, startedAtMs), isOffloadEnabled: known(false) },
      ...fields,
    });
    record.noteSwitch(seen(), false, 0);
    // The kernel's datapath outlived the daemon before.
    record.noteSlow(slowReading(20_000, off(15_000)));
    expect(record.isInEffect().value).toBeUndefined();
    record.noteSlow(slowReading(21_000, off(15_000, { datapaths: known(['netdev@ovs-netdev']) })));
    expect(record.isInEffect().value).toBe(false);
    const older = newRecord();
    older.noteSwitch(seen(), false, 0);
    older.noteSlow(slowReading(26_000, off(15_000)));
    expect(older.isInEffect().value).toBe(false);
  });

  it.each([
    ['netdev-offload.c', '2026-01-01T00:00:00Z|00008|netdev_offload|INFO|netdev: Flow API Enabled, using 1 thread'],
    ['dpif-offload.c', '2026-01-01T00:00:00Z|00008|dpif_offload|INFO|Flow HW offload is enabled'],
  ])('take the word of the log: %s', (_, line) => {
    const record = newRecord();
    record.noteSwitch(seen(), false, 0);
    record.noteSlow(slowReading(0, { logLines: known(['other', line]) }));
    expect(record.isInEffect()).toEqual({ value: true, basis: 'the log says that offload was enabled' });
  });

  it('have the answer to offload-stats for evidence', () => {
    const record = newRecord();
    record.noteSwitch(seen({ bridge: { datapathType: 'netdev' } }), false, 0);
    record.noteQuick(quickReading(1_000, { insertion: known('refused') }));
    expect(record.isInEffect().value).toBe(false);
  });

  it('know what the agent wrote in one transaction', () => {
    const record = newRecord();
    record.noteSwitch(seen({ root: { otherConfig: new Map() } }), false, 0);
    record.noteQuick(quickReading(1_000, { insertion: known('refused') }));
    record.noteCommitted([
      { key: 'tc-policy', from: undefined, to: 'skip_sw' },
      { key: 'hw-offload', from: undefined, to: 'true' },
    ]);
    record.noteSwitch(
      seen({ root: { otherConfig: mapOf({ 'hw-offload': 'true', 'tc-policy': 'skip_sw' }) } }),
      true,
      10_000,
    );
    expect(record.isInEffect().value).toBeUndefined();
    record.noteQuick(quickReading(12_000));
    expect(record.context('system@ovs-system')).toMatchObject({ isInEffect: true, tcPolicy: 'skip_sw' });
  });

  it('are taken by a daemon that reaches a next_cfg that was raised after the change', () => {
    const record = newRecord();
    const look = (root: Partial<ObservedRoot>, nowMs: number): boolean | undefined => {
      record.noteSwitch(seen({ root }), nowMs > 0, nowMs);
      return record.isInEffect().value;
    };
    look({ otherConfig: new Map() }, 0);
    record.noteQuick(quickReading(1_000));
    const told = [look({}, 2_000), look({ nextCfg: 2 }, 3_000), look({ nextCfg: 2, curCfg: 2 }, 4_000)];
    expect(told).toEqual([undefined, undefined, true]);
  });

  it('print what a restart takes', () => {
    const record = newRecord({ 'dpdk-max-memzones': '50000', 'flow-limit': '300000' });
    record.noteNoDaemon('it was not started yet', 0);
    record.noteSwitch(seen({ root: { otherConfig: mapOf({ 'dpdk-max-memzones': '1000' }) } }), false, 0);
    record.noteSwitch(seen({ root: { otherConfig: mapOf({ 'dpdk-max-memzones': '1000' }) } }), true, 500);
    record.noteQuick(quickReading(10_000, { life: lifeOf(10, 9_000) }));
    expect(record.restart()).toMatchObject({ keys: ['dpdk-max-memzones'] });
    record.setDeclared(new Map(), offloadLimitsDefault);
    expect(record.restart()).toBeUndefined();
  });
});
