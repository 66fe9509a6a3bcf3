/**
 * What the supervisor of offload says, without one: a DPU with OVS-DOCA where a pod is in software for one reason, a setting
 * waits for a restart, and one check has found something. Every part can be replaced.
 */

import type {
  OffloadMeasured,
  OffloadOverview,
  OffloadRow,
  OffloadSource,
  OffloadSupervision,
  SoftwareFlowsAnswer,
  SoftwareFlowsQuestion,
} from '../../src/agent/api-view.js';
import { known, unknown } from '../../src/model/fact.js';
import type { ExplainedFlow } from '../../src/offload/readings.js';

/** When everything here was measured: milliseconds since 1970 UTC. */
export const measuredWallMs = 1_799_999_990_000;

const cost = { tookMs: 42, mainThreadMs: 35, roundTripMs: 12 };
export const tally = (flows: number, packets: number) => ({ flows, packets, bytes: packets * 100 });

export function supervisionOf(fields: Partial<OffloadSupervision> = {}): OffloadSupervision {
  return {
    settings: [
      {
        key: 'hw-offload',
        declared: 'true',
        stored: 'true',
        effective: { kind: 'known', value: 'true', basis: 'dpif/offload/show says so' },
        atNextStart: 'true',
        verdict: 'inEffect',
        message: 'hw-offload is in effect as declared: dpif/offload/show says so.',
        unmet: [],
      },
      {
        key: 'hw-offload-ct-size',
        declared: '500000',
        stored: '250000',
        effective: { kind: 'known', value: '250000', basis: 'stored since its start' },
        atNextStart: '250000',
        verdict: 'restartRequired',
        message: 'hw-offload-ct-size should be 500000: only a restart of ovs-vswitchd brings it.',
        unmet: [],
      },
      {
        key: 'max-idle',
        declared: undefined,
        stored: '20000',
        effective: { kind: 'unknown', why: 'nothing tells' },
        atNextStart: '20000',
        verdict: 'unknown',
        message: 'max-idle: it is stored as 20000; nothing tells.',
        unmet: ['engine tc'],
      },
    ],
    restart: {
      keys: ['hw-offload-ct-size'],
      summary: 'hw-offload-ct-size needs a restart of ovs-vswitchd, in a maintenance window.',
      steps: ['Drain the node.', 'ovs-ctl --no-ovsdb-server restart'],
      costs: ['All flows are lost.'],
    },
    findings: [
      {
        reason: 'OffloadPortLeftOut',
        subject: { kind: 'port', name: 'pf0vf4' },
        message: 'Offload is in effect, and no offload provider has pf0vf4.',
        evidence: { type: 'system', provider: 'none' },
        remedy: 'Have its owner add the port anew.',
      },
    ],
    clear: ['huge-pages', 'engine-initialized', 'hw-offload-in-effect'],
    notTestable: [{ check: 'host-attached', why: 'devlink says nothing of the host' }],
    datapaths: [
      {
        name: 'netdev@ovs-netdev',
        flows: 1_200,
        flowLimit: 9_500,
        flowLimitConfigured: 200_000,
        offloadedByOvs: 1_100,
        dumpMs: 3,
      },
    ],
    tiers: new Map([
      ['hw', tally(1_100, 990_000)],
      ['pmd', tally(100, 10_000)],
    ]),
    reasons: new Map([
      ['ct_new', tally(20, 1_000)],
      ['ct_ipv6_disabled', tally(60, 8_500)],
      ['expected_control', tally(20, 500)],
    ]),
    measurements: [
      {
        name: 'quick',
        wallMs: measuredWallMs + 5_000,
        cost,
        readings: 100,
        failures: 0,
        mainThreadMs: 900,
        problem: undefined,
      },
      {
        name: 'flows',
        wallMs: measuredWallMs,
        cost,
        readings: 7,
        failures: 1,
        mainThreadMs: 245,
        problem: 'The last dump was too late.',
      },
      {
        name: 'tools',
        wallMs: undefined,
        cost: undefined,
        readings: 0,
        failures: 3,
        mainThreadMs: 0,
        problem: 'There is no devlink.',
      },
    ],
    slowdown: 2,
    flowsRefusal: undefined,
    hugePages: [],
    connections: [],
    insertion: undefined,
    representors: { expected: 4, present: 3, stale: 1, down: 0 },
    packets: { hardware: 990_000, software: 10_000 },
    ...fields,
  };
}

export function overviewOf(fields: Partial<OffloadOverview> = {}): OffloadOverview {
  return {
    engine: 'doca',
    isConfigured: true,
    settings: new Map([['hw-offload', 'true']]),
    notes: [],
    engineBasis: ['doca_initialized is true.'],
    isInEffect: true,
    inEffectBasis: 'dpif/offload/show says so.',
    waiting: undefined,
    supervision: supervisionOf(),
    ...fields,
  };
}

