/**
 * The OVSDB client: a replica of the wanted part of one database that follows the server over every loss of connection,
 * and transactions whose effect is in the replica when they resolve. The face of the library;
 * the work is done by the connector (when to dial), the session driver (what to say) and the replica feed.
 */

import { assert } from '../lib/assert.js';
import { AgentError } from '../lib/errors.js';
import { settleOptions } from './client-options.js';
import type { ClientSettings, OvsdbClientOptions } from './client-options.js';
import { encodeCondition } from './condition.js';
import type { Condition } from './condition.js';
import { ConditionSlots } from './condition-slots.js';
import { Connector } from './connector.js';
import type { Phase } from './connector.js';
import { publish } from './events.js';
import type { Missing } from './events.js';
import { Listeners } from './listeners.js';
import { LockTable } from './lock-table.js';
import type { LockState } from './lock-table.js';
import type { Replica } from './replica.js';
import { ReplicaFeed } from './replica-feed.js';
import type { Loaded } from './replica-feed.js';
import { protocolError } from './rpc.js';
import type { CallOptions, RpcConnection } from './rpc.js';
import type { DatabaseSchema } from './schema.js';
import { clusterMemoryEmpty } from './server-row.js';
import type { SessionMemory } from './session-driver.js';
import { addTraffic, zeroStats } from './stats.js';
import type { ClientStats } from './stats.js';
import { sendTransaction } from './transact.js';
import type { Transactable } from './transact.js';
import type { ChangeSet, DatabaseTypes, Json, TableName } from './types.js';
import { Waiters } from './waiters.js';
import type { WaitOptions } from './waiters.js';

/** What became of a lock. */
export interface LockChange {
  readonly name: string;
  readonly state: LockState;
}

/** What a client is doing. */
export interface ClientState {
  /**
   * `idle`: not started. `connecting`: dials. `syncing`: connected, the replica is not (again) equal to the server's data.
   * `synced`: it is. `backoff`: waits before the next dial. `closed`: for good.
   */
  readonly kind: 'idle' | 'connecting' | 'syncing' | 'synced' | 'backoff' | 'closed';
  /** When that began, monotonic ms of the client's clock. */
  readonly sinceMs: number;
  /** The endpoint that is, or was last, dialled. */
  readonly endpoint: string;
  /** Why the last dial or connection ended; stays while the next one is tried, gone when in sync. */
  readonly lastError: AgentError | undefined;
}

export interface TransactOptions {
  /** Gives up. When the request was sent already its outcome is unknown: ABORTED_IN_FLIGHT. */
  readonly signal?: AbortSignal | undefined;
  /** How long the reply may take, ms. Default `callMsMax`. */
  readonly deadlineMs?: number | undefined;
  /** Wait (within the deadline) until the client is in sync instead of failing with NOT_CONNECTED. Default false. */
  readonly waitsForSync?: boolean;
}

export class OvsdbClient<Database extends DatabaseTypes> implements AsyncDisposable {
  readonly #settings: ClientSettings;
  readonly #memory: SessionMemory;
  readonly #waiters: Waiters;
  readonly #changeListeners: Listeners<ChangeSet>;
  readonly #stateListeners: Listeners<ClientState>;
  readonly #lockListeners: Listeners<LockChange>;
  readonly #connector: Connector;
  readonly #stats = zeroStats();
  #connectedMs = 0;
  #state: ClientState;

