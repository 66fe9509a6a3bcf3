import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/model/fact.js';
import { reasons, type Reason } from '../../src/model/reasons.js';
import { offloadFindingReasons } from '../../src/model/offload-reasons.js';
import { failureModes } from '../../src/offload/failure-modes.js';
import { offloadLimitsDefault, type OffloadFacts, type OffloadLimits } from '../../src/offload/offload-facts.js';
import { bootWait, offloadChecks, runOffloadChecks } from '../../src/offload/run-checks.js';
import {
  blind,
  docaEngine,
  engineWith,
  healthy,
  hostPf,
  interfaceFacts,
  rootFacts,
  settingResult,
  switchPort,
  tcEngine,
  uplink,
  vf,
} from '../fakes/offload-facts.js';
import { mapOf } from '../fakes/plan-rows.js';

const limits: OffloadLimits = {
  ...offloadLimitsDefault,
  vfsExpected: new Map([[0, 2]]),
  cardsExpected: ['pci/0000:03:00.0'],
};
const grows = (name: string, by = 5): Partial<OffloadFacts> => ({
  coverage: known({ windowMs: 60_000, growth: new Map([[name, by]]) }),
});
const doca = { engine: known(docaEngine) };
const asks = mapOf({ 'doca-init': 'true', 'hw-offload': 'true' });
const traffic = (fields: object): Partial<OffloadFacts> => ({
  traffic: known({
    windowMs: 10_000,
    packets: 100_000,
    hardwarePackets: 99_000,
    softwareFlows: new Map(),
    patterns: new Map(),
    ...fields,
  }),
});
const ports = (...rows: ReturnType<typeof interfaceFacts>[]): Partial<OffloadFacts> => ({ interfaces: known(rows) });
const process = (fields: object): Partial<OffloadFacts> => ({
  process: known({
    pid: 10,
    ageMs: 3_600_000,
    isSuccessor: false,
    residentBytes: 2 ** 30,
    residentGrowthBytes: 0,
    residentGrowthMs: 7_200_000,
    crashes: 0,
    ...fields,
  }),
});
const notInEffect = settingResult({
  effective: { kind: 'known', value: 'false', basis: 'test' },
  verdict: 'restartRequired',
});

