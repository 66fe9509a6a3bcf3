/**
 * Builds one transaction, typed by the generated tables: inserts, updates, mutations element by element, guards. Every
 * value is checked against the server's schema when it is added, so a mistake throws at its cause and costs no round trip.
 * Sends nothing: the client does, and hands the reply back for decoding.
 */
import { assert } from '../lib/assert.js';
import { AgentError } from '../lib/errors.js';
import { encodeOperation, type MutateOperation, type RowOperation, type WaitOperation } from './operation.js';
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
  encodeTarget,
  findColumn,
  findTable,
  isShared,
  type Mutator,
  type Target,
  type UpdateColumn,
} from './transaction-input.js';
import { lintOperations, type Hint } from './transaction-lint.js';
import {
  decodeResults,
  type OperationRef,
  rowDecoder,
  type SentOperation,
  TransactionOutcome,
} from './transaction-result.js';
import { describeOperation } from './transaction-text.js';
import { verifyOperation } from './transaction-verify.js';
import type { DatabaseTypes, InsertOf, Json, JsonObject, RowOf, TableName, UpdateOf, Uuid } from './types.js';

/** The longest wait that a transaction may ask the server for: it holds the transaction, and state, all that time. */
export const waitMsMax = 60_000;

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
  /** 0 to waitMsMax; default 0: the condition holds now, or the transaction fails. */
  readonly timeoutMs?: number;
}

/** A transaction under construction. Order is kept; edits of one row that follow each other become one operation. */
export class Transaction<Database extends DatabaseTypes = AnyDatabase> {
  readonly schema: DatabaseSchema;
  /** The name that `transact` is called with. */
  readonly database: string;
  readonly #list = new OperationList();
  readonly #inserts = new Map<RowHandle, number>();
  readonly #names = new Set<string>();
  readonly #locks: string[] = [];
  readonly #comments: string[] = [];
  #ending: JsonObject | undefined;
  #isSealed = false;

  /** @param database differs from the schema's name only where a server was told another one */
  constructor(schema: DatabaseSchema, database: string = schema.name) {
    this.schema = schema;
    this.database = database;
  }

