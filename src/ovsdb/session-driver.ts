/**
 * One connection's conversation: carries out what the session machine decides over an RpcConnection, feeds the replica in
 * order of arrival, and keeps conditions and locks as wanted. Used by the client, one per connection; when it has ended it
 * is thrown away. It does not reconnect.
 */

import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.js';
import type { AgentError } from '../lib/errors.js';
import type { Condition } from './condition.js';
import type { ConditionSlots } from './condition-slots.js';
import type { LockRequest, LockTable } from './lock-table.js';
import { conditionUpdates, monitorRequests } from './monitor-plan.js';
import { updateMethods } from './replica-feed.js';
import type { Loaded, ReplicaFeed } from './replica-feed.js';
import { isError, protocolError, RpcConnection } from './rpc.js';
import type { RpcLimits } from './rpc.js';
import { errorFromReply } from './server-errors.js';
import { judgeServer, parseServerRow, rememberServer, serverColumns } from './server-row.js';
import type { ClusterMemory, ServerRow, ServerWish } from './server-row.js';
import { beginSession, stepSession } from './session.js';
import type { MonitorMethod, SessionEffect, SessionEvent, SessionState, SessionStep } from './session.js';
import type { ChangeSet, Json, JsonObject } from './types.js';

/** What outlives a connection. */
export interface SessionMemory {
  readonly feed: ReplicaFeed;
  readonly conditions: ConditionSlots<Condition>;
  readonly locks: LockTable;
  cluster: ClusterMemory;
}

export interface SessionListener {
  /** Bytes came. */
  onHeard(): void;
  /** The replica equals the server. */
  onSynced(loaded: Loaded): void;
  /** The schema changed under us; out of sync until onSynced comes again. */
  onResync(): void;
  /** The replica has taken in one update. */
  onUpdate(changes: ChangeSet): void;
  /** The server acknowledged a change of conditions, and its rows are in the replica. */
  onConditions(): void;
  /** Called once: the connection is of no more use. `isVerdict`: the server is well, but not the one we want. */
  onEnd(error: AgentError, isVerdict: boolean): void;
}

export interface SessionOptions {
  readonly stream: Duplex;
  readonly clock: Clock;
  readonly limits: RpcLimits;
  readonly wish: ServerWish;
  readonly memory: SessionMemory;
  readonly listener: SessionListener;
}

const dataMonitor = 'data';
const serverMonitor = 'server';
const serverDatabase = '_Server';

export class SessionDriver {
  readonly rpc: RpcConnection;
  readonly #options: SessionOptions;
  readonly #memory: SessionMemory;
  #state: SessionState;
  /** The rows of `_Server.Database`, by uuid, with every column that was ever sent. */
  readonly #serverRows = new Map<string, JsonObject>();
  #isVerdict = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#memory = options.memory;
    this.rpc = new RpcConnection({
      stream: options.stream,
      clock: options.clock,
      limits: options.limits,
      onNotification: (method, params) => this.#notified(method, params),
      onHeard: () => options.listener.onHeard(),
      onClose: (error) => this.#ended(error),
    });
    const [state, effects] = beginSession();
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  get isSynced(): boolean {
    return this.#state.kind === 'synced';
  }

  /** Sends something that the server must answer. */
  probe(): void {
    this.rpc.request('echo', [], ignore, ignore);
  }

  /** Ends the connection. */
  close(error: AgentError): void {
    this.rpc.close(error);
  }

