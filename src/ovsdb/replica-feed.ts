/**
 * From what the monitor says to the replica: the first dump, row by row as it arrives; what was missed after a
 * reconnection; each update. Remembers the last transaction id, and forgets it whenever it could be wrong. Used by the
 * session driver; it sends nothing.
 */

import { isDeepStrictEqual } from 'node:util';
import { assert } from '../lib/assert.js';
import type { AgentError } from '../lib/errors.js';
import type { Missing } from './events.js';
import { planMonitor } from './monitor-plan.js';
import type { TableMonitor } from './monitor-plan.js';
import { Replica } from './replica.js';
import type { ReplicaLoad } from './replica.js';
import { protocolError } from './rpc.js';
import { parseSchema } from './schema.js';
import type { DatabaseSchema } from './schema.js';
import type { MonitorMethod } from './session.js';
import type { ChangeSet, Json, JsonObject } from './types.js';
import { keepRow } from './wire/frame-scanner.js';
import type { RowHook } from './wire/frame-scanner.js';

/** A standalone server has no history: every dump and update of it carries this id, and it can never be resumed. */
const zeroId = '00000000-0000-0000-0000-000000000000';

/** The notification that belongs to each method (ovsdb-server(7), 4.1.14 and 4.1.15). */
export const updateMethods = {
  monitor: 'update',
  monitor_cond: 'update2',
  monitor_cond_since: 'update3',
} as const satisfies Record<MonitorMethod, string>;

/** How the replica got in sync. */
export interface Loaded {
  readonly changes: ChangeSet;
  readonly isResumed: boolean;
}

export class ReplicaFeed {
  readonly #wanted: ReadonlyMap<string, TableMonitor>;
  #replica: Replica | undefined;
  /** What `#replica` holds. */
  #held: ReadonlyMap<string, readonly string[]> = new Map();
  /** Whether the next dump has the columns and types that `#replica` has. */
  #fits = false;
  #wasLoaded = false;
  #load: ReplicaLoad | undefined;
  #transactionId = zeroId;
  #schemaJson: Json = null;
  #schema: DatabaseSchema | undefined;
  #monitored: ReadonlyMap<string, readonly string[]> = new Map();
  #missing: readonly Missing[] = [];

  constructor(wanted: ReadonlyMap<string, TableMonitor>) {
    this.#wanted = wanted;
  }

  /** The replica as it was in sync last; undefined before the first time. */
  get replica(): Replica | undefined {
    return this.#wasLoaded ? this.#replica : undefined;
  }

  /** The schema of the server, as of the last connection that got that far. */
  get schema(): DatabaseSchema | undefined {
    return this.#schema;
  }

  /** What is monitored, of what was wanted. */
  get monitored(): ReadonlyMap<string, readonly string[]> {
    return this.#monitored;
  }

  /** What was wanted and the server lacks. */
  get missing(): readonly Missing[] {
    return this.#missing;
  }

  /** What to resume from, or undefined when everything has to be loaded. */
  get resumeId(): string | undefined {
    return this.#transactionId !== zeroId && this.#wasLoaded && this.#fits ? this.#transactionId : undefined;
  }

  /** Says that the replica may have missed something that the transaction id claims it has. */
  forgetTransactionId(): void {
    this.#transactionId = zeroId;
  }

  /** The connection ended: what was loaded of a dump is dropped. The replica stays as it was. */
  disconnect(): void {
    this.#load?.abandon();
    this.#load = undefined;
  }

