/**
 * What to monitor, given what is wanted and what the server's schema has. Servers older than the program lack columns; to
 * ask for one makes the whole monitor fail, so they are left out and reported. Pure; used by the replica feed.
 */

import type { Condition } from './condition.js';
import { encodeCondition } from './condition.js';
import type { Missing } from './events.js';
import type { DatabaseSchema, TableSchema } from './schema.js';
import type { Json, JsonObject } from './types.js';

/** What is wanted of one table. */
export interface TableMonitor {
  /** Column names; `all` means those of the server's schema, also the ones this program does not know. Default `all`. */
  readonly columns?: readonly string[] | 'all';
  /** Only the rows that match. Default: all rows. */
  readonly condition?: Condition;
}

export interface MonitorPlan {
  /** What the server has of it, in schema order of tables and wanted order of columns. */
  readonly monitored: ReadonlyMap<string, readonly string[]>;
  /** What it lacks. */
  readonly missing: readonly Missing[];
}

/** Matches what is wanted against the schema. */
export function planMonitor(schema: DatabaseSchema, wanted: ReadonlyMap<string, TableMonitor>): MonitorPlan {
  const monitored = new Map<string, readonly string[]>();
  const missing: Missing[] = [];
  for (const [name, request] of wanted) {
    const table = schema.tables.get(name);
    if (table === undefined) {
      missing.push({ table: name });
      continue;
    }
    const columns = request.columns ?? 'all';
    const names = columns === 'all' ? [...table.columns.keys()] : [...new Set(columns)];
    monitored.set(
      name,
      names.filter((column) => table.columns.has(column)),
    );
    for (const column of names) if (!table.columns.has(column)) missing.push({ table: name, column });
  }
  return { monitored, missing };
}

/**
 * The `<monitor-cond-requests>` of the plan (ovsdb-server(7), 4.1.12), or the plain `<monitor-requests>` of RFC 7047
 * section 4.1.5 when there are to be no conditions.
 */
export function monitorRequests(
  schema: DatabaseSchema,
  monitored: ReadonlyMap<string, readonly string[]>,
  conditions: ReadonlyMap<string, Condition> | undefined,
): JsonObject {
  const requests: Record<string, Json> = {};
  for (const [name, columns] of monitored) {
    const where = conditions && whereOf(schema, name, conditions.get(name));
    // An array of requests since RFC 7047; one object each is what every server takes.
    requests[name] = [where === undefined ? { columns } : { columns, where }];
  }
  return requests;
}

/** The `<monitor-cond-update-requests>` of monitor_cond_change (ovsdb-server(7), 4.1.13). */
export function conditionUpdates(
  schema: DatabaseSchema,
  monitored: ReadonlyMap<string, readonly string[]>,
  conditions: ReadonlyMap<string, Condition>,
): JsonObject {
  const updates: Record<string, Json> = {};
  for (const [name, condition] of conditions) {
    if (monitored.has(name)) updates[name] = [{ where: whereOf(schema, name, condition) ?? [true] }];
  }
  return updates;
}

/** undefined: all rows. Never `[]`, which the documents define both ways. */
function whereOf(schema: DatabaseSchema, name: string, condition: Condition | undefined): Json | undefined {
  const table = schema.tables.get(name);
  if (table === undefined || condition === undefined || condition === true) return undefined;
  return encodeCondition(table, withoutMissing(table, condition));
}

/**
 * A condition is a disjunction of clauses. A clause about a column that the server lacks cannot be asked; then more rows
 * are better than fewer.
 */
function withoutMissing(table: TableSchema, condition: Condition): Condition {
  if (typeof condition === 'boolean') return condition;
  const isKnown = condition.every(
    (clause) => typeof clause === 'boolean' || clause[0] === '_uuid' || table.columns.has(clause[0]),
  );
  return isKnown ? condition : true;
}
