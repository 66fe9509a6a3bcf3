import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinedVfRanges, parseVfRanges, vfRangesText } from '../../src/config/vf-ranges.js';

const numbers = fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 60 });

describe('ranges of VFs', () => {
  it('are read from numbers and ranges, spaces or not', () => {
    expect(parseVfRanges('0-3, 7 ,9 - 10')).toEqual([
      { first: 0, last: 3 },
      { first: 7, last: 7 },
      { first: 9, last: 10 },
    ]);
  });

  it('are joined where they touch, in any order', () => {
    expect(vfRangesText(joinedVfRanges(parseVfRanges('7,0-3,4,9-10,8-20')))).toBe('0-4,7-20');
  });

  it('hold just the numbers that were written', () => {
    fc.assert(
      fc.property(numbers, (list) => {
        const ranges = parseVfRanges(vfRangesText(joinedVfRanges(parseVfRanges(list.join(',')))));
        const all = ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
        expect(all).toEqual([...list].sort((a, b) => a - b));
      }),
    );
  });
});
