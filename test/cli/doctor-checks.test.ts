import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { doctorChecks } from '../../src/cli/doctor-checks.js';
import { known, unknown, type CheckResult, type DatabaseFacts, type DoctorFacts } from '../../src/cli/doctor-facts.js';
import { ClusterState_State, LeaseState_State, OvsdbState_State } from '../../src/gen/proto/dpu/agent/v1/common_pb.js';
import { NodeSchema, StatusSchema } from '../../src/gen/proto/dpu/agent/v1/node_pb.js';
import { OffloadStatusSchema } from '../../src/gen/proto/dpu/agent/v1/offload_pb.js';

const gib = 2 ** 30;
const wallMs = 1_700_000_000_000;

const statusOf = (init: MessageInitShape<typeof StatusSchema> = {}) => {
  return known(
    create(StatusSchema, {
      isReady: true,
      ovsdb: { state: OvsdbState_State.SYNCED },
      attach: {
        cluster: { state: ClusterState_State.SYNCED, server: 'https://h' },
        clockSkewSeconds: -0.5,
        lease: { state: LeaseState_State.HELD, at: timestampFromMs(wallMs - 3_000) },
      },
      ...init,
    } as MessageInitShape<typeof StatusSchema>),
  );
};

const database: DatabaseFacts = {
  endpoint: 'unix:/db.sock',
  schemaVersion: '8.5.0',
  curCfg: 7,
  nextCfg: 7,
  otherConfig: new Map([
    ['hw-offload', 'true'],
    ['dpdk-init', 'true'],
  ]),
  isDpdkInitialized: true,
  isDocaInitialized: undefined,
  bridges: [{ name: 'br0', datapathType: 'netdev' }],
  interfaces: [{ name: 'p0', ofport: 1, error: '' }],
};

const machine = {
  devices: [
    { name: 'p0', portName: 'p0', switchId: 'aa' },
    { name: 'pf0vf0', portName: 'c1pf0vf0', switchId: 'aa' },
  ],
  hugePages: [{ sizeBytes: 2 ** 21, total: 512, free: 100 }],
  memoryBytes: 16 * gib,
  memoryAvailableBytes: 4 * gib,
};
const stateDir = { path: '/s', isWritable: true, freeBytes: gib, damaged: [] };
const vswitchd = {
  pid: 7,
  version: 'ovs-vswitchd 3.1.0',
  process: { isReplaced: false, startedMs: 100_000, binaryMs: 5 },
};

type Supervision = NonNullable<MessageInitShape<typeof OffloadStatusSchema>['supervision']>;
const offloadOf = (supervision: Supervision, more: MessageInitShape<typeof OffloadStatusSchema> = {}) =>
  known(create(OffloadStatusSchema, { supervision, ...more } as MessageInitShape<typeof OffloadStatusSchema>));

const healthy: DoctorFacts = {
  status: statusOf(),
  offload: offloadOf({ clear: ['main-thread'], notTestable: [{ check: 'cards', why: 'no devlink' }] }),
  node: unknown('not asked'),
  config: known({ file: '/c.yaml', isValid: true, text: '' }),
  database: known(database),
  vswitchd: known(vswitchd),
  machine: known(machine),
  stateDir: known(stateDir),
  units: known([{ name: 'dpu-node-agent.service', isInstalled: true, isEnabled: true }]),
  configFile: '/c.yaml',
  wallMs,
};

const nothing: DoctorFacts = {
  status: unknown('no agent'),
  offload: unknown('no agent'),
  node: unknown('no agent'),
  config: unknown('no daemon'),
  database: unknown('no database'),
  vswitchd: unknown('no vswitchd'),
  machine: unknown('no sysfs'),
  stateDir: unknown('no directory'),
  units: unknown('no systemd'),
  configFile: '/c.yaml',
  wallMs,
};

function run(name: string, facts: DoctorFacts): CheckResult {
  const check = doctorChecks.find((entry) => entry.name === name);
  if (check === undefined) throw new Error(`there is no check ${name}`);
  return check.run(facts);
}

const attachOf = (attach: NonNullable<MessageInitShape<typeof StatusSchema>['attach']> | undefined) =>
  ({ ...healthy, status: statusOf({ attach }) }) as const;
const withDatabase = (more: Partial<DatabaseFacts>): DoctorFacts => ({
  ...healthy,
  database: known({ ...database, ...more }),
});
const withMachine = (more: Partial<typeof machine>): DoctorFacts => ({
  ...healthy,
  machine: known({ ...machine, ...more }),
});

