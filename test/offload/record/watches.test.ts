import { describe, expect, it } from 'vitest';
import { known } from '../../../src/model/fact.js';
import { LifeWatch, parseProcessStatistics } from '../../../src/offload/record/life-watch.js';
import { commonMode, MachineReadings } from '../../../src/offload/record/machine-readings.js';
import { initOf, RootWatch } from '../../../src/offload/record/root-watch.js';
import { allConnections, hardwareConnections } from '../../../src/offload/record/connection-tables.js';
import { countRepresentors } from '../../../src/offload/record/representor-counts.js';
import { offloadLimitsDefault } from '../../../src/offload/offload-facts.js';
import { standsForUplink } from '../../../src/offload/uplink-stand-in.js';
import { hostPf, interfaceFacts, uplink, vf } from '../../fakes/offload-facts.js';
import { lifeOf, machineReading, quickReading, toolsReading } from '../../fakes/offload-readings.js';
import { mapOf, netdev, rootRow } from '../../fakes/plan-rows.js';

describe('the row of Open_vSwitch over time', () => {
  const lag = (watch: RootWatch, nowMs: number, curCfg: number, nextCfg: number): number => {
    const root = rootRow({ curCfg, nextCfg });
    watch.note(root, nowMs);
    return watch.facts(root, nowMs).laggedMs;
  };

  it('lags from the moment at which the oldest number not reached was asked for', () => {
    const watch = new RootWatch();
    expect(lag(watch, 0, 5, 5)).toBe(0);
    expect(lag(watch, 1_000, 5, 6)).toBe(0);
    expect(lag(watch, 3_000, 5, 7)).toBe(2_000);
    // 6 was reached: 7 has been waited for since 3 s.
    expect(lag(watch, 4_000, 6, 8)).toBe(1_000);
    expect(lag(watch, 5_000, 8, 8)).toBe(0);
  });

  it('does not lag behind a busy database for ever, and takes one that was set back', () => {
    const watch = new RootWatch();
    for (let cfg = 1; cfg < 2_000; cfg += 1) expect(lag(watch, cfg * 100, cfg, cfg + 3)).toBeLessThanOrEqual(300);
    expect(lag(watch, 300_000, 2, 2)).toBe(0);
    expect(lag(watch, 301_000, 2, 3)).toBe(0);
  });

  it('is bounded, and keeps the oldest', () => {
    const watch = new RootWatch();
    for (let cfg = 1; cfg <= 5_000; cfg += 1) lag(watch, cfg, 0, cfg);
    expect(lag(watch, 6_000, 0, 5_001)).toBe(5_999);
  });

  it('tells since when flows are to be restored', () => {
    const watch = new RootWatch();
    const facts = (isRestoreAwaited: boolean, nowMs: number) => {
      const root = rootRow({ isRestoreAwaited });
      watch.note(root, nowMs);
      return watch.facts(root, nowMs).restoreWaitMs;
    };
    expect([facts(false, 0), facts(true, 10), facts(true, 70), facts(false, 80), facts(true, 90)]).toEqual([
      undefined,
      0,
      60,
      undefined,
      0,
    ]);
  });

  it('knows no initialisation where the schema has no column for it', () => {
    const root = { isDpdkInitialized: false, isDocaInitialized: false };
    expect(initOf(rootRow({ ...root, initColumns: { dpdk: true, doca: false } }))).toEqual({
      isDpdkInitialized: false,
      isDocaInitialized: undefined,
    });
  });
});

