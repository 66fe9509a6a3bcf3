/**
 * Counters of the flow tables. Used by the client.
 *
 *   table_stats => table(1) pad3 active(4) lookups(8) matches(8)         OpenFlow 1.5.1 section 7.3.5.4
 */

import type { ByteReader } from './byte-reader.js';

export interface TableStats {
  readonly table: number;
  /** Flows in the table. */
  readonly flows: number;
  /** Packets looked up, and those of them that hit a flow. */
  readonly lookups: bigint | undefined;
  readonly matches: bigint | undefined;
}

/** Reads every record of a part. */
export function decodeTableStats(body: ByteReader): readonly TableStats[] {
  const list: TableStats[] = [];
  while (body.remaining > 0) {
    const table = body.u8();
    body.skip(3);
    list.push({ table, flows: body.u32(), lookups: body.counter(), matches: body.counter() });
  }
  return list;
}
