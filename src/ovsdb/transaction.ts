/**
 * Builds one transaction, typed by the generated tables: inserts, updates, mutations element by element, guards. Every
 * value is checked against the server's schema when it is added, so a mistake throws at its cause and costs no round trip.
 * Sends nothing: the client does, and hands the reply back for decoding.
 */
import { assert } from '../lib/assert.js';
import { AgentError } from '../lib/errors.js';
import { encodeOperation, type EncodedMutation, type RowOperation, type WaitOperation } from './operation.js';
import { OperationList } from './operation-list.js';
import { isRowName, RowHandle } from './row-handle.js';
import type { DatabaseSchema, TableSchema } from './schema.js';
import {
  type AnyDatabase,
  type Clause,
  type ColumnInput,
  type ColumnName,
  encodeMutation,
  encodeRow,
  encodeSetKeys,
  encodeTarget,
  findColumn,
  findTable,
  type InsertOptions,
  type Mutator,
  type Target,
  type UpdateColumn,
  type UpdateOptions,
  type WaitOptions,
} from './transaction-input.js';
import { lintOperations, type Hint } from './transaction-lint.js';
import {
  decodeResults,
  decodeRow,
  type OperationRef,
  type RowDecoder,
  TransactionOutcome,
} from './transaction-result.js';
import {
  checkWait,
  checkWrite,
  guardColumn,
  nothingToDo,
  requireMap,
  requireSet,
  requireSingle,
} from './transaction-rules.js';
import { describeOperation } from './transaction-text.js';
import { verifyOperation } from './transaction-verify.js';
import type { DatabaseTypes, InsertOf, Json, JsonObject, RowOf, TableName, UpdateOf } from './types.js';

/** A transaction under construction. Order is kept; edits of one row that follow each other become one operation. */
export class Transaction<Database extends DatabaseTypes = AnyDatabase> {
  readonly schema: DatabaseSchema;
  /** The name that `transact` is called with. */
  readonly database: string;
  /** Conditions on the state before the transaction: they go first, or they would see its own changes. */
  readonly #guards = new OperationList();
  readonly #list = new OperationList();
  readonly #inserts = new Map<RowHandle, number>();
  readonly #names = new Set<string>();
  readonly #locks: string[] = [];
  readonly #comments: string[] = [];
  #ending: JsonObject | undefined;
  /** What was sent; nothing changes any more. */
  #sealed: readonly JsonObject[] | undefined;

  /** @param database differs from the schema's name only where a server was told another one */
  constructor(schema: DatabaseSchema, database: string = schema.name) {
    this.schema = schema;
    this.database = database;
  }

  /** Whether there is nothing to do: guards, comments and lock assertions alone change nothing. */
  get isEmpty(): boolean {
    return this.#list.operations.length === 0;
  }

  /** How many operations there are so far; the index of the next one, unless it is folded into an earlier one. */
  get operationCount(): number {
    return this.#list.operations.length;
  }

