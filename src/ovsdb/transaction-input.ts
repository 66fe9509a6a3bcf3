/**
 * What the builder of transactions takes, typed by the generated tables, and its way onto the wire: columns are looked up
 * in the schema of the server and values are checked before anything is sent. Holds no state.
 */
import { AgentError } from '../lib/errors.js';
import { type EncodedClause, type EncodedMutation, type EncodedWhere, isArray } from './operation.js';
import { RowHandle } from './row-handle.js';
import type { ColumnSchema, DatabaseSchema, TableSchema } from './schema.js';
import type { DatabaseTypes, Json, Ref, RowOf, TableName, UpdateOf, Uuid } from './types.js';
import { type ColumnType, encodePart, encodeValue } from './values.js';

/** A database whose tables are not generated: every column takes any value, checked at run time only. */
export type AnyDatabase = Readonly<Record<string, object>>;

export type ColumnName<Database extends DatabaseTypes, Table extends TableName<Database>> = Extract<
  keyof RowOf<Database, Table>,
  string
>;

/** Columns that a change may name: not `_uuid`, not the immutable ones. */
export type UpdateColumn<Database extends DatabaseTypes, Table extends TableName<Database>> = Extract<
  keyof UpdateOf<Database, Table>,
  string
>;

/** What a change of one column takes. */
export type ColumnInput<
  Database extends DatabaseTypes,
  Table extends TableName<Database>,
  Column extends UpdateColumn<Database, Table>,
> = NonNullable<UpdateOf<Database, Table>[Column]>;

/** RFC 7047 section 5.1, `<function>`. */
export type ClauseFunction = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'includes' | 'excludes';

/** RFC 7047 section 5.1, `<mutator>`. */
export type Mutator = '+=' | '-=' | '*=' | '/=' | '%=' | 'insert' | 'delete';

/** One clause of a `where`; several are joined by "and". */
export type Clause<Database extends DatabaseTypes, Table extends TableName<Database>> = readonly [
  column: ColumnName<Database, Table>,
  fn: ClauseFunction,
  value: unknown,
];

/** One row: by its uuid, or by the handle of an insert of the same transaction. */
export type RowTarget<Table extends string> = Uuid | Ref<Table> | RowHandle<Table>;

/**
 * Which rows an operation is about. `where` on anything but `_uuid` is a full scan in ovsdb-server up to 3.x: resolve to
 * the uuid through the replica where it matters. `{ all: true }` is the only way to say every row of the table.
 */
export type Target<Database extends DatabaseTypes, Table extends TableName<Database>> =
  RowTarget<Table> | { readonly where: readonly Clause<Database, Table>[] } | { readonly all: true };

export interface InsertOptions {
  /**
   * The uuid of the new row, for Open vSwitch 2.13 and later. Makes a repeat after a lost connection safe: it is refused
   * with OVSDB_DUPLICATE_UUID instead of making a second row.
   */
  readonly uuid?: Uuid;
  /** The `uuid-name`, for readable descriptions. Default `row1`, `row2` … */
  readonly name?: string;
}

export interface UpdateOptions<Column extends string> {
  /**
   * Maps and sets of references that are meant to be written whole. Other writers' elements are lost then; without this
   * such columns are refused, because `setKeys`, `deleteKeys`, `addToSet` and `removeFromSet` touch only what they name.
   */
  readonly replaceWhole?: readonly Column[];
}

export interface WaitOptions<Database extends DatabaseTypes, Table extends TableName<Database>> {
  readonly target: Target<Database, Table>;
  readonly until: '==' | '!=';
  readonly columns: readonly ColumnName<Database, Table>[];
  /** The rows that the selected ones are compared with, as a set. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** 0 to 60 000; default 0: the condition holds now, or the transaction fails. */
  readonly timeoutMs?: number;
}

/** The schema of a table, or SCHEMA_MISMATCH: the server's schema is older than the caller. */
export function findTable(schema: DatabaseSchema, table: string): TableSchema {
  const found = schema.tables.get(table);
  if (found !== undefined) return found;
  throw new AgentError('OVSDB_SCHEMA_MISMATCH', 'the schema of the server lacks the table', {
    facts: { database: schema.name, table },
  });
}

/** The schema of a column, or SCHEMA_MISMATCH. */
export function findColumn(table: TableSchema, column: string): ColumnSchema {
  const found = table.columns.get(column);
  if (found !== undefined) return found;
  throw new AgentError('OVSDB_SCHEMA_MISMATCH', 'the schema of the server lacks the column', {
    facts: { table: table.name, column },
  });
}

