import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { timestampDate, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import type { AttachStatus } from '../../../src/agent/status.js';
import {
  decodeKind,
  encodeAttachSummary,
  encodeClusterState,
  encodeCondition,
  encodeFinding,
  encodeKind,
  encodeLeaseState,
  encodeOvsdbState,
  encodeRef,
  int32,
  timestamp,
  uint32,
  uint64,
  wallMsOf,
} from '../../../src/api/encode/common.js';
import {
  AttachSummarySchema,
  ClusterState_State,
  ClusterStateSchema,
  ConditionSchema,
  ConditionState,
  FindingSchema,
  LeaseState_State,
  LeaseStateSchema,
  ObjectKind,
  ObjectKindSchema,
  ObjectRefSchema,
  OvsdbState_State,
  OvsdbStateSchema,
} from '../../../src/gen/proto/dpu/agent/v1/common_pb.js';

/** As a client reads it. */
function sent<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): MessageShape<Desc> {
  return fromBinary(schema, toBinary(schema, create(schema, init)));
}

describe('common messages', () => {
  it('say a time to the millisecond, before and after 1970', () => {
    for (const wallMs of [0, 1, 999, 1_789_000_000_123, -1, -1500, 253_402_300_799_999]) {
      const time = sent(TimestampSchema, timestamp(wallMs));
      expect(timestampDate(time).getTime()).toBe(wallMs);
      expect(wallMsOf(time)).toBe(wallMs);
      expect(time.nanos).toBeGreaterThanOrEqual(0);
    }
  });

  it('bring a time that no Timestamp can say to one that it can', () => {
    for (const wallMs of [Number.NaN, Infinity, -Infinity, 1e20, -1e20]) {
      expect(Number.isFinite(timestampDate(sent(TimestampSchema, timestamp(wallMs))).getTime())).toBe(true);
    }
  });

  it('name every kind of object, there and back', () => {
    const known = ['bridge', 'port', 'chain', 'chainPort', 'attachment', 'representor', 'intent'] as const;
    const names = [...known, 'node', 'vswitchd', 'setting', 'device', 'datapath', 'table'] as const;
    const kinds = names.map(encodeKind);
    expect(kinds.map(decodeKind)).toEqual(names);
    expect([0, ...kinds].sort((a, b) => a - b)).toEqual(ObjectKindSchema.values.map(({ number }) => number));
    expect(decodeKind(ObjectKind.UNSPECIFIED)).toBeUndefined();
  });

  it('name an object with its bridge where it has one', () => {
    expect(sent(ObjectRefSchema, encodeRef({ kind: 'port', name: 'p0', bridge: 'br-sfc' }))).toMatchObject({
      kind: ObjectKind.PORT,
      name: 'p0',
      bridge: 'br-sfc',
    });
    expect(sent(ObjectRefSchema, encodeRef({ kind: 'representor', name: 'pf0hpf' })).bridge).toBe('');
  });

  it('carry a condition with its evidence, whatever its names are', () => {
    const evidence = Object.fromEntries([
      ['ofport', '3'],
      ['__proto__', 'x'],
    ]);
    const condition = sent(
      ConditionSchema,
      encodeCondition({
        object: { kind: 'bridge', name: 'b' },
        state: 'waiting',
        reason: 'LinkDown',
        message: 'm',
        evidence,
      }),
    );
    expect(condition).toMatchObject({ state: ConditionState.WAITING, reason: 'LinkDown', message: 'm' });
    expect(Object.entries(condition.evidence)).toEqual(Object.entries(evidence));
  });

  it('carry a finding with both claimants', () => {
    const finding = sent(
      FindingSchema,
      encodeFinding({
        reason: 'Contested',
        object: { kind: 'chainPort', name: 'c/1/p' },
        message: 'm',
        claimants: ['a', 'b'],
        remedy: 'r',
      }),
    );
    expect(finding).toMatchObject({ reason: 'Contested', claimants: ['a', 'b'], remedy: 'r' });
    expect(finding.object?.kind).toBe(ObjectKind.CHAIN_PORT);
  });

  it('tell how the database is reached', () => {
    expect(sent(OvsdbStateSchema, encodeOvsdbState({ kind: 'synced', endpoint: 'unix:/x' }))).toMatchObject({
      state: OvsdbState_State.SYNCED,
      endpoint: 'unix:/x',
      message: '',
    });
    const lost = encodeOvsdbState({ kind: 'connecting', message: 'refused', code: 'CONNECT_FAILED' });
    expect(sent(OvsdbStateSchema, lost)).toMatchObject({
      state: OvsdbState_State.CONNECTING,
      message: 'refused',
      code: 'CONNECT_FAILED',
    });
    const closed = encodeOvsdbState({ kind: 'closed', message: 'bye', code: undefined });
    expect(sent(OvsdbStateSchema, closed)).toMatchObject({ state: OvsdbState_State.CLOSED, code: '' });
  });

  it('tell how the host cluster is reached, and who renews the lease', () => {
    const stale = sent(
      ClusterStateSchema,
      encodeClusterState({ kind: 'stale', server: 's', sinceWallMs: 5000, message: 'm', code: 'KUBE_FORBIDDEN' }),
    );
    expect(stale).toMatchObject({ state: ClusterState_State.STALE, message: 'm', code: 'KUBE_FORBIDDEN' });
    expect(stale.since && wallMsOf(stale.since)).toBe(5000);
    expect(sent(ClusterStateSchema, encodeClusterState({ kind: 'synced', server: 's' })).since).toBeUndefined();

    const leases = [
      encodeLeaseState({ kind: 'disabled' }),
      encodeLeaseState({ kind: 'unknown', message: 'u' }),
      encodeLeaseState({ kind: 'held', renewedWallMs: 7000, message: undefined }),
      encodeLeaseState({ kind: 'foreign', holder: 'h', seenWallMs: 9000 }),
    ].map((init) => sent(LeaseStateSchema, init));
    expect(leases.map(({ state }) => state)).toEqual([
      LeaseState_State.DISABLED,
      LeaseState_State.UNKNOWN,
      LeaseState_State.HELD,
      LeaseState_State.FOREIGN,
    ]);
    expect(leases.map(({ at }) => at && wallMsOf(at))).toEqual([undefined, undefined, 7000, 9000]);
    expect(leases[3]?.holder).toBe('h');
  });

  it('sum up the loop of the pods, as the status has it', () => {
    const status: AttachStatus = {
      wallMs: 1000,
      mode: 'on',
      bridge: 'br-int',
      cluster: { kind: 'synced', server: 's' },
      nodeName: 'n',
      lease: { kind: 'disabled' },
      clockSkewMs: -1500,
      podCount: 2,
      counts: { Ready: 1, LinkDown: 1 },
      failures: [{ label: 'ns/p', reason: 'LinkDown', message: 'm', device: undefined }],
      pendingCount: 3,
      statuses: { written: 4, conflicts: 5, failed: 6, inFlight: 1, lastError: undefined },
    };
    expect(sent(AttachSummarySchema, encodeAttachSummary(status))).toMatchObject({
      mode: 'on',
      nodeName: 'n',
      clockSkewSeconds: -1.5,
      podCount: 2,
      counts: { Ready: 1, LinkDown: 1 },
      failures: [{ label: 'ns/p', device: '' }],
      pendingCount: 3,
      statusWrites: { written: 4n, conflicts: 5n, failed: 6n, inFlight: 1, lastError: '' },
    });
  });

  it('leave out a number that the field cannot hold', () => {
    expect([0, 9000, -1, 2 ** 32, 1.5, Number.NaN, undefined].map(uint32)).toEqual([
      0,
      9000,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect([-1, 65_534, 2 ** 31, 0.5].map(int32)).toEqual([-1, 65_534, undefined, undefined]);
    expect([-1, 2 ** 53, Number.NaN].map(uint64)).toEqual([0n, BigInt(2 ** 53), 0n]);
  });
});
