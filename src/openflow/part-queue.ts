/**
 * The parts of a long answer between the connection, which gets them, and a reader, who takes them at its own pace. Used
 * by dumps and by the flow monitor. Bounded: when the reader is slow the connection is no longer read, which makes the
 * switch wait; a reader that stands still is given up.
 */

import type { Clock, Timer } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';

export interface PartQueueOptions {
  readonly clock: Clock;
  /** The longest wait for the next part, and for a reader who does not take one, ms. Undefined: for ever. */
  readonly idleMsMax: number | undefined;
  /** Stop reading the connection; go on. */
  pause(): void;
  resume(): void;
  /** The reader has gone, or the queue has failed: nothing more is wanted. */
  onEnd(): void;
}

/** Parts have up to 64 KiB: at most half a megabyte waits. */
const partsHigh = 8;
const partsLow = 2;

export class PartQueue {
  readonly #options: PartQueueOptions;
  readonly #parts: Uint8Array[] = [];
  #isComplete = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;
  #isPaused = false;

  constructor(options: PartQueueOptions) {
    this.#options = options;
    this.#restartTimer();
  }

  /** Takes a part; its bytes stay as they are. */
  push(part: Uint8Array): void {
    if (this.#isOver) return;
    this.#parts.push(part);
    if (this.#parts.length >= partsHigh && !this.#isPaused) {
      this.#isPaused = true;
      this.#options.pause();
    }
    this.#restartTimer();
    this.#wake?.();
  }

  /** The last part has come. */
  complete(): void {
    this.#isComplete = true;
    this.#timer?.cancel();
    this.#wake?.();
  }

  /** Ends the reader with an error, after which nothing is delivered. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#error = error;
    this.#finish();
    this.#wake?.();
  }

  /** The parts in their order. Leaving the loop early is allowed. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const part = this.#take();
        if (part !== undefined) yield part;
        else if (this.#error !== undefined) throw this.#error;
        else if (this.#isComplete) return;
        else await this.#more();
      }
    } finally {
      this.#error ??= new AgentError('ABORTED', 'the reader has left');
      this.#finish();
    }
  }

  get #isOver(): boolean {
    return this.#error !== undefined;
  }

  #take(): Uint8Array | undefined {
    if (this.#error !== undefined) return undefined;
    const part = this.#parts.shift();
    if (part === undefined) return undefined;
    if (this.#isPaused && this.#parts.length <= partsLow) {
      this.#isPaused = false;
      this.#options.resume();
    }
    if (!this.#isComplete) this.#restartTimer();
    return part;
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  #restartTimer(): void {
    const { clock, idleMsMax } = this.#options;
    this.#timer?.cancel();
    if (idleMsMax === undefined) return;
    this.#timer = clock.after(idleMsMax, () => this.fail(this.#idleError(idleMsMax)));
  }

  #idleError(idleMsMax: number): AgentError {
    const facts = { idleMsMax };
    return this.#parts.length > 0
      ? new AgentError('LIMIT_EXCEEDED', 'the reader of an answer stands still', { facts })
      : new AgentError('DEADLINE_EXCEEDED', 'the switch did not go on with its answer in time', { facts });
  }

  #finish(): void {
    this.#timer?.cancel();
    this.#parts.length = 0;
    if (this.#isPaused) this.#options.resume();
    this.#isPaused = false;
    this.#options.onEnd();
  }
}