/** Check, what is wrong, what is said. */
const faults: readonly (readonly [string, string, Partial<OffloadFacts>, Reason])[] = [
  ['settings-in-effect', 'a key waits for a restart', { settings: known([notInEffect]) }, 'RestartRequired'],
  [
    'settings-in-effect',
    'a change is dangerous',
    { settings: known([settingResult({ verdict: 'dangerous' })]) },
    'SettingDangerous',
  ],
  [
    'settings-in-effect',
    'a value is wrong',
    { settings: known([settingResult({ verdict: 'invalid' })]) },
    'SettingInvalid',
  ],
  ['hw-offload-in-effect', 'it is stored alone', { settings: known([notInEffect]) }, 'HwOffloadNotInEffect'],
  ['ports-have-a-provider', 'no provider has a port', { providedPorts: known(new Set(['p0'])) }, 'OffloadPortLeftOut'],
  [
    'offload-off-with-ports',
    'DOCA ports without hw-offload',
    { ...ports(interfaceFacts('pf0vf0', { type: 'doca' })), root: known(rootFacts({ otherConfig: new Map() })) },
    'HwOffloadOffWithPorts',
  ],
  [
    'engine-initialized',
    'DOCA was not initialised',
    { root: known(rootFacts({ otherConfig: asks, isDocaInitialized: false })) },
    'EngineNotInitialized',
  ],
  [
    'engine-initialized',
    'the type is unknown',
    ports(interfaceFacts('x', { type: 'doca', ofport: -1 })),
    'EngineNotInitialized',
  ],
  [
    'engine-kept',
    'was DOCA, now TC',
    { engine: known({ now: tcEngine.now, best: docaEngine.now }) },
    'EngineRegressed',
  ],
  [
    'crash-prone-settings',
    'sFlow with DOCA',
    { ...doca, bridges: known([{ name: 'br-int', datapathType: 'netdev', hasSflow: true }]) },
    'CrashProneSetting',
  ],
  [
    'crash-prone-settings',
    'no room for connections',
    { ...doca, root: known(rootFacts({ otherConfig: mapOf({ 'hw-offload-ct-size': '0' }) })) },
    'CrashProneSetting',
  ],
  [
    'flow-restore-wait',
    'it has been true for 61 s',
    { root: known(rootFacts({ restoreWaitMs: 61_000 })) },
    'RestoreWaitStuck',
  ],
  ['offload-ratio', 'half is software', traffic({ hardwarePackets: 50_000 }), 'OffloadRatioLow'],
  ['connection-kinds', 'IPv6', traffic({ softwareFlows: new Map([['ct_ipv6_disabled', 3]]) }), 'ConntrackSoftware'],
  ['flow-patterns', 'check_pkt_len', traffic({ patterns: new Map([['check_pkt_len', 3]]) }), 'FlowPatternSoftware'],
  ['flow-marks', 'a counter grew', grows('ovs_doca_no_mark'), 'FlowMarksInvalid'],
  [
    'flow-marks',
    'the log says so',
    { logLines: known(['packets with mark 7 associated to an invalid partially offloaded flow']) },
    'FlowMarksInvalid',
  ],
  [
    'connections',
    'the table is full',
    { connections: known([{ table: 'hw', count: 95, limit: 100 }]) },
    'ConntrackFilling',
  ],
  ['connections', 'a zone is full', grows('conntrack_zone_full'), 'ConntrackFilling'],
  ['insertion', 'pipes are resized slowly', grows('doca_pipe_resize_over_10_ms'), 'InsertionStalled'],
  [
    'insertion',
    'flows wait and none gets in',
    { insertion: known({ windowMs: 60_000, enqueued: 90, enqueuedBefore: 20, inserted: 30, insertedBefore: 30 }) },
    'InsertionStalled',
  ],
  ...['hit', 'kill', 'scaled'].map(
    (what) => ['flow-limit', what, grows(`upcall_flow_limit_${what}`), 'FlowLimitCollapsed'] as const,
  ),
  ['main-thread', 'it stood still', grows('long_poll_interval'), 'MainThreadStalled'],
  ['main-thread', 'cur_cfg lags', { root: known(rootFacts({ laggedMs: 61_000 })) }, 'VswitchdLagging'],
  [
    'huge-pages',
    'there are none',
    { root: known(rootFacts({ otherConfig: asks, isDocaInitialized: false })), hugePages: known([]) },
    'HugePagesLacking',
  ],
  ['dpdk-heap', 'it is nearly used up', { heaps: known([{ name: 's', size: 100, free: 5 }]) }, 'DpdkHeapFilling'],
  ['memory', 'little is left', { memory: known({ totalBytes: 100, availableBytes: 1, oomKills: 0 }) }, 'MemoryShort'],
  [
    'memory',
    'something was killed',
    { memory: known({ totalBytes: 2 ** 34, availableBytes: 2 ** 33, oomKills: 1 }) },
    'MemoryShort',
  ],
  ['vswitchd-memory', 'it grows', process({ residentGrowthBytes: 2 ** 30 }), 'VswitchdMemoryGrowing'],
  ['vswitchd-crashes', 'it crashed', process({ crashes: 1 }), 'VswitchdCrashed'],
  ['vswitchd-restarts', 'it is young', process({ ageMs: 5_000, isSuccessor: true }), 'VswitchdRestarted'],
  [
    'stale-ports',
    'the device is gone',
    ports(interfaceFacts('pf0vf9', { ofport: -1, error: 'No such device', brokenMs: 600_000 })),
    'PortStale',
  ],
  [
    'open-ports',
    'it could not be opened',
    ports(interfaceFacts('pf0vf0', { ofport: -1, error: 'busy' })),
    'InterfaceError',
  ],
  ['polled-ports', 'no thread has it', { ...doca, ...ports(interfaceFacts('p0', { type: 'dpdk' })) }, 'PortUnpolled'],
  ['qdiscs', 'somebody took it', { qdiscs: known(new Map([['pf0vf0', ['fq_codel']]])) }, 'QdiscMissing'],
  [
    'links',
    'a representor is off',
    { ...ports(interfaceFacts('pf0vf0', { ifaceId: 'pod' })), devices: known([uplink, vf(0, { isUp: false })]) },
    'LinkDown',
  ],
  ['links', 'it comes and goes', ports(interfaceFacts('p0', { linkResets: 9 })), 'LinkFlapping'],
  [
    'mtus',
    'no room for the tunnel',
    {
      devices: known([switchPort('p0', { kind: 'uplink', mtu: 1500 }), vf(0)]),
      ...ports(interfaceFacts('pf0vf0'), interfaceFacts('gen', { type: 'geneve' })),
    },
    'MtuBelowTunnel',
  ],
  ['mtus', 'the request was not met', ports(interfaceFacts('p0', { mtuRequest: 9000 })), 'MtuRefused'],
  ['mtus', 'packets are dropped', ports(interfaceFacts('p0', { mtuDrops: 4 })), 'PacketsTooLarge'],
  ['uplink-on-switch', 'representors without it', { ...doca, ...ports(interfaceFacts('pf0vf0')) }, 'UplinkNotOnSwitch'],
  [
    'datapaths-alike',
    'one is left over',
    { datapaths: known(['netdev@ovs-netdev', 'system@ovs-system']) },
    'DatapathsMixed',
  ],
  [
    'tunnel-endpoints',
    'the address is gone',
    { root: known(rootFacts({ externalIds: mapOf({ 'ovn-encap-ip': '192.0.2.9' }) })) },
    'TunnelEndpointMissing',
  ],
  ['representors', 'one is missing', { devices: known([uplink, hostPf, vf(0)]) }, 'RepresentorsAbsent'],
  [
    'host-attached',
    'the host is away',
    { devices: known([{ ...hostPf, functionOpstate: 'detached' }]) },
    'HostDetached',
  ],
  [
    'card-mode',
    'NIC mode',
    { devices: known([switchPort('x', { kind: 'other', driverNames: ['mlx5_core'] })]) },
    'NicMode',
  ],
  [
    'eswitch-modes',
    'legacy',
    { eswitches: known([{ device: 'pci/1', mode: 'legacy', encapMode: undefined }]) },
    'EswitchLegacy',
  ],
  [
    'eswitch-modes',
    'tunnels without encapsulation',
    {
      eswitches: known([{ device: 'pci/1', mode: 'switchdev', encapMode: 'none' }]),
      ...ports(interfaceFacts('gen', { type: 'geneve' })),
    },
    'EncapOffloadOff',
  ],
  ['cards', 'it is not there', { eswitches: known([]) }, 'CardAbsent'],
  ['representor-names', 'another name', { devices: known([vf(3, { name: 'pf0vf5' })]) }, 'RepresentorRenamed'],
];

