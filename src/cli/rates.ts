/** Rates from counters that arrive as changes: what `dpuctl top` shows. Keeps the newest reading of each row; no clock. */

import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Counters, StatsRow, WatchStatsResponse } from '../gen/proto/dpu/agent/v1/stats_pb.js';

/** Per second; undefined where it is not known. */
export interface Rates {
  readonly packets: number | undefined;
  readonly bits: number | undefined;
  readonly drops: number | undefined;
}

export interface RateRow {
  readonly row: StatsRow;
  readonly received: Rates;
  readonly sent: Rates;
}

interface Reading {
  readonly row: StatsRow;
  readonly received: Rates;
  readonly sent: Rates;
  /** When the row was first seen, and when it last differed: times of the agent, ms since 1970 UTC. */
  readonly firstMs: number;
  readonly changedMs: number;
}

// Open vSwitch writes counters into its database every 5 s (other_config:stats-update-interval): a row with traffic
// differs at least that often, and one that did not is silent.
const silentMs = 4_900;
const unchangedMs = 6_000;

const unknown: Rates = { packets: undefined, bits: undefined, drops: undefined };
const zero: Rates = { packets: 0, bits: 0, drops: 0 };

/** Per second; undefined when either is not known, or the counter went back (the port was made anew). */
function perSecond(before: bigint | undefined, after: bigint | undefined, ms: number): number | undefined {
  if (before === undefined || after === undefined || after < before || ms <= 0) return undefined;
  return (Number(after - before) * 1_000) / ms;
}

function ratesOf(before: Counters | undefined, after: Counters | undefined, ms: number): Rates {
  const bytes = perSecond(before?.bytes, after?.bytes, ms);
  return {
    packets: perSecond(before?.packets, after?.packets, ms),
    bits: bytes === undefined ? undefined : bytes * 8,
    drops: perSecond(before?.drops, after?.drops, ms),
  };
}

const readMs = ({ observedAt }: StatsRow, otherwise: number): number =>
  observedAt === undefined ? otherwise : timestampMs(observedAt);

/** The counters of a row are those of another pod, or of the same one since it was plugged again. */
function isCountedAnew(before: StatsRow, after: StatsRow): boolean {
  const since = ({ countedSince }: StatsRow): number | undefined => countedSince && timestampMs(countedSince);
  return before.podUid !== after.podUid || since(before) !== since(after);
}

export class RateTable {
  readonly #readings = new Map<string, Reading>();
  #messageMs = 0;
  #messageCount = 0;

  /** Whether there have been two messages: only then is there a rate at all. */
  get isMeasured(): boolean {
    return this.#messageCount > 1;
  }

  /** Takes what differs. */
  take(message: WatchStatsResponse): void {
    this.#messageCount += 1;
    this.#messageMs = message.observedAt === undefined ? this.#messageMs : timestampMs(message.observedAt);
    for (const key of message.removed) this.#readings.delete(key);
    for (const row of message.rows) this.#readings.set(row.key, this.#reading(row));
  }

  /** Forgets everything: the stream begins anew. */
  clear(): void {
    this.#readings.clear();
    this.#messageCount = 0;
  }

  /**
   * The busiest first; rows of equal traffic by name.
   * @param quietMs for how long no message has come: as long as the stream is open, nothing has differed for that long
   */
  rows(quietMs = 0): readonly RateRow[] {
    const nowMs = this.#messageMs + quietMs;
    const rows = [...this.#readings.values()].map((reading) => show(reading, nowMs));
    return rows.sort((a, b) => load(b) - load(a) || (a.row.key < b.row.key ? -1 : 1));
  }

  #reading(row: StatsRow): Reading {
    const before = this.#readings.get(row.key);
    const atMs = readMs(row, this.#messageMs);
    if (before === undefined || isCountedAnew(before.row, row))
      return { row, received: unknown, sent: unknown, firstMs: atMs, changedMs: atMs };
    const ms = atMs - readMs(before.row, before.changedMs);
    const received = ratesOf(before.row.received, row.received, ms);
    return { row, received, sent: ratesOf(before.row.sent, row.sent, ms), firstMs: before.firstMs, changedMs: atMs };
  }
}

function show({ row, received, sent, firstMs, changedMs }: Reading, nowMs: number): RateRow {
  const isKnown = received !== unknown;
  const isSilent = isKnown ? nowMs - changedMs > unchangedMs : nowMs - firstMs >= silentMs;
  return isSilent ? { row, received: zero, sent: zero } : { row, received, sent };
}

const load = ({ received, sent }: RateRow): number => (received.bits ?? 0) + (sent.bits ?? 0);
