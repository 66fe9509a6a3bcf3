/** `fdb/stats-show BRIDGE`: the MAC learning table of a bridge (ofproto-dpif.c). Tested with 3.1. */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface FdbStats {
  readonly bridge: string | undefined;
  readonly entries: number | undefined;
  readonly entriesMax: number | undefined;
  readonly staticEntries: number | undefined;
  /** Running totals. */
  readonly learned: number | undefined;
  readonly expired: number | undefined;
  /** Thrown out because the table was full. */
  readonly evicted: number | undefined;
  /** Seen on another port than before. */
  readonly moved: number | undefined;
  readonly unknown: UnknownLines;
}

const names = new Map([
  ['Current/maximum MAC entries in the table', 'entries'],
  ['Current static MAC entries in the table', 'static'],
  ['Total number of learned MAC entries', 'learned'],
  ['Total number of expired MAC entries', 'expired'],
  ['Total number of evicted MAC entries', 'evicted'],
  ['Total number of port moved MAC entries', 'moved'],
]);

export function parseFdbStats(text: string): FdbStats {
  let bridge: string | undefined;
  const figures = new Map<string, readonly number[]>();
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const title = /^Statistics for bridge "(.*)":$/.exec(line)?.[1];
    const [, name = '', value = ''] = /^\s+(\S.*?)\s*: (\d+(?:\/\d+)?)$/.exec(line) ?? [];
    const known = names.get(name);
    if (title !== undefined) bridge = title;
    else if (known !== undefined) figures.set(known, value.split('/').map(Number));
    else unknown.add(line);
  }
  const first = (name: string): number | undefined => figures.get(name)?.[0];
  return {
    bridge,
    entries: first('entries'),
    entriesMax: figures.get('entries')?.[1],
    staticEntries: first('static'),
    learned: first('learned'),
    expired: first('expired'),
    evicted: first('evicted'),
    moved: first('moved'),
    unknown: unknown.result,
  };
}
