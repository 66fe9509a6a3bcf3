/**
 * What is known of hardware offload in the words of `dpu/agent/v1/offload.proto`. Pure. What is not known is left out, never
 * zero. Lists that somebody else can make long (findings, ports of a chain, values of the database) are bounded here, so that an
 * answer always fits into a message.
 */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DurationSchema } from '@bufbuild/protobuf/wkt';
import type {
  DatapathState,
  MeasurementState,
  OffloadEngine,
  OffloadMeasured,
  OffloadOverview,
  OffloadPortView,
  OffloadRow,
  OffloadSupervision,
  SoftwareFlowsAnswer,
} from '../../agent/api-view.js';
import {
  type FlowReasonShareSchema,
  type FlowTallySchema,
  type ListSoftwareFlowsResponseSchema,
  type OffloadDatapathSchema,
  type OffloadFindingSchema,
  type OffloadInsertionSchema,
  type OffloadMeasuredSchema,
  OffloadMeasured_Source,
  type OffloadMeasurementSchema,
  OffloadPort_Kind,
  type OffloadPortSchema,
  OffloadRow_Kind,
  type OffloadRowSchema,
  OffloadRow_Verdict,
  type OffloadSettingSchema,
  OffloadSetting_Verdict,
  OffloadStatus_Engine,
  type OffloadStatusSchema,
  type OffloadSupervisionSchema,
  type SoftwareFlowSchema,
} from '../../gen/proto/dpu/agent/v1/offload_pb.js';
import { safeText } from '../../lib/text.js';
import type { OffloadFinding } from '../../offload/check.js';
import { offloadFlowReasons, type FlowReason } from '../../offload/flow-reasons.js';
import type { Tally } from '../../offload/flow-summary.js';
import type { ExplainedFlow, InsertionReading } from '../../offload/readings.js';
import type { SettingResult, SettingVerdict } from '../../offload/setting-verdicts.js';
import { encodeMap, optional, optionalTimestamp, uint32, uint64 } from './common.js';

const engines: Readonly<Record<OffloadEngine, OffloadStatus_Engine>> = {
  unknown: OffloadStatus_Engine.UNSPECIFIED,
  none: OffloadStatus_Engine.NONE,
  tc: OffloadStatus_Engine.TC,
  dpdk: OffloadStatus_Engine.DPDK,
  doca: OffloadStatus_Engine.DOCA,
  userspace: OffloadStatus_Engine.USERSPACE,
};

const settingVerdicts: Readonly<Record<SettingVerdict, OffloadSetting_Verdict>> = {
  inEffect: OffloadSetting_Verdict.IN_EFFECT,
  applyLive: OffloadSetting_Verdict.APPLY_LIVE,
  staged: OffloadSetting_Verdict.STAGED,
  restartRequired: OffloadSetting_Verdict.RESTART_REQUIRED,
  dangerous: OffloadSetting_Verdict.DANGEROUS,
  invalid: OffloadSetting_Verdict.INVALID,
  unknown: OffloadSetting_Verdict.UNKNOWN,
};

const kinds: Readonly<Record<OffloadRow['kind'], OffloadRow_Kind>> = {
  port: OffloadRow_Kind.PORT,
  attachment: OffloadRow_Kind.ATTACHMENT,
  chain: OffloadRow_Kind.CHAIN,
};

const verdicts: Readonly<Record<OffloadRow['verdict'], OffloadRow_Verdict>> = {
  unknown: OffloadRow_Verdict.UNKNOWN,
  software: OffloadRow_Verdict.SOFTWARE,
  hardware: OffloadRow_Verdict.HARDWARE,
  partial: OffloadRow_Verdict.PARTIAL,
};

const sources: Readonly<Record<OffloadMeasured['source'], OffloadMeasured_Source>> = {
  none: OffloadMeasured_Source.UNSPECIFIED,
  counters: OffloadMeasured_Source.COUNTERS,
  flows: OffloadMeasured_Source.FLOWS,
};

const portKinds: Readonly<Record<NonNullable<OffloadPortView['kind']>, OffloadPort_Kind>> = {
  offloadable: OffloadPort_Kind.OFFLOADABLE,
  internal: OffloadPort_Kind.INTERNAL,
  tunnel: OffloadPort_Kind.TUNNEL,
  patch: OffloadPort_Kind.PATCH,
  other: OffloadPort_Kind.OTHER,
};

/** A DPU has about a thousand ports; of more findings than this the first say what is wrong. */
const findingsMax = 500;
/** Ports of one chain, chains of one port. */
const namesMax = 256;
/** Tables of connections: one of hardware, one of the kernel, one of each datapath. */
const tablesMax = 64;
/** Characters of a value of the database: one of `dpdk-extra` has a few hundred. */
const valueLengthMax = 1_024;

function duration(ms: number | undefined): MessageInitShape<typeof DurationSchema> | undefined {
  if (ms === undefined || !Number.isFinite(ms)) return undefined;
  // Parts of a millisecond are binary fractions, and `nanos` is whole.
  const micros = Math.round(Math.max(0, ms) * 1000);
  return { seconds: BigInt(Math.floor(micros / 1_000_000)), nanos: (micros % 1_000_000) * 1000 };
}

