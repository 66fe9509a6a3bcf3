/**
 * Counters of an interface since it was plugged. A device counts on when it is given to another pod, and the row in the database
 * may even stay: so what was counted before is remembered with the row and taken off. Pure.
 */

import type { PluggedCounters } from '../agent/stats-ports.js';
import type { BothWays, WayCounters } from '../chain/port-counters.js';

/** One reading of a row. */
export interface RowReading {
  /** Of the row. */
  readonly uuid: string;
  /** Whose interface it is, by the row; another text: another holder. */
  readonly holder: string;
  /** Undefined: ovs-vswitchd has not counted yet. */
  readonly counters: BothWays | undefined;
  /** Milliseconds since 1970 UTC. */
  readonly wallMs: number;
}

interface Baseline {
  readonly wallMs: number;
  readonly counters: BothWays;
}

/** What is kept of a row. */
export interface PlugRecord {
  readonly last: RowReading;
  /** Undefined: nothing is known yet of what the device had counted. */
  readonly baseline: Baseline | undefined;
}

const kinds = ['packets', 'bytes', 'drops', 'errors'] as const;
const zero: WayCounters = { packets: 0n, bytes: 0n, drops: 0n, errors: 0n };

function hasGoneBack(before: WayCounters, after: WayCounters): boolean {
  return kinds.some((kind) => (after[kind] ?? 0n) < (before[kind] ?? 0n) && after[kind] !== undefined);
}

function isSame(a: BothWays | undefined, b: BothWays | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return kinds.every((kind) => a.received[kind] === b.received[kind] && a.sent[kind] === b.sent[kind]);
}

const baselineOf = ({ wallMs, counters }: RowReading): Baseline | undefined =>
  counters === undefined ? undefined : { wallMs, counters };

function nextBaseline(before: PlugRecord | undefined, now: RowReading): Baseline | undefined {
  // ovs-vswitchd writes the first counters as soon as it has opened the device.
  if (before?.last.uuid !== now.uuid) return baselineOf(now);
  // What stands there now was read from the device up to an interval before the change: the last holder's may follow.
  if (before.last.holder !== now.holder) return undefined;
  const { baseline, last } = before;
  if (baseline === undefined) return isSame(last.counters, now.counters) ? undefined : baselineOf(now);
  if (now.counters === undefined || last.counters === undefined) return baseline;
  const { received, sent } = now.counters;
  const isReset = hasGoneBack(last.counters.received, received) || hasGoneBack(last.counters.sent, sent);
  // The device was made anew and counts from nothing.
  return isReset ? { wallMs: now.wallMs, counters: { received: zero, sent: zero } } : baseline;
}

/** What is to be kept after a reading. @param before what was kept for the same name */
export function recordPlug(before: PlugRecord | undefined, now: RowReading): PlugRecord {
  return { last: now, baseline: nextBaseline(before, now) };
}

/** A counter that the device has begun to tell since is not known: nobody can say what it had counted. */
function minus(now: WayCounters, before: WayCounters): WayCounters {
  const difference = (kind: (typeof kinds)[number]): bigint | undefined => {
    const [from, to] = [before[kind], now[kind]];
    return from === undefined || to === undefined || to < from ? undefined : to - from;
  };
  return {
    packets: difference('packets'),
    bytes: difference('bytes'),
    drops: difference('drops'),
    errors: difference('errors'),
  };
}

/** What the interface has counted for its holder; undefined while that cannot be said. */
export function countedSincePlug({ last, baseline }: PlugRecord): PluggedCounters | undefined {
  if (last.counters === undefined || baseline === undefined) return undefined;
  return {
    sinceWallMs: baseline.wallMs,
    received: minus(last.counters.received, baseline.counters.received),
    sent: minus(last.counters.sent, baseline.counters.sent),
  };
}
