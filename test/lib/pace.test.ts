import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pace, type PaceTiming } from '../../src/lib/pace.js';

const timing: PaceTiming = { burst: 5, baseMs: 1_000, capMs: 30_000, quietMs: 120_000 };

/** How long each of so many changes has to wait that are made as soon as they may. */
function waits(count: number): readonly number[] {
  const pace = new Pace(timing);
  let nowMs = 0;
  return Array.from({ length: count }, () => {
    const waitMs = pace.waitMs('a', nowMs);
    nowMs += waitMs;
    pace.note(['a'], nowMs);
    return waitMs;
  });
}

describe('the pace of one object', () => {
  it('is free for a burst, then slower and slower up to the longest wait', () => {
    expect(waits(12)).toEqual([0, 0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('is its own: nobody else waits', () => {
    const pace = new Pace(timing);
    for (let time = 0; time < 10; time += 1) pace.note(['a'], 0);
    expect([pace.waitMs('a', 0), pace.waitMs('b', 0)]).toEqual([30_000, 0]);
    expect([pace.nextLookMs(['a', 'b'], 1), pace.nextLookMs(['b'], 1)]).toEqual([29_999, undefined]);
  });

  it('counts a wait from the last time, not from when somebody asks', () => {
    const pace = new Pace(timing);
    pace.note(
      Array.from({ length: 6 }, () => 'a'),
      0,
    );
    expect([0, 500, 1_999, 2_000, 60_000].map((nowMs) => pace.waitMs('a', nowMs))).toEqual([2_000, 1_500, 1, 0, 0]);
  });

  it('is forgotten after a quiet time, and what is forgotten takes no room', () => {
    const pace = new Pace(timing);
    pace.note(
      Array.from({ length: 20 }, () => 'a'),
      0,
    );
    pace.note(['b'], timing.quietMs - 1);
    expect(pace.size).toBe(2);
    pace.note(['a'], timing.quietMs);
    expect([pace.size, pace.waitMs('a', timing.quietMs)]).toEqual([2, 0]);
    pace.note(['c'], timing.quietMs * 3);
    expect(pace.size).toBe(1);
  });

  it('lets nobody do more than the burst and what the waits leave, whenever he asks', () => {
    const gap = fc.integer({ min: 0, max: 5_000 });
    fc.assert(
      fc.property(fc.array(gap, { maxLength: 300 }), (gaps) => {
        const pace = new Pace(timing);
        let nowMs = 0;
        let done = 0;
        for (const gapMs of gaps) {
          nowMs += gapMs;
          if (pace.waitMs('a', nowMs) > 0) continue;
          pace.note(['a'], nowMs);
          done += 1;
        }
        expect(done).toBeLessThanOrEqual(timing.burst + 6 + nowMs / timing.capMs);
      }),
    );
  });
});
