import { describe, expect, it } from 'vitest';
import { FirstSeen } from '../../src/config/seen.js';

describe('FirstSeen', () => {
  it('names the first place of a value that comes again', () => {
    const seen = new FirstSeen();
    expect(seen.before('a', ['x', 0])).toBeUndefined();
    expect(seen.before('b', ['x', 1])).toBeUndefined();
    expect(seen.before('a', ['x', 2])).toBe('x[0]');
    expect(seen.before('a', ['x', 3])).toBe('x[0]');
  });
});
