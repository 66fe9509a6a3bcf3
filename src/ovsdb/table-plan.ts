/**
 * How the rows of one monitored table are made from JSON: which columns, their decoders, their defaults. Rows of one plan
 * share one hidden class and unchanged values, so a replica of thousands of rows stays small. Used by the replica only.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { ColumnType } from './column-type.js';
import type { DecodePools, ValueDecoder } from './decode-value.js';
import { createDecoder } from './decode-value.js';
import { applyDiff } from './diff.js';
import type { TableSchema } from './schema.js';
import type { JsonObject, Row, Uuid, Value } from './types.js';
import { defaultValue, sameValue, toUuid } from './value-model.js';

type MutableRow = { _uuid: Uuid } & Record<string, Value>;

interface ColumnPlan {
  readonly type: ColumnType;
  readonly decode: ValueDecoder;
}

/** A changed row and the names of the columns that differ. No names: the row is the old one itself. */
export interface Changed {
  readonly row: Row;
  readonly columns: readonly string[];
}

/** The error for an update that does not fit the replica: the connection is given up and everything loaded again. */
export function inconsistent(what: string, table: string, uuid: string, column?: string): AgentError {
  const facts = { what, table: safeText(table, 64), uuid: safeText(uuid, 64), column: column && safeText(column, 64) };
  return new AgentError('PEER_PROTOCOL', 'the server sent an update that does not fit', { facts });
}

const noUuid = toUuid('00000000-0000-0000-0000-000000000000');

export class TablePlan {
  readonly schema: TableSchema;
  /** Names of the monitored columns, without `_uuid`. */
  readonly columns: readonly string[];
  readonly #plans: ReadonlyMap<string, ColumnPlan>;
  readonly #template: Row;

  /** Throws OVSDB_SCHEMA_MISMATCH for a column that the schema lacks. */
  constructor(schema: TableSchema, columns: readonly string[], pools: DecodePools) {
    this.schema = schema;
    this.columns = [...new Set(columns)].filter((name) => name !== '_uuid');
    const plans = new Map<string, ColumnPlan>();
    const template: MutableRow = { _uuid: noUuid };
    for (const name of this.columns) {
      const type = this.typeOf(name);
      plans.set(name, { type, decode: createDecoder(type, pools) });
      template[name] = defaultValue(type);
    }
    this.#plans = plans;
    this.#template = template;
  }

  get name(): string {
    return this.schema.name;
  }

  /** Throws OVSDB_SCHEMA_MISMATCH for a column that the schema lacks. */
  typeOf(column: string): ColumnType {
    const found = this.schema.columns.get(column);
    if (found !== undefined) return found.type;
    const facts = { table: this.name, column: safeText(column, 64) };
    throw new AgentError('OVSDB_SCHEMA_MISMATCH', 'the schema of the server lacks the column', { facts });
  }

  /** A row from all its columns; those that are absent have their defaults. Throws PEER_PROTOCOL. */
  createRow(uuid: Uuid, json: JsonObject): Row {
    // Spreading the template copies its hidden class: all columns, in one order, whatever the message holds.
    const row: MutableRow = { ...this.#template };
    row._uuid = uuid;
    let column = '';
    try {
      for (column in json) row[column] = this.#planOf(uuid, column).decode(json[column] ?? null);
    } catch (error) {
      throw this.#placed(error, uuid, column);
    }
    return row;
  }

  /** A row after a `modify` with differences (update2, update3). Throws PEER_PROTOCOL. */
  applyDiffs(old: Row, json: JsonObject): Changed {
    return this.#change(old, json, (plan, before, value) => applyDiff(plan.type, before, value));
  }

  /** A row after new values for some of its columns (update). Throws PEER_PROTOCOL. */
  applyValues(old: Row, json: JsonObject): Changed {
    return this.#change(old, json, (_plan, _before, value) => value);
  }

  /** Compares a row that was read anew with the one known before, and shares with that whatever is the same. */
  reconcile(old: Row, fresh: Row): Changed {
    const row: MutableRow = { ...fresh };
    const columns: string[] = [];
    for (const name of this.columns) {
      if (name in old && sameValue(old[name], fresh[name])) row[name] = old[name];
      else columns.push(name);
    }
    // After a change of schema the old row may have columns that this plan does not have.
    for (const name in old) if (!(name in fresh)) columns.push(name);
    return columns.length === 0 && Object.keys(old).length === this.columns.length + 1
      ? { row: old, columns }
      : { row, columns };
  }

  #change(old: Row, json: JsonObject, next: (plan: ColumnPlan, before: Value, value: Value) => Value): Changed {
    const row: MutableRow = { ...old };
    const columns: string[] = [];
    let column = '';
    try {
      for (column in json) {
        const plan = this.#planOf(old._uuid, column);
        const after = next(plan, old[column], plan.decode(json[column] ?? null));
        if (sameValue(old[column], after)) continue;
        row[column] = after;
        columns.push(column);
      }
    } catch (error) {
      throw this.#placed(error, old._uuid, column);
    }
    return columns.length === 0 ? { row: old, columns } : { row, columns };
  }

  #planOf(uuid: Uuid, column: string): ColumnPlan {
    const plan = this.#plans.get(column);
    if (plan === undefined) throw inconsistent('a column not asked for', this.name, uuid, column);
    return plan;
  }

  /** The error of a decoder, with the place it happened at. */
  #placed(error: unknown, uuid: Uuid, column: string): unknown {
    if (!(error instanceof AgentError)) return error;
    const facts = { ...error.facts, table: this.name, uuid, column: safeText(column, 64) };
    return new AgentError(error.code, error.message, { facts, cause: error });
  }
}