const checkOf = (name: string): (typeof offloadChecks)[number] => offloadChecks.find((check) => check.name === name)!;

describe('the checks of offload', () => {
  it.each(faults)('%s finds: %s', (name, _what, fields, reason) => {
    const outcome = checkOf(name).run(healthy(fields), limits);
    expect(outcome.kind).toBe('found');
    const findings = outcome.kind === 'found' ? outcome.findings : [];
    expect(findings.map((finding) => finding.reason)).toContain(reason);
    for (const finding of findings) {
      expect(checkOf(name).reasons).toContain(finding.reason);
      expect(finding.message).toMatch(/\.$/);
      expect(finding.remedy).not.toBe('');
      expect(finding.remedy).not.toMatch(/kill -9|purge\b(?<!Do not purge)|reload mlx5|doca-init=false|del-br/);
      expect(Object.keys(finding.evidence).length).toBeGreaterThan(0);
    }
  });

  it('find nothing on a healthy machine', () => {
    const { findings, waiting } = runOffloadChecks(healthy(), limits);
    expect(findings).toEqual([]);
    expect(waiting).toBeUndefined();
  });

  it.each(offloadChecks.map(({ name }) => name))('%s cannot be made when nobody has looked', (name) => {
    expect(checkOf(name).run(blind(), limits)).toEqual({ kind: 'notTestable', why: 'nobody looked' });
  });

  it('have each a fault that they find, and each reason one that gives it', () => {
    expect([...new Set(faults.map(([name]) => name))].sort()).toEqual(offloadChecks.map(({ name }) => name).sort());
    const promised = new Set(offloadChecks.flatMap((check) => check.reasons));
    expect([...new Set(faults.map(([, , , reason]) => reason))].sort()).toEqual([...promised].sort());
    for (const reason of Object.keys(offloadFindingReasons)) expect(promised).toContain(reason);
    for (const reason of promised) expect(reasons).toHaveProperty(reason);
  });

  it('do not take a low limit of flows, or one that was reduced, for a collapse', () => {
    expect(checkOf('flow-limit').run(healthy(grows('upcall_flow_limit_reduced')), limits).kind).toBe('clear');
    const full = known([{ name: 'x', flows: 9_999, flowLimit: 10_000, offloaded: 0, dumpMs: 900 }]);
    expect(checkOf('flow-limit').run(healthy({ upcalls: full }), limits).kind).toBe('clear');
  });

  it('leave out ports that are not to be offloaded, and requests that OVS-DOCA ignores', () => {
    const none = interfaceFacts('pf0vf0', { otherConfig: mapOf({ 'hw-offload-priority': 'none' }) });
    const facts = healthy({ ...ports(none), providedPorts: known(new Set<string>()) });
    expect(checkOf('ports-have-a-provider').run(facts, limits).kind).toBe('clear');
    const asked = healthy({ ...doca, ...ports(interfaceFacts('pf0vf0', { mtuRequest: 9000 })) });
    expect(checkOf('mtus').run(asked, limits).kind).toBe('clear');
  });

  it('tell of links that are needed alone, and of many at once', () => {
    const downs = (count: number, ifaceId: string | undefined) => {
      const numbers = Array.from({ length: count }, (_, number) => number);
      const rows = numbers.map((number) => interfaceFacts(`pf0vf${number}`, { linkState: 'down', ifaceId }));
      const devices = known([uplink, ...numbers.map((number) => vf(number))]);
      return runOffloadChecks(healthy({ interfaces: known(rows), devices }), limits)
        .findings.filter(({ reason }) => reason === 'LinkDown')
        .map(({ subject }) => subject.kind);
    };
    expect([downs(1_000, undefined), downs(2, 'pod'), downs(1_000, 'pod')]).toEqual([[], ['port', 'port'], ['node']]);
  });

  it('tell twenty of a kind, and how many more there are', () => {
    const rows = Array.from({ length: 1_000 }, (_, number) => interfaceFacts(`x${number}`, { linkResets: 9 }));
    const found = runOffloadChecks(healthy({ interfaces: known(rows) }), limits).findings.filter(
      ({ reason }) => reason === 'LinkFlapping',
    );
    expect(found).toHaveLength(21);
    expect(found.at(-1)).toMatchObject({ subject: { kind: 'node' }, evidence: { findings: '1000' } });
    expect(found.at(-1)?.message).toContain('980 more: x20, ');
  });

  it('tell a stale port once, and only after a while', () => {
    const young = healthy(ports(interfaceFacts('pf0vf9', { ofport: -1, error: 'No such device', brokenMs: 1_000 })));
    expect(runOffloadChecks(young, limits).findings).toEqual([]);
    const old = healthy(ports(interfaceFacts('pf0vf9', { ofport: -1, error: 'No such device', brokenMs: 600_000 })));
    expect(runOffloadChecks(old, limits).findings.map(({ reason }) => reason)).toEqual(['PortStale']);
  });

  it('escape what others wrote', () => {
    const facts = healthy(ports(interfaceFacts('pf0vf0', { ofport: -1, error: 'no\u001b[2Jdevice' })));
    expect(JSON.stringify(runOffloadChecks(facts, limits).findings)).not.toContain('\u001b');
    expect(JSON.stringify(runOffloadChecks(facts, limits).findings)).toContain('no\\\\u001b[2Jdevice');
  });
});