describe('the life of ovs-vswitchd', () => {
  const facts = (watch: LifeWatch, nowMs: number) => {
    const fact = watch.facts(undefined, undefined, nowMs);
    return fact.kind === 'known' ? fact.value : undefined;
  };

  it('is followed by pid and start, and leaves out what comes late', () => {
    const watch = new LifeWatch(3_600_000);
    expect([watch.isTold, watch.facts(undefined, undefined, 0).kind]).toEqual([false, 'unknown']);
    expect(watch.note(quickReading(0))).toBe('new');
    expect(watch.note(quickReading(10_000))).toBe('same');
    expect(facts(watch, 10_000)).toMatchObject({ pid: 10, ageMs: 3_610_000, isSuccessor: false });
    expect(watch.note(quickReading(20_000, { life: lifeOf(11, 15_000) }))).toBe('new');
    expect(watch.note(quickReading(19_000))).toBe('old');
    expect(facts(watch, 25_000)).toMatchObject({ pid: 11, ageMs: 10_000, isSuccessor: true });
    // The same number again, and another process.
    expect(watch.note(quickReading(30_000, { life: lifeOf(11, 29_000) }))).toBe('new');
  });

  it('is no successor of itself after it was out of reach', () => {
    const watch = new LifeWatch(3_600_000);
    watch.note(quickReading(0));
    watch.noteNone('its socket does not answer', 10_000);
    expect([watch.life, watch.isTold, watch.why]).toEqual([undefined, true, 'its socket does not answer']);
    expect(watch.note(quickReading(5_000))).toBe('old');
    watch.note(quickReading(20_000));
    expect(facts(watch, 20_000)?.isSuccessor).toBe(false);
    watch.note(quickReading(30_000, { life: lifeOf(11, 25_000) }));
    watch.noteNone('its socket does not answer', 40_000);
    watch.note(quickReading(50_000, { life: lifeOf(11, 25_000) }));
    expect(facts(watch, 50_000)?.isSuccessor).toBe(true);
  });

  it('is as old as the kernel says, also after the clock was set', () => {
    const watch = new LifeWatch(3_600_000);
    watch.note(quickReading(0, { life: lifeOf(10, -1_000_000_000) }));
    const told = { pid: 10, startedWallMs: 0, ageMs: 90_000, residentBytes: 1 };
    const process = known(told);
    watch.noteProcess(machineReading(10_000, { process }));
    expect(facts(watch, 12_000)?.ageMs).toBe(92_000);
    watch.noteProcess(machineReading(20_000, { process: known({ ...told, pid: 9, ageMs: 5 }) }));
    expect(facts(watch, 20_000)?.ageMs).toBe(100_000);
  });

  it('grows from ten minutes of age on, and anew in another life', () => {
    const watch = new LifeWatch(3_600_000);
    watch.note(quickReading(0, { life: lifeOf(10, 0) }));
    const grow = (atMs: number, residentBytes: number): void =>
      watch.noteProcess(
        machineReading(atMs, { process: known({ pid: 10, startedWallMs: 0, ageMs: atMs, residentBytes }) }),
      );
    grow(60_000, 1);
    expect(facts(watch, 60_000)).toMatchObject({ residentGrowthBytes: undefined, residentGrowthMs: undefined });
    for (let minute = 10; minute <= 75; minute += 1) grow(minute * 60_000, minute * 1_000);
    const { residentGrowthMs = 0, residentGrowthBytes } = facts(watch, 75 * 60_000) ?? {};
    expect(residentGrowthMs).toBeGreaterThanOrEqual(60 * 60_000);
    expect(residentGrowthBytes).toBe(residentGrowthMs / 60);
    watch.note(quickReading(80 * 60_000, { life: lifeOf(11, 79 * 60_000) }));
    expect(facts(watch, 80 * 60_000)?.residentGrowthMs).toBeUndefined();
  });

  it.each([
    ['1000,200,5000,3,99,98', { residentBytes: 204_800, crashes: 3 }],
    ['1000,,5000,,99,98', { residentBytes: undefined, crashes: undefined }],
    ['1000,-1,x,99999999999999999999', { residentBytes: undefined, crashes: undefined }],
    ['', { residentBytes: undefined, crashes: undefined }],
  ])('reads its statistics: %s', (text, told) => {
    expect(parseProcessStatistics(mapOf({ 'process_ovs-vswitchd': text }))).toEqual(told);
  });
});

describe('the machine', () => {
  it('knows its boot also when it can no longer be read', () => {
    const machine = new MachineReadings();
    expect(machine.boot(0, 5).uptimeMs.kind).toBe('unknown');
    machine.noteQuick(machineReading(0, { uptimeMs: known(60_000) }));
    machine.quick.failed('no file');
    expect(machine.boot(-100, 600_000)).toMatchObject({ uptimeMs: known(660_000), watchedMs: 600_100 });
  });

  it('tells processes that were killed while somebody looked, for ten minutes', () => {
    const machine = new MachineReadings();
    const kills = (atMs: number, oomKills: number | undefined): number | undefined => {
      machine.noteQuick(machineReading(atMs, { memory: known({ totalBytes: 2, availableBytes: 1, oomKills }) }));
      const fact = machine.facts(atMs).memory;
      return fact.kind === 'known' ? fact.value.oomKills : -1;
    };
    expect([kills(0, 7), kills(60_000, 7), kills(120_000, 9)]).toEqual([0, 0, 2]);
    for (let atMs = 180_000; atMs < 700_000; atMs += 60_000) expect(kills(atMs, 9)).toBe(2);
    expect(kills(800_000, 9)).toBe(0);
    expect(kills(860_000, undefined)).toBeUndefined();
  });

  it('leaves out readings that come late', () => {
    const machine = new MachineReadings();
    machine.noteQuick(machineReading(10_000));
    machine.noteTools(toolsReading(10_000));
    machine.noteQuick(machineReading(5_000, { hugePages: known([]) }));
    machine.noteTools(toolsReading(5_000, { eswitches: known([]) }));
    expect(machine.facts(10_000).hugePages).toMatchObject({ value: [{ total: 512 }] });
    expect(machine.eswitchModes).toEqual(known(['switchdev']));
  });

  it('keeps the modes of embedded switches while they cannot be read', () => {
    const machine = new MachineReadings();
    expect([machine.hasAsked, machine.eswitchModes.kind]).toEqual([false, 'unknown']);
    machine.noteTools(toolsReading(0));
    machine.noteTools(toolsReading(60_000, { eswitches: { kind: 'unknown', why: 'no devlink' } }));
    expect([machine.hasAsked, machine.eswitchModes]).toEqual([true, known(['switchdev'])]);
    expect(machine.facts(60_000).eswitches).toEqual({ kind: 'unknown', why: 'no devlink' });
  });

  it.each([
    [['switchdev', 'switchdev'], known('switchdev')],
    [['switchdev', 'legacy'], known('legacy, switchdev')],
    [[], { kind: 'unknown', why: 'devlink tells of no embedded switch' }],
  ])('has one mode for all embedded switches: %j', (modes, told) => {
    expect(commonMode(known(modes))).toEqual(told);
  });
});

