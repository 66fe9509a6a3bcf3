/**
 * The notice that a flow is gone. Used by the client's events.
 *
 *   1.3 => cookie(8) priority(2) reason(1) table(1) s(4) ns(4) idle(2) hard(2) packets(8) bytes(8) match
 *   1.5 => table(1) reason(1) priority(2) idle(2) hard(2) cookie(8) match stats         OpenFlow 1.5.1 section 7.4.2
 */

import type { FlowRemoved, FlowRemovedReason } from '../flow.js';
import { version15 } from '../version.js';
import type { Version } from '../version.js';
import type { ByteReader } from './byte-reader.js';
import { decodeMatch } from './oxm.js';
import { decodeStatsBlock } from './stats-block.js';

const reasons: readonly FlowRemovedReason[] = [
  'idleTimeout',
  'hardTimeout',
  'delete',
  'groupDelete',
  'meterDelete',
  'eviction',
];

/** Why a flow went, by the number of the specification. */
export function removedReason(number: number): FlowRemovedReason {
  return reasons[number] ?? 'unknown';
}

/** Reads the body after the header. */
export function decodeFlowRemoved(body: ByteReader, version: Version): FlowRemoved {
  return version >= version15 ? decode15(body) : decode13(body);
}

function decode13(body: ByteReader): FlowRemoved {
  const cookie = body.u64();
  const priority = body.u16();
  const reason = removedReason(body.u8());
  const table = body.u8();
  const duration = { s: body.u32(), ns: body.u32() };
  const idleTimeout = body.u16();
  const hardTimeout = body.u16();
  const packets = body.counter();
  const bytes = body.counter();
  const match = decodeMatch(body);
  return { table, priority, match, cookie, idleTimeout, hardTimeout, reason, duration, packets, bytes };
}

function decode15(body: ByteReader): FlowRemoved {
  const table = body.u8();
  const reason = removedReason(body.u8());
  const priority = body.u16();
  const idleTimeout = body.u16();
  const hardTimeout = body.u16();
  const cookie = body.u64();
  const match = decodeMatch(body);
  const { duration, packets, bytes } = decodeStatsBlock(body);
  return { table, priority, match, cookie, idleTimeout, hardTimeout, reason, duration, packets, bytes };
}
