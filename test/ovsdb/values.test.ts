import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Atom, Json, Value } from '../../src/ovsdb/types.js';
import type { ColumnType } from '../../src/ovsdb/values.js';
import { decodeValue, encodeValue, parseColumnType, toUuid, valuesEqual } from '../../src/ovsdb/values.js';
import { isStorableReal } from '../../src/ovsdb/wire/json-exact.js';

const typeOf = (json: Json): ColumnType => parseColumnType(json, 'T.c');
const set = (key: Json, min = 0, max: Json = 'unlimited'): ColumnType => typeOf({ key, min, max });
const map = (key: Json, value: Json): ColumnType => typeOf({ key, value, min: 0, max: 'unlimited' });
const atoms: Record<string, fc.Arbitrary<Atom>> = {
  integer: fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
  real: fc.double({ noNaN: true, noDefaultInfinity: true }).filter(isStorableReal),
  boolean: fc.boolean(),
  string: fc.string(),
  uuid: fc.uuid().map((text) => toUuid(text)),
};

const typedValue: fc.Arbitrary<[ColumnType, Value]> = fc
  .tuple(
    fc.constantFrom(...Object.keys(atoms)),
    fc.constantFrom(...Object.keys(atoms)),
    fc.constantFrom('scalar', 'optional', 'set', 'map'),
  )
  .chain(([key, value, kind]): fc.Arbitrary<[ColumnType, Value]> => {
    const atom = atoms[key]!;
    if (kind === 'scalar') return atom.map((v) => [typeOf(key), v]);
    if (kind === 'optional') return fc.option(atom, { nil: undefined }).map((v) => [set(key, 0, 1), v]);
    if (kind === 'set') return fc.uniqueArray(atom, { comparator: 'SameValueZero' }).map((v) => [set(key), v]);
    return fc
      .uniqueArray(fc.tuple(atom, atoms[value]!), { selector: ([k]) => k, comparator: 'SameValueZero' })
      .map((v) => [map(key, value), new Map(v)]);
  });

describe('values', () => {
  it('survive the way to the wire and back, of every type', () => {
    fc.assert(
      fc.property(typedValue, ([type, value]) => {
        const back = decodeValue(type, encodeValue(type, value));
        expect(valuesEqual(type, back, value)).toBe(true);
      }),
    );
  });
});
