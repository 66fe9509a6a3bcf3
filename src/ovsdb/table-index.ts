/**
 * Indexes over the rows of one table of the replica: hashes from a key to rows, and an order with ranges. They hold row
 * identities, not rows, so a change of other columns leaves them alone. Kept up to date by the table that owns them.
 */

import type { Atom, Row, Uuid, Value } from './types.js';
import { isSetValue } from './value-model.js';

/** What a hash index is keyed by. Keys of several columns, sets and maps are folded into one string. */
export type IndexKey = Atom | undefined;

/** What of a row an index looks at. */
export type IndexSpec =
  /** All of these columns together. */
  | { readonly kind: 'columns'; readonly columns: readonly string[] }
  /** The value under one key of a map column, such as `external_ids:iface-id`. */
  | { readonly kind: 'mapKey'; readonly column: string; readonly key: Atom }
  /** Each member of a set column, each key of a map column, the value of any other. */
  | { readonly kind: 'member'; readonly column: string }
  /** Each row that the column refers to, in sets and on both sides of maps. */
  | { readonly kind: 'reference'; readonly column: string; readonly inKeys: boolean; readonly inValues: boolean };

/** One form for each integer, so that `1n` finds what `1` does. */
export function normalKey(atom: IndexKey): IndexKey {
  return typeof atom === 'bigint' && Number.isSafeInteger(Number(atom)) ? Number(atom) : atom;
}

// U+0000 cannot occur in a value (the server refuses it), so joined keys are as distinct as their parts.
function fold(value: Value): string {
  if (value === undefined) return 'u';
  if (typeof value !== 'object') return `${typeof value}\u0000${String(normalKey(value))}`;
  const parts = isSetValue(value)
    ? value.map(fold)
    : [...value].map(([key, item]) => `${fold(key)}\u0000${fold(item)}`);
  return `${isSetValue(value) ? 's' : 'm'}${parts.length}\u0000${parts.sort().join('\u0000')}`;
}

/** The key under which the values of some columns are found. */
export function keyOfValues(values: readonly Value[]): IndexKey {
  const [first] = values;
  if (values.length === 1 && typeof first !== 'object') return normalKey(first);
  return values.map(fold).join('\u0000\u0000');
}

function membersOf(value: Value): Iterable<Atom> {
  if (value === undefined) return [];
  if (typeof value !== 'object') return [value];
  return isSetValue(value) ? value : value.keys();
}

function* referencesOf(value: Value, inKeys: boolean, inValues: boolean): Iterable<Atom> {
  if (inKeys) yield* membersOf(value);
  if (inValues && typeof value === 'object' && !isSetValue(value)) yield* value.values();
}

/** The keys of a row in an index, each at most once. */
function keysOf(spec: IndexSpec, row: Row): Iterable<IndexKey> {
  switch (spec.kind) {
    case 'columns':
      return [keyOfValues(spec.columns.map((column) => row[column]))];
    case 'mapKey': {
      const map = row[spec.column];
      const item = typeof map === 'object' && !isSetValue(map) ? map.get(spec.key) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'member':
      return membersOf(row[spec.column]);
    case 'reference':
      return new Set(referencesOf(row[spec.column], spec.inKeys, spec.inValues));
  }
}

function columnsOf(spec: IndexSpec): readonly string[] {
  return spec.kind === 'columns' ? spec.columns : [spec.column];
}

/** An index that a table keeps up to date. */
export interface TableIndex {
  /** The columns it depends on. */
  readonly columns: readonly string[];
  add(row: Row): void;
  remove(row: Row): void;
}

/** Finds rows by key in constant time. */
export class HashIndex implements TableIndex {
  readonly columns: readonly string[];
  readonly #spec: IndexSpec;
  /** Most keys belong to one row: a Set is made for the second. */
  readonly #entries = new Map<IndexKey, Uuid | Set<Uuid>>();

  constructor(spec: IndexSpec) {
    this.#spec = spec;
    this.columns = columnsOf(spec);
  }

  add(row: Row): void {
    for (const key of keysOf(this.#spec, row)) {
      const entry = this.#entries.get(key);
      if (entry === undefined) this.#entries.set(key, row._uuid);
      else if (typeof entry === 'string') this.#entries.set(key, new Set([entry, row._uuid]));
      else entry.add(row._uuid);
    }
  }

  remove(row: Row): void {
    for (const key of keysOf(this.#spec, row)) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      if (typeof entry === 'string' || (entry.delete(row._uuid) && entry.size === 0)) this.#entries.delete(key);
    }
  }

  /** The identities of the rows with this key. */
  find(key: IndexKey): Iterable<Uuid> {
    const entry = this.#entries.get(normalKey(key));
    if (entry === undefined) return [];
    return typeof entry === 'string' ? [entry] : entry;
  }
}

/** From and to are included unless said; absent means open. */
export interface RangeBounds {
  readonly from?: Atom;
  readonly to?: Atom;
  readonly isFromExcluded?: boolean;
  readonly isToExcluded?: boolean;
}

interface OrderedEntry {
  readonly key: Atom;
  readonly uuid: Uuid;
}

function isBefore(a: OrderedEntry, b: OrderedEntry): boolean {
  return a.key === b.key ? a.uuid < b.uuid : a.key < b.key;
}

/** Keeps the rows in the order of one scalar or optional column; rows without a value are not in it. */
export class OrderedIndex implements TableIndex {
  readonly columns: readonly string[];
  readonly #column: string;
  #entries: OrderedEntry[] = [];

  constructor(column: string, rows: Iterable<Row>) {
    this.#column = column;
    this.columns = [column];
    for (const row of rows) {
      const entry = this.#entryOf(row);
      if (entry !== undefined) this.#entries.push(entry);
    }
    this.#entries.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  add(row: Row): void {
    const entry = this.#entryOf(row);
    if (entry !== undefined)
      this.#entries.splice(
        this.#count((other) => isBefore(other, entry)),
        0,
        entry,
      );
  }

  remove(row: Row): void {
    const entry = this.#entryOf(row);
    if (entry === undefined) return;
    const at = this.#count((other) => isBefore(other, entry));
    if (this.#entries[at]?.uuid === row._uuid) this.#entries.splice(at, 1);
  }

  /** The identities of the rows between the bounds, in order. */
  range(bounds: RangeBounds): readonly Uuid[] {
    const { from, to } = bounds;
    const start =
      from === undefined ? 0 : this.#count(({ key }) => key < from || (bounds.isFromExcluded === true && key === from));
    const end =
      to === undefined
        ? this.#entries.length
        : this.#count(({ key }) => key < to || (bounds.isToExcluded !== true && key === to));
    return this.#entries.slice(start, end).map(({ uuid }) => uuid);
  }

  #entryOf(row: Row): OrderedEntry | undefined {
    const key = row[this.#column];
    return key === undefined || typeof key === 'object' ? undefined : { key, uuid: row._uuid };
  }

  /** How many entries from the start satisfy a condition that holds for a prefix (binary search). */
  #count(holds: (entry: OrderedEntry) => boolean): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && holds(entry)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
