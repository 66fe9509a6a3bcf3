import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { applyDiff } from '../../src/ovsdb/diff.js';
import type { Atom } from '../../src/ovsdb/types.js';
import { emptyMap, emptySet, parseColumnType, valuesEqual } from '../../src/ovsdb/values.js';

const set = parseColumnType({ key: 'integer', min: 0, max: 'unlimited' }, 'c');
const map = parseColumnType({ key: 'string', value: 'integer', min: 0, max: 'unlimited' }, 'c');
const mapOfOne = parseColumnType({ key: 'string', value: 'integer', min: 0, max: 1 }, 'c');
const numbers = fc.uniqueArray(fc.nat(40), { maxLength: 30 });
const entries = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.nat(3))
  .map((o) => new Map<Atom, Atom>(Object.entries(o)));

describe('applyDiff', () => {
  it('takes a set to any other by its symmetric difference', () => {
    fc.assert(
      fc.property(numbers, numbers, (old, next) => {
        const diff = [...old.filter((n) => !next.includes(n)), ...next.filter((n) => !old.includes(n))];
        expect(valuesEqual(set, applyDiff(set, old, diff), next)).toBe(true);
      }),
    );
  });

  it('takes a map to any other by the difference that the server sends', () => {
    fc.assert(
      fc.property(entries, entries, (old, next) => {
        const diff = new Map<Atom, Atom>();
        for (const [key, item] of old) if (!next.has(key)) diff.set(key, item);
        for (const [key, item] of next) if (old.get(key) !== item) diff.set(key, item);
        expect(valuesEqual(map, applyDiff(map, old, diff), next)).toBe(true);
      }),
    );
  });

  it('never changes its arguments', () => {
    const old = Object.freeze([1, 2]);
    const before = new Map<Atom, Atom>([['a', 1]]);
    applyDiff(set, old, [2, 3]);
    applyDiff(map, before, new Map([['a', 1]]));
    expect([old, [...before]]).toEqual([[1, 2], [['a', 1]]]);
  });

  it('gives the shared empty values when nothing is left', () => {
    expect(applyDiff(set, [1], [1])).toBe(emptySet);
    expect(applyDiff(map, new Map([['a', 1]]), new Map([['a', 1]]))).toBe(emptyMap);
  });

  it('replaces what holds at most one member, maps included', () => {
    expect(applyDiff(mapOfOne, new Map([['a', 1]]), new Map([['b', 2]]))).toEqual(new Map([['b', 2]]));
    expect(applyDiff(parseColumnType({ key: 'integer', min: 0, max: 1 }, 'c'), 5, undefined)).toBeUndefined();
    expect(applyDiff(parseColumnType('string', 'c'), 'a', 'b')).toBe('b');
  });
});
