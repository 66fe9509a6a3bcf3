import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../src/adapters/token-bucket.js';

describe('a token bucket', () => {
  it('lets a burst through and then one per refill', () => {
    const bucket = new TokenBucket({ burst: 2, refillMs: 100 }, 0);
    expect(bucket.isFull(0)).toBe(true);
    bucket.take(0);
    bucket.take(0);
    expect(bucket.waitMs(0)).toBe(100);
    expect(bucket.waitMs(60)).toBe(40);
    expect(bucket.waitMs(100)).toBe(0);
    bucket.take(100);
    expect(bucket.isFull(299)).toBe(false);
    expect(bucket.isFull(300)).toBe(true);
  });

  it('never gives more than a burst and one per refill, whenever it is asked', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 100 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 5 }), (steps, burst) => {
        const bucket = new TokenBucket({ burst, refillMs: 100 }, 0);
        let nowMs = 0;
        let taken = 0;
        for (const step of steps) {
          nowMs += step;
          if (bucket.waitMs(nowMs) > 0) continue;
          bucket.take(nowMs);
          taken += 1;
        }
        expect(taken).toBeLessThanOrEqual(burst + nowMs / 100);
      }),
    );
  });
});
