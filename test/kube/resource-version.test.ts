import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions } from '../../src/kube/resource-version.js';

describe('resource versions', () => {
  it('have the order of the numbers that they are, however long', () => {
    const number = fc.bigInt({ min: 0n, max: 2n ** 64n });
    fc.assert(
      fc.property(number, number, (a, b) => {
        const order = compareVersions(String(a), String(b));
        expect(Math.sign(order ?? NaN)).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it('have none where they are something else', () => {
    for (const [a, b] of [
      ['7', 'x'],
      ['07', '7'],
      ['', '1'],
      ['-1', '1'],
      ['1.0', '1'],
    ] as const) {
      expect(compareVersions(a, b)).toBeUndefined();
    }
    expect(compareVersions('x', 'x')).toBe(0);
  });
});