export function measuredOf(fields: Partial<OffloadMeasured> = {}): OffloadMeasured {
  return {
    source: 'counters',
    hardwareShare: 0.99,
    counters: { hardwarePackets: 9_900, softwarePackets: 100, spanMs: 10_000 },
    flows: { hardware: tally(10, 9_900), software: tally(2, 100), apart: tally(1, 5) },
    reasons: [{ reason: 'ct_new', ...tally(2, 100) }],
    ports: ['pf0vf3'],
    sharedWith: [],
    ...fields,
  };
}

export function offloadRow(
  kind: OffloadRow['kind'],
  name: string,
  verdict: OffloadRow['verdict'] = 'unknown',
  fields: Partial<OffloadRow> = {},
): OffloadRow {
  const reason = {
    unknown: 'NotMeasured',
    software: 'InSoftware',
    partial: 'InPart',
    hardware: 'InHardware',
  }[verdict];
  const key = kind === 'attachment' ? `${kind}/${name}/default` : `${kind}/${name}`;
  return {
    key,
    kind,
    name,
    interface: kind === 'port' ? name : '',
    verdict,
    reason,
    message: 'A sentence.',
    ...fields,
  };
}

const inSoftware = measuredOf({
  hardwareShare: 0.02,
  counters: { hardwarePackets: 200, softwarePackets: 9_800, spanMs: 10_000 },
  flows: { hardware: tally(1, 200), software: tally(60, 9_800), apart: tally(1, 5) },
  reasons: [
    { reason: 'ct_ipv6_disabled', ...tally(58, 9_700) },
    { reason: 'ct_new', ...tally(2, 100) },
  ],
  ports: ['pf0vf4'],
  sharedWith: ['chain/edge'],
});

/** Objects of every verdict. */
export const offloadRows: readonly OffloadRow[] = [
  offloadRow('port', 'pf0vf3', 'hardware', { measured: measuredOf() }),
  offloadRow('port', 'pf0vf4', 'software', { measured: inSoftware }),
  offloadRow('port', 'pf0vf5'),
  offloadRow('attachment', 'shop/web-0', 'hardware', { interface: 'pf0vf3', measured: measuredOf() }),
  offloadRow('attachment', 'shop/db-0', 'software', { interface: 'pf0vf4', measured: inSoftware }),
  offloadRow('chain', 'edge', 'partial', {
    measured: measuredOf({ source: 'flows', hardwareShare: 0.6, counters: undefined, ports: ['pf0vf4', 'p0'] }),
  }),
];

export function flowOf(fields: Partial<ExplainedFlow> = {}): ExplainedFlow {
  return {
    ufid: 'ufid:1',
    tier: 'pmd',
    reason: 'ct_ipv6_disabled',
    evidence: 'ct of IPv6',
    inPort: 'pf0vf4',
    outPorts: ['p0'],
    match: 'in_port(pf0vf4),eth_type(0x86dd)',
    actions: 'ct(zone=4),recirc(0x3)',
    packets: 9_000,
    bytes: 900_000,
    usedMs: 400,
    rules: known(['table=10, priority=50, actions=ct(table=11)']),
    ...fields,
  };
}

export const softwareFlows: SoftwareFlowsAnswer = {
  wallMs: measuredWallMs,
  cost,
  flows: [
    flowOf(),
    flowOf({ ufid: undefined, reason: 'ct_new', packets: 100, usedMs: undefined, rules: unknown('no ufid') }),
  ],
  problems: [],
};

/** A source whose answers a test sets, and which remembers what it was asked. */
export class FakeOffload implements OffloadSource {
  overview: OffloadOverview = overviewOf({ supervision: undefined });
  objects: readonly OffloadRow[] = [];
  troubles: readonly string[] = [];
  flows: SoftwareFlowsAnswer = { wallMs: undefined, cost: undefined, flows: [], problems: [] };
  readonly questions: SoftwareFlowsQuestion[] = [];
  watcherCount = 0;

  /** One that has everything. */
  static rich(): FakeOffload {
    const source = new FakeOffload();
    source.overview = overviewOf();
    source.objects = offloadRows;
    source.flows = softwareFlows;
    return source;
  }

  status(): OffloadOverview {
    return this.overview;
  }

  rows(): readonly OffloadRow[] {
    return this.objects;
  }

  problems(): readonly string[] {
    return this.troubles;
  }

  softwareFlows(question: SoftwareFlowsQuestion): Promise<SoftwareFlowsAnswer> {
    this.questions.push(question);
    return Promise.resolve(this.flows);
  }

  watch(): () => void {
    this.watcherCount += 1;
    return () => {
      this.watcherCount -= 1;
    };
  }
}
