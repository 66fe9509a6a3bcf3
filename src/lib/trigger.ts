/**
 * A dirty bit with a worker: any number of `fire` calls while the worker runs mean one more run, and a burst of them means
 * one run after a short gathering time. One run at a time, so the worker needs no locks. Events carry no information
 * except "look again".
 */

import type { Clock, Timer } from './clock.js';

export interface TriggerOptions {
  readonly clock: Clock;
  /** Gathering time from the first `fire` of a burst to the run, ms. */
  readonly gatherMs: number;
  /** One run. Must not throw for anything that the world can do; what it throws is handed to `onError`. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export class Trigger {
  readonly #options: TriggerOptions;
  readonly #abort = new AbortController();
  #timer: Timer | undefined;
  #dueMs = Infinity;
  #isDirty = false;
  #running: Promise<void> | undefined;

  constructor(options: TriggerOptions) {
    this.#options = options;
  }

  /** Look again, after the gathering time. */
  fire(): void {
    this.fireWithin(this.#options.gatherMs);
  }

  /** Look again no later than `delayMs` from now. An earlier appointment stands. */
  fireWithin(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    if (this.#running !== undefined && delayMs <= this.#options.gatherMs) {
      this.#isDirty = true;
      return;
    }
    const { clock } = this.#options;
    const dueMs = clock.nowMs() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = clock.after(delayMs, () => this.#start());
  }

  /** Ends it: no further run starts, and the one under way is told to stop and awaited. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#timer?.cancel();
    await this.#running;
  }

  #start(): void {
    this.#timer = undefined;
    this.#dueMs = Infinity;
    if (this.#running !== undefined) {
      this.#isDirty = true;
      return;
    }
    this.#isDirty = false;
    this.#running = this.#options
      .work(this.#abort.signal)
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => {
        this.#running = undefined;
        if (this.#isDirty) this.fire();
      });
  }
}
