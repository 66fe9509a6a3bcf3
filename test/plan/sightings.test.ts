import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../src/plan/action.js';
import {
  countSightings,
  nextLookMs,
  ripeCandidates,
  type GraceByCause,
  type Sightings,
} from '../../src/plan/sightings.js';

const grace: GraceByCause = {
  orphan: { sightings: 2, ms: 30_000 },
  deviceGone: { sightings: 3, ms: 3000 },
  deviceRecreated: { sightings: 2, ms: 0 },
  podMissing: { sightings: 2, ms: 0 },
};
const orphan: Candidate = { key: 'orphan port:x', object: { kind: 'port', name: 'x' }, cause: 'orphan' };
const gone: Candidate = { key: 'deviceGone port:p', object: { kind: 'port', name: 'p' }, cause: 'deviceGone' };
const anew: Candidate = {
  key: 'deviceRecreated port:p',
  object: { kind: 'port', name: 'p' },
  cause: 'deviceRecreated',
};

/** The sightings after looks at these times. */
const seenAt = (candidate: Candidate, ...timesMs: number[]): Sightings =>
  timesMs.reduce<Sightings>((seen, nowMs) => countSightings(seen, [candidate], nowMs), new Map());

describe('the count of sightings', () => {
  it('goes up by one with each look, from the time of the first', () => {
    expect(seenAt(orphan, 100, 200, 300)).toEqual(new Map([[orphan.key, { count: 3, sinceMs: 100 }]]));
  });

  it('starts over when one look misses the candidate', () => {
    const missed = countSightings(seenAt(orphan, 100, 200), [gone], 300);
    expect([...missed.keys()]).toEqual([gone.key]);
    expect(countSightings(missed, [orphan], 400).get(orphan.key)).toEqual({ count: 1, sinceMs: 400 });
  });
});

describe('a candidate', () => {
  const isRipe = (candidate: Candidate, nowMs: number, ...timesMs: number[]): boolean =>
    ripeCandidates(seenAt(candidate, ...timesMs), [candidate], grace, nowMs).has(candidate.key);

  it('is not ripe at first sight, however long ago', () => {
    expect(isRipe(orphan, 1_000_000, 0)).toBe(false);
  });

  it('is not ripe before its grace is over, however often it was seen', () => {
    expect(isRipe(orphan, 29_999, 0, 1, 2, 3, 29_999)).toBe(false);
  });

  it('is ripe when it was seen often and long enough, to the millisecond', () => {
    expect(isRipe(orphan, 30_000, 0, 30_000)).toBe(true);
  });

  it('has the grace of its cause', () => {
    expect(isRipe(gone, 3000, 0, 3000)).toBe(false);
    expect(isRipe(gone, 3000, 0, 1, 3000)).toBe(true);
    expect(isRipe(anew, 0, 0, 0)).toBe(true);
  });

  it('is not ripe when it was never counted', () => {
    expect(ripeCandidates(new Map(), [anew], grace, 0).size).toBe(0);
  });
});

describe('the next look', () => {
  it('is not needed when nothing waits', () => {
    expect(nextLookMs(new Map(), [], grace, 0)).toBeUndefined();
  });

  it('is due at the end of the grace', () => {
    expect(nextLookMs(seenAt(orphan, 0), [orphan], grace, 0)).toBe(30_000);
    expect(nextLookMs(seenAt(orphan, 0), [orphan], grace, 10_000)).toBe(20_000);
  });

  it('is due for the candidate that can ripen first', () => {
    expect(nextLookMs(new Map(), [orphan, gone], grace, 0)).toBe(3000);
  });

  it('is not due at once for ever while the count is short', () => {
    expect(nextLookMs(seenAt(gone, 0), [gone], grace, 5000)).toBe(1000);
  });

  it('makes every candidate ripe after as many looks as it needs and one more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 60_000 }), (sightings, ms) => {
        const one: GraceByCause = { ...grace, orphan: { sightings, ms } };
        let nowMs = 0;
        let seen: Sightings = new Map();
        for (let looks = 0; looks <= sightings; looks += 1) {
          seen = countSightings(seen, [orphan], nowMs);
          if (ripeCandidates(seen, [orphan], one, nowMs).has(orphan.key)) return;
          nowMs += nextLookMs(seen, [orphan], one, nowMs) ?? 0;
        }
        expect.unreachable('never ripe');
      }),
    );
  });
});
