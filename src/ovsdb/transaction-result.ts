/**
 * What the server answered to a transaction: one result per operation, or a typed error that names the operation at
 * fault (RFC 7047 section 4.1.3). Callers ask by the references that `Transaction` gave them, so operations that were
 * put in front on the way out (a lock's `assert`) never shift the answers.
 */
import { assert } from '../lib/assert.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { isArray } from './operation.js';
import type { RowHandle } from './row-handle.js';
import type { TableSchema } from './schema.js';
import { errorFromReply } from './server-errors.js';
import type { Json, JsonObject, Ref, Row, Uuid, Value } from './types.js';
import { uuidType } from './transaction-input.js';
import { decodeValue, isUuid, toUuid } from './values.js';

/** Names one operation of one transaction; given by the methods that add operations. */
export interface OperationRef {
  /** Position among the operations about rows, from zero. */
  readonly index: number;
}

/**
 * The results of a transaction that was committed, one per operation sent.
 * @param describe the operation at an index as one line for people
 * @throws AgentError typed by the server's error string when it was not, with `operationIndex`, `operation` and `table`
 *   in the facts (absent when the failure belongs to the commit as a whole); PEER_PROTOCOL when the reply does not fit
 */
export function decodeResults(
  sent: readonly JsonObject[],
  reply: Json,
  describe: (index: number) => string,
): readonly JsonObject[] {
  if (!isArray(reply)) throw unexpected('the reply to a transaction is not an array');
  throwFirstError(sent, reply, describe);
  if (reply.length !== sent.length) {
    throw unexpected(`the transaction has ${sent.length} operations but ${reply.length} results`);
  }
  return sent.map((operation, index) => checkResult(operation, reply[index]));
}

function throwFirstError(
  sent: readonly JsonObject[],
  reply: readonly Json[],
  describe: (index: number) => string,
): void {
  for (const [index, result] of reply.entries()) {
    // Operations behind a failed one have null for a result; the error stands before them.
    if (!isObject(result)) continue;
    const error = result['error'];
    if (error === undefined || error === null) continue;
    const operation = sent[index];
    // The extra element behind the last result is the failure of the commit.
    if (operation === undefined) throw errorFromReply(result, { phase: 'commit' });
    throw errorFromReply(result, {
      phase: 'operation',
      operationIndex: index,
      operation: safeText(describe(index), 512),
      ...(typeof operation['table'] === 'string' ? { table: operation['table'] } : {}),
    });
  }
}

function checkResult(operation: JsonObject, result: Json | undefined): JsonObject {
  const op = operation['op'];
  assert(typeof op === 'string', 'every operation says what it is');
  if (!isObject(result)) throw unexpected(`no result for the operation ${op}`);
  if (!isFit(op, result)) throw unexpected(`the result of the operation ${op} has the wrong shape`);
  return result;
}

function isFit(op: string, result: JsonObject): boolean {
  switch (op) {
    case 'insert':
      return insertedUuid(result) !== undefined;
    case 'update':
    case 'mutate':
    case 'delete':
      return typeof result['count'] === 'number';
    case 'select':
      return isArray(result['rows']);
    default:
      return true;
  }
}

function insertedUuid(result: JsonObject): Uuid | undefined {
  const pair = result['uuid'];
  if (!isArray(pair) || pair.length !== 2 || pair[0] !== 'uuid' || typeof pair[1] !== 'string' || !isUuid(pair[1]))
    return undefined;
  return toUuid(pair[1]);
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !isArray(json);
}

function unexpected(message: string): AgentError {
  return new AgentError('PEER_PROTOCOL', message);
}

/** Turns one row that the operation at `index` selected into values. */
export type RowDecoder = (index: number, row: JsonObject) => Row;

/** The values of a selected row of `table`; columns that the schema does not know are left out. */
export function decodeRow(table: TableSchema, row: JsonObject): Row {
  const values: Record<string, Value> = {};
  for (const [column, json] of Object.entries(row)) {
    const type = column === '_uuid' || column === '_version' ? uuidType : table.columns.get(column)?.type;
    if (type !== undefined) values[column] = decodeValue(type, json);
  }
  return values as Row;
}

/** A committed transaction. */
export class TransactionOutcome {
  /** The raw results of the operations about rows, in the order in which they were added. */
  readonly results: readonly JsonObject[];
  readonly #inserts: ReadonlyMap<RowHandle, number>;
  readonly #decode: RowDecoder;

  constructor(results: readonly JsonObject[], inserts: ReadonlyMap<RowHandle, number>, decode: RowDecoder) {
    this.results = results;
    this.#inserts = inserts;
    this.#decode = decode;
  }

  /**
   * The uuid of a row that the transaction inserted. A row of a non-root table that nothing refers to has a uuid as well,
   * but is gone with the commit (ovsdb-server(7), garbage collection).
   * @throws AgentError USAGE when the handle belongs to another transaction
   */
  insertedUuid<Table extends string>(handle: RowHandle<Table>): Ref<Table> {
    const index = this.#inserts.get(handle);
    const uuid = index === undefined ? undefined : insertedUuid(this.#result(index));
    if (uuid === undefined) throw foreign('the row was inserted by another transaction');
    return uuid as Ref<Table>;
  }

  /**
   * The number of rows that an update, mutate or delete matched. It counts matches, not changes: a mutation that had
   * nothing to do counts too (RFC 7047 section 5.2.4).
   */
  count(ref: OperationRef): number {
    const count = this.#result(ref.index)['count'];
    if (typeof count !== 'number') throw foreign('the operation has no count');
    return count;
  }

  /** The rows that a select found. */
  rows(ref: OperationRef): readonly Row[] {
    const rows = this.#result(ref.index)['rows'];
    if (!isArray(rows)) throw foreign('the operation has no rows');
    return rows.map((row) => {
      if (!isObject(row)) throw unexpected('a row of a select is not an object');
      return this.#decode(ref.index, row);
    });
  }

  #result(index: number): JsonObject {
    const result = this.results[index];
    if (result === undefined) throw foreign('the operation belongs to another transaction');
    return result;
  }
}

function foreign(message: string): AgentError {
  return new AgentError('USAGE', message);
}
