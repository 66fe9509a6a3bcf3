import { describe, expect, it } from 'vitest';

import { AgentError } from '../../src/lib/errors.js';
import { RowHandle } from '../../src/ovsdb/row-handle.js';
import type { Json } from '../../src/ovsdb/types.js';
import type { ColumnType } from '../../src/ovsdb/values.js';
import { encodePart, encodeValue, parseColumnType, toUuid } from '../../src/ovsdb/values.js';

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
