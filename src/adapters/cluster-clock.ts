/**
 * How far the API server's clock is ahead of this machine's, from the Date header of its answers. Used by the keeper of the
 * lease: the host compares the lease's times with a clock of its own. Pure; believes nothing that fewer than half of the
 * last answers say.
 */

/** Answers that count: one that was held up on the way does not move the median of five. */
const sampleCountMax = 5;
/** The header gives whole seconds, cut off (RFC 9110 section 5.6.7): on average the truth is this much later, ms. */
const cutMs = 500;

export class ServerClock {
  readonly #samples: number[] = [];

  /**
   * Takes an answer in.
   * @param sentWallMs this machine's clock when the request was sent
   * @param receivedWallMs and when the answer was there
   * @param dateMs what the server said; undefined when it said nothing usable
   */
  observe(sentWallMs: number, receivedWallMs: number, dateMs: number | undefined): void {
    if (dateMs === undefined || !Number.isFinite(dateMs)) return;
    this.#samples.push(dateMs + cutMs - (sentWallMs + receivedWallMs) / 2);
    if (this.#samples.length > sampleCountMax) this.#samples.shift();
  }

  /** Median of the last answers, ms; exact to about half a second. Undefined before the first one. */
  skewMs(): number | undefined {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    return median === undefined ? undefined : Math.round(median);
  }
}
