import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseOfport, deriveDatapathId, deriveHwaddr, ofportMax, ofportMin } from '../../src/plan/identity.js';

describe('the identity of a bridge', () => {
  it('is the same each time, and another on each machine and for each name', () => {
    expect(deriveDatapathId('dpu-1', 'br-int')).toBe(deriveDatapathId('dpu-1', 'br-int'));
    const ids = [
      deriveDatapathId('dpu-1', 'br-int'),
      deriveDatapathId('dpu-2', 'br-int'),
      deriveDatapathId('dpu-1', 'b'),
    ];
    expect(new Set(ids).size).toBe(3);
    // A separator keeps "a" + "bc" and "ab" + "c" apart.
    expect(deriveHwaddr('a', 'bc')).not.toBe(deriveHwaddr('ab', 'c'));
  });

  it('is well-formed for any names', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (systemId, bridge) => {
        expect(deriveDatapathId(systemId, bridge)).toMatch(/^0001[0-9a-f]{12}$/);
        expect(deriveHwaddr(systemId, bridge)).toMatch(/^02(:[0-9a-f]{2}){5}$/);
      }),
    );
  });
});

describe('the choice of a number', () => {
  it('is in range, free, and the same each time', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.integer({ min: ofportMin, max: ofportMax })), (name, numbers) => {
        const taken = new Set(numbers);
        const chosen = chooseOfport(name, taken)!;
        expect(chosen).toBeGreaterThanOrEqual(ofportMin);
        expect(chosen).toBeLessThanOrEqual(ofportMax);
        expect(taken.has(chosen)).toBe(false);
        expect(chooseOfport(name, taken)).toBe(chosen);
      }),
    );
  });

  it('finds the last free number, and says when there is none', () => {
    const all = new Set(Array.from({ length: ofportMax - ofportMin + 1 }, (_, index) => ofportMin + index));
    expect(chooseOfport('x', all)).toBeUndefined();
    all.delete(50000);
    expect(chooseOfport('x', all)).toBe(50000);
  });
});
