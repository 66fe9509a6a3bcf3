/** Actions of the attachments in a few words, for the tests of those who carry them out. */

import type { AttachAction, AttachedRows } from '../../src/attach/attach-action.js';
import type { StringMap } from '../../src/model/ownership.js';
import type { CellValue, RowEdit } from '../../src/plan/action.js';

type OfKind<Kind extends AttachAction['kind']> = Extract<AttachAction, { readonly kind: Kind }>;
type Maps = Readonly<Record<string, Readonly<Record<string, string>>>>;

export const noEdit: RowEdit = { set: new Map(), setKeys: new Map(), deleteKeys: new Map() };

/** An edit, with records for maps. */
export function editOf(edit: {
  readonly set?: Readonly<Record<string, CellValue>>;
  readonly setKeys?: Maps;
  readonly deleteKeys?: Readonly<Record<string, readonly string[]>>;
}): RowEdit {
  const maps: [string, StringMap][] = Object.entries(edit.setKeys ?? {}).map(([column, map]) => [
    column,
    new Map(Object.entries(map)),
  ]);
  return {
    set: new Map(Object.entries(edit.set ?? {})),
    setKeys: new Map(maps),
    deleteKeys: new Map(Object.entries(edit.deleteKeys ?? {})),
  };
}

/** The columns of a new row. */
export function rowEdit(set: Readonly<Record<string, CellValue>>, setKeys: Maps = {}): RowEdit {
  return editOf({ set, setKeys });
}

const baseOf = (port: string) => ({ key: `uid-${port}|default`, port, label: `ns/${port} default`, differences: [] });

export function attachOf(port: string, bridgeUuid: string, more: Partial<OfKind<'attach'>> = {}): AttachAction {
  const rows = { datapathType: '', portRow: noEdit, interfaceRow: noEdit, qos: undefined };
  return { ...baseOf(port), kind: 'attach', bridgeUuid, ...rows, ...more };
}

export function repairOf(port: string, rows: AttachedRows, more: Partial<OfKind<'repair'>>): AttachAction {
  const edits = { portEdit: noEdit, interfaceEdit: noEdit, qos: { kind: 'keep' } as const };
  return { ...baseOf(port), kind: 'repair', rows, ...edits, ...more };
}

export function detachOf(port: string, bridgeUuid: string, rows: AttachedRows, qosUuid?: string): AttachAction {
  return { ...baseOf(port), kind: 'detach', bridgeUuid, rows, qosUuid, cause: 'the pod is gone' };
}