describe('the boot of the platform', () => {
  const silent = unknown('systemd cannot be asked');

  it('is waited for while its unit runs, however long', () => {
    const facts = healthy({
      memory: known({ totalBytes: 1, availableBytes: 0, oomKills: 3 }),
      boot: { platform: known('running'), uptimeMs: known(9e9), watchedMs: 9e9 },
    });
    const report = runOffloadChecks(facts, limits);
    expect(report.findings).toEqual([]);
    expect(report.clear).toEqual([]);
    expect(report.notTestable).toHaveLength(offloadChecks.length);
    expect(report.waiting).toContain('mlnx_bf_configure');
  });

  it('is given a time of grace where the unit cannot be asked', () => {
    expect(bootWait({ platform: silent, uptimeMs: known(299_000), watchedMs: 0 }, 300_000)).toContain('299 s');
    expect(bootWait({ platform: silent, uptimeMs: known(300_000), watchedMs: 0 }, 300_000)).toBeUndefined();
    expect(bootWait({ platform: silent, uptimeMs: silent, watchedMs: 10 }, 300_000)).toBeDefined();
  });

  it('is over where its unit ended or there is none', () => {
    for (const state of ['over', 'absent'] as const) {
      expect(bootWait({ platform: known(state), uptimeMs: known(0), watchedMs: 0 }, 300_000)).toBeUndefined();
    }
  });
});

