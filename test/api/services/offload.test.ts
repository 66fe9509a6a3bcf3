import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { OffloadRow } from '../../../src/agent/api-view.js';
import { offloadService } from '../../../src/api/services/offload.js';
import {
  GetOffloadStatusRequestSchema,
  ListOffloadRequestSchema,
  ListOffloadResponseSchema,
  ListSoftwareFlowsRequestSchema,
  ListSoftwareFlowsResponseSchema,
  OffloadMeasured_Source,
  OffloadPort_Kind,
  OffloadRow_Kind,
  OffloadRow_Verdict,
  OffloadSetting_Verdict,
  OffloadStatus_Engine,
  OffloadStatusSchema,
  WatchOffloadRequestSchema,
  WatchOffloadResponseSchema,
} from '../../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { ManualClock } from '../../config/manual-clock.js';
import {
  FakeOffload,
  measuredOf,
  measuredWallMs,
  offloadRow,
  overviewOf,
  softwareFlows,
  supervisionOf,
} from '../../fakes/offload-world.js';
import { Reader, refusedFields, viewerContext } from '../../fakes/service-calls.js';

const row = offloadRow;

class World {
  readonly clock = new ManualClock();
  readonly source = new FakeOffload();
  readonly handlers = offloadService({ offload: this.source, clock: this.clock }).handlers;

  constructor(rows?: readonly OffloadRow[]) {
    this.source.objects = rows ?? [
      row('chain', 'c'),
      row('port', 'p1'),
      row('attachment', 'ns/web'),
      row('port', 'p0'),
    ];
  }

  async keys(init: MessageInitShape<typeof ListOffloadRequestSchema> = {}) {
    const answer = await this.handlers.listOffload(create(ListOffloadRequestSchema, init), viewerContext());
    return answer.rows?.map(({ key }) => key);
  }

  watch(init: MessageInitShape<typeof WatchOffloadRequestSchema> = {}) {
    return new Reader((context) => this.handlers.watchOffload(create(WatchOffloadRequestSchema, init), context));
  }

  flows(init: MessageInitShape<typeof ListSoftwareFlowsRequestSchema> = {}) {
    return this.handlers.listSoftwareFlows(create(ListSoftwareFlowsRequestSchema, init), viewerContext());
  }

  async status() {
    const request = create(GetOffloadStatusRequestSchema);
    const { status } = await this.handlers.getOffloadStatus(request, viewerContext());
    return create(OffloadStatusSchema, status);
  }
}

