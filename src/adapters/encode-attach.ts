/**
 * Turns the actions of the attachments into one OVSDB transaction, each guarded by `wait` operations (RFC 7047 section
 * 5.2.6) on the facts that it rests on. Used by the Open vSwitch store; it decides nothing and sends nothing.
 */

import type { StoreSnapshot } from '../agent/ports.js';
import type { AttachAction, AttachedRows, QosChange } from '../attach/attach-action.js';
import type { OpenVswitchDatabase } from '../gen/open-vswitch.js';
import { AgentError } from '../lib/errors.js';
import type { ObjectRef } from '../model/condition.js';
import { ownerKey } from '../model/ownership.js';
import type { Ref, RowHandle, RowOf, Uuid } from '../ovsdb/index.js';
import type { RowEdit } from '../plan/action.js';
import {
  editRow,
  encodeOrBlame,
  isSeenByVswitchd,
  newRowValues,
  type EncodedActions,
  type VswitchTransaction,
} from './encode-actions.js';

type OfKind<Kind extends AttachAction['kind']> = Extract<AttachAction, { readonly kind: Kind }>;
type Clauses<Table extends keyof OpenVswitchDatabase> = readonly (readonly [
  column: Extract<keyof RowOf<OpenVswitchDatabase, Table>, string>,
  fn: '==' | 'includes',
  value: unknown,
])[];

/** What the encoder has to know of the database beside the actions. */
export type AttachSnapshot = Pick<StoreSnapshot, 'root' | 'qos'>;

/** Changes of one bridge's set of ports. */
interface BridgeChange {
  readonly added: RowHandle<'Port'>[];
  readonly removed: Ref<'Port'>[];
}

class AttachEncoder {
  readonly guards: ObjectRef[] = [];
  needsVswitchd = false;
  readonly #transaction: VswitchTransaction;
  readonly #snapshot: AttachSnapshot;
  readonly #bridges = new Map<string, BridgeChange>();
  /** Bridges whose datapath type is guarded: one guard serves all attachments of a batch. */
  readonly #guardedBridges = new Set<string>();
  /** Of the action at hand. */
  #object: ObjectRef = { kind: 'port', name: '' };

  constructor(transaction: VswitchTransaction, snapshot: AttachSnapshot) {
    this.#transaction = transaction;
    this.#snapshot = snapshot;
  }

  encode(object: ObjectRef, action: AttachAction): void {
    this.#object = object;
    switch (action.kind) {
      case 'attach':
        this.#attach(action);
        return;
      case 'repair':
        this.#repair(action);
        return;
      case 'detach':
        this.#detach(action);
        return;
      case 'dropQos':
        this.#dropQos(action);
    }
  }

  /** One mutation per bridge for the whole batch: the server merges sets in time that grows with the ports there are. */
  finish(): void {
    for (const [bridge, { added, removed }] of this.#bridges) {
      if (removed.length > 0) this.#transaction.removeFromSet('Bridge', bridge as Uuid, 'ports', removed);
      if (added.length > 0) this.#transaction.addToSet('Bridge', bridge as Uuid, 'ports', added);
    }
    if (this.needsVswitchd)
      this.#transaction.increment('Open_vSwitch', this.#snapshot.root.uuid as Uuid, 'next_cfg', 1);
  }

