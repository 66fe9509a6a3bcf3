/**
 * Sets of virtual functions as the file writes them, `0-15,20`, and as ranges. Used where pools are checked, built and shown;
 * knows nothing of the functions that there are.
 */
import type { VfRange } from './config.js';

/** The ranges in the order of the text; one may be reversed or overlap another. `text` has the form that the schema wants. */
export function parseVfRanges(text: string): readonly VfRange[] {
  return text.split(',').map((part) => {
    const [first = '', last = first] = part.split('-');
    return { first: Number(first), last: Number(last) };
  });
}

/** Ascending, with neighbours joined. */
export function joinedVfRanges(ranges: readonly VfRange[]): readonly VfRange[] {
  const joined: VfRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before === undefined || range.first > before.last + 1) joined.push(range);
    else joined[joined.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
  }
  return joined;
}

/** As the file writes them. */
export function vfRangesText(ranges: readonly VfRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
