import { describe, expect, it } from 'vitest';
import { isSimilar, similarNames } from '../../src/lib/similar.js';

describe('similar names', () => {
  it('are those that go on, or have one letter off', () => {
    expect(similarNames('web', ['web-0', 'wib', 'db', 'we'], 5)).toEqual(['we', 'web-0', 'wib']);
  });

  it('are none of a name that is longer than any', () => {
    expect(isSimilar('a'.repeat(253), 'a')).toBe(true);
    expect(isSimilar('a'.repeat(254), 'a')).toBe(false);
    expect(similarNames('a'.repeat(254), ['a'], 5)).toEqual([]);
  });

  it('are looked for among so many names only', () => {
    let lookedCount = 0;
    function* names(): Generator<string> {
      for (;;) yield `other-${(lookedCount += 1)}`;
    }
    expect(similarNames('web', names(), 5)).toEqual([]);
    expect(lookedCount).toBeLessThanOrEqual(20_001);
  });
});