  /** Whether there is nothing to send: comments and lock assertions alone change nothing. */
  get isEmpty(): boolean {
    return this.#list.operations.length === 0;
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
    return this.#mutate(table, target, [[column, mutator, value]]);
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
    this.#requireMap(table, column);
    const keys = entries instanceof Map ? [...(entries.keys() as Iterable<unknown>)] : Object.keys(entries);
    return this.#mutate(table, target, [
      [column, 'delete', keys],
      [column, 'insert', entries],
    ]);
  }

  /** Deletes keys of a map column; given entries, only those whose value matches as well. */
  deleteKeys<Table extends TableName<Database>, Column extends UpdateColumn<Database, Table>>(
    table: Table,
    target: Target<Database, Table>,
    column: Column,
    keys: readonly unknown[] | ReadonlySet<unknown> | ColumnInput<Database, Table, Column>,
  ): OperationRef {
    this.#requireMap(table, column);
    return this.#mutate(table, target, [[column, 'delete', keys]]);
  }

  /** Adds elements to a set column; those that are there stay. */
  addToSet<Table extends TableName<Database>, Column extends UpdateColumn<Database, Table>>(
    table: Table,
    target: Target<Database, Table>,
    column: Column,
    values: ColumnInput<Database, Table, Column>,
  ): OperationRef {
    this.#requireSet(table, column);
    return this.#mutate(table, target, [[column, 'insert', values]]);
  }

  /** Removes elements from a set column; those that are not there do no harm. */
  removeFromSet<Table extends TableName<Database>, Column extends UpdateColumn<Database, Table>>(
    table: Table,
    target: Target<Database, Table>,
    column: Column,
    values: ColumnInput<Database, Table, Column>,
  ): OperationRef {
    this.#requireSet(table, column);
    return this.#mutate(table, target, [[column, 'delete', values]]);
  }

  /** Adds `by` to a column that always holds one number. On an empty optional column the server would do nothing. */
  increment<Table extends TableName<Database>>(
    table: Table,
    target: Target<Database, Table>,
    column: UpdateColumn<Database, Table>,
    by: number | bigint = 1,
  ): OperationRef {
    const { type } = findColumn(this.#table(table), column);
    if (type.min !== 1 || type.max !== 1)
      throw misused(table, column, 'only a column of exactly one value can be incremented');
    return this.#mutate(table, target, [[column, '+=', by]]);
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
  ): OperationRef {
    return this.#add(verifyOperation(this.#table(table), row as object, columns));
  }

  /** Lets the transaction happen only if no row matches: the guard of an insert by its natural key. */
  requireAbsent<Table extends TableName<Database>>(
    table: Table,
    where: readonly Clause<Database, Table>[],
  ): OperationRef {
    return this.wait(table, { target: { where }, until: '==', columns: [columnOf(where)], rows: [] });
  }

  /** Lets the transaction happen only if some row matches: the guard of a change that rests on a fact. */
  requirePresent<Table extends TableName<Database>>(
    table: Table,
    where: readonly Clause<Database, Table>[],
  ): OperationRef {
    return this.wait(table, { target: { where }, until: '!=', columns: [columnOf(where)], rows: [] });
  }

  /** The `wait` operation itself (RFC 7047 section 5.2.6). */
  wait<Table extends TableName<Database>>(table: Table, options: WaitOptions<Database, Table>): OperationRef {
    const schema = this.#table(table);
    const timeoutMs = options.timeoutMs ?? 0;
    if (!Number.isInteger(timeoutMs) || timeoutMs < 0 || timeoutMs > waitMsMax) {
      throw new AgentError('OVSDB_VALUE_INVALID', 'the timeout of a wait is out of range', {
        facts: { table, timeoutMs, timeoutMsMax: waitMsMax },
      });
    }
    const operation: WaitOperation = {
      op: 'wait',
      table,
      where: encodeTarget(schema, options.target),
      columns: options.columns,
      until: options.until,
      rows: options.rows.map((row) => Object.fromEntries(encodeRow(schema, row, false))),
      timeoutMs,
    };
    return this.#add(operation);
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
  toOperations(): Json[] {
    this.#isSealed = true;
    this.#list.checkReferences(this.#names);
    return [
      ...this.#locks.map((lock) => ({ op: 'assert', lock })),
      ...this.#list.operations.map(encodeOperation),
      ...this.#comments.map((comment) => ({ op: 'comment', comment })),
      ...(this.#ending === undefined ? [] : [this.#ending]),
    ];
  }

  /** The outcome that the server's reply to `toOperations` tells; throws as `decodeResults` does. */
  decodeOutcome(reply: Json): TransactionOutcome {
    assert(this.#isSealed, 'a transaction is decoded after it was sent');
    const results = decodeResults(this.#sent(), reply);
    const start = this.#locks.length;
    const decoders = this.#list.operations.map((operation) => rowDecoder(this.#table(operation.table)));
    return new TransactionOutcome(results.slice(start, start + this.#list.operations.length), this.#inserts, decoders);
  }

  /** The transaction for people, one operation per line, in the words of ovs-vsctl. */
  describe(): readonly string[] {
    return this.#list.operations.map(describeOperation);
  }

  /** What is probably not meant: see `Hint`. */
  lint(): readonly Hint[] {
    return lintOperations(this.schema, this.#list.operations);
  }

  #table(name: string): TableSchema {
    return findTable(this.schema, name);
  }

  #assertOpen(): void {
    assert(!this.#isSealed, 'a transaction is not changed after it was sent');
  }

  #end(operation: JsonObject): void {
    this.#assertOpen();
    assert(this.#ending === undefined, 'a transaction ends once');
    this.#ending = operation;
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

  #mutate(
    table: string,
    target: unknown,
    mutations: readonly (readonly [column: string, mutator: Mutator, value: unknown])[],
  ): OperationRef {
    const schema = this.#table(table);
    const encoded = mutations.map(([column, mutator, value]) => encodeMutation(schema, column, mutator, value));
    const operation: MutateOperation = { op: 'mutate', table, where: encodeTarget(schema, target), mutations: encoded };
    this.#assertOpen();
    return { index: this.#list.addMutate(operation, target) };
  }

  #requireMap(table: string, column: string): void {
    const { type } = findColumn(this.#table(table), column);
    if (type.value === undefined) throw misused(table, column, 'only a map column has keys');
  }

  #requireSet(table: string, column: string): void {
    const { type } = findColumn(this.#table(table), column);
    if (type.value !== undefined || (type.min === 1 && type.max === 1)) {
      throw misused(table, column, 'only a set column has elements');
    }
  }

  #sent(): readonly SentOperation[] {
    return [
      ...this.#locks.map((lock) => ({ op: 'assert', text: `assert ${lock}` })),
      ...this.#list.operations.map((operation) => ({
        op: operation.op,
        table: operation.table,
        get text() {
          return describeOperation(operation);
        },
      })),
      ...this.#comments.map(() => ({ op: 'comment', text: 'comment' })),
      ...(this.#ending === undefined ? [] : [{ op: 'end', text: 'commit or abort' }]),
    ];
  }
}

function checkWrite(table: TableSchema, column: string, isWholeWanted: boolean | undefined): void {
  const { mutable, type } = findColumn(table, column);
  if (!mutable) throw misused(table.name, column, 'the column cannot be changed after the insert');
  if (isWholeWanted !== true && isShared(type)) {
    throw new AgentError('OVSDB_VALUE_INVALID', 'writing the column whole would drop the elements of other writers', {
      facts: { table: table.name, column },
      remedy: 'Use setKeys, deleteKeys, addToSet or removeFromSet, or name the column in replaceWhole.',
    });
  }
}

function misused(table: string, column: string, rule: string): AgentError {
  return new AgentError('OVSDB_VALUE_INVALID', rule, { facts: { table, column } });
}

function nothingToDo(table: TableSchema): AgentError {
  return new AgentError('OVSDB_VALUE_INVALID', 'an update without columns', { facts: { table: table.name } });
}

/** A `wait` needs a column to compare; any one tells presence. */
function columnOf<Column extends string>(where: readonly (readonly [Column, ...unknown[]])[]): Column {
  const [first] = where;
  if (first === undefined) throw new AgentError('OVSDB_VALUE_INVALID', 'a guard without a condition');
  return first[0];
}
