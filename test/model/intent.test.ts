import { describe, expect, it } from 'vitest';
import { compareSources } from '../../src/model/intent.js';

describe('the order of sources', () => {
  it('puts the lower rank first, then the lower name', () => {
    const sources = [
      { rank: 2, name: 'a' },
      { rank: 0, name: 'b' },
      { rank: 0, name: 'a' },
    ];
    expect([...sources].sort(compareSources)).toEqual([sources[2], sources[1], sources[0]]);
  });

  it('calls equal sources equal', () => {
    expect(compareSources({ rank: 1, name: 'x' }, { rank: 1, name: 'x' })).toBe(0);
  });
});
