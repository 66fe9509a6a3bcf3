/** Prints what was measured: one line per figure, with the target beside it where there is one. */
import process from 'node:process';

export interface Line {
  readonly what: string;
  readonly value: string;
  /** Undefined for figures without a target. */
  readonly target?: { readonly text: string; readonly isMet: boolean };
}

export interface Section {
  readonly title: string;
  readonly lines: readonly Line[];
}

export function printSection({ title, lines }: Section): void {
  const width = Math.max(...lines.map((line) => line.what.length));
  const valueWidth = Math.max(...lines.map((line) => line.value.length));
  process.stdout.write(`\n${title}\n`);
  for (const { what, value, target } of lines) {
    const verdict = target === undefined ? '' : `   ${target.isMet ? 'met   ' : 'MISSED'}  ${target.text}`;
    process.stdout.write(`  ${what.padEnd(width)}  ${value.padStart(valueWidth)}${verdict}\n`);
  }
}

export function ms(value: number): string {
  return value < 10 ? `${value.toFixed(2)} ms` : `${value.toFixed(0)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

export function perSecond(value: number): string {
  return `${value.toFixed(0)} /s`;
}

export function ratio(value: number): string {
  return `${value.toFixed(2)} x`;
}

/** A figure that shall be at least so much. */
export function atLeast(value: number, least: number, text: string): NonNullable<Line['target']> {
  return { text, isMet: value >= least };
}

/** A figure that shall be at most so much. */
export function atMost(value: number, most: number, text: string): NonNullable<Line['target']> {
  return { text, isMet: value <= most };
}

/** The value that `share` of the samples do not exceed. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Median, 99th percentile and the longest. */
export function spread(samples: readonly number[]): string {
  return `p50 ${ms(quantile(samples, 0.5))}  p99 ${ms(quantile(samples, 0.99))}  max ${ms(quantile(samples, 1))}`;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}