  /** @throws AgentError ENDPOINT_INVALID */
  constructor(options: OvsdbClientOptions<Database>) {
    this.#settings = settleOptions(options);
    const { clock, monitor } = this.#settings;
    this.#waiters = new Waiters(clock);
    this.#changeListeners = new Listeners();
    this.#stateListeners = new Listeners();
    this.#lockListeners = new Listeners();
    this.#memory = {
      feed: new ReplicaFeed(monitor),
      conditions: new ConditionSlots<Condition>(),
      locks: new LockTable((name, state) => this.#lockMoved(name, state)),
      cluster: clusterMemoryEmpty,
    };
    for (const [table, { condition }] of monitor) {
      if (condition !== undefined) this.#memory.conditions.set(table, condition);
    }
    this.#connector = new Connector({
      settings: this.#settings,
      memory: this.#memory,
      stats: this.#stats,
      listener: {
        onPhase: (phase, error) => this.#phase(phase, error),
        onSynced: (loaded) => this.#synced(loaded),
        onResync: () => this.#move('syncing'),
        onUpdate: (changes) => this.#updated(changes),
        onConditions: () => this.#waiters.check(),
      },
    });
    this.#state = {
      kind: 'idle',
      sinceMs: clock.nowMs(),
      endpoint: this.#connector.endpoint,
      lastError: undefined,
    };
  }

  /** Begins to connect, and goes on until `close`. */
  start(): void {
    assert(this.#state.kind === 'idle', 'a client is started once');
    this.#connector.start();
  }

  /** Ends everything; what is pending fails with CLIENT_CLOSED or CONNECTION_LOST. May be called at any time, and twice. */
  close(): Promise<void> {
    if (this.#state.kind !== 'closed') {
      this.#move('closed');
      this.#connector.close(closedError());
      this.#waiters.fail(closedError());
    }
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Counters, as of now. */
  get stats(): Readonly<ClientStats> {
    const stats = { ...this.#stats };
    const rpc = this.#connector.session?.rpc;
    if (rpc !== undefined) addTraffic(stats, rpc);
    return stats;
  }

  /**
   * The replica as of the last sync and the updates since. It stays readable while the connection is away; `state` tells
   * whether it is current.
   * @throws AgentError NOT_CONNECTED before the first sync
   */
  get replica(): Replica {
    const replica = this.#memory.feed.replica;
    if (replica === undefined) throw this.#notConnected('the replica was never in sync');
    return replica;
  }

  /**
   * The schema of the server, as of the last connection.
   * @throws AgentError NOT_CONNECTED before the first one
   */
  get schema(): DatabaseSchema {
    const schema = this.#memory.feed.schema;
    if (schema === undefined) throw this.#notConnected('the schema is not known yet');
    return schema;
  }

  /** Whether the server's schema has the table, and in it the column. False as long as the schema is not known. */
  presence(table: TableName<Database>, column?: string): boolean {
    return this.#memory.feed.schema?.has(table, column) ?? false;
  }

  /** What was asked for in `monitor` and the server's schema lacks. */
  get missing(): readonly Missing[] {
    return this.#memory.feed.missing;
  }

  /** Calls `listener` after each change of the replica, with all differences at once. Returns how to stop that. */
  onChange(listener: (changes: ChangeSet) => void): () => void {
    return this.#changeListeners.add(listener);
  }

  /** Calls `listener` after each change of `state`. Returns how to stop that. */
  onState(listener: (state: ClientState) => void): () => void {
    return this.#stateListeners.add(listener);
  }

  /** Calls `listener` when a lock is got or lost. Returns how to stop that. */
  onLock(listener: (lock: LockChange) => void): () => void {
    return this.#lockListeners.add(listener);
  }

  /**
   * Resolves when the client is in sync, at once if it is.
   * @throws AgentError ABORTED, CLIENT_CLOSED
   */
  async synced(signal?: AbortSignal): Promise<void> {
    await this.#until(() => this.#state.kind === 'synced', { signal });
  }

  /**
   * Resolves as soon as the client is in sync and `predicate` holds; looked at after each change.
   * @throws AgentError ABORTED, DEADLINE_EXCEEDED, CLIENT_CLOSED; what `predicate` throws
   */
  async waitFor(predicate: (replica: Replica) => boolean, options: WaitOptions = {}): Promise<void> {
    await this.#until(() => this.#state.kind === 'synced' && predicate(this.replica), options);
  }

  /**
   * Carries out a transaction, or raw operations. When it resolves, the replica holds its effect: the server sends the
   * update before the reply. While locks are wanted, it happens only if they are held.
   * @returns the outcome; for raw operations the results, one per operation
   * @throws AgentError typed by the server's error; NOT_CONNECTED, CONNECTION_LOST, DEADLINE_EXCEEDED …: `isOutcomeUnknown`
   *   tells whether it may have happened
   */
  async transact<Outcome>(transaction: Transactable<Outcome>, options?: TransactOptions): Promise<Outcome>;
  async transact(operations: readonly Json[], options?: TransactOptions): Promise<readonly Json[]>;
  async transact<Outcome>(
    transaction: Transactable<Outcome> | readonly Json[],
    options: TransactOptions = {},
  ): Promise<Outcome | readonly Json[]> {
    const call = this.#patience(options);
    if (options.waitsForSync === true) await this.#until(() => this.#state.kind === 'synced', call);
    if (this.#state.kind !== 'synced') throw this.#notConnected('the client is not in sync');
    const { clock, wish } = this.#settings;
    const target = { rpc: this.#rpc(), database: wish.database, locks: this.#memory.locks.names };
    return sendTransaction(target, transaction, call, this.#stats, () => clock.nowMs());
  }

  /**
   * Filters the rows of a table by another condition from now on. Resolves when the server has acknowledged it and the
   * rows that came and went by it are in the replica. Calls for the same table overtake each other: the last one counts.
   * @throws AgentError ABORTED, DEADLINE_EXCEEDED, CLIENT_CLOSED, and the condition stays wanted; OVSDB_VALUE_INVALID or
   *   OVSDB_SCHEMA_MISMATCH for one that the server would refuse
   */
  async setCondition(table: TableName<Database>, condition: Condition, options: WaitOptions = {}): Promise<void> {
    if (!this.#settings.monitor.has(table)) throw new AgentError('USAGE', 'the table is not monitored');
    const schema = this.#memory.feed.schema?.tables.get(table);
    if (schema !== undefined) encodeCondition(schema, condition);
    this.#memory.conditions.set(table, condition);
    this.#connector.session?.sendConditions();
    await this.#until(() => this.#state.kind === 'synced' && this.#memory.conditions.isSettled(table), options);
  }

  /**
   * Wants a lock from now on, over reconnections. `steal` takes it from its holder, once. As long as a lock is wanted,
   * transactions fail with OVSDB_NOT_OWNER unless it is held.
   */
  lock(name: string, mode: 'wait' | 'steal' = 'wait'): void {
    const requests = this.#memory.locks.want(name, mode === 'steal');
    this.#connector.session?.sendLocks(requests);
  }

  /** Gives a lock up, or no longer waits for it. */
  unlock(name: string): void {
    if (this.#memory.locks.release(name)) this.#connector.session?.sendLocks([{ method: 'unlock', name }]);
  }

  lockState(name: string): LockState {
    return this.#memory.locks.state(name);
  }

  /** Drops the connection and makes a new one, for example after a change of certificates. */
  reconnect(): void {
    this.#connector.redial();
  }

  /** The databases of the server. */
  async listDbs(options: CallOptions = {}): Promise<readonly string[]> {
    const names = await this.call('list_dbs', [], options);
    if (!Array.isArray(names)) throw protocolError('the list of databases is no array');
    return names.map(String);
  }

  /** The schema of a database of the server, as it sends it. */
  getSchema(database: string, options: CallOptions = {}): Promise<Json> {
    return this.call('get_schema', [database], options);
  }

  /** The uuid that the server process gave itself at its start: another one means that it was restarted. */
  async getServerId(options: CallOptions = {}): Promise<string> {
    const id = await this.call('get_server_id', [], options);
    if (typeof id !== 'string') throw protocolError('the identity of the server is no text');
    return id;
  }

  /** Any method of the server. @throws AgentError NOT_CONNECTED without a connection */
  call(method: string, params: readonly Json[], options: CallOptions = {}): Promise<Json> {
    const session = this.#connector.session;
    if (session === undefined) return Promise.reject(this.#notConnected('there is no connection'));
    return session.rpc.call(method, params, this.#patience(options));
  }

  #patience(options: WaitOptions): CallOptions {
    return { signal: options.signal, deadlineMs: options.deadlineMs ?? this.#settings.callMsMax };
  }

  #until(test: () => boolean, options: WaitOptions): Promise<void> {
    if (this.#state.kind === 'closed') return Promise.reject(closedError());
    return this.#waiters.until(test, options);
  }

  #rpc(): RpcConnection {
    const session = this.#connector.session;
    assert(session !== undefined, 'who is in sync has a session');
    return session.rpc;
  }

  #notConnected(message: string): AgentError {
    if (this.#state.kind === 'closed') return closedError();
    const { endpoint, lastError, kind } = this.#state;
    return new AgentError('NOT_CONNECTED', message, { facts: { endpoint, state: kind }, cause: lastError });
  }

  #phase(phase: Phase, error: AgentError | undefined): void {
    if (phase === 'syncing') this.#connectedMs = this.#settings.clock.nowMs();
    this.#move(phase, error ?? this.#state.lastError);
  }

  #synced(loaded: Loaded): void {
    const { changes, isResumed } = loaded;
    const { feed } = this.#memory;
    const durationMs = this.#settings.clock.nowMs() - this.#connectedMs;
    this.#stats.syncs += 1;
    this.#stats.syncMsLast = durationMs;
    if (isResumed) this.#stats.resumes += 1;
    this.#stats.rowsReloaded += changes.changes.length;
    const { database } = this.#settings.wish;
    const common = { database, endpoint: this.#connector.endpoint };
    if (feed.missing.length > 0) publish({ ...common, kind: 'missing', missing: feed.missing });
    const changeCount = changes.changes.length;
    publish({ ...common, kind: 'synced', rowCount: countRows(this.replica, feed), changeCount, isResumed, durationMs });
    this.#move('synced', undefined);
    this.#tell(changes);
  }

  #updated(changes: ChangeSet): void {
    this.#stats.updates += 1;
    this.#stats.rowsUpdated += changes.changes.length;
    this.#tell(changes);
  }

  #tell(changes: ChangeSet): void {
    const { clock } = this.#settings;
    const startMs = clock.nowMs();
    if (changes.changes.length > 0) this.#changeListeners.tell(changes);
    this.#waiters.check();
    const durationMs = clock.nowMs() - startMs;
    this.#stats.listenerMs += durationMs;
    this.#stats.listenerMsMax = Math.max(this.#stats.listenerMsMax, durationMs);
    if (durationMs < slowMs) return;
    publish({
      kind: 'slowListeners',
      durationMs,
      database: this.#settings.wish.database,
      endpoint: this.#connector.endpoint,
    });
  }

  #lockMoved(name: string, state: LockState): void {
    const { endpoint } = this.#connector;
    publish({ kind: 'lock', name, state, database: this.#settings.wish.database, endpoint });
    this.#lockListeners.tell({ name, state });
  }

  #move(kind: ClientState['kind'], lastError = this.#state.lastError): void {
    if (this.#state.kind === 'closed') return;
    const error = kind === 'synced' ? undefined : lastError;
    this.#state = { kind, sinceMs: this.#settings.clock.nowMs(), endpoint: this.#connector.endpoint, lastError: error };
    this.#stateListeners.tell(this.#state);
    this.#waiters.check();
  }
}

/** Listeners that take longer than this are reported, ms. */
const slowMs = 50;

function closedError(): AgentError {
  return new AgentError('CLIENT_CLOSED', 'the client was closed');
}

function countRows(replica: Replica, feed: ReplicaFeed): number {
  let count = 0;
  for (const table of feed.monitored.keys()) count += replica.table(table).size;
  return count;
}
