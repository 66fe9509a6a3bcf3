/**
 * A reload of the replica while it is read: rows are staged beside the old content and become visible together, as exact
 * differences. Equal rows keep their old object. Made by Replica.beginReload; fed row by row from the frame scanner.
 */

import { assert } from '../lib/assert.js';
import { isJsonObject } from './column-type.js';
import { ReplicaTable } from './replica-table.js';
import type { TablePlan } from './table-plan.js';
import { inconsistent } from './table-plan.js';
import type { ChangeSet, Json, JsonObject, Row, RowChange, Uuid } from './types.js';
import { isUuid } from './value-model.js';

/** What the load asks of the replica it belongs to. */
export interface LoadOwner {
  commit(tables: ReadonlyMap<string, ReplicaTable>, changes: readonly RowChange[]): ChangeSet;
  close(): void;
}

/** The rows of one table that were read so far. */
interface Stage {
  readonly plan: TablePlan;
  /** What readers see until the commit; none when the table is new. */
  readonly before: ReplicaTable | undefined;
  readonly rows: Map<Uuid, Row>;
  /** The columns that differ, for rows that differ. */
  readonly changedColumns: Map<Uuid, readonly string[]>;
}

export class ReplicaLoad {
  readonly #members: readonly string[];
  readonly #before: ReadonlyMap<string, ReplicaTable>;
  readonly #stages: ReadonlyMap<string, Stage>;
  readonly #owner: LoadOwner;
  #rowCount = 0;
  #isOpen = true;

  constructor(
    format: 'update' | 'update2',
    plans: ReadonlyMap<string, TablePlan>,
    before: ReadonlyMap<string, ReplicaTable>,
    owner: LoadOwner,
  ) {
    this.#members = format === 'update' ? ['new'] : ['initial', 'insert'];
    this.#before = before;
    this.#owner = owner;
    this.#stages = new Map(
      [...plans].map(([name, plan]) => [
        name,
        {
          plan,
          before: before.get(name),
          rows: new Map<Uuid, Row>(),
          changedColumns: new Map<Uuid, readonly string[]>(),
        },
      ]),
    );
  }

  /** Rows read so far. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /** Stages one row: `json` is the row update, `{"initial": …}` or `{"new": …}`. Throws PEER_PROTOCOL. */
  row(table: string, uuid: string, json: Json): void {
    assert(this.#isOpen, 'a reload that was committed or abandoned takes no rows');
    const stage = this.#stages.get(table);
    if (stage === undefined) throw inconsistent('not a monitored table', table, uuid);
    if (!isUuid(uuid)) throw inconsistent('not a row identity', table, uuid);
    const fresh = stage.plan.createRow(uuid, this.#columnsOf(json, table, uuid));
    const old = stage.before?.get(uuid);
    this.#rowCount += 1;
    if (old === undefined) {
      stage.rows.set(uuid, fresh);
      return;
    }
    const { row, columns } = stage.plan.reconcile(old, fresh);
    stage.rows.set(old._uuid, row);
    // A row that is sent twice counts as it was sent last.
    if (columns.length > 0) stage.changedColumns.set(old._uuid, columns);
    else stage.changedColumns.delete(old._uuid);
  }

  /** Stages all rows of a message, those that no hook took before. Throws PEER_PROTOCOL. */
  tables(json: Json | undefined): void {
    if (!isJsonObject(json)) throw inconsistent('not an object of tables', '', '');
    for (const [table, rows] of Object.entries(json)) {
      if (!isJsonObject(rows)) throw inconsistent('not an object of rows', table, '');
      for (const [uuid, row] of Object.entries(rows)) this.row(table, uuid, row);
    }
  }

  /** Makes the staged rows the content of the replica, in one synchronous step. */
  commit(): ChangeSet {
    assert(this.#isOpen, 'a reload is committed once');
    const changes: RowChange[] = [];
    const tables = new Map<string, ReplicaTable>();
    for (const [name, stage] of this.#stages) {
      const differences = differencesOf(name, stage);
      // Pushed one by one: spreading 50 000 arguments would overflow the stack.
      for (const change of differences) changes.push(change);
      tables.set(name, tableAfter(stage, differences));
    }
    for (const [name, table] of this.#before) {
      if (!tables.has(name)) for (const old of table.rows()) changes.push(removal(name, old));
    }
    this.#close();
    return this.#owner.commit(tables, changes);
  }

  /** Forgets the staged rows. Harmless after a commit. */
  abandon(): void {
    if (this.#isOpen) this.#close();
  }

  #close(): void {
    this.#isOpen = false;
    this.#owner.close();
  }

  #columnsOf(json: Json, table: string, uuid: string): JsonObject {
    if (isJsonObject(json)) {
      for (const member of this.#members) {
        const columns = json[member];
        if (isJsonObject(columns)) return columns;
      }
    }
    throw inconsistent('not an initial row', table, uuid);
  }
}

/** A table whose plan is unchanged stays itself, with its indexes. */
function tableAfter(stage: Stage, differences: readonly RowChange[]): ReplicaTable {
  if (stage.before?.plan !== stage.plan) return new ReplicaTable(stage.plan, stage.rows);
  stage.before.replaceRows(stage.rows, differences);
  return stage.before;
}

function removal(table: string, old: Row): RowChange {
  return { kind: 'delete', table, uuid: old._uuid, old };
}

function differencesOf(table: string, { before, rows, changedColumns }: Stage): readonly RowChange[] {
  const changes: RowChange[] = [];
  for (const [uuid, row] of rows) {
    const old = before?.get(uuid);
    const columns = changedColumns.get(uuid);
    if (old === undefined) changes.push({ kind: 'insert', table, uuid, row });
    else if (columns !== undefined) changes.push({ kind: 'modify', table, uuid, old, row, columns });
  }
  for (const old of before?.rows() ?? []) if (!rows.has(old._uuid)) changes.push(removal(table, old));
  return changes;
}
