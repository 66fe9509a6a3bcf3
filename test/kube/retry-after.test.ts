import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../src/kube/retry-after.js';

const now = Date.UTC(2026, 7, 1, 10);

describe('the wish of a server to be left alone', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    [' 120 ', 120_000],
    ['-5', undefined],
    ['1.5', undefined],
    ['99999999999999999999', undefined],
    ['Sat, 01 Aug 2026 10:00:30 GMT', 30_000],
    ['Sat, 01 Aug 2026 09:00:00 GMT', 0],
    ['tomorrow', undefined],
  ])('of %j is %j', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });
});
