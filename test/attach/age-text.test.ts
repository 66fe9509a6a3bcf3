import { describe, expect, it } from 'vitest';
import { formatSpan } from '../../src/attach/age-text.js';

describe('a span of time', () => {
  it.each([
    [-5_000, '0 s'],
    [999, '0 s'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1 h'],
    [86_400_000 * 12.5, '12 d'],
  ])('of %d ms reads %s', (ms, text) => {
    expect(formatSpan(ms)).toBe(text);
  });
});
