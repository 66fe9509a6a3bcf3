/** Spans of time for a person: one number and one unit, rounded down, so that a column of them can be read at a glance. */

const units: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `0 s`, `59 s`, `3 min`, `5 h`, `2 d`. A negative span, which a stepped clock can give, counts as none. */
export function formatSpan(ms: number): string {
  const found = units.find(([unitMs]) => ms >= unitMs);
  return found === undefined ? '0 s' : `${Math.floor(ms / found[0])} ${found[1]}`;
}
