/** When a watch sends next: at fixed times, or when something has happened. Time comes from the clock that is handed in. */

import { durationMs as durationToMs } from '@bufbuild/protobuf/wkt';
import type { Duration } from '@bufbuild/protobuf/wkt';
import type { Clock, Timer } from '../../lib/clock.js';
import { RequestError } from '../request-error.js';

/** Remembers that something has happened until its one waiter has noticed. */
export class Waker {
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  #isDue = false;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal, clock: Clock) {
    this.#signal = signal;
    this.#clock = clock;
    signal.addEventListener('abort', this.ring, { once: true });
  }

  /** Something has happened. */
  readonly ring = (): void => {
    this.#isDue = true;
    this.#wake?.();
  };

  /** Resolves after the next `ring`, at once if there was one since the last time, after `delayMsMax`, or when it is aborted. */
  async next(delayMsMax = Infinity): Promise<void> {
    if (!this.#isDue && !this.#signal.aborted && delayMsMax > 0) await this.#wait(delayMsMax);
    this.#isDue = false;
  }

  /** Stops listening to the signal. */
  close(): void {
    this.#signal.removeEventListener('abort', this.ring);
  }

  #wait(delayMsMax: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined = undefined;
      this.#wake = () => {
        this.#wake = undefined;
        timer?.cancel();
        resolve();
      };
      if (delayMsMax !== Infinity) timer = this.#clock.after(delayMsMax, this.#wake);
    });
  }
}

/**
 * Yields at once, and then whenever the clock is at a multiple of the interval; ends when the signal is aborted. So those of one
 * interval are due at the same time, and what they have made can be made once. Times that pass while the consumer is busy are
 * skipped, not made up for.
 */
export async function* ticks(
  clock: Clock,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<void, void, undefined> {
  const waker = new Waker(signal, clock);
  let dueMs = -Infinity;
  try {
    while (!signal.aborted) {
      yield;
      // A timer may fire a moment early: the time that it was for is over all the same.
      dueMs = Math.max((Math.floor(clock.nowMs() / intervalMs) + 1) * intervalMs, dueMs + intervalMs);
      await waker.next(dueMs - clock.nowMs());
    }
  } finally {
    waker.close();
  }
}

/** Bounds of an interval, ms. */
export interface IntervalBounds {
  readonly minMs: number;
  readonly maxMs: number;
  /** Where the request names none. */
  readonly defaultMs: number;
}

/** @throws RequestError API_INVALID outside the bounds */
export function readInterval(interval: Duration | undefined, bounds: IntervalBounds): number {
  if (interval === undefined) return bounds.defaultMs;
  const ms = durationToMs(interval);
  if (ms >= bounds.minMs && ms <= bounds.maxMs) return ms;
  const description = `allowed: ${bounds.minMs / 1000} s to ${bounds.maxMs / 1000} s`;
  throw new RequestError('API_INVALID', `interval is out of its bounds; ${description}`, [
    { field: 'interval', description, reason: 'API_INVALID' },
  ]);
}

/** Entries of a selector's list of names: more than there are objects on a node are a mistake or an attack. */
const namesMax = 10_000;

/** @throws RequestError API_INVALID for a list that is too long */
export function readNames(names: readonly string[]): ReadonlySet<string> {
  if (names.length <= namesMax) return new Set(names);
  const description = `at most ${namesMax} names`;
  throw new RequestError('API_INVALID', `selector.names is too long; ${description}`, [
    { field: 'selector.names', description, reason: 'API_INVALID' },
  ]);
}
