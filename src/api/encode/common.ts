/**
 * The agent's words in those of `dpu/agent/v1/common.proto`: references, conditions, findings, times and the states of peers.
 * Pure; used by all services. What they return is as `create` and the gRPC adapter take it; absent things are left out.
 *
 * Names and values of rows are sent as they are, for a client compares them with what it knows: who prints them escapes them
 * (`safeText`). Messages and evidence have been escaped by those who made them.
 */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { AttachFailure } from '../../agent/attach-outcome.js';
import type { StatusStats } from '../../agent/status-pump.js';
import type { StoreState } from '../../agent/ports.js';
import type { AttachSummary, ClusterSummary, LeaseSummary } from '../../attach/ladder.js';
import {
  type AttachFailureSchema,
  type AttachSummarySchema,
  ClusterState_State,
  type ClusterStateSchema,
  type ConditionSchema,
  ConditionState,
  type FindingSchema,
  LeaseState_State,
  type LeaseStateSchema,
  ObjectKind,
  type ObjectRefSchema,
  OvsdbState_State,
  type OvsdbStateSchema,
  type StatusWritesSchema,
} from '../../gen/proto/dpu/agent/v1/common_pb.js';
import type * as model from '../../model/condition.js';

/** Every kind of object that the API names. */
export type RefKind = model.ObjectRef['kind'] | 'representor';

/** What names an object: of a condition, of a finding, or of the topology. */
export interface AnyRef {
  readonly kind: RefKind;
  readonly name: string;
  readonly bridge?: string | undefined;
}

const objectKinds: Readonly<Record<RefKind, ObjectKind>> = {
  bridge: ObjectKind.BRIDGE,
  port: ObjectKind.PORT,
  chain: ObjectKind.CHAIN,
  chainPort: ObjectKind.CHAIN_PORT,
  attachment: ObjectKind.ATTACHMENT,
  representor: ObjectKind.REPRESENTOR,
  intent: ObjectKind.INTENT,
  node: ObjectKind.NODE,
  vswitchd: ObjectKind.VSWITCHD,
  setting: ObjectKind.SETTING,
  device: ObjectKind.DEVICE,
  datapath: ObjectKind.DATAPATH,
  table: ObjectKind.TABLE,
};

const kindNames = new Map(Object.entries(objectKinds).map(([name, kind]) => [kind, name as RefKind]));

const conditionStates: Readonly<Record<model.ConditionState, ConditionState>> = {
  ready: ConditionState.READY,
  waiting: ConditionState.WAITING,
  failed: ConditionState.FAILED,
};

export function encodeKind(kind: RefKind): ObjectKind {
  return objectKinds[kind];
}

/** Undefined for UNSPECIFIED, and for a number that a newer client may know. */
export function decodeKind(kind: ObjectKind): RefKind | undefined {
  return kindNames.get(kind);
}

/** `wallMs` is milliseconds since 1970 UTC; what no Timestamp can say is brought to the nearest that it can, no number to 1970. */
export function timestamp(wallMs: number): MessageInitShape<typeof TimestampSchema> {
  const ms = Number.isFinite(wallMs) ? Math.min(Math.max(Math.floor(wallMs), timestampMsMin), timestampMsMax) : 0;
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z, google/protobuf/timestamp.proto. */
const timestampMsMin = -62_135_596_800_000;
const timestampMsMax = 253_402_300_799_999;

/** The same as a field that may be absent: `...optionalTimestamp('since', wallMs)`. */
export function optionalTimestamp<Key extends string>(
  key: Key,
  wallMs: number | undefined,
): Partial<Record<Key, MessageInitShape<typeof TimestampSchema>>> {
  return optional(key, wallMs === undefined ? undefined : timestamp(wallMs));
}

/** Milliseconds since 1970 UTC, for those who read what was encoded. */
export function wallMsOf({ seconds, nanos }: Pick<Timestamp, 'seconds' | 'nanos'>): number {
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}

/** A field that is left out when it is undefined: `{...optional('mtu', mtu)}`. */
export function optional<Key extends string, Value>(key: Key, value: Value | undefined): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
}

/**
 * A number for a field of type uint32; undefined when it is none. Columns of the database hold 64 bits and what anybody with
 * access wrote, and one bad row must not break the answer about all others.
 */
export function uint32(value: number | undefined): number | undefined {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff ? value : undefined;
}

/** The same for a field of type int32. */
export function int32(value: number | undefined): number | undefined {
  return value !== undefined && Number.isInteger(value) && value === (value | 0) ? value : undefined;
}

/** A count that is never negative, for a field of type uint64. */
export function uint64(value: number): bigint {
  return Number.isFinite(value) && value > 0 ? BigInt(Math.floor(value)) : 0n;
}

/** A map column as a protobuf map. */
export function encodeMap(map: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(map);
}

