/** Limits how often something happens, and lets a burst through: a token bucket. Time is an argument. */

export interface BucketTiming {
  /** Tokens of a full bucket: the longest burst. */
  readonly burst: number;
  /** Time in which one token comes back, ms. */
  readonly refillMs: number;
}

export class TokenBucket {
  readonly #timing: BucketTiming;
  #tokens: number;
  #atMs: number;

  /** Begins full. */
  constructor(timing: BucketTiming, nowMs: number) {
    this.#timing = timing;
    this.#tokens = timing.burst;
    this.#atMs = nowMs;
  }

  /** Time until there is a token, ms; 0 when there is one. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * this.#timing.refillMs);
  }

  /** Takes a token; call it only when `waitMs` is 0. */
  take(nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= 1;
  }

  /** Whether it is as if nothing had happened yet. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= this.#timing.burst;
  }

  #refill(nowMs: number): void {
    const gained = (nowMs - this.#atMs) / this.#timing.refillMs;
    this.#tokens = Math.min(this.#timing.burst, this.#tokens + gained);
    this.#atMs = nowMs;
  }
}
