import { describe, expect, it } from 'vitest';

import { AgentError } from '../../src/lib/errors.js';
import type { Json } from '../../src/ovsdb/types.js';
import type { ColumnType } from '../../src/ovsdb/values.js';
import { defaultValue, isUuid, parseColumnType, toUuid, valuesEqual } from '../../src/ovsdb/values.js';

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

describe('values', () => {
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
