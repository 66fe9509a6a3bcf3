/** Rows in their order, and in portions that fit in a message. */

import type { KeyedRow } from './shared-rows.js';

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
