/**
 * What the planner wants done, as data. An action addresses rows by the uuid that was observed and carries what has to
 * hold for it to be right; the executor turns a list of them into one guarded transaction. Printing them is what
 * `dpu-node-agent plan` shows.
 */

import type { ObjectRef } from '../model/condition.js';
import type { StringMap } from '../model/ownership.js';

/** A column value to write; undefined empties an optional column. */
export type CellValue = string | number | undefined | readonly string[] | readonly number[];

/** Changes of one row: whole columns that are the agent's, and single keys of maps that others write too. */
export interface RowEdit {
  readonly set: ReadonlyMap<string, CellValue>;
  readonly setKeys: ReadonlyMap<string, StringMap>;
  readonly deleteKeys: ReadonlyMap<string, readonly string[]>;
}

/** One difference for a person: `Interface p0: mtu_request 1500 → 9000`. */
export interface Difference {
  /** `Bridge`, `Port` or `Interface`. */
  readonly table: string;
  /** Column, or `column:key`. */
  readonly field: string;
  readonly from: string;
  readonly to: string;
}

/** Why a port or bridge is removed. */
export type RemovalCause = 'orphan' | 'deviceGone' | 'deviceRecreated' | 'podMissing';

interface ActionBase {
  readonly object: ObjectRef;
  /** What traffic it costs, one phrase for a person; undefined: none. */
  readonly loss: string | undefined;
  readonly differences: readonly Difference[];
}

export type Action =
  | (ActionBase & { readonly kind: 'createBridge'; readonly row: RowEdit })
  | (ActionBase & { readonly kind: 'editBridge'; readonly uuid: string; readonly edit: RowEdit })
  | (ActionBase & {
      readonly kind: 'createPort';
      readonly bridge: string;
      /** Undefined when the bridge is created by the same plan. */
      readonly bridgeUuid: string | undefined;
      readonly port: RowEdit;
      readonly interface: RowEdit;
    })
  | (ActionBase & { readonly kind: 'editPort'; readonly uuid: string; readonly edit: RowEdit })
  | (ActionBase & { readonly kind: 'editInterface'; readonly uuid: string; readonly edit: RowEdit })
  | (ActionBase & {
      readonly kind: 'movePort';
      readonly uuid: string;
      readonly from: string;
      readonly fromUuid: string;
      readonly to: string;
      readonly toUuid: string | undefined;
    })
  | (ActionBase & {
      readonly kind: 'dropInterfaces';
      /** The port row, and the interfaces that are not the agent's and have crept into it. */
      readonly uuid: string;
      readonly interfaceUuids: readonly string[];
    })
  | (ActionBase & {
      readonly kind: 'deletePort';
      readonly uuid: string;
      readonly bridgeUuid: string;
      readonly cause: RemovalCause;
    })
  | (ActionBase & { readonly kind: 'deleteBridge'; readonly uuid: string; readonly cause: RemovalCause });

export type ActionKind = Action['kind'];

/** Something that would be removed or re-attached, once it has been seen long enough. */
export interface Candidate {
  readonly key: string;
  readonly object: ObjectRef;
  readonly cause: RemovalCause;
}