/** A share is a part of one: what is none is not known. */
function share(value: number | undefined): number | undefined {
  return value !== undefined && value >= 0 && value <= 1 ? value : undefined;
}

function tally({ flows, packets, bytes }: Tally): MessageInitShape<typeof FlowTallySchema> {
  return { flows: uint64(flows), packets: uint64(packets), bytes: uint64(bytes) };
}

const bounded = (value: string | undefined): string | undefined =>
  value === undefined || value.length <= valueLengthMax ? value : safeText(value, valueLengthMax);

function encodeReason(reason: FlowReason, flows: Tally): MessageInitShape<typeof FlowReasonShareSchema> {
  return { reason, tally: tally(flows), ...offloadFlowReasons[reason] };
}

function encodeSetting(result: SettingResult): MessageInitShape<typeof OffloadSettingSchema> {
  const { key, declared, stored, effective, verdict, message, unmet } = result;
  const isKnown = effective.kind === 'known';
  return {
    key,
    ...optional('declared', bounded(declared)),
    ...optional('stored', bounded(stored)),
    ...optional('effective', isKnown ? bounded(effective.value) : undefined),
    effectiveBasis: isKnown ? effective.basis : effective.why,
    verdict: settingVerdicts[verdict],
    message,
    unmet: [...unmet],
  };
}

function encodeOffloadFinding(finding: OffloadFinding): MessageInitShape<typeof OffloadFindingSchema> {
  const { reason, subject, message, evidence, remedy } = finding;
  return { reason, subjectKind: subject.kind, subject: subject.name, message, evidence: { ...evidence }, remedy };
}

function encodeDatapath(state: DatapathState): MessageInitShape<typeof OffloadDatapathSchema> {
  const { name, flows, flowLimit, flowLimitConfigured, offloadedByOvs, dumpMs } = state;
  return {
    name,
    flows: uint64(flows),
    flowLimit: uint64(flowLimit),
    flowLimitConfigured: uint64(flowLimitConfigured),
    offloadedByOvs: uint64(offloadedByOvs),
    ...optional('dumpDuration', duration(dumpMs)),
  };
}

function encodeMeasurement(state: MeasurementState): MessageInitShape<typeof OffloadMeasurementSchema> {
  const { name, wallMs, cost, readings, failures, mainThreadMs, problem } = state;
  return {
    name,
    ...optionalTimestamp('readAt', wallMs),
    ...optional('took', duration(cost?.tookMs)),
    ...optional('mainThread', duration(cost?.mainThreadMs)),
    readings: uint64(readings),
    failures: uint64(failures),
    ...optional('mainThreadTotal', duration(mainThreadMs)),
    ...optional('problem', problem),
  };
}

/** By packets, the most first. */
function encodeReasons(reasons: OffloadSupervision['reasons']): MessageInitShape<typeof FlowReasonShareSchema>[] {
  return [...reasons]
    .filter(([, { flows }]) => flows > 0)
    .sort(([, a], [, b]) => b.packets - a.packets || b.flows - a.flows)
    .map(([reason, flows]) => encodeReason(reason, flows));
}

function encodeSupervision(said: OffloadSupervision): MessageInitShape<typeof OffloadSupervisionSchema> {
  const { settings, restart, findings, clear, notTestable, datapaths, tiers, reasons, measurements } = said;
  const { expected, present, stale, down } = said.representors;
  return {
    settings: settings.map(encodeSetting),
    ...(restart === undefined
      ? {}
      : {
          restart: {
            keys: [...restart.keys],
            summary: restart.summary,
            steps: [...restart.steps],
            costs: [...restart.costs],
          },
        }),
    findings: findings.slice(0, findingsMax).map(encodeOffloadFinding),
    clear: [...clear],
    notTestable: notTestable.map(({ check, why }) => ({ check, why })),
    datapaths: datapaths.map(encodeDatapath),
    tiers: [...tiers].map(([tier, flows]) => ({ tier, tally: tally(flows) })),
    reasons: encodeReasons(reasons),
    measurements: measurements.map(encodeMeasurement),
    slowdown: said.slowdown,
    ...optional('flowsRefusal', said.flowsRefusal),
    representors: {
      ...optional('expected', uint32(expected)),
      present: uint32(present) ?? 0,
      stale: uint32(stale) ?? 0,
      down: uint32(down) ?? 0,
    },
    hardwarePackets: uint64(said.packets.hardware),
    softwarePackets: uint64(said.packets.software),
    hugePages: said.hugePages.map(({ sizeBytes, total, free }) => ({
      sizeBytes: uint64(sizeBytes),
      total: uint64(total),
      free: uint64(free),
    })),
    connectionTables: said.connections.slice(0, tablesMax).map(({ table, count, limit }) => ({
      table: safeText(table, 256),
      count: uint64(count),
      limit: uint64(limit),
    })),
    ...optional('insertion', said.insertion === undefined ? undefined : encodeInsertion(said.insertion)),
  };
}

