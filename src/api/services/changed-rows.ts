/**
 * What a reader of rows has to be told at a tick: rows that differ from those told before, and keys of those that are gone.
 * For each reader nothing is kept but a short text for each row.
 */

export interface KeyedRow {
  /** Unique among the rows of one moment. */
  readonly key: string;
}

export interface RowChanges<Row> {
  readonly changed: readonly Row[];
  readonly removed: readonly string[];
}

export class ChangedRows<Row extends KeyedRow> {
  readonly #versionOf: (row: Row) => string;
  #told = new Map<string, string>();

  /** @param versionOf a text that differs when the row has to be told again */
  constructor(versionOf: (row: Row) => string) {
    this.#versionOf = versionOf;
  }

  /** The differences to the rows of the last time, which these take the place of. */
  next(rows: readonly Row[]): RowChanges<Row> {
    const told = new Map<string, string>();
    const changed: Row[] = [];
    for (const row of rows) {
      const version = this.#versionOf(row);
      told.set(row.key, version);
      if (this.#told.get(row.key) !== version) changed.push(row);
    }
    const removed = [...this.#told.keys()].filter((key) => !told.has(key));
    this.#told = told;
    return { changed, removed };
  }
}

/** Rows in a message: some hundred bytes each, so a message stays far below the 4 MiB that clients accept. */
const rowsInMessageMax = 2_000;

/** The rows in portions, at least one. */
export function portions<Row>(rows: readonly Row[]): readonly (readonly Row[])[] {
  const parts: (readonly Row[])[] = [rows.slice(0, rowsInMessageMax)];
  for (let at = rowsInMessageMax; at < rows.length; at += rowsInMessageMax) {
    parts.push(rows.slice(at, at + rowsInMessageMax));
  }
  return parts;
}

/** By the place of their kind, then by name, then by key. */
export function sortRows<Row extends KeyedRow & { readonly kind: string; readonly name: string }>(
  rows: readonly Row[],
  kinds: readonly Row['kind'][],
): readonly Row[] {
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...rows].sort(
    (a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || order(a.name, b.name) || order(a.key, b.key),
  );
}