  /** Inserts a row. The handle stands for it in references of this transaction, also in operations added earlier. */
  insert<Table extends TableName<Database>>(
    table: Table,
    values: InsertOf<Database, Table>,
    options: InsertOptions = {},
  ): RowHandle<Table> {
    const handle = new RowHandle(table, this.#name(options.name), options.uuid);
    const row = encodeRow(this.#table(table), values as object, true);
    this.#inserts.set(handle, this.#add({ op: 'insert', table, handle, row }).index);
    return handle;
  }

  /** Writes columns of the rows of `target`. `undefined` empties an optional column. */
  update<Table extends TableName<Database>>(
    table: Table,
    target: Target<Database, Table>,
    values: UpdateOf<Database, Table>,
    options: UpdateOptions<UpdateColumn<Database, Table>> = {},
  ): OperationRef {
    const schema = this.#table(table);
    const where = encodeTarget(schema, target);
    const row = encodeRow(schema, values as object, false);
    if (row.size === 0) throw nothingToDo(schema);
    const isNew = target instanceof RowHandle;
    for (const column of row.keys()) {
      checkWrite(schema, column, isNew || (options.replaceWhole as readonly string[] | undefined)?.includes(column));
    }
    this.#assertOpen();
    return { index: this.#list.addUpdate({ op: 'update', table, where, row }, target) };
  }

  /** One mutation as RFC 7047 section 5.1 has it. The named methods below are the safe subset. */
  mutate<Table extends TableName<Database>>(
    table: Table,
    target: Target<Database, Table>,
    column: UpdateColumn<Database, Table>,
    mutator: Mutator,
    value: unknown,
  ): OperationRef {
    return this.#mutate(table, target, column, mutator, value);
  }

  /**
   * Sets keys of a map column and leaves its other keys alone. A mere `insert` never overwrites a key (RFC 7047 section
   * 5.1), so the keys are deleted first, in the same operation.
   */
  setKeys<Table extends TableName<Database>, Column extends UpdateColumn<Database, Table>>(
    table: Table,
    target: Target<Database, Table>,
    column: Column,
    entries: ColumnInput<Database, Table, Column>,
  ): OperationRef {
    requireMap(this.#table(table), column);
    return this.#addMutate(table, target, encodeSetKeys(this.#table(table), column, entries));
  }

  /** Deletes keys of a map column; given entries, only those whose value matches as well. */
  deleteKeys<Table extends TableName<Database>, Column extends UpdateColumn<Database, Table>>(
    table: Table,
    target: Target<Database, Table>,
    column: Column,
    keys: readonly unknown[] | ReadonlySet<unknown> | ColumnInput<Database, Table, Column>,
  ): OperationRef {
    requireMap(this.#table(table), column);
    return this.#mutate(table, target, column, 'delete', keys);
  }

  /** Adds elements to a set column; those that are there stay. */
  addToSet<Table extends TableName<Database>, Column extends UpdateColumn<Database, Table>>(
    table: Table,
    target: Target<Database, Table>,
    column: Column,
    values: ColumnInput<Database, Table, Column>,
  ): OperationRef {
    requireSet(this.#table(table), column);
    return this.#mutate(table, target, column, 'insert', values);
  }

  /** Removes elements from a set column; those that are not there do no harm. */
  removeFromSet<Table extends TableName<Database>, Column extends UpdateColumn<Database, Table>>(
    table: Table,
    target: Target<Database, Table>,
    column: Column,
    values: ColumnInput<Database, Table, Column>,
  ): OperationRef {
    requireSet(this.#table(table), column);
    return this.#mutate(table, target, column, 'delete', values);
  }

  /** Adds `by` to a column that always holds one number. On an empty optional column the server would do nothing. */
  increment<Table extends TableName<Database>>(
    table: Table,
    target: Target<Database, Table>,
    column: UpdateColumn<Database, Table>,
    by: number | bigint = 1,
  ): OperationRef {
    requireSingle(this.#table(table), column);
    return this.#mutate(table, target, column, '+=', by);
  }

  /**
   * Deletes rows. Rows of non-root tables go by themselves when the last reference to them does: deleting one that is
   * still referred to fails with OVSDB_REFERENTIAL.
   */
  delete<Table extends TableName<Database>>(table: Table, target: Target<Database, Table>): OperationRef {
    return this.#add({ op: 'delete', table, where: encodeTarget(this.#table(table), target) });
  }

  /** Reads rows as the transaction sees them at this point; all columns unless some are named. */
  select<Table extends TableName<Database>>(
    table: Table,
    target: Target<Database, Table>,
    columns?: readonly ColumnName<Database, Table>[],
  ): OperationRef {
    const schema = this.#table(table);
    const names = columns ?? ['_uuid', ...schema.columns.keys()];
    for (const column of names) if (column !== '_uuid') findColumn(schema, column);
    return this.#add({ op: 'select', table, where: encodeTarget(schema, target), columns: names });
  }

  /**
   * Lets the transaction happen only if the columns of `row` are still as they were read. The conflict shows as
   * OVSDB_WAIT_FAILED; `runTransaction` reads again and retries.
   */
  verify<Table extends TableName<Database>>(
    table: Table,
    row: RowOf<Database, Table>,
    columns: readonly ColumnName<Database, Table>[],
  ): void {
    this.#guard(verifyOperation(this.#table(table), row as object, columns));
  }

  /** Lets the transaction happen only if no row matches: the guard of an insert by its natural key. */
  requireAbsent<Table extends TableName<Database>>(table: Table, where: readonly Clause<Database, Table>[]): void {
    this.#guard(
      this.#waitOperation(table, { target: { where }, until: '==', columns: [guardColumn(where)], rows: [] }),
    );
  }

  /** Lets the transaction happen only if some row matches: the guard of a change that rests on a fact. */
  requirePresent<Table extends TableName<Database>>(table: Table, where: readonly Clause<Database, Table>[]): void {
    this.#guard(
      this.#waitOperation(table, { target: { where }, until: '!=', columns: [guardColumn(where)], rows: [] }),
    );
  }

  /**
   * The `wait` operation itself (RFC 7047 section 5.2.6), at its place among the operations: it sees the changes of those
   * before it.
   */
  wait<Table extends TableName<Database>>(table: Table, options: WaitOptions<Database, Table>): OperationRef {
    return this.#add(this.#waitOperation(table, options));
  }

  /** A line for the log of the database file: who did this, and why (`ovsdb-tool show-log`). */
  comment(text: string): void {
    this.#assertOpen();
    this.#comments.push(text);
  }

  /** Answers only when the transaction is on disk, where the server does not do so anyway. */
  commitDurably(): void {
    this.#end({ op: 'commit', durable: true });
  }

  /**
   * Makes it a dry run: the server carries out every operation and then takes all back, so success shows as
   * OVSDB_OPERATION_ABORTED. Constraints that are checked at commit (references, indexes) are not tried.
   */
  abort(): void {
    this.#end({ op: 'abort' });
  }

  /** Lets the transaction happen only while this client holds the lock. Once per lock, also when said again. */
  assert(lock: string): void {
    if (this.#locks.includes(lock)) return;
    this.#assertOpen();
    this.#locks.push(lock);
  }

  /**
   * The operations as `transact` sends them, lock assertions first. Nothing can be added afterwards.
   * @throws AgentError OVSDB_VALUE_INVALID when a reference is to a row of another transaction
   */
  toOperations(): readonly JsonObject[] {
    this.#sealed ??= this.#seal();
    return this.#sealed;
  }

  /** The outcome that the server's reply to `toOperations` tells; throws as `decodeResults` does. */
  decodeOutcome(reply: Json): TransactionOutcome {
    assert(this.#sealed !== undefined, 'a transaction is decoded after it was sent');
    const results = decodeResults(this.#sealed, reply, (index) => this.#describeSent(index));
    const start = this.#locks.length + this.#guards.operations.length;
    const { operations } = this.#list;
    const decode: RowDecoder = (index, row) => decodeRow(this.#table(operations[index]?.table ?? ''), row);
    return new TransactionOutcome(results.slice(start, start + operations.length), this.#inserts, decode);
  }

  /** The transaction for people, one operation per line, in the words of ovs-vsctl. */
  describe(): readonly string[] {
    return this.#rowOperations().map(describeOperation);
  }

  /** What is probably not meant: see `Hint`. */
  lint(): readonly Hint[] {
    return lintOperations(this.schema, this.#list.operations);
  }

  #table(name: string): TableSchema {
    return findTable(this.schema, name);
  }

  #rowOperations(): readonly RowOperation[] {
    return [...this.#guards.operations, ...this.#list.operations];
  }

  #assertOpen(): void {
    assert(this.#sealed === undefined, 'a transaction is not changed after it was sent');
  }

  #seal(): readonly JsonObject[] {
    this.#guards.checkReferences(this.#names);
    this.#list.checkReferences(this.#names);
    const operations: JsonObject[] = this.#locks.map((lock) => ({ op: 'assert', lock }));
    for (const operation of this.#guards.operations) operations.push(encodeOperation(operation));
    for (const operation of this.#list.operations) operations.push(encodeOperation(operation));
    for (const comment of this.#comments) operations.push({ op: 'comment', comment });
    if (this.#ending !== undefined) operations.push(this.#ending);
    return operations;
  }

  #end(operation: JsonObject): void {
    this.#assertOpen();
    assert(this.#ending === undefined, 'a transaction ends once');
    this.#ending = operation;
  }

  #guard(operation: WaitOperation): void {
    this.#assertOpen();
    this.#guards.add(operation);
  }

  #waitOperation<Table extends TableName<Database>>(
    table: Table,
    options: WaitOptions<Database, Table>,
  ): WaitOperation {
    const schema = this.#table(table);
    return {
      op: 'wait',
      table,
      where: encodeTarget(schema, options.target),
      columns: options.columns,
      until: options.until,
      rows: options.rows.map((row) => Object.fromEntries(encodeRow(schema, row, false))),
      timeoutMs: checkWait(table, options.timeoutMs ?? 0),
    };
  }

  #add(operation: RowOperation): OperationRef {
    this.#assertOpen();
    return { index: this.#list.add(operation) };
  }

  #name(wanted: string | undefined): string {
    const name = wanted ?? `row${this.#inserts.size + 1}`;
    if (!isRowName(name) || this.#names.has(name)) {
      throw new AgentError('OVSDB_VALUE_INVALID', 'the name of a new row must be an identifier of its own', {
        facts: { name },
      });
    }
    this.#names.add(name);
    return name;
  }

  #mutate(table: string, target: unknown, column: string, mutator: Mutator, value: unknown): OperationRef {
    return this.#addMutate(table, target, [encodeMutation(this.#table(table), column, mutator, value)]);
  }

  #addMutate(table: string, target: unknown, mutations: readonly EncodedMutation[]): OperationRef {
    this.#assertOpen();
    const where = encodeTarget(this.#table(table), target);
    return { index: this.#list.addMutate({ op: 'mutate', table, where, mutations: [...mutations] }, target) };
  }

  #describeSent(index: number): string {
    const operation = this.#rowOperations()[index - this.#locks.length];
    return operation === undefined ? 'assert, comment, commit or abort' : describeOperation(operation);
  }
}