const dpdk = new Map([['dpdk-init', 'true']]);

describe('what the agent says of offload', () => {
  const finding = { reason: 'HugePagesLacking', message: 'Too few huge pages.', remedy: 'Reserve more.' };
  const broken = withDatabase({ otherConfig: new Map([['doca-init', 'true']]) });

  it('is told, the first finding in full', () => {
    const facts = { ...healthy, offload: offloadOf({ findings: [finding, { ...finding, reason: 'MemoryShort' }] }) };
    expect(run('offload-findings', facts)).toEqual({
      outcome: 'fail',
      message: 'HugePagesLacking: Too few huge pages. (and 1 more: dpuctl offload status)',
      remedy: 'Reserve more.',
    });
    expect(run('offload-findings', healthy).message).toBe('1 checks clear, 1 could not be made');
  });

  it('counts before what doctor sees itself', () => {
    expect(run('huge-pages', healthy).outcome).toBe('pass');
    expect(run('huge-pages', { ...healthy, offload: offloadOf({ findings: [finding] }) })).toEqual({
      outcome: 'fail',
      message: 'Too few huge pages.',
      remedy: 'Reserve more.',
    });
    expect(run('memory', { ...healthy, offload: offloadOf({ findings: [finding] }) }).outcome).toBe('pass');
  });

  it('clears what the database alone made look wrong, only where all of its checks could be made', () => {
    expect(run('hw-offload', broken).outcome).toBe('fail');
    const clear = ['hw-offload-in-effect', 'offload-off-with-ports'];
    expect(run('hw-offload', { ...broken, offload: offloadOf({ clear }) })).toMatchObject({ outcome: 'pass' });
    const half = offloadOf({ clear: clear.slice(1) });
    expect(run('hw-offload', { ...broken, offload: half }).outcome).toBe('fail');
  });

  it("does not count before it is judged, and is nobody's where nobody supervises", () => {
    const waiting = offloadOf({ findings: [finding] }, { waiting: 'the platform configures the card' });
    expect(run('offload-findings', { ...healthy, offload: waiting })).toMatchObject({ outcome: 'untestable' });
    expect(run('huge-pages', { ...healthy, offload: waiting }).outcome).toBe('pass');
    const none = known(create(OffloadStatusSchema, {}));
    expect(run('offload-findings', { ...healthy, offload: none })).toMatchObject({ outcome: 'untestable' });
  });
});