describe('GetOffloadStatus', () => {
  it('tells of one that nobody supervises engine, settings and notes, and nothing that is not known', async () => {
    const world = new World();
    world.source.overview = overviewOf({
      engine: 'tc',
      notes: ['A note.'],
      isInEffect: undefined,
      inEffectBasis: 'Nobody looks.',
      supervision: undefined,
    });
    const status = await world.status();
    expect(status).toMatchObject({
      engine: OffloadStatus_Engine.TC,
      isConfigured: true,
      settings: { 'hw-offload': 'true' },
      notes: ['A note.'],
      inEffectBasis: 'Nobody looks.',
      waiting: '',
    });
    expect(status.isInEffect).toBeUndefined();
    expect(status.supervision).toBeUndefined();
  });

  it('tells what has room and what waits: huge pages, tables of connections, insertion', async () => {
    const world = new World();
    const insertion = {
      ...{ enqueued: 3, inserted: 70, connectionsBoth: 9, connectionsOne: undefined },
      ...{ latencyMean: 0.000_25, latencyDeviation: undefined },
    };
    const supervision = supervisionOf({
      hugePages: [{ sizeBytes: 2_097_152, total: 1_024, free: 12 }],
      connections: [{ table: 'hardware', count: 9, limit: 250_000 }],
      insertion,
    });
    world.source.overview = overviewOf({ supervision });
    const told = (await world.status()).supervision;
    expect(told).toMatchObject({
      hugePages: [{ sizeBytes: 2_097_152n, total: 1_024n, free: 12n }],
      connectionTables: [{ table: 'hardware', count: 9n, limit: 250_000n }],
      insertion: { enqueued: 3n, inserted: 70n, connectionsBoth: 9n, latencyMean: { seconds: 0n, nanos: 250_000 } },
    });
    expect(told?.insertion?.connectionsOne).toBeUndefined();
    expect(told?.insertion?.latencyDeviation).toBeUndefined();
  });

  it('tells everything that the supervisor says', async () => {
    const world = new World();
    world.source.overview = overviewOf({ waiting: 'the platform configures the card' });
    const { supervision, isInEffect, waiting } = await world.status();
    expect(isInEffect).toBe(true);
    expect(waiting).toBe('the platform configures the card');
    expect(
      supervision?.settings.map(({ key, declared, stored, effective, verdict }) => ({
        key,
        declared,
        stored,
        effective,
        verdict,
      })),
    ).toEqual([
      {
        key: 'hw-offload',
        declared: 'true',
        stored: 'true',
        effective: 'true',
        verdict: OffloadSetting_Verdict.IN_EFFECT,
      },
      {
        key: 'hw-offload-ct-size',
        declared: '500000',
        stored: '250000',
        effective: '250000',
        verdict: OffloadSetting_Verdict.RESTART_REQUIRED,
      },
      {
        key: 'max-idle',
        declared: undefined,
        stored: '20000',
        effective: undefined,
        verdict: OffloadSetting_Verdict.UNKNOWN,
      },
    ]);
    expect(supervision?.settings.at(-1)).toMatchObject({ effectiveBasis: 'nothing tells', unmet: ['engine tc'] });
    expect(supervision?.restart).toMatchObject({ keys: ['hw-offload-ct-size'], costs: ['All flows are lost.'] });
    expect(supervision?.findings).toMatchObject([
      { reason: 'OffloadPortLeftOut', subjectKind: 'port', subject: 'pf0vf4', evidence: { provider: 'none' } },
    ]);
    expect(supervision?.datapaths).toMatchObject([
      { flowLimit: 9_500n, flowLimitConfigured: 200_000n, dumpDuration: { nanos: 3_000_000 } },
    ]);
    expect(supervision?.tiers.map(({ tier, tally }) => [tier, tally?.packets])).toEqual([
      ['hw', 990_000n],
      ['pmd', 10_000n],
    ]);
    expect(supervision?.reasons.map(({ reason, isExpected }) => [reason, isExpected])).toEqual([
      ['ct_ipv6_disabled', false],
      ['ct_new', true],
      ['expected_control', true],
    ]);
    expect(supervision?.reasons[0]?.remedy).toContain('hw-offload-ct-ipv6-enabled');
    expect(supervision?.measurements.map(({ name, readAt, problem }) => [name, readAt === undefined, problem])).toEqual(
      [
        ['quick', false, ''],
        ['flows', false, 'The last dump was too late.'],
        ['tools', true, 'There is no devlink.'],
      ],
    );
    expect(supervision).toMatchObject({
      slowdown: 2,
      representors: { expected: 4, present: 3, stale: 1, down: 0 },
      hardwarePackets: 990_000n,
      softwarePackets: 10_000n,
    });
  });

  it('bounds what others can make long, and says what is left out', async () => {
    const world = new World();
    const [finding] = supervisionOf().findings;
    const [setting] = supervisionOf().settings;
    if (finding === undefined || setting === undefined) throw new Error('the fake has both');
    world.source.overview = overviewOf({
      supervision: supervisionOf({
        findings: Array.from({ length: 700 }, () => finding),
        settings: [{ ...setting, stored: 'x'.repeat(100_000) }],
      }),
    });
    const { supervision, notes } = await world.status();
    expect(supervision?.findings).toHaveLength(500);
    expect(notes).toEqual(['200 further findings are left out.']);
    expect(supervision?.settings[0]?.stored?.length).toBeLessThan(2_000);
  });
});

