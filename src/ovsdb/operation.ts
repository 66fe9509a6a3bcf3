/**
 * The operations of a transaction as plain data, and their wire form (RFC 7047 section 5.2). Built by `Transaction`,
 * read by its description and its hints. Values in here are encoded already.
 */
import type { RowHandle } from './row-handle.js';
import type { Json, JsonObject } from './types.js';

/** One clause of a `where`, encoded: column, function, value. */
export type EncodedClause = readonly [column: string, fn: string, value: Json];
/** One mutation, encoded: column, mutator, value. */
export type EncodedMutation = readonly [column: string, mutator: string, value: Json];

/** Which rows an operation is about. An empty list is every row of the table. */
export type EncodedWhere = readonly EncodedClause[];

export interface InsertOperation {
  readonly op: 'insert';
  readonly table: string;
  readonly handle: RowHandle;
  readonly row: Map<string, Json>;
}

export interface UpdateOperation {
  readonly op: 'update';
  readonly table: string;
  readonly where: EncodedWhere;
  readonly row: Map<string, Json>;
}

export interface MutateOperation {
  readonly op: 'mutate';
  readonly table: string;
  readonly where: EncodedWhere;
  readonly mutations: EncodedMutation[];
}

export interface DeleteOperation {
  readonly op: 'delete';
  readonly table: string;
  readonly where: EncodedWhere;
}

export interface SelectOperation {
  readonly op: 'select';
  readonly table: string;
  readonly where: EncodedWhere;
  readonly columns: readonly string[];
}

export interface WaitOperation {
  readonly op: 'wait';
  readonly table: string;
  readonly where: EncodedWhere;
  readonly columns: readonly string[];
  readonly until: '==' | '!=';
  readonly rows: readonly JsonObject[];
  /** Milliseconds that the server may hold the transaction back until the wait holds. 0 asks once. */
  readonly timeoutMs: number;
}

/** An operation about rows: each has a result that callers can ask for. */
export type RowOperation =
  InsertOperation | UpdateOperation | MutateOperation | DeleteOperation | SelectOperation | WaitOperation;

/** The wire form of one operation. */
export function encodeOperation(operation: RowOperation): JsonObject {
  const { op, table } = operation;
  switch (operation.op) {
    case 'insert':
      return { op, table, row: Object.fromEntries(operation.row), ...identity(operation.handle) };
    case 'update':
      return { op, table, where: operation.where, row: Object.fromEntries(operation.row) };
    case 'mutate':
      return { op, table, where: operation.where, mutations: operation.mutations };
    case 'delete':
      return { op, table, where: operation.where };
    case 'select':
      return { op, table, where: operation.where, columns: operation.columns };
    case 'wait':
      return {
        op,
        table,
        timeout: operation.timeoutMs,
        where: operation.where,
        columns: operation.columns,
        until: operation.until,
        rows: operation.rows,
      };
  }
}

/** A row with a chosen uuid needs no name: every reference to it carries the uuid. */
function identity(handle: RowHandle): JsonObject {
  return handle.uuid === undefined ? { 'uuid-name': handle.name } : { uuid: handle.uuid };
}

/** Calls `visit` for each row reference (`["uuid", …]` or `["named-uuid", …]`) anywhere inside an encoded value. */
export function forEachReference(json: Json, visit: (tag: 'uuid' | 'named-uuid', id: string) => void): void {
  if (!isArray(json)) return;
  const [tag, id] = json;
  if (json.length === 2 && (tag === 'uuid' || tag === 'named-uuid') && typeof id === 'string') visit(tag, id);
  else for (const item of json) forEachReference(item, visit);
}

/** `Array.isArray` for JSON, which TypeScript does not narrow for readonly arrays. */
export function isArray(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

/** The encoded values that an operation writes or compares. */
export function encodedValues(operation: RowOperation): readonly Json[] {
  switch (operation.op) {
    case 'insert':
      return [...operation.row.values()];
    case 'update':
      return [...operation.row.values(), ...operation.where.map((clause) => clause[2])];
    case 'mutate':
      return [...operation.mutations, ...operation.where].map((part) => part[2]);
    case 'delete':
    case 'select':
      return operation.where.map((clause) => clause[2]);
    case 'wait':
      return [...operation.where.map((clause) => clause[2]), ...operation.rows.flatMap((row) => Object.values(row))];
  }
}
