/** Figures of many samples. */
import { ms } from '../table.js';

/** The value that `share` of the samples do not exceed. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Median, 99th percentile and the longest. */
export function spread(samples: readonly number[]): string {
  return `p50 ${ms(quantile(samples, 0.5))}  p99 ${ms(quantile(samples, 0.99))}  max ${ms(quantile(samples, 1))}`;
}