describe('dpuctl doctor', () => {
  it.each(doctorChecks.map(({ name }) => name))('passes %s where all is well', (name) => {
    expect(run(name, healthy)).toMatchObject({ outcome: 'pass' });
  });

  it('fails what must answer and tests nothing else where nothing is known', () => {
    const failed = doctorChecks.filter(({ run: judge }) => judge(nothing).outcome === 'fail').map(({ name }) => name);
    const passed = doctorChecks.filter(({ run: judge }) => judge(nothing).outcome === 'pass').map(({ name }) => name);
    expect(failed).toEqual(['agent-answers', 'ovsdb-reachable', 'vswitchd-alive']);
    expect(passed).toEqual([]);
    const told = doctorChecks.filter(({ run: judge }) => judge(nothing).message.includes('no agent'));
    expect(told.map(({ name }) => name)).toEqual(['agent-answers']);
  });

  it.each<[string, DoctorFacts, string]>([
    [
      'agent-ready',
      {
        ...healthy,
        status: statusOf({ isReady: false, conditions: [{ reason: 'PortMissing', message: 'p0 is missing' }] }),
      },
      'p0 is missing',
    ],
    ['config-valid', { ...healthy, config: known({ file: '/c', isValid: false, text: 'unknown key' }) }, 'unknown key'],
    ['ovsdb-synced', { ...healthy, status: statusOf({ ovsdb: { message: 'refused' } }) }, 'refused'],
    ['vswitchd-config', withDatabase({ nextCfg: 9 }), 'cur_cfg 7 is not next_cfg 9'],
    ['flow-restore-wait', withDatabase({ otherConfig: new Map([['flow-restore-wait', 'true']]) }), 'forwards nothing'],
    ['hw-offload', withDatabase({ otherConfig: new Map([['doca-init', 'true']]) }), 'in software'],
    ['dpdk-doca-init', withDatabase({ isDpdkInitialized: false }), 'DPDK is asked for'],
    [
      'dpdk-doca-init',
      withDatabase({ otherConfig: new Map([['doca-init', 'true']]), isDocaInitialized: false }),
      'DOCA is asked for',
    ],
    [
      'vswitchd-binary',
      {
        ...healthy,
        vswitchd: known({ ...vswitchd, process: { isReplaced: true, startedMs: 1, binaryMs: undefined } }),
      },
      'newer',
    ],
    [
      'vswitchd-binary',
      { ...healthy, vswitchd: known({ ...vswitchd, process: { isReplaced: false, startedMs: 1, binaryMs: 9_000 } }) },
      'newer',
    ],
    [
      'ports-open',
      withDatabase({ interfaces: [{ name: 'x', ofport: -1, error: 'No such device' }] }),
      'No such device',
    ],
    [
      'one-datapath',
      withDatabase({ bridges: [...database.bridges, { name: 'b', datapathType: '' }] }),
      'netdev, system',
    ],
    ['switchdev', withMachine({ devices: [] }), 'no device has an eSwitch'],
    ['switchdev', withMachine({ devices: machine.devices.slice(0, 1) }), 'no representors'],
    [
      'huge-pages',
      { ...withMachine({ hugePages: [] }), database: known({ ...database, otherConfig: dpdk }) },
      'no huge pages',
    ],
    ['memory', withMachine({ memoryAvailableBytes: 1 }), '0 of 16384 MiB'],
    ['state-dir', { ...healthy, stateDir: known({ ...stateDir, isWritable: false }) }, 'cannot be written'],
    ['state-dir', { ...healthy, stateDir: known({ ...stateDir, damaged: ['a.damaged'] as never[] }) }, 'a.damaged'],
    ['state-dir', { ...healthy, stateDir: known({ ...stateDir, freeBytes: 1 }) }, '0 MiB free'],
    ['host-cluster', attachOf({ cluster: { state: ClusterState_State.STALE, message: 'timeout' } }), 'timeout'],
    ['clock-skew', attachOf({ clockSkewSeconds: 5 }), '5.0 s ahead'],
    ['lease', attachOf({ lease: { state: LeaseState_State.FOREIGN, holder: 'other' } }), 'other renews'],
    ['lease', attachOf({ lease: { state: LeaseState_State.UNKNOWN, message: 'forbidden' } }), 'forbidden'],
    [
      'systemd-units',
      { ...healthy, units: known([{ name: 'dpu-node-agent.service', isInstalled: true, isEnabled: false }]) },
      'not enabled: dpu-node-agent.service',
    ],
  ])('fails %s with what was seen and a remedy', (name, facts, words) => {
    const result = run(name, facts);
    expect(result.outcome).toBe('fail');
    expect(result.message).toContain(words);
    expect(result.remedy).not.toBe('');
  });

  it.each<[string, DoctorFacts]>([
    ['dpdk-doca-init', withDatabase({ otherConfig: new Map() })],
    ['hw-offload', withDatabase({ otherConfig: dpdk })],
    ['hw-offload', withDatabase({ otherConfig: new Map([['hw-offload', 'true']]) })],
    ['switchdev', { ...withMachine({ devices: [] }), database: known({ ...database, otherConfig: new Map() }) }],
    [
      'switchdev',
      { ...withMachine({ devices: [] }), node: known(create(NodeSchema, { agent: { finder: 'simulated' } })) },
    ],
    ['dpdk-doca-init', withDatabase({ otherConfig: new Map([['doca-init', 'true']]) })],
    ['vswitchd-binary', { ...healthy, vswitchd: known({ ...vswitchd, process: undefined }) }],
    ['one-datapath', withDatabase({ bridges: [] })],
    ['host-cluster', attachOf(undefined)],
    ['clock-skew', attachOf({})],
    ['lease', attachOf({ lease: { state: LeaseState_State.DISABLED } })],
    ['systemd-units', { ...healthy, units: known([]) }],
  ])('cannot test %s where there is nothing to look at', (name, facts) => {
    expect(run(name, facts).outcome).toBe('untestable');
  });

  it('needs no huge pages where nothing wants them', () => {
    const facts = { ...withMachine({ hugePages: [] }), database: known({ ...database, otherConfig: new Map() }) };
    expect(run('huge-pages', facts).outcome).toBe('pass');
  });
});
