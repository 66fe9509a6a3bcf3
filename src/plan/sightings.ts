/**
 * Counts how often and for how long a candidate for removal has been seen, because nothing is removed at first sight. A
 * candidate that is missing from one look starts over.
 */

import type { Candidate, RemovalCause } from './action.js';

export interface Sighting {
  readonly count: number;
  readonly sinceMs: number;
}

/** When a candidate is ripe: both must hold. */
export interface Grace {
  readonly sightings: number;
  readonly ms: number;
}

export type GraceByCause = Readonly<Record<RemovalCause, Grace>>;

export type Sightings = ReadonlyMap<string, Sighting>;

/** The sightings after one more look at `nowMs`. */
export function countSightings(before: Sightings, candidates: readonly Candidate[], nowMs: number): Sightings {
  return new Map(
    candidates.map(({ key }) => {
      const seen = before.get(key);
      return [key, { count: (seen?.count ?? 0) + 1, sinceMs: seen?.sinceMs ?? nowMs }];
    }),
  );
}

/** The keys of those that may be acted upon now. */
export function ripeCandidates(
  sightings: Sightings,
  candidates: readonly Candidate[],
  grace: GraceByCause,
  nowMs: number,
): ReadonlySet<string> {
  const ripe = candidates.filter(({ key, cause }) => {
    const seen = sightings.get(key);
    return seen !== undefined && seen.count >= grace[cause].sightings && nowMs - seen.sinceMs >= grace[cause].ms;
  });
  return new Set(ripe.map(({ key }) => key));
}

/** When to look again so that a waiting candidate can ripen, ms from now; undefined when none is waiting. */
export function nextLookMs(
  sightings: Sightings,
  candidates: readonly Candidate[],
  grace: GraceByCause,
  nowMs: number,
): number | undefined {
  const waits = candidates.map(({ key, cause }) => {
    const since = sightings.get(key)?.sinceMs ?? nowMs;
    // One more look is due at the end of the grace; further ones, for the count, at equal distances within it.
    return Math.max(since + grace[cause].ms - nowMs, grace[cause].ms / Math.max(grace[cause].sightings, 1));
  });
  return waits.length === 0 ? undefined : Math.min(...waits);
}
