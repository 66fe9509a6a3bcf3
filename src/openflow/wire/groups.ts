/**
 * Groups: the message that changes them, their description and their counters. Used by the client.
 *
 *   group_mod 1.3 => command(2) type(1) pad1 group(4) bucket*
 *   group_mod 1.5 => command(2) type(1) pad1 group(4) buckets_len(2) pad2 command_bucket(4) bucket* property*
 *   bucket 1.3    => len(2) weight(2) watch_port(4) watch_group(4) pad4 action*
 *   bucket 1.5    => len(2) actions_len(2) id(4) action* property*: 0 weight(2), 1 watch_port(4), 2 watch_group(4)
 *   desc 1.3      => length(2) type(1) pad1 group(4) bucket*
 *   desc 1.5      => length(2) type(1) pad1 group(4) buckets_len(2) pad6 bucket* property*
 *   stats         => length(2) pad2 group(4) refs(4) pad4 packets(8) bytes(8) s(4) ns(4) (packets(8) bytes(8))*
 */

import type { Action } from '../actions.js';
import { groupAny, port } from '../actions.js';
import type { Duration } from '../flow.js';
import { invalid } from '../match.js';
import { version15 } from '../version.js';
import type { Version } from '../version.js';
import { decodeActions, encodeActions } from './actions.js';
import { expectWire, malformed } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { encodeMessage, messageType } from './header.js';

export type GroupType = 'all' | 'select' | 'indirect' | 'fast_failover';

export interface Bucket {
  /** Number in the group. Only OpenFlow 1.5 has it; default: its place in the list. */
  readonly id?: number | undefined;
  /** Share of a select group. */
  readonly weight?: number | undefined;
  readonly watchPort?: number | undefined;
  readonly watchGroup?: number | undefined;
  readonly actions: readonly Action[];
}

export interface Group {
  readonly group: number;
  readonly type: GroupType;
  readonly buckets: readonly Bucket[];
  /** Properties of 1.5 as they are on the wire, for example the selection method. */
  readonly properties?: Uint8Array | undefined;
}

/**
 * `insert_bucket` and `remove_bucket` exist from 1.5 on; they are the only way to build a group whose buckets do not fit
 * into one message of 64 KiB.
 */
export type GroupCommand = 'add' | 'modify' | 'delete' | 'insert_bucket' | 'remove_bucket';

export interface GroupMod {
  readonly kind: 'groupMod';
  readonly command: GroupCommand;
  /** `groupAll` in a deletion means every group. */
  readonly group: number;
  readonly type?: GroupType | undefined;
  readonly buckets?: readonly Bucket[] | undefined;
  /** Where to insert, or what to remove: a bucket id or one of `bucketPlace`. */
  readonly commandBucket?: number | undefined;
  readonly properties?: Uint8Array | undefined;
}

/** Every group, in deletions and requests. */
export const groupAll = 0xffff_fffc;
/** Reserved bucket numbers. */
export const bucketPlace = { first: 0xffff_fffd, last: 0xffff_fffe, all: 0xffff_ffff } as const;

export interface GroupStats {
  readonly group: number;
  /** Flows and groups that point here. */
  readonly references: number;
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
  readonly duration: Duration;
  readonly buckets: readonly { readonly packets: bigint | undefined; readonly bytes: bigint | undefined }[];
}

const commands: Readonly<Record<GroupCommand, number>> = {
  add: 0,
  modify: 1,
  delete: 2,
  insert_bucket: 3,
  remove_bucket: 5,
};
const types: readonly GroupType[] = ['all', 'select', 'indirect', 'fast_failover'];
const property = { weight: 0, watchPort: 1, watchGroup: 2 } as const;

/** Writes the whole message. @throws AgentError OPENFLOW_VALUE_INVALID, LIMIT_EXCEEDED */
export function encodeGroupMod(writer: ByteWriter, version: Version, xid: number, mod: GroupMod): void {
  const { command, buckets = [], type = 'all' } = mod;
  if (version < version15 && commands[command] > 2) throw invalid(command, 'buckets change one by one only in 1.5');
  encodeMessage(writer, version, messageType.groupMod, xid, () => {
    writer.u16(commands[command]).u8(types.indexOf(type)).u8(0).u32(mod.group);
    const lengthAt = writer.size;
    if (version >= version15)
      writer
        .u16(0)
        .u16(0)
        .u32(mod.commandBucket ?? bucketPlace.all);
    const start = writer.size;
    buckets.forEach((bucket, index) => encodeBucket(writer, version, bucket, index, type));
    if (version < version15) return;
    writer.setU16(lengthAt, writer.size - start);
    if (mod.properties !== undefined) writer.bytes(mod.properties);
  });
}