/** The type of `_uuid` and `_version`, which stand in no schema. */
export const uuidType: ColumnType = { kind: 'scalar', key: { type: 'uuid' }, min: 1, max: 1 };

/** The value of a whole column, checked in full. */
export function encodeColumn(table: TableSchema, column: string, value: unknown): Json {
  return encodeValue(findColumn(table, column).type, value, { table: table.name, column });
}

/** The columns of an insert, an update or a `wait`; a column whose value is `undefined` is left out when `isInsert`. */
export function encodeRow(table: TableSchema, values: object, isInsert: boolean): Map<string, Json> {
  const row = new Map<string, Json>();
  for (const [column, value] of Object.entries(values) as [string, unknown][]) {
    if (value === undefined && isInsert) continue;
    row.set(column, encodeColumn(table, column, value));
  }
  return row;
}

/** The clauses of a target. An empty list comes only from `{ all: true }`. */
export function encodeTarget(table: TableSchema, target: unknown): EncodedWhere {
  if (typeof target === 'string' || target instanceof RowHandle) return [encodeClause(table, ['_uuid', '==', target])];
  if (isRecord(target) && target['all'] === true) return [];
  const clauses: unknown = isRecord(target) ? target['where'] : undefined;
  if (!Array.isArray(clauses) || clauses.length === 0) throw emptyWhere(table);
  return encodeClauses(table, clauses as readonly (readonly [string, string, unknown])[]);
}

export function encodeClauses(
  table: TableSchema,
  clauses: readonly (readonly [string, string, unknown])[],
): readonly EncodedClause[] {
  return clauses.map((clause) => encodeClause(table, clause));
}

function encodeClause(
  table: TableSchema,
  [column, fn, value]: readonly [column: string, fn: string, value: unknown],
): EncodedClause {
  const type = column === '_uuid' ? uuidType : findColumn(table, column).type;
  const place = { table: table.name, column };
  // "includes" and "excludes" compare with any part of a set or map, so its least size does not count.
  const isPart = fn === 'includes' || fn === 'excludes';
  return [column, fn, isPart ? encodePart(type, value, place) : encodeValue(type, value, place)];
}

/** On the wire an empty `where` is every row of the table; nobody means that by leaving it empty. */
function emptyWhere(table: TableSchema): AgentError {
  return new AgentError('OVSDB_VALUE_INVALID', 'an empty "where" would match every row of the table', {
    facts: { table: table.name },
    remedy: 'Name the rows, or say { all: true }.',
  });
}

/** Whether several writers share the column element by element: a map, or a set of references. */
export function isShared(type: ColumnType): boolean {
  return type.kind === 'map' || (type.kind === 'set' && type.key.type === 'uuid');
}

/** A mutation with a checked argument. */
export function encodeMutation(table: TableSchema, column: string, mutator: Mutator, value: unknown): EncodedMutation {
  const { mutable, type } = findColumn(table, column);
  const place = { table: table.name, column };
  if (!mutable) {
    throw new AgentError('OVSDB_VALUE_INVALID', 'the column cannot be changed after the insert', { facts: place });
  }
  if (mutator === 'insert' || mutator === 'delete') {
    const isKeys = mutator === 'delete' && type.kind === 'map' && (Array.isArray(value) || value instanceof Set);
    return [column, mutator, encodePart(isKeys ? keySet(type) : type, value, place)];
  }
  // RFC 7047 section 5.1: arithmetic takes one number, whatever the size of the column.
  const number: ColumnType = { kind: 'scalar', key: { type: type.key.type }, min: 1, max: 1 };
  return [column, mutator, encodeValue(number, value, place)];
}

/** The mutations that overwrite keys of a map: `insert` alone never does (RFC 7047 section 5.1). */
export function encodeSetKeys(table: TableSchema, column: string, entries: unknown): readonly EncodedMutation[] {
  const insert = encodeMutation(table, column, 'insert', entries);
  const keys: Json[] = [];
  const pairs = isArray(insert[2]) ? insert[2][1] : undefined;
  if (isArray(pairs)) for (const pair of pairs) if (isArray(pair) && pair[0] !== undefined) keys.push(pair[0]);
  return [[column, 'delete', ['set', keys]], insert];
}

function keySet(type: ColumnType): ColumnType {
  return { kind: 'set', key: type.key, min: 0, max: Infinity };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