  /**
   * Takes the server's schema. When it changes what is monitored, the replica takes its new shape with the next dump.
   * @throws AgentError PEER_PROTOCOL
   */
  takeSchema(json: Json): void {
    this.disconnect();
    const schema =
      this.#schema !== undefined && isDeepStrictEqual(json, this.#schemaJson) ? this.#schema : parseSchema(json);
    const plan = planMonitor(schema, this.#wanted);
    this.#replica ??= new Replica(schema, plan.monitored);
    this.#fits = this.#wasLoaded && this.#isFit(this.#replica, schema, plan.monitored);
    if (!this.#fits) this.forgetTransactionId();
    this.#schemaJson = json;
    this.#schema = schema;
    this.#monitored = plan.monitored;
    this.#missing = plan.missing;
  }

  /** Takes rows out of a large reply while it arrives. Only to be set while a monitor request is unanswered. */
  rowHook(method: MonitorMethod): RowHook {
    return (table, uuid, row, section) => {
      // What a resume sends are differences; they are applied together, when all are there.
      if (section !== 'result' || !('initial' in row || ('new' in row && method === 'monitor'))) return keepRow;
      this.#loading(method).row(table, uuid, row);
      return undefined;
    };
  }

  /**
   * Takes the reply to a monitor request.
   * @throws AgentError PEER_PROTOCOL; the replica is as before
   */
  takeDump(method: MonitorMethod, result: Json): Loaded {
    if (method !== 'monitor_cond_since') return this.#finishLoad(method, objectOf(result), zeroId);
    const [found, id, tables] = tupleOf(result, 3);
    if (typeof found !== 'boolean' || typeof id !== 'string')
      throw protocolError('a monitor reply has the wrong shape');
    if (!found) return this.#finishLoad(method, objectOf(tables), id);
    if (this.resumeId === undefined) throw protocolError('the server resumed from a transaction that was not named');
    const changes = this.#apply('update2', objectOf(tables));
    this.#transactionId = id;
    return { changes, isResumed: true };
  }

  /**
   * Takes the parameters of an update notification.
   * @throws AgentError PEER_PROTOCOL; the replica is as before and will be loaded anew
   */
  takeUpdate(method: MonitorMethod, params: readonly Json[]): ChangeSet {
    if (method !== 'monitor_cond_since') {
      const [, tables] = tupleOf(params, 2);
      return this.#apply(method === 'monitor' ? 'update' : 'update2', objectOf(tables));
    }
    const [, id, tables] = tupleOf(params, 3);
    if (typeof id !== 'string') throw protocolError('an update has no transaction id');
    const changes = this.#apply('update2', objectOf(tables));
    this.#transactionId = id;
    return changes;
  }

  #apply(format: 'update' | 'update2', tables: JsonObject): ChangeSet {
    const { replica } = this;
    assert(replica !== undefined, 'updates come after the first dump');
    try {
      return replica.applyUpdate(format, tables);
    } catch (error) {
      this.forgetTransactionId();
      throw error;
    }
  }

  #finishLoad(method: MonitorMethod, tables: JsonObject, id: string): Loaded {
    const load = this.#loading(method);
    load.tables(tables);
    const changes = load.commit();
    this.#load = undefined;
    this.#wasLoaded = true;
    this.#fits = true;
    this.#held = this.#monitored;
    this.#transactionId = id;
    return { changes, isResumed: false };
  }

  #loading(method: MonitorMethod): ReplicaLoad {
    assert(this.#replica !== undefined && this.#schema !== undefined, 'the schema comes before the dump');
    const shape = this.#fits ? undefined : { schema: this.#schema, monitored: this.#monitored };
    this.#load ??= this.#replica.beginReload(method === 'monitor' ? 'update' : 'update2', shape);
    return this.#load;
  }

  /** Whether the replica can hold what is monitored now: the same columns with the same types. */
  #isFit(replica: Replica, schema: DatabaseSchema, monitored: ReadonlyMap<string, readonly string[]>): boolean {
    if (!isDeepStrictEqual([...monitored], [...this.#held])) return false;
    for (const [table, columns] of monitored) {
      const before = replica.schema.tables.get(table);
      const after = schema.tables.get(table);
      if (!isDeepStrictEqual(before?.indexes, after?.indexes)) return false;
      for (const name of columns) {
        if (!isDeepStrictEqual(before?.columns.get(name)?.type, after?.columns.get(name)?.type)) return false;
      }
    }
    return true;
  }
}

function objectOf(json: Json | undefined): JsonObject {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw shapeError();
  return json as JsonObject;
}

function tupleOf(json: Json | readonly Json[], length: number): readonly Json[] {
  if (!Array.isArray(json) || json.length !== length) throw shapeError();
  return json as readonly Json[];
}

function shapeError(): AgentError {
  return protocolError('a monitor message has the wrong shape');
}
