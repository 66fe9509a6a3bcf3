/**
 * From the messages of the API to the agent's own words, for those formatters that the agent's one-shot commands use too. What
 * a newer agent may send beyond the words that are known here is let through as text.
 */

import { timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import type { JournalEntry } from '../agent/journal.js';
import type { AgentStatus, AttachStatus } from '../agent/status.js';
import type { ClusterSummary, LeaseSummary } from '../attach/ladder.js';
import type { ChainPortView, ChainView } from '../chain/chain-view.js';
import type { Wire } from '../chain/resolved.js';
import {
  ClusterState_State,
  ConditionState,
  LeaseState_State,
  ObjectKind,
  OvsdbState_State,
  type AttachSummary as AttachMessage,
  type ClusterState as ClusterMessage,
  type Condition as ConditionMessage,
  type Finding as FindingMessage,
  type LeaseState as LeaseMessage,
  type ObjectRef as RefMessage,
  type OvsdbState as OvsdbMessage,
} from '../gen/proto/dpu/agent/v1/common_pb.js';
import {
  JournalEntry_Kind,
  JournalEntry_Outcome,
  type JournalEntry as JournalMessage,
} from '../gen/proto/dpu/agent/v1/journal_pb.js';
import type { Status } from '../gen/proto/dpu/agent/v1/node_pb.js';
import type { Chain, ChainPort } from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { safeText } from '../lib/text.js';
import type { Condition, Finding, ObjectRef } from '../model/condition.js';
import type { Reason } from '../model/reasons.js';

const kinds: Readonly<Partial<Record<ObjectKind, string>>> = {
  [ObjectKind.UNSPECIFIED]: 'object',
  [ObjectKind.BRIDGE]: 'bridge',
  [ObjectKind.PORT]: 'port',
  [ObjectKind.CHAIN]: 'chain',
  [ObjectKind.CHAIN_PORT]: 'chainPort',
  [ObjectKind.ATTACHMENT]: 'attachment',
  [ObjectKind.REPRESENTOR]: 'representor',
  [ObjectKind.INTENT]: 'intent',
  [ObjectKind.NODE]: 'node',
  [ObjectKind.VSWITCHD]: 'vswitchd',
  [ObjectKind.SETTING]: 'setting',
  [ObjectKind.DEVICE]: 'device',
  [ObjectKind.DATAPATH]: 'datapath',
  [ObjectKind.TABLE]: 'table',
};

const states: Readonly<Partial<Record<ConditionState, Condition['state']>>> = {
  [ConditionState.UNSPECIFIED]: 'waiting',
  [ConditionState.READY]: 'ready',
  [ConditionState.WAITING]: 'waiting',
  [ConditionState.FAILED]: 'failed',
};

/** Sentences of an agent that may be anybody's. */
const sentence = (text: string): string => safeText(text, 2_000);

/** Milliseconds since 1970 UTC; undefined for an absent one. */
export const wallMsOf = (time: Timestamp | undefined): number | undefined =>
  time === undefined ? undefined : timestampMs(time);

const orAbsent = (text: string): string | undefined => (text === '' ? undefined : text);

export function decodeRef(ref: RefMessage | undefined): ObjectRef {
  const { kind = ObjectKind.UNSPECIFIED, name = '', bridge = '' } = ref ?? {};
  // As in a newer agent's words: they are printed, never looked up.
  const word = (kinds[kind] ?? 'object') as ObjectRef['kind'];
  return bridge === '' ? { kind: word, name } : { kind: word, name, bridge };
}

export function decodeCondition(condition: ConditionMessage): Condition {
  const { object, state, reason, message, evidence } = condition;
  return {
    object: decodeRef(object),
    state: states[state] ?? 'waiting',
    reason: safeText(reason, 64) as Reason,
    message: sentence(message),
    evidence: Object.fromEntries(Object.entries(evidence).map(([name, value]) => [name, sentence(value)])),
  };
}

export function decodeFinding({ reason, object, message, claimants, remedy }: FindingMessage): Finding {
  return {
    reason: safeText(reason, 64) as Reason,
    object: decodeRef(object),
    message: sentence(message),
    claimants: claimants.map(sentence),
    remedy: sentence(remedy),
  };
}

const outcomes: Readonly<Partial<Record<JournalEntry_Outcome, JournalEntry['outcome']>>> = {
  [JournalEntry_Outcome.UNSPECIFIED]: 'unknown',
  [JournalEntry_Outcome.APPLIED]: 'applied',
  [JournalEntry_Outcome.CONFLICT]: 'conflict',
  [JournalEntry_Outcome.REFUSED]: 'refused',
  [JournalEntry_Outcome.UNKNOWN]: 'unknown',
};

const entryKinds: Readonly<Partial<Record<JournalEntry_Kind, JournalEntry['kind']>>> = {
  [JournalEntry_Kind.AUDIT]: 'audit',
  [JournalEntry_Kind.EVENT]: 'event',
};

export function decodeJournalEntry(entry: JournalMessage): JournalEntry {
  const { sequence, time, kind, actor, summary, details, outcome, message, durationSeconds } = entry;
  return {
    sequence: Number(sequence),
    wallMs: wallMsOf(time) ?? 0,
    kind: entryKinds[kind] ?? 'change',
    actor: sentence(actor),
    summary: sentence(summary),
    details: details.map(sentence),
    outcome: outcomes[outcome] ?? 'unknown',
    message: orAbsent(sentence(message)),
    tookMs: durationSeconds * 1_000,
  };
}

function decodeOvsdb(ovsdb: OvsdbMessage | undefined): AgentStatus['ovsdb'] {
  const { state, endpoint = '', message = '', code = '' } = ovsdb ?? {};
  if (state === OvsdbState_State.SYNCED) return { kind: 'synced', endpoint };
  return { kind: state === OvsdbState_State.CLOSED ? 'closed' : 'connecting', message, code: orAbsent(code) };
}

function decodeCluster(cluster: ClusterMessage | undefined): ClusterSummary & { readonly code: string | undefined } {
  const { state, server = '', message = '', code = '', since } = cluster ?? {};
  if (state === ClusterState_State.SYNCED) return { kind: 'synced', server, code: undefined };
  if (state !== ClusterState_State.STALE) return { kind: 'connecting', server, message, code: orAbsent(code) };
  return { kind: 'stale', server, message, code: orAbsent(code), sinceWallMs: wallMsOf(since) ?? 0 };
}

function decodeLease(lease: LeaseMessage | undefined): LeaseSummary {
  const { state, at, message = '', holder = '' } = lease ?? {};
  switch (state) {
    case LeaseState_State.DISABLED:
      return { kind: 'disabled' };
    case LeaseState_State.HELD:
      return { kind: 'held', renewedWallMs: wallMsOf(at), message: orAbsent(message) };
    case LeaseState_State.FOREIGN:
      return { kind: 'foreign', holder, seenWallMs: wallMsOf(at) ?? 0 };
    default:
      return { kind: 'unknown', message };
  }
}

export function decodeAttach(attach: AttachMessage): AttachStatus {
  const { observedAt, mode, bridge, cluster, nodeName, lease, clockSkewSeconds, statusWrites } = attach;
  const { podCount, counts, failures, pendingCount } = attach;
  return {
    wallMs: wallMsOf(observedAt) ?? 0,
    mode: mode as AttachStatus['mode'],
    bridge,
    cluster: decodeCluster(cluster),
    nodeName: orAbsent(nodeName),
    lease: decodeLease(lease),
    clockSkewMs: clockSkewSeconds === undefined ? undefined : clockSkewSeconds * 1_000,
    podCount,
    counts,
    failures: failures.map(({ label, reason, message, device }) => ({
      label,
      reason,
      message,
      device: orAbsent(device),
    })),
    pendingCount,
    statuses: {
      written: Number(statusWrites?.written ?? 0n),
      conflicts: Number(statusWrites?.conflicts ?? 0n),
      failed: Number(statusWrites?.failed ?? 0n),
      inFlight: statusWrites?.inFlight ?? 0,
      lastError: orAbsent(statusWrites?.lastError ?? ''),
    },
  };
}

/** What the status says, apart from chains and journal, which have services of their own. */
export type ShownStatus = Omit<AgentStatus, 'chains' | 'journal'>;

export function decodeStatus(status: Status): ShownStatus {
  const { observedAt, oldestLookAt, freshSeconds, ovsdb, vswitchd, repair, attach } = status;
  return {
    wallMs: wallMsOf(observedAt) ?? 0,
    oldestLookWallMs: wallMsOf(oldestLookAt) ?? wallMsOf(observedAt) ?? 0,
    freshMs: freshSeconds * 1_000,
    ovsdb: decodeOvsdb(ovsdb),
    vswitchd: vswitchd as AgentStatus['vswitchd'],
    repair: repair as AgentStatus['repair'],
    isReady: status.isReady,
    conditions: status.conditions.map(decodeCondition),
    findings: status.findings.map(decodeFinding),
    pendingCount: status.pendingCount,
    appliedRounds: Number(status.appliedRounds),
    appliedActions: Number(status.appliedActions),
    attach: attach === undefined ? undefined : decodeAttach(attach),
    ovsRunDir: status.ovsRunDir,
  };
}

function decodeWire({ wire, vlan }: ChainPort): Wire {
  if (wire === 'tag') return { kind: 'tag', vid: vlan ?? 0 };
  return { kind: wire === 'untagged' ? 'untagged' : 'any' };
}

function decodeChainPort(port: ChainPort): ChainPortView {
  const { key, selector, ofport, target, far, leg, dpfId } = port;
  return {
    key,
    words: selector,
    wire: decodeWire(port),
    interface: orAbsent(port.interface),
    ofport,
    target,
    far,
    leg:
      leg === undefined
        ? undefined
        : {
            bridge: leg.bridge,
            target: leg.target,
            targetOfport: leg.targetOfport,
            patch: leg.patch,
            patchOfport: leg.patchOfport,
          },
    dpfId: orAbsent(dpfId),
  };
}

export function decodeChain(name: string, chain: Chain): ChainView {
  return {
    intent: { name, bridge: chain.bridge, mtu: chain.mtu, tenant: orAbsent(chain.tenant) },
    switches: chain.switches.map((entry) => ({
      name: entry.name,
      index: entry.index,
      ports: entry.ports.map(decodeChainPort),
    })),
    cookie: orAbsent(chain.cookie),
  };
}