describe('ListOffload', () => {
  it('has all kinds where none is selected, sorted by kind and name', async () => {
    expect(await new World().keys()).toEqual(['port/p0', 'port/p1', 'attachment/ns/web/default', 'chain/c']);
  });

  it('has the kinds and names that are selected', async () => {
    const world = new World();
    expect(await world.keys({ selector: { chains: true } })).toEqual(['chain/c']);
    expect(await world.keys({ selector: { names: ['ns/web', 'p1'] } })).toEqual([
      'port/p1',
      'attachment/ns/web/default',
    ]);
    expect(await world.keys({ selector: { ports: true, names: ['c'] } })).toEqual([]);
  });

  it('tells a row whole', async () => {
    const ports = [
      { name: 'p0', kind: 'offloadable', provider: 'tc', isProviderTold: true, eswitch: '5c' },
      { name: 'x', kind: undefined, provider: undefined, isProviderTold: false, eswitch: undefined },
    ] as const;
    const seen = { hardware: 99_000, software: 1_000 };
    const measured = measuredOf({ sharedWith: ['chain/c'], seen });
    const world = new World([row('port', 'p0', 'software', { reason: 'EngineIsSoftware', measured, ports })]);
    const answer = await world.handlers.listOffload(create(ListOffloadRequestSchema), viewerContext());
    const [told] = create(ListOffloadResponseSchema, answer).rows;
    expect(told).toMatchObject({
      key: 'port/p0',
      kind: OffloadRow_Kind.PORT,
      name: 'p0',
      interface: 'p0',
      verdict: OffloadRow_Verdict.SOFTWARE,
      reason: 'EngineIsSoftware',
      message: 'A sentence.',
      measured: {
        source: OffloadMeasured_Source.COUNTERS,
        hardwareShare: 0.99,
        hardwarePackets: 9_900n,
        softwarePackets: 100n,
        window: { seconds: 10n },
        hardwareFlows: { flows: 10n, packets: 9_900n, bytes: 990_000n },
        reasons: [{ reason: 'ct_new', isExpected: true, tally: { packets: 100n } }],
        ports: ['pf0vf3'],
        sharedWith: ['chain/c'],
        seen: { hardwarePackets: 99_000n, softwarePackets: 1_000n },
      },
      ports: [
        { name: 'p0', kind: OffloadPort_Kind.OFFLOADABLE, provider: 'tc', isProviderTold: true, eswitch: '5c' },
        { name: 'x', kind: OffloadPort_Kind.UNSPECIFIED, provider: '', isProviderTold: false, eswitch: '' },
      ],
    });
  });

  it('leaves out what nobody measured, and a share that is none', async () => {
    const measured = measuredOf({ source: 'none', hardwareShare: NaN, counters: undefined, flows: undefined });
    const world = new World([row('port', 'p0'), row('port', 'p1', 'unknown', { measured })]);
    const answer = await world.handlers.listOffload(create(ListOffloadRequestSchema), viewerContext());
    const [bare, empty] = create(ListOffloadResponseSchema, answer).rows;
    expect(bare?.measured).toBeUndefined();
    expect(empty?.measured).toMatchObject({ source: OffloadMeasured_Source.UNSPECIFIED });
    for (const field of ['hardwareShare', 'hardwarePackets', 'window', 'hardwareFlows', 'softwareFlows'] as const) {
      expect(empty?.measured?.[field]).toBeUndefined();
    }
  });
});

describe('WatchOffload', () => {
  it('sends all rows, and then those that differ and the keys of those that are gone', async () => {
    const world = new World();
    const reader = world.watch({ selector: { ports: true }, interval: { seconds: 1n } });
    expect((await reader.next()).rows).toHaveLength(2);
    expect(await reader.due()).toBeUndefined();
    world.source.objects = [row('port', 'p1', 'software')];
    world.clock.advance(1_000);
    const message = await reader.next();
    expect(message.rows?.map(({ key }) => key)).toEqual(['port/p1']);
    expect(message.removed).toEqual(['port/p0']);
    expect(await reader.due()).toBeUndefined();
    world.clock.advance(1_000);
    expect(await reader.due()).toBeUndefined();
    await reader.leave();
    expect(world.clock.timerCount).toBe(0);
  });

  it('sends a row whose numbers have moved, and no other', async () => {
    const world = new World([row('port', 'p0', 'hardware', { measured: measuredOf() }), row('port', 'p1')]);
    const reader = world.watch();
    expect((await reader.next()).rows).toHaveLength(2);
    world.source.objects = [
      row('port', 'p0', 'hardware', { measured: measuredOf({ hardwareShare: 0.98 }) }),
      row('port', 'p1'),
    ];
    expect(await reader.due()).toBeUndefined();
    world.clock.advance(10_000);
    expect((await reader.next()).rows).toMatchObject([{ key: 'port/p0', measured: { hardwareShare: 0.98 } }]);
    await reader.leave();
  });

  it('has flows looked at more often for as long as somebody watches, however the watch ends', async () => {
    const world = new World();
    const [first, second] = [world.watch(), world.watch({ interval: { seconds: 5n } })];
    await Promise.all([first.next(), second.next()]);
    expect(world.source.watcherCount).toBe(2);
    await first.leave();
    expect(world.source.watcherCount).toBe(1);
    await second.leave();
    expect(world.source.watcherCount).toBe(0);
    expect(await refusedFields(() => world.watch({ interval: { seconds: 0n } }).next())).toEqual(['interval']);
    expect(world.source.watcherCount).toBe(0);
  });

  it('keeps messages below what clients accept, however much is measured of each row', async () => {
    const reasons = (['ct_new', 'other', 'internal_port', 'ct_table_full', 'hw_table_full'] as const).map((reason) => ({
      reason,
      flows: 1,
      packets: 2,
      bytes: 3,
    }));
    const rows = Array.from({ length: 2_500 }, (_, at) =>
      row('port', `pf0vf${at}`, 'software', { measured: measuredOf({ reasons }) }),
    );
    const reader = new World(rows).watch();
    const sizes: number[] = [];
    for (let left = rows.length; left > 0;) {
      const message = create(WatchOffloadResponseSchema, await reader.next());
      left -= message.rows.length;
      sizes.push(toBinary(WatchOffloadResponseSchema, message).length);
    }
    await reader.leave();
    expect(sizes).toHaveLength(3);
    expect(Math.max(...sizes)).toBeLessThan(4 * 2 ** 20);
  });

  it('sends a message at once although there is no row', async () => {
    const world = new World([]);
    const reader = world.watch();
    expect(await reader.next()).toMatchObject({ rows: [], removed: [], problems: [] });
    await reader.leave();
  });

  it('tells problems when they come and when they go, as the list does', async () => {
    const world = new World();
    const reader = world.watch();
    expect(await reader.next()).toMatchObject({ problems: [] });
    for (const problems of [['The database is not readable.'], []]) {
      world.source.troubles = problems;
      const request = create(ListOffloadRequestSchema);
      expect(await world.handlers.listOffload(request, viewerContext())).toMatchObject({ problems });
      expect(await reader.due()).toBeUndefined();
      world.clock.advance(10_000);
      expect(await reader.next()).toMatchObject({ rows: [], removed: [], problems });
    }
    await reader.leave();
  });

  it('refuses an interval below a second', async () => {
    const interval = { seconds: 0n, nanos: 999_000_000 };
    expect(await refusedFields(() => new World().watch({ interval }).next())).toEqual(['interval']);
  });
});

