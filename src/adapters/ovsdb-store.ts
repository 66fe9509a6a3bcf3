/**
 * The Open vSwitch database as the reconcile loop sees it: bridges and ports to look at, and one guarded transaction per
 * plan. The only place where rows of the database and the planner's words meet.
 */

import type { SessionTelemetry } from '../agent/api-view.js';
import type { AttachStore } from '../agent/attach-ports.js';
import type { SettingStore } from '../agent/offload-ports.js';
import type { ApplyResult, StoreSnapshot, StoreState, SwitchStore, Unsubscribe } from '../agent/ports.js';
import type { AttachAction } from '../attach/attach-action.js';
import type { OpenVswitchDatabase } from '../gen/open-vswitch.js';
import { AgentError, type ErrorCode } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { formatObject, type ObjectRef } from '../model/condition.js';
import type { ChangeSet, OvsdbClient, RowChange, Uuid } from '../ovsdb/index.js';
import { Transaction } from '../ovsdb/index.js';
import type { Action } from '../plan/action.js';
import { encodeActions, EncodeError, type EncodedActions, type VswitchTransaction } from './encode-actions.js';
import { encodeAttach } from './encode-attach.js';
import { encodeSettings, type SettingEdit } from './encode-settings.js';
import { observeRows } from './observe-rows.js';

/** What is read of the database: nothing that changes while nothing happens, but for what is in `quietColumns`. */
export const monitoredColumns = {
  Open_vSwitch: [
    'bridges',
    'cur_cfg',
    'next_cfg',
    'external_ids',
    'other_config',
    'datapath_types',
    'iface_types',
    'ovs_version',
    'dpdk_version',
    'doca_version',
    'dpdk_initialized',
    'doca_initialized',
    'statistics',
  ],
  Bridge: [
    'name',
    'ports',
    'datapath_type',
    'datapath_id',
    'fail_mode',
    'protocols',
    'sflow',
    'other_config',
    'external_ids',
  ],
  Port: ['name', 'interfaces', 'tag', 'trunks', 'vlan_mode', 'qos', 'other_config', 'external_ids'],
  Interface: [
    'name',
    'type',
    'options',
    'ofport',
    'ofport_request',
    'mtu',
    'mtu_request',
    'error',
    'link_state',
    'link_resets',
    'ifindex',
    'mac_in_use',
    'ingress_policing_rate',
    'ingress_policing_burst',
    'other_config',
    'external_ids',
  ],
  QoS: ['type', 'other_config', 'external_ids'],
} as const;

/**
 * Columns that no loop plans by: who wants them looks at the snapshot when it wants to, and a change of nothing else calls
 * nobody. `statistics` is written every 5 s where other_config:enable-statistics is true, `link_resets` at every flap.
 */
const quietColumns: Readonly<Record<string, readonly string[]>> = {
  Open_vSwitch: ['statistics'],
  Bridge: ['sflow'],
  Interface: ['link_resets', 'other_config'],
};

function isQuiet(change: RowChange): boolean {
  if (change.kind !== 'modify') return false;
  const quiet = quietColumns[change.table];
  return quiet !== undefined && change.columns.every((column) => quiet.includes(column));
}

/** Two agents on one database take turns by this lock (RFC 7047 section 4.1.8); only the holder writes. */
export function writerLock(owner: string): string {
  return `dpu_agent_${owner.replace(/[^A-Za-z0-9_]/g, '_')}`;
}

export type VswitchClient = OvsdbClient<OpenVswitchDatabase>;

export class OvsdbStore implements SwitchStore, AttachStore, SettingStore {
  readonly #client: VswitchClient;
  readonly #deadlineMs: number;
  readonly #lock: string | undefined;
  /** Of the replica's version that it was made from. */
  #snapshot: { readonly version: number; readonly value: StoreSnapshot | undefined } | undefined;

  /** @param lock the writer's lock that the client was told to take; undefined: writing is not asked for */
  constructor(client: VswitchClient, deadlineMs: number, lock: string | undefined) {
    this.#client = client;
    this.#lock = lock;
    this.#deadlineMs = deadlineMs;
  }

  state(): StoreState {
    const state = this.#client.state;
    if (state.kind === 'synced') return { kind: 'synced', endpoint: state.endpoint };
    const error = state.lastError;
    const message = error === undefined ? 'The database is being read.' : safeText(describeError(error), 512);
    return { kind: state.kind === 'closed' ? 'closed' : 'connecting', message, code: error?.code };
  }

  snapshot(): StoreSnapshot | undefined {
    if (this.#client.state.kind !== 'synced') return undefined;
    const { replica } = this.#client;
    if (this.#snapshot?.version !== replica.version) {
      this.#snapshot = { version: replica.version, value: observeRows(rowSource(this.#client)) };
    }
    return this.#snapshot.value;
  }

  /** Version of the server's schema, as of the last connection; undefined before the first one. */
  schemaVersion(): string | undefined {
    if (this.#client.state.kind !== 'synced') return undefined;
    return this.#client.schema.version || undefined;
  }

  /** The session, for metrics: up is one whose replica is complete. */
  sessions(): readonly SessionTelemetry[] {
    const { state, stats } = this.#client;
    const isUp = state.kind === 'synced';
    return [{ protocol: 'ovsdb', peer: 'Open_vSwitch', isUp, connects: stats.syncs, failures: stats.losses }];
  }

  isWriter(): boolean {
    return this.#lock !== undefined && this.#client.lockState(this.#lock) === 'held';
  }

  apply(actions: readonly Action[], comment: string, signal: AbortSignal): Promise<ApplyResult> {
    const { replica } = this.#client;
    return this.#apply(comment, signal, (transaction, { root }) => {
      const guard = (table: 'Bridge' | 'Port', uuid: Uuid): void => {
        const row = replica.table(table).get(uuid);
        if (row !== undefined) transaction.verify(table, row as never, ['name', 'external_ids'] as never);
      };
      return encodeActions(transaction, root.uuid as Uuid, actions, guard);
    });
  }

