/**
 * Turns the planner's actions into one OVSDB transaction. Removals are guarded by `wait` operations inside the same
 * transaction, so that what changed since the look makes the whole of it a conflict instead of an accident.
 */

import type { OpenVswitchDatabase } from '../gen/open-vswitch.js';
import { AgentError } from '../lib/errors.js';
import type { Ref, RowHandle, Transaction, Uuid } from '../ovsdb/index.js';
import type { ObjectRef } from '../model/condition.js';
import type { StringMap } from '../model/ownership.js';
import type { Action, CellValue, RowEdit } from '../plan/action.js';

export type VswitchTransaction = Transaction<OpenVswitchDatabase>;

/** A row that is there, or one that this transaction makes. */
type BridgeTarget = Uuid | RowHandle<'Bridge'>;

/** What became of a list of actions, beside the operations in the transaction. */
export interface EncodedActions {
  /** Which object each operation of the transaction serves, by index: whom to blame for a refusal. */
  readonly objects: readonly ObjectRef[];
  /** Likewise for the guards, where that is known: whom to name when one does not hold. */
  readonly guards?: readonly ObjectRef[];
  /** Whether vswitchd has to act, or only notes changed. */
  readonly needsVswitchd: boolean;
}

interface EncodeState {
  readonly transaction: VswitchTransaction;
  readonly rootUuid: Uuid;
  /** Guard of a removal: the row as it was observed. */
  readonly guard: (table: 'Bridge' | 'Port', uuid: Uuid) => void;
  readonly newBridges: Map<string, RowHandle<'Bridge'>>;
}

/** Cells of a row as the transaction builder takes them: an absent list empties the set. */
function cellsOf(edit: RowEdit): Record<string, CellValue> {
  return Object.fromEntries(edit.set);
}

/** All of a new row: there are no keys of others in it yet, so maps are written whole. */
export function newRowValues(edit: RowEdit): Record<string, CellValue | StringMap> {
  const cells = Object.entries(cellsOf(edit)).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(cells), ...Object.fromEntries(edit.setKeys) };
}

function newRow(name: string, edit: RowEdit): { name: string } {
  return { ...newRowValues(edit), name };
}

/** Adds the operations that edit one row: whole columns that are the agent's, and single keys of shared maps. */
export function editRow(
  transaction: VswitchTransaction,
  table: 'Bridge' | 'Port' | 'Interface' | 'QoS',
  uuid: Uuid,
  edit: RowEdit,
): void {
  // The planner names columns as data; that they exist in the table is checked by the builder against the server's schema.
  const untyped = transaction as unknown as Transaction<Record<string, never>>;
  const target = uuid as never;
  // Whole columns are named by the planner only where they are the agent's alone.
  const replaceWhole = [...edit.set.keys()] as never[];
  if (edit.set.size > 0) untyped.update(table, target, cellsOf(edit), { replaceWhole });
  for (const [column, map] of edit.setKeys) untyped.setKeys(table, target, column as never, map);
  for (const [column, keys] of edit.deleteKeys) untyped.deleteKeys(table, target, column as never, keys);
}

function bridgeTarget(state: EncodeState, name: string, uuid: string | undefined): BridgeTarget | undefined {
  return uuid === undefined ? state.newBridges.get(name) : (uuid as Uuid);
}