describe('ListSoftwareFlows', () => {
  it('tells the flows with reason, remedy and rules, and when they were dumped', async () => {
    const world = new World();
    world.source.flows = softwareFlows;
    const answer = create(ListSoftwareFlowsResponseSchema, await world.flows());
    expect(answer.readAt?.seconds).toBe(BigInt(measuredWallMs / 1_000));
    expect(answer.mainThread?.nanos).toBe(35_000_000);
    expect(answer.flows).toMatchObject([
      {
        ufid: 'ufid:1',
        tier: 'pmd',
        reason: 'ct_ipv6_disabled',
        evidence: 'ct of IPv6',
        inPort: 'pf0vf4',
        outPorts: ['p0'],
        packets: 9_000n,
        idle: { nanos: 400_000_000 },
        rules: ['table=10, priority=50, actions=ct(table=11)'],
        rulesProblem: '',
      },
      { ufid: '', reason: 'ct_new', rules: [], rulesProblem: 'no ufid' },
    ]);
    expect(answer.flows[0]?.remedy).toContain('hw-offload-ct-ipv6-enabled');
    expect(answer.flows[1]?.idle).toBeUndefined();
  });

  it('asks for the twenty largest of any dump where nothing is said', async () => {
    const world = new World();
    await world.flows();
    expect(world.source.questions).toEqual([
      { ports: new Set(), reasons: new Set(), countMax: 20, ageMsMax: Infinity, withRules: false },
    ]);
  });

  it('asks for what is said', async () => {
    const world = new World();
    await world.flows({ ports: ['p0'], reasons: ['other'], countMax: 500, ageMax: { seconds: 3n }, withRules: true });
    expect(world.source.questions).toEqual([
      { ports: new Set(['p0']), reasons: new Set(['other']), countMax: 500, ageMsMax: 3_000, withRules: true },
    ]);
  });

  it.each<[string, MessageInitShape<typeof ListSoftwareFlowsRequestSchema>]>([
    ['count_max', { countMax: 501 }],
    ['ports[1]', { ports: ['p0', ''] }],
    ['ports[0]', { ports: ['x'.repeat(256)] }],
    ['ports', { ports: Array.from({ length: 257 }, (_, at) => `p${at}`) }],
    ['reasons[1]', { reasons: ['other', 'othr'] }],
    ['reasons[0]', { reasons: ['warming_up'] }],
    ['reasons', { reasons: Array.from({ length: 50 }, () => 'other') }],
    ['age_max', { ageMax: { seconds: -1n } }],
    ['age_max', { ageMax: { seconds: 86_401n } }],
  ])('refuses a wrong %s and asks nobody', async (field, init) => {
    const world = new World();
    expect(await refusedFields(() => world.flows(init))).toEqual([field]);
    expect(world.source.questions).toEqual([]);
  });

  it('says which reasons there are, and which was meant', async () => {
    await expect(new World().flows({ reasons: ['ct_ne'] })).rejects.toMatchObject({
      message: expect.stringMatching(
        /"ct_ne" is no reason; did you mean ct_new\? allowed: .*unsupported_match/,
      ) as string,
      remedy: expect.stringContaining('docs/errors.md') as string,
    });
    await expect(new World().flows({ reasons: ['expected_control'] })).rejects.toMatchObject({
      message: expect.stringContaining('counted and not listed') as string,
    });
  });
});
