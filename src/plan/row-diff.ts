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
  return typeof value === 'number' ? String(value) : `[${writableSet(value).join(', ')}]`;
}

/** Whether two cells hold the same; lists are sets, so their order has no meaning. */
export function cellsEqual(a: CellValue, b: CellValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  const [left, right] = [new Set<string | number>(a), new Set<string | number>(b)];
  return left.size === right.size && [...left].every((value) => right.has(value));
}

/** The members of a set column, each once and in one order, so that equal sets give equal actions and equal text. */
function sortedSet<T extends string | number>(values: readonly T[]): readonly T[] {
  const compare = (a: T, b: T): number => (typeof a === 'number' && typeof b === 'number' ? a - b : a < b ? -1 : 1);
  return [...new Set(values)].sort(compare);
}

/** A set as it is written: the database refuses a set that names a member twice (RFC 7047 section 5.1). */
function writableSet(value: readonly string[] | readonly number[]): readonly string[] | readonly number[] {
  return isTexts(value) ? sortedSet(value) : sortedSet(value);
}

function isTexts(value: readonly string[] | readonly number[]): value is readonly string[] {
  return typeof value[0] === 'string';
}

/** What a new row holds in the column anyway: nothing has to be written. */
function isDefault(value: CellValue): boolean {
  return value === undefined || value === '' || (typeof value === 'object' && value.length === 0);
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
    if (present === undefined ? isDefault(value) : cellsEqual(from, value)) continue;
    builder.set.set(column, typeof value === 'object' ? writableSet(value) : value);
    builder.differences.push({ table: wanted.table, field: column, from: formatCell(from), to: formatCell(value) });
  }
  for (const [column, map] of withNotes(wanted, owner)) {
    const from = present?.maps.get(column) ?? emptyMap;
    // Sorted, because the order of a map's keys has no meaning and must not show in the plan.
    for (const [key, to] of [...map].sort(([a], [b]) => (a < b ? -1 : 1)))
      diffKey(builder, wanted.table, column, key, from.get(key), to);
  }
  if (present !== undefined) diffAbandonedKeys(builder, wanted, present);
  return { edit: builder, differences: builder.differences };
}

/** Whether the edit writes anything. */
export function isEmptyEdit(edit: RowEdit): boolean {
  return edit.set.size === 0 && edit.setKeys.size === 0 && edit.deleteKeys.size === 0;
}
