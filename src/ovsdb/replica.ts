/**
 * The client's copy of the monitored part of a database. A message of the server is applied whole or not at all, and a
 * reload is applied as the exact differences to what was known before. Holds no connection and decides nothing.
 */

import { assert } from '../lib/assert.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { isJsonObject } from './column-type.js';
import { ReplicaLoad } from './replica-load.js';
import type { ReadonlyTable } from './replica-table.js';
import { ReplicaTable } from './replica-table.js';
import type { DatabaseSchema } from './schema.js';
import { StringPool } from './string-pool.js';
import type { IndexSpec } from './table-index.js';
import { inconsistent, TablePlan } from './table-plan.js';
import type { ChangeSet, Json, JsonObject, Row, RowChange, Uuid } from './types.js';
import { isUuid } from './value-model.js';

export type { ReadonlyTable } from './replica-table.js';
export type { ReplicaLoad } from './replica-load.js';
export type { IndexSpec, RangeBounds } from './table-index.js';

/**
 * How rows are spelled: `update` as RFC 7047 section 4.1.6 (`old`, `new`), `update2` as ovsdb-server(7) does for
 * monitor_cond and monitor_cond_since (`initial`, `insert`, `modify`, `delete`).
 */
export type UpdateFormat = 'update' | 'update2';

/** Which columns of which tables are kept. */
export type MonitoredColumns = ReadonlyMap<string, readonly string[]>;

/** A row that refers to another, and by which column. */
export interface Referrer {
  readonly table: string;
  readonly uuid: Uuid;
  readonly column: string;
}

/** Enough for the keys of any schema's maps; what is beyond is stored without sharing. */
const keyCountMax = 8192;

export class Replica {
  readonly #pools = { keys: new StringPool(keyCountMax) };
  #schema: DatabaseSchema;
  #tables: ReadonlyMap<string, ReplicaTable>;
  #referenceSpecs: readonly { readonly table: ReplicaTable; readonly column: string; readonly spec: IndexSpec }[];
  #load: ReplicaLoad | undefined;
  #version = 0;

  /** Throws OVSDB_SCHEMA_MISMATCH for a table or column that the schema lacks. */
  constructor(schema: DatabaseSchema, monitored: MonitoredColumns) {
    this.#schema = schema;
    this.#tables = new Map(
      [...this.#planTables(schema, monitored)].map(([name, plan]) => [name, new ReplicaTable(plan)]),
    );
    this.#referenceSpecs = referenceSpecsOf(this.#tables.values());
  }

  get schema(): DatabaseSchema {
    return this.#schema;
  }

  /** Increments with each change set that is not empty. */
  get version(): number {
    return this.#version;
  }

  /** The monitored tables. */
  get tableNames(): readonly string[] {
    return [...this.#tables.keys()];
  }

  /** Whether the table is monitored, and in it the column. */
  has(table: string, column?: string): boolean {
    const found = this.#tables.get(table);
    return found !== undefined && (column === undefined || found.columns.includes(column));
  }

  /** Throws OVSDB_SCHEMA_MISMATCH for a table that is not monitored. */
  table(name: string): ReadonlyTable {
    return this.#tableOf(name);
  }

  /** All rows that refer to a row, by the monitored columns. Constant time per referring column of the schema. */
  referrers(uuid: Uuid): readonly Referrer[] {
    return this.#referenceSpecs.flatMap(({ table, column, spec }) =>
      Array.from(table.referrers(spec, uuid), (referrer) => ({ table: table.name, uuid: referrer, column })),
    );
  }

  /** Builds an index ahead of its first use. Throws OVSDB_SCHEMA_MISMATCH for what is not monitored. */
  addIndex(table: string, spec: IndexSpec): void {
    this.#tableOf(table).hashIndex(spec);
  }

  /**
   * Applies one message. Throws PEER_PROTOCOL, having applied nothing, for an update that does not fit: an unknown table,
   * column or row, a row that exists already, a value of another type.
   */
  applyUpdate(format: UpdateFormat, tableUpdates: JsonObject): ChangeSet {
    assert(this.#load === undefined, 'no update is applied while a reload is under way');
    const changes: RowChange[] = [];
    for (const [name, rows] of Object.entries(tableUpdates)) {
      const table = this.#tables.get(name);
      if (table === undefined || !isJsonObject(rows)) throw inconsistent('not a monitored table', name, '');
      for (const [uuid, json] of Object.entries(rows)) {
        const change = changeOf(format, table, uuid, json);
        if (change !== undefined) changes.push(change);
      }
    }
    for (const change of changes) this.#tables.get(change.table)?.apply(change);
    return this.#finish('update', changes);
  }

  /**
   * Starts to read the whole content anew, while readers still see the old one. With a `shape` the schema and the columns
   * change too, when it is committed. A reload that is still open is abandoned.
   */
  beginReload(
    format: UpdateFormat,
    shape?: { readonly schema: DatabaseSchema; readonly monitored: MonitoredColumns },
  ): ReplicaLoad {
    this.#load?.abandon();
    const plans = shape === undefined ? this.#plans() : this.#planTables(shape.schema, shape.monitored);
    const load: ReplicaLoad = new ReplicaLoad(format, plans, this.#tables, {
      commit: (tables, changes) => {
        this.#schema = shape?.schema ?? this.#schema;
        this.#tables = tables;
        this.#referenceSpecs = referenceSpecsOf(tables.values());
        return this.#finish('reload', changes);
      },
      close: () => {
        if (this.#load === load) this.#load = undefined;
      },
    });
    this.#load = load;
    return load;
  }

  #finish(cause: ChangeSet['cause'], changes: readonly RowChange[]): ChangeSet {
    if (changes.length > 0) this.#version += 1;
    return { cause, changes };
  }

