/**
 * Remembers which columns of which rows a decision was made from, so that the transaction built on it can require them to
 * be unchanged. Used by `runTransaction`; the rows themselves stay as they are.
 */
import { assert } from '../lib/assert.js';
import type { ColumnName } from './transaction-input.js';
import type { Transaction } from './transaction.js';
import type { DatabaseTypes, RowOf, TableName } from './types.js';

interface Read {
  readonly table: string;
  readonly row: object;
  readonly columns: Set<string>;
}

export class ReadSet<Database extends DatabaseTypes> {
  /** By row object: the replica keeps one object per row and state. */
  readonly #reads = new Map<object, Read>();

  /** The same row, watched: each column that is read through the result is part of the read set. */
  row<Table extends TableName<Database>>(table: Table, row: RowOf<Database, Table>): RowOf<Database, Table> {
    const target = row as object;
    const { columns } = this.#read(table, target);
    return new Proxy(target, {
      get(object, property) {
        if (typeof property === 'string' && property !== '_uuid') columns.add(property);
        return Reflect.get(object, property) as unknown;
      },
      // Spreading a row or listing its columns reads them all, one by one, through `get`.
    }) as RowOf<Database, Table>;
  }

  /** Adds columns to the read set by name. */
  note<Table extends TableName<Database>>(
    table: Table,
    row: RowOf<Database, Table>,
    columns: readonly ColumnName<Database, Table>[],
  ): void {
    const read = this.#read(table, row as object);
    for (const column of columns) read.columns.add(column);
  }

  /** Adds one `verify` per row that was read. */
  verifyIn(transaction: Transaction<Database>): void {
    for (const { table, row, columns } of this.#reads.values()) {
      if (columns.size === 0) continue;
      transaction.verify(table as never, row as never, [...columns] as never);
    }
  }

  #read(table: string, row: object): Read {
    const known = this.#reads.get(row);
    assert(known === undefined || known.table === table, 'a row belongs to one table');
    const read = known ?? { table, row, columns: new Set<string>() };
    this.#reads.set(row, read);
    return read;
  }
}
