import { describe, expect, it } from 'vitest';

import { StringPool } from '../../src/ovsdb/string-pool.js';

describe('StringPool', () => {
  it('gives back the text whatever its room', () => {
    const pool = new StringPool(2);
    for (let round = 0; round < 2; round++) {
      for (const text of ['a', 'b', 'c', '__proto__']) expect(pool.intern(text)).toBe(text);
    }
  });
});
