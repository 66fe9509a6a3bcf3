/**
 * The flow monitor: a stream of changes to flows. Used by the client. In 1.4 and 1.5 it is a multipart type of its own;
 * in 1.3 the ONF's experimenter multipart, whose layout and event numbers are those of Nicira's older monitor.
 *
 *   request 1.4 => id(4) out_port(4) out_group(4) flags(2) table(1) command(1) match
 *   request 1.3 => vendor(4) type(4)=1870 id(4) flags(2) match_len(2) out_port(4) table(1) pad3 match
 *   update      => length(2) event(2) then
 *     1.4 full  => table(1) reason(1) idle(2) hard(2) priority(2) pad4 cookie(8) match instruction*
 *     1.3 full  => reason(2) priority(2) idle(2) hard(2) match_len(2) table(1) pad1 cookie(8) match instruction*
 *     abbreviated => xid(4)          paused, resumed => pad4
 *
 * Updates carry xid 0; the first answer carries that of the request (lib/ofp-monitor.c, ofproto/connmgr.c).
 */

import type { Instructions } from '../actions.js';
import { groupAny, port, tableAll } from '../actions.js';
import type { FlowFilter, FlowRemovedReason } from '../flow.js';
import type { Match } from '../match.js';
import { version13 } from '../version.js';
import type { Version } from '../version.js';
import { expectWire, malformed } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { removedReason } from './flow-removed.js';
import { encodeMessage, messageType, vendor } from './header.js';
import { decodeInstructions } from './instructions.js';
import { decodeMatch, encodeMatch } from './oxm.js';

/** One change of a monitored flow, or of the stream itself. */
export type FlowUpdate =
  | {
      readonly kind: 'initial' | 'added' | 'modified' | 'removed';
      readonly table: number;
      readonly priority: number;
      readonly cookie: bigint;
      readonly idleTimeout: number;
      readonly hardTimeout: number;
      readonly match: Match;
      readonly instructions: Instructions;
      /** Why a removed flow went. */
      readonly reason: FlowRemovedReason;
    }
  /** One of this connection's own changes, told by the xid of its flow-mod only. */
  | { readonly kind: 'abbreviated'; readonly xid: number }
  /** The switch threw changes away: nothing that was built from the stream can be believed until `resumed`. */
  | { readonly kind: 'paused' }
  | { readonly kind: 'resumed' };

/** Bits of the request, `ofp_flow_monitor_flags`. */
export const monitorFlag = { initial: 1, add: 2, removed: 4, modify: 8, instructions: 16, onlyOwn: 64 } as const;

export interface FlowMonitorRequest extends FlowFilter {
  /** The caller's number of the monitor on its connection. */
  readonly id: number;
  /** Bits of `monitorFlag`. The specification's no_abbrev (32) is refused by Open vSwitch and not offered. */
  readonly flags: number;
}

/** Writes the body of a 1.4 or 1.5 request that adds a monitor. */
export function encodeMonitor(writer: ByteWriter, version: Version, request: FlowMonitorRequest): void {
  writer
    .u32(request.id)
    .u32(request.outPort ?? port.any)
    .u32(request.outGroup ?? groupAny);
  writer
    .u16(request.flags)
    .u8(request.table ?? tableAll)
    .u8(monitorAdd);
  encodeMatch(writer, version, request.match ?? []);
}

/** The ONF's number for the experimenter multipart of 1.3. */
export const onfFlowMonitor = 1870;
/** In 1.3 the bit of `onlyOwn` is another one; there too it means "own changes in full". */
const ownInFull13 = 32;

/** Writes the body of a 1.3 request. */
export function encodeMonitor13(writer: ByteWriter, version: Version, request: FlowMonitorRequest): void {
  const own = (request.flags & monitorFlag.onlyOwn) === 0 ? 0 : ownInFull13;
  writer
    .u32(vendor.onf)
    .u32(onfFlowMonitor)
    .u32(request.id)
    .u16((request.flags & 31) | own);
  const lengthAt = writer.size;
  writer
    .u16(0)
    .u32(request.outPort ?? port.any)
    .u8(request.table ?? tableAll)
    .zeros(3);
  const start = writer.size;
  encodeMatch(writer, version, request.match ?? []);
  writer.setU16(lengthAt, writer.size - start);
}

const monitorAdd = 0;
const monitorDelete = 2;

/** Writes the body of a 1.4 or 1.5 request that ends a monitor. */
export function encodeMonitorEnd(writer: ByteWriter, version: Version, id: number): void {
  writer.u32(id).u32(port.any).u32(groupAny).u16(0).u8(tableAll).u8(monitorDelete);
  encodeMatch(writer, version, []);
}

/** Writes the whole message that ends a monitor in 1.3. */
export function encodeMonitorCancel13(writer: ByteWriter, version: Version, xid: number, id: number): void {
  encodeMessage(writer, version, messageType.experimenter, xid, () =>
    writer.u32(vendor.onf).u32(onfFlowMonitor).u32(id),
  );
}

/** Reads the updates of one part. @throws AgentError PEER_PROTOCOL */
export function decodeFlowUpdates(body: ByteReader, version: Version): readonly FlowUpdate[] {
  const updates: FlowUpdate[] = [];
  while (body.remaining > 0) {
    const size = body.peekU16();
    expectWire(size >= 8 && (size & 7) === 0, 'the length of a flow update is not a multiple of eight');
    const entry = body.sub(size);
    entry.skip(2);
    updates.push(decodeUpdate(entry, version));
  }
  return updates;
}

const kinds14 = ['initial', 'added', 'removed', 'modified', 'abbreviated', 'paused', 'resumed'] as const;
// Nicira's monitor reports the flows that are there at first as added.
const kinds13 = ['added', 'removed', 'modified', 'abbreviated', 'paused', 'resumed'] as const;

function decodeUpdate(entry: ByteReader, version: Version): FlowUpdate {
  const event = entry.u16();
  const kind = version === version13 ? kinds13[event] : kinds14[event];
  switch (kind) {
    case 'abbreviated':
      return { kind, xid: entry.u32() };
    case 'paused':
    case 'resumed':
      return { kind };
    case undefined:
      throw malformed('a flow update has no known event', { event });
    default:
      return version === version13 ? decodeFull13(kind, entry) : decodeFull14(kind, entry);
  }
}

type FullKind = 'initial' | 'added' | 'removed' | 'modified';

function decodeFull14(kind: FullKind, entry: ByteReader): FlowUpdate {
  const table = entry.u8();
  const reason = removedReason(entry.u8());
  const idleTimeout = entry.u16();
  const hardTimeout = entry.u16();
  const priority = entry.u16();
  entry.skip(4);
  const cookie = entry.u64();
  const match = decodeMatch(entry);
  const instructions = decodeInstructions(entry);
  return { kind, table, priority, cookie, idleTimeout, hardTimeout, match, instructions, reason };
}

function decodeFull13(kind: FullKind, entry: ByteReader): FlowUpdate {
  const reason = removedReason(entry.u16());
  const priority = entry.u16();
  const idleTimeout = entry.u16();
  const hardTimeout = entry.u16();
  entry.skip(2);
  const table = entry.u8();
  entry.skip(1);
  const cookie = entry.u64();
  const match = decodeMatch(entry);
  const instructions = decodeInstructions(entry);
  return { kind, table, priority, cookie, idleTimeout, hardTimeout, match, instructions, reason };
}
