/**
 * The words that every file of this library shares: values as TypeScript sees them, rows, changes. Types only.
 *
 * | RFC 7047 section 5.1 / 3.2           | here                                                              |
 * | ------------------------------------ | ----------------------------------------------------------------- |
 * | integer                              | `number` when it is a safe integer, else `bigint`: always exact   |
 * | real, boolean, string                | `number`, `boolean`, `string`                                     |
 * | uuid                                 | `Uuid`, a branded lower-case string                               |
 * | min 0, max 1 (optional)              | the value, or `undefined`                                         |
 * | set (max > 1)                        | frozen array, in the order of the server                          |
 * | map                                  | `ReadonlyMap`                                                     |
 */

declare const uuidBrand: unique symbol;
/** The identity of a row: 8-4-4-4-12 lower-case hexadecimal digits. Changes whenever the row is created anew. */
export type Uuid = string & { readonly [uuidBrand]: true };

declare const refBrand: unique symbol;
/** A uuid that names a row of table `Table`. */
export type Ref<Table extends string> = Uuid & { readonly [refBrand]: Table };

/** An integer column whose range does not fit a safe `number`: `number` when the value is safe, else `bigint`. */
export type OvsdbInteger = number | bigint;

export type Atom = string | number | bigint | boolean;
export type Value = Atom | undefined | readonly Atom[] | ReadonlyMap<Atom, Atom>;

/** A row of the replica. Frozen in meaning: a change makes a new object, so a reader may keep it. */
export interface Row {
  readonly _uuid: Uuid;
  readonly [column: string]: Value;
}

/** What a generated table type tells the compiler. */
export interface TableTypes {
  /** Every column as it is read. */
  readonly row: { readonly _uuid: Uuid };
  /** What an insert takes: columns with defaults are optional, references also take handles of the same transaction. */
  readonly insert: object;
  /** What an update takes: as `insert`, without the immutable columns. */
  readonly update: object;
}

/** A generated database type: table name to its types. */
export type DatabaseTypes = object;
export type TableName<Database extends DatabaseTypes> = Extract<keyof Database, string>;
export type RowOf<Database extends DatabaseTypes, Table extends TableName<Database>> = Database[Table] extends {
  readonly row: infer R;
}
  ? R
  : Row;
export type InsertOf<Database extends DatabaseTypes, Table extends TableName<Database>> = Database[Table] extends {
  readonly insert: infer I;
}
  ? I
  : Readonly<Record<string, unknown>>;
export type UpdateOf<Database extends DatabaseTypes, Table extends TableName<Database>> = Database[Table] extends {
  readonly update: infer U;
}
  ? U
  : Readonly<Record<string, unknown>>;

/** A parsed JSON value. Integers outside the safe range are `bigint`. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** How one row differs between two states of the replica. */
export type RowChange =
  | { readonly kind: 'insert'; readonly table: string; readonly uuid: Uuid; readonly row: Row }
  | {
      readonly kind: 'modify';
      readonly table: string;
      readonly uuid: Uuid;
      readonly old: Row;
      readonly row: Row;
      /** Names of the columns whose value differs. Never empty. */
      readonly columns: readonly string[];
    }
  | { readonly kind: 'delete'; readonly table: string; readonly uuid: Uuid; readonly old: Row };

/** All differences between two consistent states of the replica: one server transaction, or one reload. */
export interface ChangeSet {
  readonly cause: 'update' | 'reload';
  readonly changes: readonly RowChange[];
}
