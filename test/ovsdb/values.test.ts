import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AgentError } from '../../src/lib/errors.js';
import { RowHandle } from '../../src/ovsdb/row-handle.js';
import type { Atom, Json, Value } from '../../src/ovsdb/types.js';
import type { ColumnType } from '../../src/ovsdb/values.js';
import {
  decodeValue,
  defaultValue,
  emptyMap,
  emptySet,
  encodePart,
  encodeValue,
  isUuid,
  parseColumnType,
  toUuid,
  valuesEqual,
} from '../../src/ovsdb/values.js';

const typeOf = (json: Json): ColumnType => parseColumnType(json, 'T.c');
const set = (key: Json, min = 0, max: Json = 'unlimited'): ColumnType => typeOf({ key, min, max });
const map = (key: Json, value: Json): ColumnType => typeOf({ key, value, min: 0, max: 'unlimited' });
const uuid = toUuid('01234567-89ab-CDEF-0123-456789abcdef');

function refusal(run: () => unknown): AgentError {
  try {
    run();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const atoms: Record<string, fc.Arbitrary<Atom>> = {
  integer: fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
  real: fc.double({ noNaN: true, noDefaultInfinity: true }),
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

  it('decode a bare atom as a set of one, and a set of one as an atom', () => {
    expect(decodeValue(set('integer'), 5)).toEqual([5]);
    expect(decodeValue(typeOf('integer'), ['set', [5]])).toBe(5);
    expect(decodeValue(set('uuid'), ['uuid', uuid])).toEqual([uuid]);
    expect(decodeValue(set('uuid', 0, 1), ['uuid', uuid])).toBe(uuid);
    expect(decodeValue(set('uuid', 0, 1), ['set', []])).toBeUndefined();
  });

  it('share the empty set and the empty map', () => {
    expect(decodeValue(set('string'), ['set', []])).toBe(emptySet);
    expect(decodeValue(map('string', 'string'), ['map', []])).toBe(emptyMap);
    expect(defaultValue(set('string'))).toBe(emptySet);
  });

  it('decode integers however they are spelled, exactly', () => {
    expect(decodeValue(typeOf('integer'), -0)).toBe(0);
    expect(decodeValue(typeOf('integer'), 1e17)).toBe(100000000000000000n);
    expect(decodeValue(typeOf('real'), 9007199254740993n)).toBe(9007199254740992);
  });

  it.each<[string, ColumnType, Json]>([
    ['text for an integer', typeOf('integer'), '1'],
    ['a fraction for an integer', typeOf('integer'), 1.5],
    ['an integer beyond 64 bits', typeOf('integer'), 2n ** 63n],
    ['a number for text', typeOf('string'), 1],
    ['text for a uuid', typeOf('uuid'), uuid],
    ['a bad uuid', typeOf('uuid'), ['uuid', 'x']],
    ['a named uuid', typeOf('uuid'), ['named-uuid', 'x']],
    ['null', typeOf('boolean'), null],
    ['two values for a scalar', typeOf('integer'), ['set', [1, 2]]],
    ['no value for a scalar', typeOf('integer'), ['set', []]],
    ['two values for an optional', set('integer', 0, 1), ['set', [1, 2]]],
    ['a map for a set', set('integer'), ['map', []]],
    ['a set for a map', map('string', 'string'), ['set', []]],
    ['a pair of three', map('string', 'string'), ['map', [['a', 'b', 'c']]]],
    ['an object', typeOf('string'), { a: 1 }],
  ])('refuse to decode %s', (_what, type, json) => {
    expect(refusal(() => decodeValue(type, json)).code).toBe('PEER_PROTOCOL');
  });

  it('have the defaults of the server', () => {
    expect(['integer', 'real', 'boolean', 'string'].map((type) => defaultValue(typeOf(type)))).toEqual([
      0,
      0,
      false,
      '',
    ]);
    expect(defaultValue(typeOf('uuid'))).toBe('00000000-0000-0000-0000-000000000000');
    expect(defaultValue(set('integer', 0, 1))).toBeUndefined();
    expect(defaultValue(set('string', 1))).toEqual(['']);
  });

  it('compare sets and maps without regard to order', () => {
    expect(valuesEqual(set('integer'), [1, 2, 3], [3, 1, 2])).toBe(true);
    expect(valuesEqual(set('integer'), [1, 2], [1, 3])).toBe(false);
    expect(valuesEqual(set('integer', 0, 1), undefined, 0)).toBe(false);
    const a = new Map([
      ['x', 1],
      ['y', 2],
    ]);
    expect(
      valuesEqual(
        map('string', 'integer'),
        a,
        new Map([
          ['y', 2],
          ['x', 1],
        ]),
      ),
    ).toBe(true);
    expect(
      valuesEqual(
        map('string', 'integer'),
        a,
        new Map([
          ['x', 1],
          ['z', 2],
        ]),
      ),
    ).toBe(false);
  });
});

describe('encodeValue', () => {
  const ranged = typeOf({ key: { type: 'integer', minInteger: 1, maxInteger: 9 } });
  const mode = typeOf({ key: { type: 'string', enum: ['set', ['up', 'down']] } });
  const code = typeOf({ key: { type: 'integer', enum: ['set', [1, 2]] } });
  const short = typeOf({ key: { type: 'string', minLength: 1, maxLength: 2 } });
  const ports = set({ type: 'uuid', refTable: 'Port' });

  it('takes Sets, Maps, records, bigints and handles of new rows', () => {
    expect(encodeValue(set('string'), new Set(['a']))).toEqual(['set', ['a']]);
    expect(encodeValue(map('string', 'integer'), { a: 1n })).toEqual(['map', [['a', 1n]]]);
    expect(encodeValue(map('integer', 'string'), { 5: 'x' })).toEqual(['map', [[5, 'x']]]);
    expect(encodeValue(ports, [new RowHandle('Port', 'p1'), uuid])).toEqual([
      'set',
      [
        ['named-uuid', 'p1'],
        ['uuid', uuid],
      ],
    ]);
    expect(encodeValue(set('uuid', 0, 1), undefined)).toEqual(['set', []]);
    expect(encodeValue(code, 2n)).toBe(2n);
    expect(encodeValue(short, '😀😀')).toBe('😀😀');
  });

  it.each<[string, ColumnType, unknown]>([
    ['an integer below the range', ranged, 0],
    ['an integer above the range', ranged, 10n],
    ['an unsafe number', typeOf('integer'), 2 ** 53],
    ['a bigint of more than 64 bits', typeOf('integer'), 2n ** 63n],
    ['a fraction', typeOf('integer'), 1.5],
    ['NaN', typeOf('real'), NaN],
    ['a real below the range', typeOf({ key: { type: 'real', minReal: 0 } }), -0.5],
    ['text that is not in the enumeration', mode, 'sideways'],
    ['an integer that is not in the enumeration', code, 3],
    ['text too short', short, ''],
    ['text too long', short, 'abc'],
    ['U+0000', typeOf('string'), 'a\u0000'],
    ['a lone surrogate', typeOf('string'), '\ud83d'],
    ['text for a boolean', typeOf('boolean'), 'true'],
    ['upper case in a uuid', typeOf('uuid'), uuid.toUpperCase()],
    ['a handle of another table', ports, [new RowHandle('Bridge', 'b')]],
    ['an array for a scalar', typeOf('string'), ['a']],
    ['an atom for a set', set('string'), 'a'],
    ['too many members', set('integer', 0, 2), [1, 2, 3]],
    ['too few members', set('integer', 1), []],
    ['a member twice', set('string'), ['a', 'a']],
    ['an integer twice, once as bigint', set('integer'), [1, 1n]],
    ['null for an optional', set('string', 0, 1), null],
    ['an array for a map', map('string', 'string'), [['a', 'b']]],
    ['a bad value in a map', map('string', 'integer'), { a: 'x' }],
    ['a bad integer key', map('integer', 'string'), { x: 'y' }],
    ['a record with real keys', map('real', 'string'), { 1: 'y' }],
    ['undefined for a scalar', typeOf('string'), undefined],
  ])('refuses %s and names the place', (_what, type, value) => {
    const error = refusal(() => encodeValue(type, value, { table: 'Port', column: 'tag' }));
    expect(error.code).toBe('OVSDB_VALUE_INVALID');
    expect(error.message).toContain('Port.tag');
    expect(error.facts).toMatchObject({ table: 'Port', column: 'tag' });
    expect([typeof error.facts['rule'], typeof error.facts['value']]).toEqual(['string', 'string']);
  });

  it('lets a part of a set be smaller than the set may be, but not doubled', () => {
    expect(encodePart(set('integer', 1), [])).toEqual(['set', []]);
    expect(refusal(() => encodePart(set('integer'), [1, 1])).code).toBe('OVSDB_VALUE_INVALID');
  });
});

describe('uuids', () => {
  it('are lower case and of one form', () => {
    expect(uuid).toBe('01234567-89ab-cdef-0123-456789abcdef');
    expect(isUuid(uuid)).toBe(true);
    for (const bad of ['', 'x', `${uuid}0`, uuid.replace('-', '+')]) {
      expect(isUuid(bad)).toBe(false);
      expect(refusal(() => toUuid(bad)).code).toBe('OVSDB_VALUE_INVALID');
    }
  });
});

describe('parseColumnType', () => {
  it.each<[string, Json]>([
    ['an unknown type', 'float'],
    ['no type', {}],
    ['a max of zero', { key: 'integer', max: 0 }],
    ['a min of two', { key: 'integer', min: 2, max: 3 }],
    ['an enum of objects', { key: { type: 'string', enum: { a: 1 } } }],
    ['a bound that is text', { key: { type: 'integer', minInteger: '1' } }],
    ['a length that is text', { key: { type: 'string', maxLength: 'x' } }],
    ['a refType of its own', { key: { type: 'uuid', refTable: 'T', refType: 'loose' } }],
    ['a refTable that is a number', { key: { type: 'uuid', refTable: 1 } }],
  ])('refuses %s and says where', (_what, json) => {
    const error = refusal(() => typeOf(json));
    expect([error.code, error.facts['where']]).toEqual(['PEER_PROTOCOL', 'T.c']);
  });
});
