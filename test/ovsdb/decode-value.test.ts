import { describe, expect, it } from 'vitest';

import { AgentError } from '../../src/lib/errors.js';
import type { Json } from '../../src/ovsdb/types.js';
import type { ColumnType } from '../../src/ovsdb/values.js';
import { decodeValue, defaultValue, emptyMap, emptySet, parseColumnType, toUuid } from '../../src/ovsdb/values.js';

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

describe('decodeValue', () => {
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
});
