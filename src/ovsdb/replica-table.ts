/**
 * One table of the replica: rows by identity, and indexes that are built when first asked for and kept up to date from
 * then on. Readers see it as ReadonlyTable; only the replica changes it, a whole change set at a time.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { Condition } from './condition.js';
import { compileCondition } from './condition.js';
import type { IndexSpec, RangeBounds, TableIndex } from './table-index.js';
import { HashIndex, keyOfValues, OrderedIndex } from './table-index.js';
import type { TablePlan } from './table-plan.js';
import type { Atom, Row, RowChange, Uuid, Value } from './types.js';

/** What readers of the replica may do with a table. Lookups give rows in no promised order unless said. */
export interface ReadonlyTable<R = Row> {
  readonly name: string;
  /** The monitored columns, without `_uuid`. */
  readonly columns: readonly string[];
  /** How many rows. */
  readonly size: number;
  has(uuid: Uuid): boolean;
  get(uuid: Uuid): R | undefined;
  rows(): Iterable<R>;
  /**
   * Rows whose columns have these values, one value per column: sets and maps regardless of order, `undefined` for an
   * absent optional. Constant time. Throws OVSDB_SCHEMA_MISMATCH for a column that is not monitored, as all below.
   */
  by(columns: string | readonly string[], ...values: readonly Value[]): readonly R[];
  /** The first of `by`; for columns that the schema says are unique, the only one. */
  one(columns: string | readonly string[], ...values: readonly Value[]): R | undefined;
  /** Rows whose map column has this value under this key. Constant time. */
  byMapKey(column: string, key: Atom, value: Atom): readonly R[];
  /** Rows whose set column has this member, whose map column has this key, or whose other column has this value. */
  byMember(column: string, member: Atom): readonly R[];
  /** Rows within the bounds, in the order of the column, which is scalar or optional. Logarithmic time. */
  range(column: string, bounds?: RangeBounds): readonly R[];
  /** Rows that satisfy all clauses, with the operators of the server; an index is used where a clause allows it. */
  where(condition: Condition): readonly R[];
}

export class ReplicaTable implements ReadonlyTable {
  readonly plan: TablePlan;
  readonly #indexes = new Map<string, TableIndex>();
  #rows: Map<Uuid, Row>;

  constructor(plan: TablePlan, rows = new Map<Uuid, Row>()) {
    this.plan = plan;
    this.#rows = rows;
  }

  get name(): string {
    return this.plan.name;
  }

  get columns(): readonly string[] {
    return this.plan.columns;
  }

  get size(): number {
    return this.#rows.size;
  }

  has(uuid: Uuid): boolean {
    return this.#rows.has(uuid);
  }

  get(uuid: Uuid): Row | undefined {
    return this.#rows.get(uuid);
  }

  rows(): Iterable<Row> {
    return this.#rows.values();
  }

  by(columns: string | readonly string[], ...values: readonly Value[]): readonly Row[] {
    const names = typeof columns === 'string' ? [columns] : columns;
    return this.#rowsOf(this.hashIndex({ kind: 'columns', columns: names }).find(keyOfValues(values)));
  }

  one(columns: string | readonly string[], ...values: readonly Value[]): Row | undefined {
    return this.by(columns, ...values)[0];
  }

  byMapKey(column: string, key: Atom, value: Atom): readonly Row[] {
    return this.#rowsOf(this.hashIndex({ kind: 'mapKey', column, key }).find(value));
  }

  byMember(column: string, member: Atom): readonly Row[] {
    return this.#rowsOf(this.hashIndex({ kind: 'member', column }).find(member));
  }

  range(column: string, bounds: RangeBounds = {}): readonly Row[] {
    this.#requireColumns([column]);
    const name = `ordered\u0000${column}`;
    const found = this.#indexes.get(name);
    const index = found instanceof OrderedIndex ? found : new OrderedIndex(column, this.rows());
    this.#indexes.set(name, index);
    return this.#rowsOf(index.range(bounds));
  }

  where(condition: Condition): readonly Row[] {
    const compiled = compileCondition(this.plan.schema, condition);
    this.#requireColumns(compiled.columns);
    const { equality } = compiled;
    const candidates = equality === undefined ? this.rows() : this.#candidates(equality.column, equality.value);
    return Array.from(candidates).filter((row) => compiled.matchesAll(row));
  }

  /** The rows that refer to a row by this column. */
  referrers(spec: IndexSpec, uuid: Uuid): Iterable<Uuid> {
    return this.hashIndex(spec).find(uuid);
  }

  /** The index, built when it does not exist yet. */
  hashIndex(spec: IndexSpec): HashIndex {
    const parts: readonly Atom[] =
      spec.kind === 'columns'
        ? spec.columns
        : [spec.column, ...(spec.kind === 'mapKey' ? [typeof spec.key, spec.key] : [])];
    const name = [spec.kind, ...parts].join('\u0000');
    const known = this.#indexes.get(name);
    if (known instanceof HashIndex) return known;
    const index = new HashIndex(spec);
    this.#requireColumns(index.columns);
    for (const row of this.rows()) index.add(row);
    this.#indexes.set(name, index);
    return index;
  }

  /** Makes one change visible. The caller has checked that it fits. */
  apply(change: RowChange): void {
    if (change.kind === 'delete') this.#rows.delete(change.uuid);
    else this.#rows.set(change.uuid, change.row);
    this.#updateIndexes(change);
  }

  /** Takes over all rows of a reload; `changes` are the differences. */
  replaceRows(rows: Map<Uuid, Row>, changes: readonly RowChange[]): void {
    this.#rows = rows;
    if (this.#indexes.size > 0) for (const change of changes) this.#updateIndexes(change);
  }

  #updateIndexes(change: RowChange): void {
    for (const index of this.#indexes.values()) {
      if (change.kind === 'modify' && !index.columns.some((column) => change.columns.includes(column))) continue;
      if (change.kind !== 'insert') index.remove(change.old);
      if (change.kind !== 'delete') index.add(change.row);
    }
  }

  /** Uses an index that is there or that the schema declares; a query in passing is no reason to keep a new one. */
  #candidates(column: string, value: Value): Iterable<Row> {
    if (column === '_uuid') {
      const row = this.#rows.get(value as Uuid);
      return row === undefined ? [] : [row];
    }
    const isDeclared = this.plan.schema.indexes.some((index) => index.length === 1 && index[0] === column);
    return isDeclared || this.#indexes.has(`columns\u0000${column}`) ? this.by(column, value) : this.rows();
  }

  #rowsOf(uuids: Iterable<Uuid>): readonly Row[] {
    const rows: Row[] = [];
    for (const uuid of uuids) {
      const row = this.#rows.get(uuid);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  #requireColumns(columns: readonly string[]): void {
    for (const column of columns) {
      if (column === '_uuid' || this.plan.columns.includes(column)) continue;
      const facts = { table: this.name, column: safeText(column, 64) };
      throw new AgentError('OVSDB_SCHEMA_MISMATCH', 'the column is not monitored', { facts });
    }
  }
}
