import { describe, expect, it } from 'vitest';

import { AgentError } from '../../src/lib/errors.js';
import type { Json } from '../../src/ovsdb/types.js';
import type { ColumnType } from '../../src/ovsdb/values.js';
import { parseColumnType } from '../../src/ovsdb/values.js';

const typeOf = (json: Json): ColumnType => parseColumnType(json, 'T.c');
function refusal(run: () => unknown): AgentError {
  try {
    run();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

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