describe('tables of connections', () => {
  const insertion = {
    ...{ enqueued: 0, inserted: 0, connectionsBoth: 200, connectionsOne: 40 },
    ...{ latencyMean: undefined, latencyDeviation: undefined },
  };
  const unproven = { kind: 'unknown', why: 'nobody looked' } as const;
  const inEffect = { kind: 'known', value: '1000', basis: 'test' } as const;

  it('have one in hardware under OVS-DOCA, with the size in effect or what is stored', () => {
    expect(hardwareConnections('doca', insertion, inEffect, '5')).toEqual({
      table: 'hardware',
      count: 240,
      limit: 1_000,
    });
    expect(hardwareConnections('doca', insertion, unproven, '250000')?.limit).toBe(250_000);
    expect(hardwareConnections('doca', { ...insertion, connectionsOne: undefined }, inEffect, '5')?.count).toBe(200);
  });

  it.each([
    ['another engine', hardwareConnections('tc', insertion, inEffect, '5')],
    ['no statistics', hardwareConnections('doca', undefined, inEffect, '5')],
    [
      'statistics without connections',
      hardwareConnections(
        'doca',
        { ...insertion, connectionsBoth: undefined, connectionsOne: undefined },
        inEffect,
        '5',
      ),
    ],
    ['a size that is none', hardwareConnections('doca', insertion, { ...inEffect, value: 'many' }, '5')],
  ])('have none in hardware with %s', (_, table) => expect(table).toBeUndefined());

  it('are those that can be seen; none is the reason of the first', () => {
    const kernel = { table: 'nf_conntrack', count: 1, limit: 2 };
    expect(allConnections(undefined, [unproven, known([kernel])])).toEqual(known([kernel]));
    expect(allConnections(kernel, [unproven, unproven])).toEqual(known([kernel]));
    expect(allConnections(undefined, [unproven, { kind: 'unknown', why: 'other' }])).toEqual(unproven);
  });
});

describe('representors of the host', () => {
  const limits = { ...offloadLimitsDefault, vfsExpected: new Map([[0, 4]]) };

  it('are counted as expected, present, stale and down', () => {
    const rows = [
      interfaceFacts('p0', { linkState: 'down' }),
      interfaceFacts('pf0vf0', { linkState: 'down' }),
      interfaceFacts('pf0vf1'),
      interfaceFacts('pf0vf2', { ofport: -1, brokenMs: limits.staleMsMin }),
      interfaceFacts('pf0vf3', { ofport: -1, brokenMs: limits.staleMsMin - 1 }),
    ];
    expect(countRepresentors(known(rows), known([uplink, hostPf, vf(0), vf(1, { isUp: false })]), limits)).toEqual({
      ...{ expected: 4, present: 2, stale: 1, down: 2 },
    });
  });

  it('are not counted where devices are not known', () => {
    expect(
      countRepresentors(known([]), { kind: 'unknown', why: 'nobody looked' }, { ...limits, vfsExpected: new Map() }),
    ).toEqual({ expected: undefined, present: 0, stale: 0, down: 0 });
  });
});

describe('what stands for the uplinks', () => {
  const devices = new Map(
    [
      { ...uplink, mac: '02:00:00:00:00:01' },
      netdev('team-up', { mac: '02:00:00:00:00:01' }),
      netdev('veth0', { mac: '02:00:00:00:00:02' }),
      netdev('nomac', { mac: '' }),
      vf(0, { mac: '02:00:00:00:00:01' }),
    ].map((entry) => [entry.name, entry]),
  );

  it.each([
    ['team-up', true],
    ['bond0', true],
    ['veth0', false],
    ['nomac', false],
    ['pf0vf0', false],
    ['p0', false],
    ['gone', false],
  ])('%s: %s', (name, stands) => expect(standsForUplink(name, devices)).toBe(stands));
});
