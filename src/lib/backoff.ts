/**
 * How long to wait before the next try. Full jitter: the wait is drawn uniformly from zero to an exponentially growing
 * ceiling, so that hundreds of DPUs that lost the same server do not come back in step.
 */

export interface BackoffTiming {
  /** Ceiling of the first wait, ms. */
  readonly baseMs: number;
  /** The ceiling never grows past this, ms. */
  readonly capMs: number;
}

/**
 * The wait before try number `attempt` (0 is the first retry).
 * @param random a number in [0, 1)
 */
export function backoffMs(attempt: number, timing: BackoffTiming, random: number): number {
  const ceilingMs = Math.min(timing.capMs, timing.baseMs * 2 ** Math.min(attempt, 30));
  return ceilingMs * random;
}