  /** Sends the changes of conditions that wait, unless one is on its way. */
  sendConditions(): void {
    if (this.#state.kind !== 'synced') return;
    const changes = this.#memory.conditions.takeChanges();
    if (changes === undefined) return;
    const { schema, monitored } = this.#memory.feed;
    // The plain monitor of RFC 7047 knows no conditions; all rows come anyway.
    if (this.#state.method === 'monitor' || schema === undefined) {
      this.#conditionsDone();
      return;
    }
    const updates = conditionUpdates(schema, monitored, changes);
    this.#ask('monitor_cond_change', [dataMonitor, dataMonitor, updates], () => this.#conditionsDone());
  }

  /** Sends requests for locks, when there is somebody to send them to. */
  sendLocks(requests: readonly LockRequest[]): void {
    if (this.#state.kind !== 'synced') return;
    for (const { method, name } of requests) {
      this.#ask(method, [name], (result) => {
        if (method !== 'unlock') this.#memory.locks.answered(name, objectOf(result));
      });
    }
  }

  #conditionsDone(): void {
    // ovsdb-server sends the rows that enter and leave before its reply, so they are in the replica by now.
    this.#memory.conditions.acknowledge();
    this.#options.listener.onConditions();
    this.sendConditions();
  }

  #ended(error: AgentError): void {
    this.#state = { kind: 'left' };
    if (this.#memory.conditions.disconnect()) this.#memory.feed.forgetTransactionId();
    this.#memory.locks.disconnect();
    this.#memory.feed.disconnect();
    this.#options.listener.onEnd(error, this.#isVerdict);
  }

  #step(event: SessionEvent): void {
    this.#enter(stepSession(this.#state, event));
  }

  #enter([state, effects]: SessionStep): void {
    const wasSynced = this.isSynced;
    this.#state = state;
    if (wasSynced && state.kind !== 'left' && state.kind !== 'synced') this.#options.listener.onResync();
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'getServerSchema': {
        this.#advance('get_schema', [serverDatabase], ignore);
        return;
      }
      case 'monitorServer': {
        this.#monitorServer();
        return;
      }
      case 'beChangeAware':
        // An older server does not know the method; it also has no schema changes to tell about.
        this.rpc.request('set_db_change_aware', [true], ignore, ignore);
        return;
      case 'getDataSchema': {
        this.#advance('get_schema', [this.#options.wish.database], (schema) => this.#memory.feed.takeSchema(schema));
        return;
      }
      case 'monitorData': {
        this.#monitorData(effect.method);
        return;
      }
      case 'announceSync':
        // The dump has been announced with its contents.
        return;
      case 'leave':
        this.#isVerdict = effect.error.code !== 'PEER_PROTOCOL';
        {
          this.close(effect.error);
          return;
        }
    }
  }

  /** Sends the request that the machine waits for. */
  #advance(method: string, params: readonly Json[], take: (result: Json) => void): void {
    this.#send(
      method,
      params,
      (error) => this.#step({ kind: 'refused', error }),
      (result) => {
        take(result);
        this.#step({ kind: 'replied' });
      },
    );
  }

  /** Sends a request whose refusal makes the connection useless. */
  #ask(method: string, params: readonly Json[], take: (result: Json) => void): void {
    this.#send(method, params, (error) => this.#step({ kind: 'refused', error }), take);
  }

  #send(
    method: string,
    params: readonly Json[],
    refuse: (error: AgentError) => void,
    take: (result: Json) => void,
  ): void {
    this.rpc.request(
      method,
      params,
      (reply) => {
        if (isError(reply)) refuse(errorFromReply(reply['error'] ?? null, { method }));
        else take(reply['result'] ?? null);
      },
      ignore,
    );
  }

  #monitorServer(): void {
    const requests = { Database: [{ columns: [...serverColumns] }] };
    // The machine goes on by the verdict, not by the reply.
    this.#ask('monitor_cond', [serverDatabase, serverMonitor, requests], (tables) => {
      this.#takeServer(objectOf(tables));
      this.#judge();
    });
  }

  #takeServer(tables: JsonObject): void {
    for (const [uuid, change] of Object.entries(objectOf(tables['Database'] ?? {}))) {
      const { initial, insert, modify } = objectOf(change);
      const whole = initial ?? insert;
      if (whole !== undefined) this.#serverRows.set(uuid, objectOf(whole));
      // The columns are scalars and optionals, for which a difference is the new value (ovsdb-server(7), 4.1.14).
      else if (modify !== undefined) this.#serverRows.set(uuid, { ...this.#serverRows.get(uuid), ...objectOf(modify) });
      else this.#serverRows.delete(uuid);
    }
  }

  #judge(): void {
    const row = this.#serverRow();
    const error = judgeServer(row, this.#options.wish, this.#memory.cluster);
    if (error === undefined && row !== undefined) this.#memory.cluster = rememberServer(row, this.#memory.cluster);
    this.#step({ kind: 'verdict', error });
  }

  #serverRow(): ServerRow | undefined {
    for (const json of this.#serverRows.values()) {
      const row = parseServerRow(json);
      if (row.name === this.#options.wish.database) return row;
    }
    return undefined;
  }

  #monitorData(method: MonitorMethod): void {
    const { feed, conditions } = this.#memory;
    const { schema, resumeId, monitored } = feed;
    if (schema === undefined) throw protocolError('the schema did not come');
    const canResume = method === 'monitor_cond_since' && resumeId !== undefined;
    const asked = conditions.forMonitor(canResume);
    const requests = monitorRequests(schema, monitored, method === 'monitor' ? undefined : asked);
    const params: Json[] = [this.#options.wish.database, dataMonitor, requests];
    if (method === 'monitor_cond_since') params.push(resumeId ?? zeroId);
    this.rpc.setRowHook(feed.rowHook(method));
    this.#send(
      method,
      params,
      (error) => {
        this.rpc.setRowHook(undefined);
        this.#step({ kind: 'refused', error });
      },
      (result) => {
        this.rpc.setRowHook(undefined);
        const loaded = feed.takeDump(method, result);
        this.#step({ kind: 'replied' });
        this.#synced(loaded);
      },
    );
  }

  #synced(loaded: Loaded): void {
    if (!this.isSynced) return;
    this.sendLocks(this.#memory.locks.requests());
    this.#options.listener.onSynced(loaded);
    this.#options.listener.onConditions();
    this.sendConditions();
  }

  #notified(method: string, params: readonly Json[]): void {
    switch (method) {
      case 'update':
      case 'update2':
      case 'update3': {
        this.#updated(method, params);
        return;
      }
      case 'monitor_canceled': {
        this.#canceled(params[0]);
        return;
      }
      case 'locked': {
        this.#memory.locks.locked(textOf(params[0]));
        return;
      }
      case 'stolen': {
        this.#memory.locks.stolen(textOf(params[0]));
        return;
      }
      default:
        throw protocolError('a notification of an unknown kind', { method });
    }
  }

  #updated(method: string, params: readonly Json[]): void {
    if (params[0] === serverMonitor && method === 'update2') {
      this.#takeServer(objectOf(params[1] ?? null));
      this.#judge();
      return;
    }
    const state = this.#state;
    if (params[0] !== dataMonitor || state.kind !== 'synced' || updateMethods[state.method] !== method) {
      throw protocolError('an update for a monitor that does not exist', { method });
    }
    this.#options.listener.onUpdate(this.#memory.feed.takeUpdate(state.method, params));
  }

  #canceled(monitor: Json | undefined): void {
    if (monitor !== dataMonitor && monitor !== serverMonitor) {
      throw protocolError('the server canceled a monitor that does not exist');
    }
    this.#memory.feed.forgetTransactionId();
    this.#step({ kind: 'canceled', monitor });
  }
}

const zeroId = '00000000-0000-0000-0000-000000000000';

function ignore(): void {
  return;
}

function objectOf(json: Json): JsonObject {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw protocolError('a message has the wrong shape');
  }
  return json as JsonObject;
}

function textOf(json: Json | undefined): string {
  if (typeof json !== 'string') throw protocolError('a message has the wrong shape');
  return json;
}