function encodeBucket(writer: ByteWriter, version: Version, bucket: Bucket, index: number, type: GroupType): void {
  const start = writer.size;
  const { weight = type === 'select' ? 1 : 0, watchPort = port.any, watchGroup = groupAny } = bucket;
  if (version >= version15) {
    writer
      .u16(0)
      .u16(0)
      .u32(bucket.id ?? index);
    encodeActions(writer, version, bucket.actions);
    writer.setU16(start + 2, writer.size - start - 8);
    if (type === 'select' || weight !== 0) writer.u16(property.weight).u16(8).u16(weight).u16(0);
    if (watchPort !== port.any) writer.u16(property.watchPort).u16(8).u32(watchPort);
    if (watchGroup !== groupAny) writer.u16(property.watchGroup).u16(8).u32(watchGroup);
  } else {
    writer.u16(0).u16(weight).u32(watchPort).u32(watchGroup).u32(0);
    encodeActions(writer, version, bucket.actions);
  }
  writer.setU16(start, writer.size - start);
}

/** Reads the groups of one part. @throws AgentError PEER_PROTOCOL */
export function decodeGroupDescs(body: ByteReader, version: Version): readonly Group[] {
  const list: Group[] = [];
  while (body.remaining > 0) {
    const size = body.peekU16();
    expectWire(size >= 8, 'the description of a group has no possible length');
    list.push(decodeGroupDesc(body.sub(size), version));
  }
  return list;
}

function decodeGroupDesc(record: ByteReader, version: Version): Group {
  record.skip(2);
  const type = types[record.u8()];
  if (type === undefined) throw malformed('a group has no known type');
  record.skip(1);
  const group = record.u32();
  if (version < version15) return { group, type, buckets: decodeBuckets(record, version) };
  const size = record.u16();
  record.skip(6);
  const buckets = decodeBuckets(record.sub(size), version);
  if (record.remaining === 0) return { group, type, buckets };
  return { group, type, buckets, properties: record.bytes(record.remaining) };
}

function decodeBuckets(reader: ByteReader, version: Version): readonly Bucket[] {
  const buckets: Bucket[] = [];
  while (reader.remaining > 0) {
    const size = reader.peekU16();
    expectWire(size >= 8, 'a bucket is shorter than its header');
    const bucket = reader.sub(size);
    bucket.skip(2);
    buckets.push(version >= version15 ? decodeBucket15(bucket) : decodeBucket13(bucket));
  }
  return buckets;
}

function decodeBucket13(bucket: ByteReader): Bucket {
  const weight = bucket.u16();
  const watchPort = bucket.u32();
  const watchGroup = bucket.u32();
  bucket.skip(4);
  return {
    ...(weight === 0 ? {} : { weight }),
    ...(watchPort === port.any ? {} : { watchPort }),
    ...(watchGroup === groupAny ? {} : { watchGroup }),
    actions: decodeActions(bucket),
  };
}

function decodeBucket15(bucket: ByteReader): Bucket {
  const size = bucket.u16();
  const id = bucket.u32();
  const actions = decodeActions(bucket.sub(size));
  let properties: Partial<Bucket> = {};
  while (bucket.remaining > 0) {
    const start = bucket.offset;
    const type = bucket.u16();
    const length = bucket.u16();
    expectWire(length >= 4, 'a property is shorter than its header');
    properties = { ...properties, ...decodeBucketProperty(type, bucket.sub(length - 4)) };
    bucket.skipPadTo8(start);
  }
  return { id, ...properties, actions };
}

function decodeBucketProperty(type: number, value: ByteReader): Partial<Bucket> {
  switch (type) {
    case property.weight:
      return { weight: value.u16() };
    case property.watchPort:
      return { watchPort: value.u32() };
    case property.watchGroup:
      return { watchGroup: value.u32() };
    default:
      return {};
  }
}

/** Reads every record of a part. */
export function decodeGroupStats(body: ByteReader): readonly GroupStats[] {
  const list: GroupStats[] = [];
  while (body.remaining > 0) {
    const size = body.peekU16();
    expectWire(size >= 40, 'the counters of a group have no possible length');
    list.push(decodeGroupRecord(body.sub(size)));
  }
  return list;
}

function decodeGroupRecord(record: ByteReader): GroupStats {
  record.skip(4);
  const group = record.u32();
  const references = record.u32();
  record.skip(4);
  const packets = record.counter();
  const bytes = record.counter();
  const duration = { s: record.u32(), ns: record.u32() };
  const buckets: { packets: bigint | undefined; bytes: bigint | undefined }[] = [];
  while (record.remaining > 0) buckets.push({ packets: record.counter(), bytes: record.counter() });
  return { group, references, packets, bytes, duration, buckets };
}
