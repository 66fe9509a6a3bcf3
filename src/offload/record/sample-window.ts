/** What was seen of something over the last while. Pure state; times are monotonic ms. */

interface Sample<T> {
  readonly atMs: number;
  readonly value: T;
}

/** The oldest and the newest of a window, and the time between them. */
export interface Span<T> {
  readonly oldest: T;
  readonly newest: T;
  /** Over 0. */
  readonly spanMs: number;
}

/** Samples are at least this part of the window apart, so that there are never more of them than this plus two. */
const samplesMax = 24;

/**
 * Samples over a window. One at or before its edge stays, so that the window is whole once it was watched for long enough;
 * those that follow too closely give way to the newer one.
 */
export class SampleWindow<T> {
  readonly #windowMs: number;
  readonly #samples: Sample<T>[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** How many are kept. */
  get size(): number {
    return this.#samples.length;
  }

  /** Of the newest, monotonic ms; undefined: there is none. */
  get newestAtMs(): number | undefined {
    return this.#samples.at(-1)?.atMs;
  }

  /** Takes a sample; one that is not newer than the newest is left out. */
  add(atMs: number, value: T): void {
    const newest = this.#samples.at(-1);
    if (newest !== undefined && atMs <= newest.atMs) return;
    const before = this.#samples.at(-2);
    if (newest !== undefined && before !== undefined && newest.atMs - before.atMs < this.#windowMs / samplesMax) {
      this.#samples.pop();
    }
    this.#samples.push({ atMs, value });
    const edgeMs = atMs - this.#windowMs;
    while ((this.#samples[1]?.atMs ?? Infinity) <= edgeMs) this.#samples.shift();
  }

  /** What counts has begun anew: nothing of before can be compared. */
  clear(): void {
    this.#samples.length = 0;
  }

  /** Undefined before there are two. */
  span(): Span<T> | undefined {
    const oldest = this.#samples[0];
    const newest = this.#samples.at(-1);
    if (oldest === undefined || newest === undefined || newest.atMs <= oldest.atMs) return undefined;
    return { oldest: oldest.value, newest: newest.value, spanMs: newest.atMs - oldest.atMs };
  }

  /** Oldest first. */
  values(): readonly T[] {
    return this.#samples.map(({ value }) => value);
  }
}