const orUnknown = (value: number | undefined): bigint | undefined => (value === undefined ? undefined : uint64(value));
const milliseconds = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000;

function encodeInsertion(reading: InsertionReading): MessageInitShape<typeof OffloadInsertionSchema> {
  const { enqueued, inserted, connectionsBoth, connectionsOne, latencyMean, latencyDeviation } = reading;
  return {
    enqueued: uint64(enqueued),
    inserted: uint64(inserted),
    ...optional('connectionsBoth', orUnknown(connectionsBoth)),
    ...optional('connectionsOne', orUnknown(connectionsOne)),
    ...optional('latencyMean', duration(milliseconds(latencyMean))),
    ...optional('latencyDeviation', duration(milliseconds(latencyDeviation))),
  };
}

/** Engine, settings, and what the supervisor says. Findings that find no room are counted in the notes. */
export function encodeOffloadStatus(overview: OffloadOverview): MessageInitShape<typeof OffloadStatusSchema> {
  const { engine, isConfigured, settings, notes, engineBasis, isInEffect, inEffectBasis, waiting, supervision } =
    overview;
  const left = (supervision?.findings.length ?? 0) - findingsMax;
  return {
    engine: engines[engine],
    isConfigured,
    settings: encodeMap(settings),
    notes: left > 0 ? [...notes, `${left} further findings are left out.`] : [...notes],
    engineBasis: [...engineBasis],
    ...optional('isInEffect', isInEffect),
    inEffectBasis,
    ...optional('waiting', waiting),
    ...(supervision === undefined ? {} : { supervision: encodeSupervision(supervision) }),
  };
}

function encodeMeasured(measured: OffloadMeasured): MessageInitShape<typeof OffloadMeasuredSchema> {
  const { source, hardwareShare, counters, seen, flows, reasons, ports, sharedWith } = measured;
  return {
    source: sources[source],
    ...optional('hardwareShare', share(hardwareShare)),
    ...(counters === undefined
      ? {}
      : {
          hardwarePackets: uint64(counters.hardwarePackets),
          softwarePackets: uint64(counters.softwarePackets),
          ...optional('window', duration(counters.spanMs)),
        }),
    ...(flows === undefined
      ? {}
      : {
          hardwareFlows: tally(flows.hardware),
          softwareFlows: tally(flows.software),
          apartFlows: tally(flows.apart),
        }),
    reasons: reasons.map(({ reason, ...of }) => encodeReason(reason, of)),
    ports: ports.slice(0, namesMax),
    sharedWith: sharedWith.slice(0, namesMax),
    ...(seen === undefined
      ? {}
      : { seen: { hardwarePackets: uint64(seen.hardware), softwarePackets: uint64(seen.software) } }),
  };
}

function encodePort(port: OffloadPortView): MessageInitShape<typeof OffloadPortSchema> {
  const { name, kind, provider, isProviderTold, eswitch } = port;
  return {
    name,
    kind: kind === undefined ? OffloadPort_Kind.UNSPECIFIED : portKinds[kind],
    ...optional('provider', bounded(provider)),
    isProviderTold,
    ...optional('eswitch', bounded(eswitch)),
  };
}

export function encodeOffloadRow(row: OffloadRow): MessageInitShape<typeof OffloadRowSchema> {
  const { key, kind, name, verdict, reason, message, measured, ports = [] } = row;
  return {
    key,
    kind: kinds[kind],
    name,
    interface: row.interface,
    verdict: verdicts[verdict],
    reason,
    message,
    ...(measured === undefined ? {} : { measured: encodeMeasured(measured) }),
    ports: ports.slice(0, namesMax).map(encodePort),
  };
}

function encodeFlow(flow: ExplainedFlow): MessageInitShape<typeof SoftwareFlowSchema> {
  const { ufid, tier, reason, evidence, inPort, outPorts, match, actions, packets, bytes, usedMs, rules } = flow;
  const { meaning, remedy } = offloadFlowReasons[reason];
  return {
    ...optional('ufid', ufid),
    tier,
    reason,
    evidence,
    ...optional('inPort', inPort),
    outPorts: [...outPorts],
    match,
    actions,
    packets: uint64(packets),
    bytes: uint64(bytes),
    ...optional('idle', duration(usedMs)),
    rules: rules?.kind === 'known' ? [...rules.value] : [],
    ...(rules?.kind === 'unknown' ? { rulesProblem: rules.why } : {}),
    meaning,
    remedy,
  };
}

export function encodeSoftwareFlows(
  answer: SoftwareFlowsAnswer,
): MessageInitShape<typeof ListSoftwareFlowsResponseSchema> {
  const { wallMs, cost, flows, problems } = answer;
  return {
    ...optionalTimestamp('readAt', wallMs),
    ...optional('mainThread', duration(cost?.mainThreadMs)),
    flows: flows.map(encodeFlow),
    problems: [...problems],
  };
}