export function encodeRef({ kind, name, bridge }: AnyRef): MessageInitShape<typeof ObjectRefSchema> {
  return { kind: objectKinds[kind], name, ...optional('bridge', bridge) };
}

export function encodeConditionState(state: model.ConditionState): ConditionState {
  return conditionStates[state];
}

export function encodeCondition(condition: model.Condition): MessageInitShape<typeof ConditionSchema> {
  const { object, state, reason, message, evidence } = condition;
  return { object: encodeRef(object), state: conditionStates[state], reason, message, evidence: { ...evidence } };
}

export function encodeFinding(finding: model.Finding): MessageInitShape<typeof FindingSchema> {
  const { reason, object, message, claimants, remedy } = finding;
  return { reason, object: encodeRef(object), message, claimants: [...claimants], remedy };
}

const ovsdbStates: Readonly<Record<StoreState['kind'], OvsdbState_State>> = {
  synced: OvsdbState_State.SYNCED,
  connecting: OvsdbState_State.CONNECTING,
  closed: OvsdbState_State.CLOSED,
};

export function encodeOvsdbState(state: StoreState): MessageInitShape<typeof OvsdbStateSchema> {
  if (state.kind === 'synced') return { state: OvsdbState_State.SYNCED, endpoint: state.endpoint };
  return { state: ovsdbStates[state.kind], message: state.message, ...optional('code', state.code) };
}

const clusterStates: Readonly<Record<ClusterSummary['kind'], ClusterState_State>> = {
  synced: ClusterState_State.SYNCED,
  stale: ClusterState_State.STALE,
  connecting: ClusterState_State.CONNECTING,
};

/** The code is there where the agent's own state is given (`src/agent/attach-ports.ts`). */
export type AnyClusterState = ClusterSummary & { readonly code?: string | undefined };

export function encodeClusterState(cluster: AnyClusterState): MessageInitShape<typeof ClusterStateSchema> {
  const base = { state: clusterStates[cluster.kind], server: cluster.server };
  if (cluster.kind === 'synced') return base;
  return {
    ...base,
    message: cluster.message,
    ...optional('code', cluster.code),
    ...optionalTimestamp('since', cluster.kind === 'stale' ? cluster.sinceWallMs : undefined),
  };
}

export function encodeLeaseState(lease: LeaseSummary): MessageInitShape<typeof LeaseStateSchema> {
  switch (lease.kind) {
    case 'disabled':
      return { state: LeaseState_State.DISABLED };
    case 'unknown':
      return { state: LeaseState_State.UNKNOWN, message: lease.message };
    case 'held': {
      const { renewedWallMs, message } = lease;
      return {
        state: LeaseState_State.HELD,
        ...optionalTimestamp('at', renewedWallMs),
        ...optional('message', message),
      };
    }
    case 'foreign':
      return { state: LeaseState_State.FOREIGN, holder: lease.holder, ...optionalTimestamp('at', lease.seenWallMs) };
  }
}

export function encodeAttachFailure(failure: AttachFailure): MessageInitShape<typeof AttachFailureSchema> {
  const { label, reason, message, device } = failure;
  return { label, reason, message, ...optional('device', device) };
}

/** What explanations carry, and what the agent's status says besides (`AttachStatus`). */
export interface AnyAttachSummary extends Omit<AttachSummary, 'cluster' | 'statuses'> {
  readonly cluster: AnyClusterState;
  readonly statuses: Pick<StatusStats, 'lastError'> & Partial<StatusStats>;
  readonly podCount?: number;
  readonly counts?: Readonly<Record<string, number>>;
  readonly failures?: readonly AttachFailure[];
  readonly pendingCount?: number;
}

function encodeWrites(statuses: AnyAttachSummary['statuses']): MessageInitShape<typeof StatusWritesSchema> {
  const { written = 0, conflicts = 0, failed = 0, inFlight = 0, lastError } = statuses;
  return {
    written: uint64(written),
    conflicts: uint64(conflicts),
    failed: uint64(failed),
    inFlight,
    ...optional('lastError', lastError),
  };
}

export function encodeAttachSummary(summary: AnyAttachSummary): MessageInitShape<typeof AttachSummarySchema> {
  const { wallMs, mode, bridge, cluster, nodeName, lease, clockSkewMs, statuses } = summary;
  const { podCount = 0, counts = {}, failures = [], pendingCount = 0 } = summary;
  return {
    observedAt: timestamp(wallMs),
    mode,
    bridge,
    cluster: encodeClusterState(cluster),
    ...optional('nodeName', nodeName),
    lease: encodeLeaseState(lease),
    ...optional('clockSkewSeconds', clockSkewMs === undefined ? undefined : clockSkewMs / 1000),
    podCount,
    counts: { ...counts },
    failures: failures.map(encodeAttachFailure),
    pendingCount,
    statusWrites: encodeWrites(statuses),
  };
}