describe('the failure modes', () => {
  it('are all there, each with checks that exist or with the reason why it has none', () => {
    expect(failureModes.map(({ number }) => number)).toEqual(Array.from({ length: 32 }, (_, index) => index + 1));
    const names = new Set(offloadChecks.map(({ name }) => name));
    for (const { checks, otherwise } of failureModes) {
      expect(checks.filter((name) => !names.has(name))).toEqual([]);
      if (checks.length === 0) expect(otherwise).toMatch(/\.$/);
    }
    const used = new Set(failureModes.flatMap(({ checks }) => checks));
    expect([...names].filter((name) => !used.has(name))).toEqual([]);
  });
});

describe('the share of hardware', () => {
  const slow = traffic({ hardwarePackets: 0 });
  const key = { ...settingResult(), key: 'hw-offload', declared: undefined, stored: undefined };
  const outcome = (more: Partial<OffloadFacts>): string =>
    runOffloadChecks(healthy({ ...slow, ...more }), offloadLimitsDefault).notTestable.some(
      ({ check }) => check === 'offload-ratio',
    )
      ? 'notTestable'
      : 'tested';
  const effective = (value: string) => ({ kind: 'known', value, basis: 'asked' }) as const;

  it('is asked of a node only where somebody wants it and an engine can', () => {
    const absent = { ...key, effective: effective('false') };
    expect(outcome({ settings: known([absent]) })).toBe('notTestable');
    expect(outcome({ settings: known([{ ...absent, stored: 'true' }]) })).toBe('tested');
    expect(outcome({ settings: known([{ ...absent, declared: 'true' }]) })).toBe('tested');
    expect(outcome({ settings: known([{ ...absent, effective: effective('true') }]) })).toBe('tested');
    expect(outcome({ engine: known(engineWith('netdev')) })).toBe('notTestable');
  });
});
