/**
 * The counters of a flow as OpenFlow 1.5 carries them, a list of OXS TLVs. Used by flow statistics, aggregates and
 * flow-removed messages.
 *
 *   stats => reserved(2) length(2) oxs* pad, length without the padding  OpenFlow 1.5.1 section 7.2.4
 *   oxs   => class(2)=0x8002 field(7 bits) reserved(1 bit) length(1) value
 */

import type { Duration } from '../flow.js';
import { expectWire } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';

/** What a block said; everything is optional there. */
export interface StatsBlock {
  duration: Duration;
  idleAge: number | undefined;
  flows: number;
  packets: bigint | undefined;
  bytes: bigint | undefined;
}

const oxs = {
  duration: 0x8002_0008,
  idleTime: 0x8002_0208,
  flows: 0x8002_0604,
  packets: 0x8002_0808,
  bytes: 0x8002_0a08,
};

/** Reads a block with its padding. */
export function decodeStatsBlock(reader: ByteReader): StatsBlock {
  const start = reader.offset;
  reader.skip(2);
  const size = reader.u16();
  expectWire(size >= 4, 'a block of statistics is shorter than its header');
  const body = reader.sub(size - 4);
  reader.skipPadTo8(start);
  const stats: StatsBlock = {
    duration: { s: 0, ns: 0 },
    idleAge: undefined,
    flows: 0,
    packets: undefined,
    bytes: undefined,
  };
  while (body.remaining > 0) decodeStat(body, stats);
  return stats;
}

function decodeStat(body: ByteReader, stats: StatsBlock): void {
  const header = body.u32();
  switch (header) {
    case oxs.duration:
      stats.duration = { s: body.u32(), ns: body.u32() };
      return;
    case oxs.idleTime:
      stats.idleAge = body.u32();
      body.skip(4);
      return;
    case oxs.flows:
      stats.flows = body.u32();
      return;
    case oxs.packets:
      stats.packets = body.counter();
      return;
    case oxs.bytes:
      stats.bytes = body.counter();
      return;
    default:
      body.skip(header & 0xff);
  }
}