function encodeAction(state: EncodeState, action: Action): void {
  const { transaction } = state;
  switch (action.kind) {
    case 'createBridge': {
      const handle = transaction.insert('Bridge', newRow(action.object.name, action.row));
      state.newBridges.set(action.object.name, handle);
      transaction.addToSet('Open_vSwitch', state.rootUuid, 'bridges', [handle]);
      return;
    }
    case 'createPort': {
      const target = bridgeTarget(state, action.bridge, action.bridgeUuid);
      if (target === undefined) return;
      const entry = transaction.insert('Interface', newRow(action.object.name, action.interface));
      const port = transaction.insert('Port', { ...newRow(action.object.name, action.port), interfaces: [entry] });
      transaction.addToSet('Bridge', target, 'ports', [port]);
      return;
    }
    case 'editBridge':
      editRow(transaction, 'Bridge', action.uuid as Uuid, action.edit);
      return;
    case 'editPort':
      editRow(transaction, 'Port', action.uuid as Uuid, action.edit);
      return;
    case 'editInterface':
      editRow(transaction, 'Interface', action.uuid as Uuid, action.edit);
      return;
    case 'movePort': {
      const target = bridgeTarget(state, action.to, action.toUuid);
      if (target === undefined) return;
      transaction.removeFromSet('Bridge', action.fromUuid as Uuid, 'ports', [action.uuid as Ref<'Port'>]);
      transaction.addToSet('Bridge', target, 'ports', [action.uuid as Ref<'Port'>]);
      return;
    }
    case 'dropInterfaces':
      transaction.removeFromSet(
        'Port',
        action.uuid as Uuid,
        'interfaces',
        action.interfaceUuids as readonly Ref<'Interface'>[],
      );
      return;
    case 'deletePort':
      state.guard('Port', action.uuid as Uuid);
      transaction.removeFromSet('Bridge', action.bridgeUuid as Uuid, 'ports', [action.uuid as Ref<'Port'>]);
      return;
    case 'deleteBridge':
      state.guard('Bridge', action.uuid as Uuid);
      transaction.removeFromSet('Open_vSwitch', state.rootUuid, 'bridges', [action.uuid as Ref<'Bridge'>]);
  }
}

/** Whether the action changes more than external_ids, which vswitchd does not act upon. */
function needsVswitchd(action: Action): boolean {
  if (action.kind !== 'editBridge' && action.kind !== 'editPort' && action.kind !== 'editInterface') return true;
  return isSeenByVswitchd(action.edit);
}

/** Whether the edit is of more than external_ids. */
export function isSeenByVswitchd({ set, setKeys, deleteKeys }: RowEdit): boolean {
  return set.size > 0 || [...setKeys.keys(), ...deleteKeys.keys()].some((column) => column !== 'external_ids');
}

/** An action that cannot be put into words for this server: its schema lacks a table, a column, or a value. */
export class EncodeError extends Error {
  readonly object: ObjectRef;
  readonly error: AgentError;

  constructor(object: ObjectRef, error: AgentError) {
    super(error.message, { cause: error });
    this.object = object;
    this.error = error;
  }
}

/** @throws EncodeError naming the object when `encode` finds no words for it */
export function encodeOrBlame(object: ObjectRef, encode: () => void): void {
  try {
    encode();
  } catch (error) {
    throw error instanceof AgentError ? new EncodeError(object, error) : error;
  }
}

/**
 * Adds the actions to the transaction. When vswitchd has to act, `next_cfg` is raised with them, so that `cur_cfg` tells
 * when it has (ovs-vswitchd.conf.db(5), table Open_vSwitch).
 * @throws EncodeError naming the object that the server's schema has no words for
 */
export function encodeActions(
  transaction: VswitchTransaction,
  rootUuid: Uuid,
  actions: readonly Action[],
  guard: (table: 'Bridge' | 'Port', uuid: Uuid) => void,
): EncodedActions {
  const state: EncodeState = { transaction, rootUuid, guard, newBridges: new Map() };
  const objects: ObjectRef[] = [];
  for (const action of actions) {
    encodeOrBlame(action.object, () => encodeAction(state, action));
    while (objects.length < transaction.operationCount) objects.push(action.object);
  }
  const isWorkForVswitchd = actions.some(needsVswitchd);
  if (isWorkForVswitchd) transaction.increment('Open_vSwitch', rootUuid, 'next_cfg', 1);
  return { objects, needsVswitchd: isWorkForVswitchd };
}
