/**
 * Compares one row with what it should hold and says what to write: whole columns where they are the agent's, single keys
 * where a map is shared with others. The notes that make the agent recognise its rows later are written here too.
 */

import {
  formatManagedKeys,
  formatPins,
  managedKeysKey,
  ownerKey,
  parseManagedKeys,
  pinsKey,
  type StringMap,
} from '../model/ownership.js';
import type { CellValue, Difference, RowEdit } from './action.js';

/** What a row should hold. */
export interface WantedRow {
  readonly table: string;
  /** Columns written whole. */
  readonly cells: ReadonlyMap<string, CellValue>;
  /** Keys of maps, by column. external_ids is always among them, for it carries the notes. */
  readonly maps: ReadonlyMap<string, StringMap>;
  readonly pins: StringMap;
}

/** What a row holds now. */
export interface PresentRow {
  readonly cells: ReadonlyMap<string, CellValue>;
  readonly maps: ReadonlyMap<string, StringMap>;
}

export interface RowDiff {
  readonly edit: RowEdit;
  readonly differences: readonly Difference[];
}

const emptyMap: StringMap = new Map();

/** A cell for a person. */
export function formatCell(value: CellValue): string {
  if (value === undefined) return '(unset)';
  if (typeof value === 'string') return value === '' ? '(empty)' : value;
  return typeof value === 'number' ? String(value) : `[${value.join(', ')}]`;
}

/** Whether two cells hold the same; lists are sets, so their order has no meaning. */
export function cellsEqual(a: CellValue, b: CellValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  if (a.length !== b.length) return false;
  const members = new Set<string | number>(a);
  return b.every((value) => members.has(value));
}

/** The keys of all shared maps that the intent declares, as `column:key`. */
function declaredKeys(wanted: WantedRow): Set<string> {
  const keys = new Set<string>();
  for (const [column, map] of wanted.maps) for (const key of map.keys()) keys.add(`${column}:${key}`);
  return keys;
}

/** `wanted.maps` with the agent's own notes in external_ids. Undefined values mean: the key must be absent. */
function withNotes(wanted: WantedRow, owner: string): Map<string, Map<string, string | undefined>> {
  const maps = new Map([...wanted.maps].map(([column, map]) => [column, new Map<string, string | undefined>(map)]));
  const externalIds = maps.get('external_ids') ?? new Map<string, string | undefined>();
  externalIds.set(ownerKey, owner);
  externalIds.set(managedKeysKey, formatManagedKeys(declaredKeys(wanted)));
  externalIds.set(pinsKey, formatPins(wanted.pins));
  maps.set('external_ids', externalIds);
  return maps;
}

interface EditBuilder {
  readonly set: Map<string, CellValue>;
  readonly setKeys: Map<string, Map<string, string>>;
  readonly deleteKeys: Map<string, string[]>;
  readonly differences: Difference[];
}

function diffKey(builder: EditBuilder, table: string, column: string, key: string, from?: string, to?: string): void {
  if (from === to) return;
  const field = `${column}:${key}`;
  builder.differences.push({ table, field, from: formatCell(from), to: formatCell(to) });
  if (to === undefined) builder.deleteKeys.set(column, [...(builder.deleteKeys.get(column) ?? []), key]);
  else builder.setKeys.set(column, (builder.setKeys.get(column) ?? new Map<string, string>()).set(key, to));
}

/** Keys that a former intent declared and this one does not: they were the agent's, so they go. */
function diffAbandonedKeys(builder: EditBuilder, wanted: WantedRow, present: PresentRow): void {
  const declared = declaredKeys(wanted);
  const managed = parseManagedKeys(present.maps.get('external_ids') ?? emptyMap);
  for (const entry of [...managed].sort()) {
    if (declared.has(entry)) continue;
    const column = entry.slice(0, entry.indexOf(':'));
    const key = entry.slice(entry.indexOf(':') + 1);
    const isNote = column === 'external_ids' && (key === ownerKey || key === managedKeysKey || key === pinsKey);
    if (!isNote) diffKey(builder, wanted.table, column, key, present.maps.get(column)?.get(key), undefined);
  }
}

/** What to write so that `present` holds what `wanted` says; foreign keys are never named. */
export function diffRow(wanted: WantedRow, present: PresentRow | undefined, owner: string): RowDiff {
  const builder: EditBuilder = { set: new Map(), setKeys: new Map(), deleteKeys: new Map(), differences: [] };
  for (const [column, value] of wanted.cells) {
    const from = present?.cells.get(column);
    if (cellsEqual(from, value)) continue;
    builder.set.set(column, value);
    builder.differences.push({ table: wanted.table, field: column, from: formatCell(from), to: formatCell(value) });
  }
  for (const [column, map] of withNotes(wanted, owner)) {
    const from = present?.maps.get(column) ?? emptyMap;
    for (const [key, to] of map) diffKey(builder, wanted.table, column, key, from.get(key), to);
  }
  if (present !== undefined) diffAbandonedKeys(builder, wanted, present);
  return { edit: builder, differences: builder.differences };
}

/** Whether the edit writes anything. */
export function isEmptyEdit(edit: RowEdit): boolean {
  return edit.set.size === 0 && edit.setKeys.size === 0 && edit.deleteKeys.size === 0;
}
