import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../src/lib/backoff.js';

const timing = { baseMs: 1000, capMs: 8000 };

describe('the wait before a retry', () => {
  it('has a ceiling that doubles up to the cap', () => {
    const ceilings = [0, 1, 2, 3, 4, 50].map((attempt) => backoffMs(attempt, timing, 1));
    expect(ceilings).toEqual([1000, 2000, 4000, 8000, 8000, 8000]);
  });

  it('is drawn from zero to the ceiling', () => {
    expect(backoffMs(2, timing, 0)).toBe(0);
    expect(backoffMs(2, timing, 0.5)).toBe(2000);
  });

  it('is finite and within the cap for any attempt', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), random, (attempt, baseMs, capMs, drawn) => {
        const waitMs = backoffMs(attempt, { baseMs, capMs }, drawn);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(capMs);
      }),
    );
  });
});
