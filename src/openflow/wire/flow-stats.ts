/**
 * Flow and aggregate statistics: the request that selects flows, and the two shapes of the answer. Used by the client's
 * dumps; flow entries are the hottest decoder of the library.
 *
 *   request    => table(1) pad3 out_port(4) out_group(4) pad4 cookie(8) cookie_mask(8) match
 *   entry 1.3  => length(2) table(1) pad1 s(4) ns(4) priority(2) idle(2) hard(2) flags(2) importance(2, 1.4) pad2
 *                 cookie(8) packets(8) bytes(8) match instruction*
 *   entry 1.5  => length(2) pad2 table(1) pad1 priority(2) idle(2) hard(2) flags(2) importance(2) cookie(8)
 *                 match stats instruction*
 *   aggregate  => packets(8) bytes(8) flows(4) pad4 below 1.5, else stats
 */

import { groupAny, port, tableAll } from '../actions.js';
import type { AggregateStats, FlowFilter, FlowStats } from '../flow.js';
import { version15 } from '../version.js';
import type { Version } from '../version.js';
import { expectWire } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { decodeInstructions } from './instructions.js';
import { decodeMatch, encodeMatch } from './oxm.js';
import { decodeStatsBlock } from './stats-block.js';

/** Writes the body of a flow or aggregate request. */
export function encodeFlowFilter(writer: ByteWriter, version: Version, filter: FlowFilter): void {
  writer.u8(filter.table ?? tableAll).zeros(3);
  writer
    .u32(filter.outPort ?? port.any)
    .u32(filter.outGroup ?? groupAny)
    .u32(0);
  const maskDefault = filter.cookie === undefined ? 0n : 0xffff_ffff_ffff_ffffn;
  writer.u64(filter.cookie ?? 0n).u64(filter.cookieMask ?? maskDefault);
  encodeMatch(writer, version, filter.match ?? []);
}

/** Reads one entry of a part. @throws AgentError PEER_PROTOCOL */
export function decodeFlowStats(reader: ByteReader, version: Version): FlowStats {
  const size = reader.peekU16();
  expectWire(size >= 16, 'a flow entry is shorter than its header');
  const entry = reader.sub(size);
  entry.skip(2);
  return version >= version15 ? decodeEntry15(entry) : decodeEntry13(entry);
}

function decodeEntry13(entry: ByteReader): FlowStats {
  const table = entry.u8();
  entry.skip(1);
  const duration = { s: entry.u32(), ns: entry.u32() };
  const priority = entry.u16();
  const idleTimeout = entry.u16();
  const hardTimeout = entry.u16();
  const flags = entry.u16();
  const importance = entry.u16();
  entry.skip(2);
  const cookie = entry.u64();
  const packets = entry.counter();
  const bytes = entry.counter();
  const match = decodeMatch(entry);
  const instructions = decodeInstructions(entry);
  return {
    table,
    priority,
    match,
    cookie,
    idleTimeout,
    hardTimeout,
    flags,
    importance,
    instructions,
    duration,
    packets,
    bytes,
    idleAge: undefined,
  };
}

function decodeEntry15(entry: ByteReader): FlowStats {
  entry.skip(2);
  const table = entry.u8();
  entry.skip(1);
  const priority = entry.u16();
  const idleTimeout = entry.u16();
  const hardTimeout = entry.u16();
  const flags = entry.u16();
  const importance = entry.u16();
  const cookie = entry.u64();
  const match = decodeMatch(entry);
  const { duration, packets, bytes, idleAge } = decodeStatsBlock(entry);
  const instructions = decodeInstructions(entry);
  // Written out: spreading an object into another one costs as much as all the rest of the entry.
  return {
    table,
    priority,
    match,
    cookie,
    idleTimeout,
    hardTimeout,
    flags,
    importance,
    instructions,
    duration,
    packets,
    bytes,
    idleAge,
  };
}

/** Reads the answer to an aggregate request. */
export function decodeAggregate(reader: ByteReader, version: Version): AggregateStats {
  if (version >= version15) {
    const { packets, bytes, flows } = decodeStatsBlock(reader);
    return { packets, bytes, flows };
  }
  return { packets: reader.counter(), bytes: reader.counter(), flows: reader.u32() };
}
