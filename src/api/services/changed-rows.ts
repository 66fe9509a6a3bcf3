/** Rows in their order, and in portions that fit in a message. */

import type { KeyedRow } from './shared-rows.js';

/** Rows in a message: some hundred bytes each, so a message stays far below the 4 MiB that clients accept. */
const rowsInMessageMax = 2_000;

/**
 * The rows in portions, at least one.
 * @param countMax how many rows a message has at most; fewer where rows are larger
 */
export function portions<Row>(rows: readonly Row[], countMax = rowsInMessageMax): readonly (readonly Row[])[] {
  const parts: (readonly Row[])[] = [rows.slice(0, countMax)];
  for (let at = countMax; at < rows.length; at += countMax) parts.push(rows.slice(at, at + countMax));
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