  #attach(action: OfKind<'attach'>): void {
    const { bridgeUuid, datapathType, port: name } = action;
    const bridge = `${bridgeUuid} ${datapathType}`;
    if (!this.#guardedBridges.has(bridge)) {
      this.#guardedBridges.add(bridge);
      this.#require('Bridge', [
        ['_uuid', '==', bridgeUuid],
        ['datapath_type', '==', datapathType],
      ]);
    }
    this.#requireAbsent('Port', [['name', '==', name]]);
    this.#requireAbsent('Interface', [['name', '==', name]]);
    const qos = action.qos === undefined ? {} : { qos: this.#insertQos(action.qos) };
    const entry = this.#transaction.insert('Interface', { ...newRowValues(action.interfaceRow), name });
    const port = { ...newRowValues(action.portRow), name, interfaces: [entry], ...qos };
    this.#changeOf(bridgeUuid).added.push(this.#transaction.insert('Port', port));
    this.needsVswitchd = true;
  }

  #repair({ rows, portEdit, interfaceEdit, qos }: OfKind<'repair'>): void {
    this.#requireRows(rows);
    if (qos.kind !== 'keep') this.#requireOwnOrLeft(rows, qos.kind === 'create' ? undefined : qos.uuid);
    const portUuid = rows.portUuid as Uuid;
    editRow(this.#transaction, 'Port', portUuid, portEdit);
    editRow(this.#transaction, 'Interface', rows.interfaceUuid as Uuid, interfaceEdit);
    this.#changeQos(portUuid, qos);
    if (isSeenByVswitchd(portEdit) || isSeenByVswitchd(interfaceEdit)) this.needsVswitchd = true;
  }

  #changeQos(port: Uuid, change: QosChange): void {
    switch (change.kind) {
      case 'keep':
        return;
      case 'create':
        this.#transaction.update('Port', port, { qos: this.#insertQos(change.row) });
        this.needsVswitchd = true;
        return;
      case 'edit':
        editRow(this.#transaction, 'QoS', change.uuid as Uuid, change.edit);
        if (isSeenByVswitchd(change.edit)) this.needsVswitchd = true;
        return;
      case 'delete':
        this.#deleteQos(port, change.uuid);
        this.needsVswitchd = true;
    }
  }

  /** Port and Interface go by themselves once no bridge refers to them (ovsdb-server(7), garbage collection). */
  #detach({ bridgeUuid, rows, qosUuid }: OfKind<'detach'>): void {
    const port = rows.portUuid as Ref<'Port'>;
    this.#require('Bridge', [
      ['_uuid', '==', bridgeUuid],
      ['ports', 'includes', [port]],
    ]);
    this.#requireRows(rows);
    if (qosUuid !== undefined) this.#requireLimit(rows, qosUuid);
    this.#changeOf(bridgeUuid).removed.push(port);
    if (qosUuid !== undefined) this.#deleteQos(port, qosUuid);
    this.needsVswitchd = true;
  }

  /** vswitchd does not act upon a row that no port refers to. */
  #dropQos({ uuid, owner }: OfKind<'dropQos'>): void {
    this.#requireQos(uuid, owner);
    this.#requireAbsent('Port', [['qos', '==', uuid]]);
    this.#transaction.delete('QoS', uuid as Uuid);
  }

  /**
   * The rows belong together and to the attachment as they did when they were seen. Of external_ids only the guard's keys
   * count: ovn-controller and others write the rest at any time.
   */
  #requireRows({ portUuid, interfaceUuid, guard }: AttachedRows): void {
    this.#require('Port', [
      ['_uuid', '==', portUuid],
      ['interfaces', 'includes', [interfaceUuid]],
    ]);
    this.#require('Interface', [
      ['_uuid', '==', interfaceUuid],
      ['external_ids', 'includes', guard],
    ]);
  }

  /** The port has this limit, and it bears its mark; or, without one, nobody has given the port a limit meanwhile. */
  #requireLimit({ portUuid }: AttachedRows, qosUuid: string | undefined): void {
    this.#require('Port', [
      ['_uuid', '==', portUuid],
      ['qos', '==', qosUuid],
    ]);
    if (qosUuid === undefined) return;
    const mark = this.#snapshot.qos.get(qosUuid)?.externalIds.get(ownerKey);
    if (mark === undefined) throw new AgentError('OVSDB_WAIT_FAILED', 'the row of the limit has lost its mark');
    this.#requireQos(qosUuid, mark);
  }

  /** As `requireLimit`; or the limit has no mark, and is in everything as it was when it was seen to be left to the pod. */
  #requireOwnOrLeft(rows: AttachedRows, qosUuid: string | undefined): void {
    const ids = qosUuid === undefined ? undefined : this.#snapshot.qos.get(qosUuid)?.externalIds;
    if (ids === undefined || ids.has(ownerKey) || !ids.has('sandbox')) {
      this.#requireLimit(rows, qosUuid);
      return;
    }
    this.#require('Port', [
      ['_uuid', '==', rows.portUuid],
      ['qos', '==', qosUuid],
    ]);
    this.#require('QoS', [
      ['_uuid', '==', qosUuid],
      ['external_ids', '==', ids],
    ]);
  }

  /** A row of table QoS belongs to no port: its mark alone tells whose it is. */
  #requireQos(uuid: string, owner: string): void {
    this.#require('QoS', [
      ['_uuid', '==', uuid],
      ['external_ids', 'includes', new Map([[ownerKey, owner]])],
    ]);
  }

  #insertQos(row: RowEdit): RowHandle<'QoS'> {
    return this.#transaction.insert('QoS', newRowValues(row));
  }

  /** The port lets go of it first: the server counts references before it collects rows that nothing refers to. */
  #deleteQos(port: Uuid, uuid: string): void {
    this.#transaction.update('Port', port, { qos: undefined });
    this.#transaction.delete('QoS', uuid as Uuid);
  }

  #changeOf(bridgeUuid: string): BridgeChange {
    const change = this.#bridges.get(bridgeUuid) ?? { added: [], removed: [] };
    this.#bridges.set(bridgeUuid, change);
    return change;
  }

  #require<Table extends keyof OpenVswitchDatabase>(table: Table, where: Clauses<Table>): void {
    this.#transaction.requirePresent(table, where);
    this.guards.push(this.#object);
  }

  #requireAbsent<Table extends keyof OpenVswitchDatabase>(table: Table, where: Clauses<Table>): void {
    this.#transaction.requireAbsent(table, where);
    this.guards.push(this.#object);
  }
}

/**
 * Adds the actions to the transaction. When vswitchd has to act, `next_cfg` is raised once with them, so that `cur_cfg`
 * tells when it has (ovs-vswitchd.conf.db(5), table Open_vSwitch). The guards look at the state before the transaction:
 * one that removes a name and takes it again conflicts with itself, as it should, for vswitchd would not see a new port.
 * @throws EncodeError naming the port that the server's schema has no words for, or whose limit has lost its mark
 */
export function encodeAttach(
  transaction: VswitchTransaction,
  snapshot: AttachSnapshot,
  actions: readonly AttachAction[],
): EncodedActions {
  const encoder = new AttachEncoder(transaction, snapshot);
  const objects: ObjectRef[] = [];
  for (const action of actions) {
    // A row that no port uses stands for itself.
    const object: ObjectRef = { kind: 'port', name: action.kind === 'dropQos' ? action.uuid : action.port };
    encodeOrBlame(object, () => encoder.encode(object, action));
    while (objects.length < transaction.operationCount) objects.push(object);
  }
  encoder.finish();
  return { objects, guards: encoder.guards, needsVswitchd: encoder.needsVswitchd };
}
