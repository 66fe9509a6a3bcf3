/**
 * Conditions on rows (RFC 7047 section 5.1) with the operator semantics of the server, for monitors, for `where` clauses
 * and for queries of the replica. All or nothing is said as `true` or `false`: an empty list means "all" to the server in
 * one place and "none" to its own client library in another.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { ColumnType } from './column-type.js';
import { columnType } from './column-type.js';
import { decodeValue } from './decode-value.js';
import { encodePart, encodeValue } from './encode-value.js';
import type { TableSchema } from './schema.js';
import type { Atom, Json, Row, Value } from './types.js';
import { isSetValue, sameValue } from './value-model.js';

export type ConditionFunction = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'includes' | 'excludes';

/** One test of one column. The value is given as for an insert. `_uuid` is a column here. */
export type ConditionClause = readonly [column: string, fn: ConditionFunction, value: unknown];

/**
 * `true` is every row, `false` none. Clauses of a `where` and of a query must all hold; of the clauses of a monitor
 * condition one is enough (ovsdb-server(7), "Monitor_cond").
 */
export type Condition = boolean | readonly ConditionClause[];

export interface CompiledCondition {
  /** For the wire: `[true]`, `[false]` or the clauses. Never empty. */
  readonly json: readonly Json[];
  /** The columns that are tested. */
  readonly columns: readonly string[];
  /** A column that must have exactly this value for all clauses to hold, if there is one. */
  readonly equality: { readonly column: string; readonly value: Value } | undefined;
  /** As the server judges `where`. */
  matchesAll(row: Row): boolean;
  /** As the server judges a monitor condition. */
  matchesAny(row: Row): boolean;
}

interface CompiledClause {
  readonly column: string;
  readonly fn: ConditionFunction;
  readonly value: Value;
  readonly type: ColumnType;
  readonly json: Json;
}

const uuidType = columnType({ key: { type: 'uuid' }, min: 1, max: 1 });
const orderFunctions: readonly string[] = ['<', '<=', '>', '>='] satisfies ConditionFunction[];

function refuse(message: string, table: string, column: string, fn?: string): AgentError {
  const facts = { table, column: safeText(column, 64), function: fn && safeText(fn, 16) };
  return new AgentError('OVSDB_VALUE_INVALID', message, { facts });
}

function typeOf(table: TableSchema, column: string): ColumnType {
  if (column === '_uuid') return uuidType;
  const found = table.columns.get(column);
  if (found !== undefined) return found.type;
  const facts = { table: table.name, column: safeText(column, 64) };
  throw new AgentError('OVSDB_SCHEMA_MISMATCH', 'the schema of the server lacks the column', { facts });
}

function checkFunction(type: ColumnType, fn: ConditionFunction, table: string, column: string): void {
  if (!orderFunctions.includes(fn)) return;
  const isNumeric = type.key.type === 'integer' || type.key.type === 'real';
  const isSingle = type.kind === 'scalar' || type.kind === 'optional';
  if (!isNumeric || !isSingle) throw refuse('this column has no order for the server', table, column, fn);
}

/** `includes` and `excludes` take a part of the column (condition.c, ovsdb_clause_from_json). */
function encodeArgument(type: ColumnType, fn: ConditionFunction, value: unknown, table: string, column: string): Json {
  const place = { table, column };
  return fn === 'includes' || fn === 'excludes' ? encodePart(type, value, place) : encodeValue(type, value, place);
}

function compileClause(table: TableSchema, clause: ConditionClause): CompiledClause {
  const [column, fn, given] = clause;
  const type = typeOf(table, column);
  checkFunction(type, fn, table.name, column);
  if (given === undefined && orderFunctions.includes(fn)) throw refuse('nothing has no order', table.name, column, fn);
  const json = encodeArgument(type, fn, given, table.name, column);
  return { column, fn, type, value: decodeValue(type, json), json: [column, fn, json] };
}

function sizeOf(value: Value): number {
  if (value === undefined) return 0;
  if (typeof value !== 'object') return 1;
  return isSetValue(value) ? value.length : value.size;
}

/** How many members of `part` the column has; pairs count whole. */
function commonCount(column: Value, part: Value): number {
  if (column === undefined || part === undefined) return 0;
  if (typeof column !== 'object' || typeof part !== 'object') return sameValue(column, part) ? 1 : 0;
  if (isSetValue(column)) return isSetValue(part) ? part.filter((atom) => column.includes(atom)).length : 0;
  return isSetValue(part) ? 0 : [...part].filter(([key, item]) => column.get(key) === item).length;
}

function isOrdered(column: Atom, fn: ConditionFunction, value: Atom): boolean {
  switch (fn) {
    case '<':
      return column < value;
    case '<=':
      return column <= value;
    case '>':
      return column > value;
    default:
      return column >= value;
  }
}

function holds({ column, fn, value }: CompiledClause, row: Row): boolean {
  const actual = row[column];
  switch (fn) {
    case '==':
      return sameValue(actual, value);
    case '!=':
      return !sameValue(actual, value);
    case 'includes':
      return commonCount(actual, value) === sizeOf(value);
    case 'excludes':
      return commonCount(actual, value) === 0;
    default:
      if (actual === undefined || value === undefined || typeof actual === 'object' || typeof value === 'object')
        return false;
      return isOrdered(actual, fn, value);
  }
}

function compileConstant(value: boolean): CompiledCondition {
  return { json: [value], columns: [], equality: undefined, matchesAll: () => value, matchesAny: () => value };
}

/**
 * Checks a condition against the schema and makes it ready for the wire and for rows. Throws OVSDB_SCHEMA_MISMATCH for an
 * unknown column, OVSDB_VALUE_INVALID for a value or function that the server would refuse and for an empty list.
 */
export function compileCondition(table: TableSchema, condition: Condition): CompiledCondition {
  if (typeof condition === 'boolean') return compileConstant(condition);
  if (condition.length === 0) {
    throw new AgentError('OVSDB_VALUE_INVALID', 'an empty condition is ambiguous: say true or false', {
      facts: { table: table.name },
    });
  }
  const clauses = condition.map((clause) => compileClause(table, clause));
  const equality = clauses.find(({ fn }) => fn === '==');
  return {
    json: clauses.map(({ json }) => json),
    columns: [...new Set(clauses.map(({ column }) => column))],
    equality: equality && { column: equality.column, value: equality.value },
    matchesAll: (row) => clauses.every((clause) => holds(clause, row)),
    matchesAny: (row) => clauses.some((clause) => holds(clause, row)),
  };
}

/** The condition for the wire. Throws as `compileCondition`. */
export function encodeCondition(table: TableSchema, condition: Condition): readonly Json[] {
  return compileCondition(table, condition).json;
}

/** Whether one clause of the condition holds, as the server judges a monitor condition. Throws as `compileCondition`. */
export function matches(table: TableSchema, condition: Condition, row: Row): boolean {
  return compileCondition(table, condition).matchesAny(row);
}
