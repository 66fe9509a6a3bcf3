/**
 * One timer for the patience of many calls: nearly all of them are answered long before their time, so a timer for each
 * would be set and canceled thousands of times a second for nothing. Used by the RPC connection, which knows the calls.
 */

import type { Clock, Timer } from '../lib/clock.js';

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: (nowMs: number) => number;
  #timer: Timer | undefined;
  #atMs = Infinity;

  /** @param ring does what is due, and returns when the next is; Infinity for never */
  constructor(clock: Clock, ring: (nowMs: number) => number) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings after `delayMs`, or before. Returns when that is. */
  within(delayMs: number): number {
    const nowMs = this.#clock.nowMs();
    this.#wake(nowMs + delayMs, nowMs);
    return nowMs + delayMs;
  }

  /** Rings no more, until it is asked to again. */
  cancel(): void {
    this.#timer?.cancel();
    this.#atMs = Infinity;
  }

  #wake(atMs: number, nowMs: number): void {
    if (atMs >= this.#atMs) return;
    this.#timer?.cancel();
    this.#atMs = atMs;
    this.#timer = this.#clock.after(
      atMs - nowMs,
      () => {
        this.#atMs = Infinity;
        const firedMs = this.#clock.nowMs();
        this.#wake(this.#ring(firedMs), firedMs);
      },
      true,
    );
  }
}
