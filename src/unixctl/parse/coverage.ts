/**
 * `coverage/show` and `coverage/read-counter NAME`: how often lines of the daemon's code were passed (coverage.c). Counters that
 * never counted are left out of the first. Tested with 3.1, 3.5, 4.0.
 */

import { linesOf, numberOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface CoverageCounter {
  readonly total: number;
  /** Mean over the last 5 seconds, 1/s. */
  readonly perSecond5s: number;
  /** Mean over the last minute, 1/s. */
  readonly perSecond1m: number;
  /** Mean over the last hour, 1/s. */
  readonly perSecond1h: number;
}

export interface Coverage {
  readonly counters: ReadonlyMap<string, CoverageCounter>;
  /** Counters that were left out: each is 0, if the daemon has it at all. */
  readonly neverHit: number | undefined;
  readonly unknown: UnknownLines;
}

export function parseCoverage(text: string): Coverage {
  const counters = new Map<string, CoverageCounter>();
  const unknown = new UnknownLineTally();
  let neverHit: number | undefined;
  for (const line of linesOf(text)) {
    const match = /^(\S+)\s+([\d.]+)\/sec\s+([\d.]+)\/sec\s+([\d.]+)\/sec\s+total: (\d+)/.exec(line);
    const never = /^(\d+) events never hit$/.exec(line)?.[1];
    if (match !== null) {
      const [perSecond5s = 0, perSecond1m = 0, perSecond1h = 0, total = 0] = match.slice(2).map(Number);
      counters.set(match[1] ?? '', { total, perSecond5s, perSecond1m, perSecond1h });
    } else if (never !== undefined) neverHit = Number(never);
    else if (!line.startsWith('Event coverage')) unknown.add(line);
  }
  return { counters, neverHit, unknown: unknown.result };
}

/** The one number of `coverage/read-counter`; undefined when the answer is something else. */
export function parseReadCounter(text: string): number | undefined {
  return numberOf(text.trim());
}
