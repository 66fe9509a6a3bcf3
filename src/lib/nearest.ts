/**
 * "Did you mean": the valid word that is nearest to a mistyped one. Used for unknown keys, values of closed lists and
 * environment variables; gives nothing rather than a far-fetched guess.
 */

/** The candidate with the fewest typing errors from `word`, if it is at most a third of the word away; the first on a tie. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = fold(word);
  // Every configuration word is far shorter; the limit bounds the quadratic comparison.
  if (wanted.length > 64) return undefined;
  const errorsMax = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let bestErrors = errorsMax + 1;
  for (const candidate of candidates) {
    const errors = typingErrors(wanted, fold(candidate));
    if (errors >= bestErrors) continue;
    best = candidate;
    bestErrors = errors;
  }
  return best;
}

/** `ofport_request` style and `ofportRequest` style of one word are the same word. */
function fold(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, '');
}

/** Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours. */
function typingErrors(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) row.push(cellOf(a, b, i, j, row, last, beforeLast));
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

function cellOf(
  a: string,
  b: string,
  i: number,
  j: number,
  row: number[],
  last: number[],
  beforeLast: number[],
): number {
  const replace = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
  const edit = Math.min(replace, at(last, j) + 1, at(row, j - 1) + 1);
  const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
  return isSwap ? Math.min(edit, at(beforeLast, j - 2) + 1) : edit;
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