  applyAttach(actions: readonly AttachAction[], comment: string, signal: AbortSignal): Promise<ApplyResult> {
    return this.#apply(comment, signal, (transaction, snapshot) => encodeAttach(transaction, snapshot, actions));
  }

  applySettings(edits: readonly SettingEdit[], comment: string, signal: AbortSignal): Promise<ApplyResult> {
    return this.#apply(comment, signal, (transaction, { root }) =>
      encodeSettings(transaction, root.uuid as Uuid, edits),
    );
  }

  /** Called when something other than `quietColumns` may have changed, or the state of the connection. */
  onChange(listener: () => void): Unsubscribe {
    const tell = ({ changes }: ChangeSet): void => {
      if (!changes.every(isQuiet)) listener();
    };
    const offs = [this.#client.onChange(tell), this.#client.onState(listener), this.#client.onLock(listener)];
    return () => {
      for (const off of offs) off();
    };
  }

  /** Sends what `encode` puts into a transaction, and tells what became of it. */
  async #apply(comment: string, signal: AbortSignal, encode: Encode): Promise<ApplyResult> {
    const snapshot = this.snapshot();
    if (snapshot === undefined) return { kind: 'conflict', message: 'the connection was lost before the change' };
    const transaction = new Transaction<OpenVswitchDatabase>(this.#client.schema);
    let encoded: EncodedActions | undefined;
    try {
      encoded = encode(transaction, snapshot);
      transaction.comment(`dpu-node-agent: ${comment}`);
      await this.#client.transact(transaction, { signal, deadlineMs: this.#deadlineMs });
    } catch (error) {
      if (error instanceof EncodeError) return failedResult(error.error, error.object);
      if (error instanceof AgentError) return failedResult(error, blamedObject(error, transaction, encoded));
      throw error;
    }
    return { kind: 'applied', nextCfg: encoded.needsVswitchd ? this.snapshot()?.root.nextCfg : undefined };
  }
}

type Encode = (transaction: VswitchTransaction, snapshot: StoreSnapshot) => EncodedActions;

/** Whose operation, or whose guard, the server refused; undefined when it does not say or nobody in particular is. */
function blamedObject(
  { facts }: AgentError,
  transaction: VswitchTransaction,
  encoded: EncodedActions | undefined,
): ObjectRef | undefined {
  const { operationIndex } = facts;
  if (typeof operationIndex !== 'number' || encoded === undefined) return undefined;
  // The guards go first.
  const operations = transaction.toOperations();
  const guardCount = operations.findIndex(({ op }) => op !== 'wait');
  return operationIndex < guardCount ? encoded.guards?.[operationIndex] : encoded.objects[operationIndex - guardCount];
}

/** What a person can do about an error that does not say so itself. */
const remedies: Partial<Record<ErrorCode, string>> = {
  CONNECTION_LOST: 'Look whether ovsdb-server runs and answers: ovs-appctl -t ovsdb-server version.',
  DEADLINE_EXCEEDED: 'Look whether ovsdb-server runs and answers: ovs-appctl -t ovsdb-server version.',
  PEER_PROTOCOL: 'Look whether ovsdb.endpoints names ovsdb-server and nothing else.',
  OVSDB_UNKNOWN_DATABASE: 'Point ovsdb.endpoints at the server of the Open vSwitch database.',
  OVSDB_SCHEMA_MISMATCH: 'Upgrade Open vSwitch (ovsdb-tool convert), or leave out what its schema has no column for.',
};

/** The error with the values that matter, and what a person can do about it. */
function describeError(error: AgentError): string {
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  const { database, endpoint, table, column } = error.facts;
  const facts = Object.entries({ database, endpoint, table, column })
    .filter(([, value]) => value !== undefined && !error.message.includes(String(value)))
    .map(([key, value]) => `${key} ${String(value)}`);
  const remedy = error.remedy ?? remedies[error.code];
  const where = facts.length === 0 ? '' : ` [${facts.join(', ')}]`;
  return `${error.message}${where}${cause}${remedy === undefined ? '' : ` (${remedy})`}`;
}

function failedResult(error: AgentError, object: ObjectRef | undefined): ApplyResult {
  const named = object === undefined || error.code !== 'OVSDB_WAIT_FAILED' ? '' : `${formatObject(object)}: `;
  const message = safeText(`${named}${describeError(error)}`, 512);
  if (error.code === 'OVSDB_WAIT_FAILED' || error.code === 'OVSDB_NOT_OWNER' || error.code === 'NOT_CONNECTED') {
    return { kind: 'conflict', object: error.code === 'OVSDB_WAIT_FAILED' ? object : undefined, message };
  }
  if (error.isOutcomeUnknown || error.code === 'ABORTED') return { kind: 'unknown', message };
  return { kind: 'refused', object, message, code: error.code };
}

function rowSource(client: VswitchClient): Parameters<typeof observeRows>[0] {
  const { replica } = client;
  const [roots, bridges, ports, interfaces] = [
    replica.table('Open_vSwitch'),
    replica.table('Bridge'),
    replica.table('Port'),
    replica.table('Interface'),
  ];
  return {
    root: () => [...roots.rows()][0] as never,
    bridges: () => bridges.rows() as never,
    port: (uuid) => ports.get(uuid as Uuid) as never,
    interface: (uuid) => interfaces.get(uuid as Uuid) as never,
    // No part of what the configured ports need: a server without the table serves them all the same.
    qos: () => (replica.has('QoS') ? replica.table('QoS').rows() : []) as never,
  };
}
