/** One command from the call to the end: its turn, its deadline, its measurements. The client moves it along. */

import type { Clock, Timer } from '../lib/clock.js';
import type { AnswerFacts, Receiver } from './receivers.js';

export interface CallOptions {
  /**
   * Default 60 000 ms: a daemon whose main thread is with the hardware can be silent for half a minute and be well. Counts
   * from the call, the wait for its turn included.
   */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

const deadlineMsDefault = 60_000;

export class Job {
  readonly command: string;
  readonly receiver: Receiver;
  readonly #args: readonly string[];
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #expire: () => void;
  readonly #askedMs: number;
  #timer: Timer | undefined;
  readonly #stopListening: () => void;
  #id: number | undefined;
  #sentMs: number | undefined;
  #firstMs: number | undefined;
  #sizeBytes = 0;
  #isDone = false;

  constructor(
    command: string,
    args: readonly string[],
    receiver: Receiver,
    options: CallOptions,
    clock: Clock,
    on: { readonly expire: () => void; readonly abort: () => void },
  ) {
    this.command = command;
    this.receiver = receiver;
    this.#args = args;
    this.#clock = clock;
    this.#deadlineMs = options.deadlineMs ?? deadlineMsDefault;
    this.#expire = on.expire;
    this.#askedMs = clock.nowMs();
    this.rearm();
    const { signal } = options;
    signal?.addEventListener('abort', on.abort, { once: true });
    this.#stopListening = () => signal?.removeEventListener('abort', on.abort);
  }

  get id(): number | undefined {
    return this.#id;
  }

  /** When the command was written; undefined while it waits for its turn. */
  get sentMs(): number | undefined {
    return this.#sentMs;
  }

  /** Bytes of the answer so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Nobody waits for it any more: answered, failed or given up. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The request as it goes over the wire. */
  send(id: number): string {
    this.#id = id;
    this.#sentMs = this.#clock.nowMs();
    return JSON.stringify({ id, method: this.command, params: this.#args });
  }

  /** Bytes came. */
  heard(sizeBytes: number): void {
    this.#firstMs ??= this.#clock.nowMs();
    this.#sizeBytes += sizeBytes;
  }

  /** Starts the deadline anew. */
  rearm(): void {
    if (this.#isDone) return;
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#deadlineMs, this.#expire);
  }

  finish(): void {
    const facts = this.#facts();
    if (this.#end()) this.receiver.finish(facts);
  }

  fail(error: Error): void {
    if (this.#end()) this.receiver.fail(error);
  }

  /** Whether this was the first end. */
  #end(): boolean {
    if (this.#isDone) return false;
    this.#isDone = true;
    this.#timer?.cancel();
    this.#stopListening();
    return true;
  }

  #facts(): AnswerFacts {
    const nowMs = this.#clock.nowMs();
    const sentMs = this.#sentMs ?? nowMs;
    const firstMs = this.#firstMs ?? nowMs;
    return {
      waitedMs: sentMs - this.#askedMs,
      roundTripMs: firstMs - sentMs,
      transferMs: nowMs - firstMs,
      sizeBytes: this.#sizeBytes,
    };
  }
}
