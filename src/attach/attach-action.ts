/**
 * What the planner of attachments wants done, as data. Each action is one attachment's and carries what has to hold for it
 * to be right; the executor turns one or many of them into one guarded transaction.
 */

import type { StringMap } from '../model/ownership.js';
import type { Difference, RowEdit } from '../plan/action.js';

interface AttachActionBase {
  /** Key of the attachment: `<pod uid>|<nadKey>`. */
  readonly key: string;
  /** Name of Port and Interface: the representor. */
  readonly port: string;
  /** `ns/pod default`, safe to print. */
  readonly label: string;
  readonly differences: readonly Difference[];
}

/** What becomes of the QoS row that limits the traffic to the pod. */
export type QosChange =
  | { readonly kind: 'keep' }
  | { readonly kind: 'create'; readonly row: RowEdit }
  | { readonly kind: 'edit'; readonly uuid: string; readonly edit: RowEdit }
  /** Takes it from the port and deletes the row. */
  | { readonly kind: 'delete'; readonly uuid: string };

/** The rows of one attachment, as they were observed. */
export interface AttachedRows {
  readonly portUuid: string;
  readonly interfaceUuid: string;
  /** Keys of Interface.external_ids that must still have these values, or nothing is written. */
  readonly guard: StringMap;
}

export type AttachAction =
  /** Guarded by: the bridge is still of this datapath type; no Port and no Interface has this name. */
  | (AttachActionBase & {
      readonly kind: 'attach';
      readonly bridgeUuid: string;
      readonly datapathType: string;
      readonly portRow: RowEdit;
      readonly interfaceRow: RowEdit;
      readonly qos: RowEdit | undefined;
    })
  | (AttachActionBase & {
      readonly kind: 'repair';
      readonly rows: AttachedRows;
      readonly portEdit: RowEdit;
      readonly interfaceEdit: RowEdit;
      readonly qos: QosChange;
    })
  /** Removes Port, Interface and the QoS row, where there is one. */
  | (AttachActionBase & {
      readonly kind: 'detach';
      readonly bridgeUuid: string;
      readonly rows: AttachedRows;
      readonly qosUuid: string | undefined;
      /** One phrase for a person: why. */
      readonly cause: string;
    })
  /** A QoS row that carries the mark and that no port uses. */
  | (AttachActionBase & { readonly kind: 'dropQos'; readonly uuid: string; readonly owner: string });
