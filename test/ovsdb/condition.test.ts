import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { AgentError } from '../../src/lib/errors.js';
import type { ConditionClause, ConditionFunction } from '../../src/ovsdb/condition.js';
import { compileCondition, encodeCondition, matches } from '../../src/ovsdb/condition.js';
import { Replica } from '../../src/ovsdb/replica.js';
import { parseSchema } from '../../src/ovsdb/schema.js';
import type { Json, JsonObject } from '../../src/ovsdb/types.js';
import { decodeValue } from '../../src/ovsdb/values.js';
import { parseJsonExact } from '../../src/ovsdb/wire/json-exact.js';

/** What ovsdb-server 3.1.0 answered, for each function, column and value. */
interface Vectors {
  readonly schema: Json;
  readonly rows: readonly JsonObject[];
  readonly cases: readonly [column: string, fn: ConditionFunction, value: Json, answer: string[] | { error: string }][];
}
const vectors = parseJsonExact(
  readFileSync(new URL('../vectors/ovsdb/conditions.json', import.meta.url), 'utf8'),
) as unknown as Vectors;
const table = parseSchema(vectors.schema).tables.get('T')!;
const replica = new Replica(parseSchema(vectors.schema), new Map([['T', [...table.columns.keys()]]]));
replica.applyUpdate('update2', {
  T: Object.fromEntries(vectors.rows.map((row, i) => [`00000000-0000-0000-0000-00000000000${i}`, { insert: row }])),
});

const labels = (rows: readonly { readonly [column: string]: unknown }[]): unknown[] =>
  rows.map((row) => row['label']).sort();

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

describe('conditions', () => {
  it.each(vectors.cases)('%s %s %j selects the rows that the server selects', (column, fn, json, answer) => {
    const clause: ConditionClause = [column, fn, decodeValue(table.columns.get(column)!.type, json)];
    if (!Array.isArray(answer)) {
      expect(codeOf(() => compileCondition(table, [clause]))).toBe('OVSDB_VALUE_INVALID');
      return;
    }
    expect(labels(replica.table('T').where([clause]))).toEqual(answer);
    expect(labels([...replica.table('T').rows()].filter((row) => matches(table, [clause], row)))).toEqual(answer);
  });

  it('join by "and" in queries and by "or" in monitors', () => {
    const compiled = compileCondition(table, [
      ['i', '>', 0],
      ['b', '==', true],
    ]);
    const rows = [...replica.table('T').rows()];
    expect(labels(rows.filter((row) => compiled.matchesAll(row)))).toEqual(['one']);
    expect(labels(rows.filter((row) => compiled.matchesAny(row)))).toEqual(['one', 'two']);
  });

  it('say all and nothing explicitly on the wire', () => {
    expect(encodeCondition(table, true)).toEqual([true]);
    expect(encodeCondition(table, false)).toEqual([false]);
    expect(codeOf(() => encodeCondition(table, []))).toBe('OVSDB_VALUE_INVALID');
    expect(labels(replica.table('T').where(true))).toHaveLength(4);
    expect(labels(replica.table('T').where(false))).toEqual([]);
  });

  it('encode values as the column wants them', () => {
    expect(encodeCondition(table, [['m', 'includes', { k: 'v' }]])).toEqual([['m', 'includes', ['map', [['k', 'v']]]]]);
    expect(encodeCondition(table, [['si', '==', new Set([1])]])).toEqual([['si', '==', ['set', [1]]]]);
  });

  it('find a row by its identity', () => {
    const [row] = replica.table('T').rows();
    expect(replica.table('T').where([['_uuid', '==', row!._uuid]])).toEqual([row]);
  });

  it('refuse columns that do not exist', () => {
    expect(codeOf(() => encodeCondition(table, [['nope', '==', 1]]))).toBe('OVSDB_SCHEMA_MISMATCH');
  });
});
