/**
 * The name of a row that is inserted by a transaction, usable as a reference before the row exists. Made by
 * `Transaction.insert`, understood by the value encoder wherever a column refers to rows. Holds no state of its own.
 */
import type { Uuid } from './types.js';

declare const tableBrand: unique symbol;

/** RFC 7047 section 3.1, `<id>`; ovsdb-server 3.1 answers a syntax error to any other `uuid-name`. */
const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether `name` may be used as the `uuid-name` of an insert. */
export function isRowName(name: string): boolean {
  return namePattern.test(name);
}

/**
 * A row to be: `["named-uuid", name]` on the wire, or `["uuid", uuid]` when the caller chose the uuid itself.
 * `Table` keeps a handle of one table out of a column that refers to another.
 */
export class RowHandle<Table extends string = string> {
  declare readonly [tableBrand]?: Table;
  readonly table: Table;
  /** The `uuid-name`, unique within its transaction. */
  readonly name: string;
  /** The uuid that the caller chose, if any (Open vSwitch 2.13 and later accept one). */
  readonly uuid: Uuid | undefined;

  constructor(table: Table, name: string, uuid?: Uuid) {
    this.table = table;
    this.name = name;
    this.uuid = uuid;
  }

  /** The reference in the notation of RFC 7047 section 5.1. */
  toJson(): readonly [tag: 'uuid' | 'named-uuid', value: string] {
    return this.uuid === undefined ? ['named-uuid', this.name] : ['uuid', this.uuid];
  }
}