  #plans(): ReadonlyMap<string, TablePlan> {
    return new Map([...this.#tables].map(([name, table]) => [name, table.plan]));
  }

  #planTables(schema: DatabaseSchema, monitored: MonitoredColumns): ReadonlyMap<string, TablePlan> {
    const plans = new Map<string, TablePlan>();
    for (const [name, columns] of monitored) {
      const table = schema.tables.get(name);
      if (table === undefined) throw unknownTable(name);
      plans.set(name, new TablePlan(table, columns, this.#pools));
    }
    return plans;
  }

  #tableOf(name: string): ReplicaTable {
    const table = this.#tables.get(name);
    if (table === undefined) throw unknownTable(name);
    return table;
  }
}

function unknownTable(name: string): AgentError {
  const facts = { table: safeText(name, 64) };
  return new AgentError('OVSDB_SCHEMA_MISMATCH', 'the table is not monitored or not in the schema', { facts });
}

/** An index per monitored column that refers to rows. */
function referenceSpecsOf(
  tables: Iterable<ReplicaTable>,
): { readonly table: ReplicaTable; readonly column: string; readonly spec: IndexSpec }[] {
  return Array.from(tables).flatMap((table) =>
    table.columns.flatMap((column) => {
      const { key, value } = table.plan.typeOf(column);
      const inKeys = key.refTable !== undefined;
      const inValues = value?.refTable !== undefined;
      return inKeys || inValues
        ? [{ table, column, spec: { kind: 'reference', column, inKeys, inValues } as const }]
        : [];
    }),
  );
}

function changeOf(format: UpdateFormat, table: ReplicaTable, uuid: string, json: Json): RowChange | undefined {
  if (!isUuid(uuid) || !isJsonObject(json)) throw inconsistent('not a row update', table.name, uuid);
  return format === 'update' ? changeOfUpdate(table, uuid, json) : changeOfUpdate2(table, uuid, json);
}

/** `{"old": …}` is a delete, `{"new": …}` an insert, both a modify in which `new` has all columns. */
function changeOfUpdate(table: ReplicaTable, uuid: Uuid, json: JsonObject): RowChange | undefined {
  const { old, new: next } = json;
  if (next === undefined && isJsonObject(old)) return deletion(table, uuid);
  if (!isJsonObject(next)) throw inconsistent('neither old nor new', table.name, uuid);
  return old === undefined ? insertion(table, uuid, next) : modification(table, uuid, next, 'applyValues');
}

function changeOfUpdate2(table: ReplicaTable, uuid: Uuid, json: JsonObject): RowChange | undefined {
  const [member, ...others] = Object.keys(json);
  if (member === undefined || others.length > 0) throw inconsistent('not one kind of change', table.name, uuid);
  const columns = json[member];
  if (member === 'delete') return deletion(table, uuid);
  if (!isJsonObject(columns)) throw inconsistent('not a row', table.name, uuid);
  if (member === 'modify') return modification(table, uuid, columns, 'applyDiffs');
  if (member === 'insert' || member === 'initial') return insertion(table, uuid, columns);
  throw inconsistent('an unknown kind of change', table.name, uuid, member);
}

function existing(table: ReplicaTable, uuid: Uuid): Row {
  const row = table.get(uuid);
  if (row === undefined) throw inconsistent('an unknown row', table.name, uuid);
  return row;
}

function insertion(table: ReplicaTable, uuid: Uuid, json: JsonObject): RowChange {
  if (table.has(uuid)) throw inconsistent('a row that exists already', table.name, uuid);
  return { kind: 'insert', table: table.name, uuid, row: table.plan.createRow(uuid, json) };
}

function modification(
  table: ReplicaTable,
  uuid: Uuid,
  json: JsonObject,
  how: 'applyDiffs' | 'applyValues',
): RowChange | undefined {
  const old = existing(table, uuid);
  const { row, columns } = table.plan[how](old, json);
  return columns.length === 0 ? undefined : { kind: 'modify', table: table.name, uuid: old._uuid, old, row, columns };
}

function deletion(table: ReplicaTable, uuid: Uuid): RowChange {
  const old = existing(table, uuid);
  return { kind: 'delete', table: table.name, uuid: old._uuid, old };
}
