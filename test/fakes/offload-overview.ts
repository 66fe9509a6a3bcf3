/** Offload under supervision, with something of everything: each figure is told from the others by its value. */

import type { OffloadMeasured, OffloadOverview, OffloadRow, OffloadSupervision } from '../../src/agent/api-view.js';

const tally = (flows: number, packets = flows * 100): { flows: number; packets: number; bytes: number } => ({
  flows,
  packets,
  bytes: packets * 64,
});

export const supervisionOf = (fields: Partial<OffloadSupervision> = {}): OffloadSupervision => ({
  settings: [
    {
      key: 'hw-offload',
      declared: 'true',
      stored: 'true',
      effective: { kind: 'known', value: 'true', basis: 'dpif/offload/show says enabled' },
      atNextStart: 'true',
      verdict: 'inEffect',
      message: '',
      unmet: [],
    },
    {
      key: 'tc-policy',
      declared: 'skip_sw',
      stored: 'skip_sw',
      effective: { kind: 'known', value: 'none', basis: 'it was none when hw-offload turned on' },
      atNextStart: 'skip_sw',
      verdict: 'restartRequired',
      message: '',
      unmet: [],
    },
    {
      key: 'max-idle',
      declared: undefined,
      stored: '20000',
      effective: { kind: 'unknown', why: 'ovs-vswitchd has not yet taken what the database says' },
      atNextStart: '20000',
      verdict: 'unknown',
      message: '',
      unmet: [],
    },
  ],
  restart: { keys: ['tc-policy'], summary: 'tc-policy needs a restart.', steps: [], costs: [] },
  findings: [
    {
      reason: 'RestartRequired',
      subject: { kind: 'setting', name: 'tc-policy' },
      message: '',
      evidence: {},
      remedy: '',
    },
  ],
  clear: ['memory', 'links'],
  notTestable: [{ check: 'cards', why: 'the configuration names no card' }],
  datapaths: [
    {
      name: 'system@ovs-system',
      flows: 900,
      flowLimit: 10_000,
      flowLimitConfigured: 200_000,
      offloadedByOvs: 800,
      dumpMs: 12,
    },
  ],
  tiers: new Map([
    ['hw', tally(700)],
    ['tc_sw', tally(50)],
    ['kernel', tally(150)],
  ]),
  reasons: new Map([
    ['expected_control', tally(20)],
    ['unsupported_action', tally(180)],
  ]),
  measurements: [
    {
      name: 'quick',
      wallMs: 1_700_000_000_500,
      cost: { tookMs: 8, mainThreadMs: 5, roundTripMs: 2 },
      readings: 40,
      failures: 3,
      mainThreadMs: 250,
      problem: undefined,
    },
    {
      name: 'flows',
      wallMs: undefined,
      cost: undefined,
      readings: 0,
      failures: 1,
      mainThreadMs: 0,
      problem: 'the datapath has too many flows',
    },
  ],
  slowdown: 2,
  flowsRefusal: 'the datapath has too many flows',
  hugePages: [{ sizeBytes: 2 ** 21, total: 512, free: 12 }],
  connections: [{ table: 'nf_conntrack', count: 900, limit: 1_000 }],
  insertion: {
    enqueued: 4,
    inserted: 700,
    connectionsBoth: 30,
    connectionsOne: 5,
    latencyMean: 0.000_2,
    latencyDeviation: 0.000_05,
  },
  representors: { expected: 16, present: 14, stale: 1, down: 2 },
  packets: { hardware: 1_000_000, software: 5_000 },
  ...fields,
});

export const supervised = (
  fields: Partial<OffloadSupervision> = {},
  about: Partial<OffloadOverview> = {},
): OffloadOverview => ({
  engine: 'tc',
  isConfigured: true,
  settings: new Map([['hw-offload', 'true']]),
  notes: [],
  engineBasis: ['datapaths of the bridges: system'],
  isInEffect: true,
  inEffectBasis: 'dpif/offload/show says enabled',
  waiting: undefined,
  supervision: supervisionOf(fields),
  ...about,
});

/** By the counters of its port: 900 packets of 1000 in hardware. */
export const byCounters: OffloadMeasured = {
  source: 'counters',
  hardwareShare: 0.9,
  counters: { hardwarePackets: 900, softwarePackets: 100, spanMs: 60_000 },
  seen: { hardware: 90_000, software: 4_000 },
  flows: undefined,
  reasons: [],
  ports: ['pf0vf1'],
  sharedWith: [],
};

/** By a dump alone: 250 packets of 1000 in hardware. */
export const byFlows: OffloadMeasured = {
  source: 'flows',
  hardwareShare: 0.25,
  counters: undefined,
  flows: { hardware: tally(1, 250), software: tally(3, 750), apart: tally(2, 9_000) },
  reasons: [],
  ports: ['pf0vf2'],
  sharedWith: [],
};

export const measuredRow = (
  kind: OffloadRow['kind'],
  name: string,
  device: string,
  measured?: OffloadMeasured,
): OffloadRow => ({
  key: `${kind}/${name}`,
  kind,
  name,
  interface: device,
  verdict: 'partial',
  reason: 'InPart',
  message: '',
  measured,
});
