/**
 * The `wait` that makes a transaction depend on what was read: it fails at once unless the columns of a row are still the
 * same (the "verify" of the other OVSDB clients; RFC 7047 section 5.2.6).
 */
import { AgentError } from '../lib/errors.js';
import type { EncodedClause, WaitOperation } from './operation.js';
import type { TableSchema } from './schema.js';
import { encodeColumn, encodeTarget, findColumn } from './transaction-input.js';
import type { Json } from './types.js';

/** ovsdb-server prints reals with 15 significant digits, so what was read need not be what is stored. */
const realTolerance = 1e-14;

/** The wait for `columns` of `row` as it was read from the replica. */
export function verifyOperation(table: TableSchema, row: object, columns: readonly string[]): WaitOperation {
  const values = row as Readonly<Record<string, unknown>>;
  const exact: Record<string, Json> = {};
  const ranges: EncodedClause[] = [];
  for (const column of columns) {
    const { type } = findColumn(table, column);
    if (type.key.type === 'real' || type.value?.type === 'real')
      ranges.push(...realRange(table, column, values[column]));
    else exact[column] = encodeColumn(table, column, values[column]);
  }
  const isExact = Object.keys(exact).length > 0;
  return {
    op: 'wait',
    table: table.name,
    timeoutMs: 0,
    where: [...encodeTarget(table, values['_uuid']), ...ranges],
    columns: isExact ? Object.keys(exact) : ['_uuid'],
    until: '==',
    rows: [isExact ? exact : { _uuid: ['uuid', values['_uuid'] as string] }],
  };
}

function realRange(table: TableSchema, column: string, value: unknown): readonly EncodedClause[] {
  const { type } = findColumn(table, column);
  if (type.kind !== 'scalar' || typeof value !== 'number') {
    throw new AgentError('OVSDB_VALUE_INVALID', 'only a column of exactly one real can be verified', {
      facts: { table: table.name, column },
    });
  }
  const slack = Math.abs(value) * realTolerance;
  return [
    [column, '>=', value - slack],
    [column, '<=', value + slack],
  ];
}
