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
  /** The differences so far, made row by row: a dump of 50 000 rows leaves nothing of that kind for the commit. */
  readonly changes: RowChange[];
  /** How many of the rows were there before. */
  keptCount: number;
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
          changes: [],
          keptCount: 0,
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
    // ovsdb-server sends each row once; what is staged as exact differences has no place for another version.
    if (stage.rows.has(uuid)) throw inconsistent('a row that was sent before', table, uuid);
    this.#rowCount += 1;
    stageRow(stage, uuid, stage.plan.createRow(uuid, this.#columnsOf(json, table, uuid)));
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
    const tables = new Map<string, ReplicaTable>();
    const changes: RowChange[] = [];
    for (const [name, stage] of this.#stages) {
      stageRemovals(stage);
      // Pushed one by one: spreading 50 000 arguments would overflow the stack.
      for (const change of stage.changes) changes.push(change);
      tables.set(name, tableAfter(stage));
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

/** Adds a row, and how it differs from what was there before. */
function stageRow(stage: Stage, uuid: Uuid, fresh: Row): void {
  const old = stage.before?.get(uuid);
  if (old === undefined) {
    stage.rows.set(uuid, fresh);
    stage.changes.push({ kind: 'insert', table: stage.plan.name, uuid, row: fresh });
    return;
  }
  const { row, columns } = stage.plan.reconcile(old, fresh);
  stage.keptCount += 1;
  stage.rows.set(old._uuid, row);
  if (columns.length === 0) return;
  stage.changes.push({ kind: 'modify', table: stage.plan.name, uuid: old._uuid, old, row, columns });
}

/** Adds what was there before and did not come again. */
function stageRemovals({ before, rows, changes, keptCount }: Stage): void {
  if (before === undefined || before.size === keptCount) return;
  for (const old of before.rows()) if (!rows.has(old._uuid)) changes.push(removal(before.name, old));
}

/** A table whose plan is unchanged stays itself, with its indexes. */
function tableAfter({ plan, before, rows, changes }: Stage): ReplicaTable {
  if (before?.plan !== plan) return new ReplicaTable(plan, rows);
  before.replaceRows(rows, changes);
  return before;
}

function removal(table: string, old: Row): RowChange {
  return { kind: 'delete', table, uuid: old._uuid, old };
}
