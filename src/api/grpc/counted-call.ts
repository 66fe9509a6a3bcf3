/**
 * A call whose answers are counted from the moment they are handed to HTTP/2 until they have left: a client that does not open
 * its window would otherwise let us keep every answer it asks for. There is a share of bytes, and a time in which something has
 * to leave.
 */

import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Clock, Timer } from '../../lib/clock.js';

type InterceptedCall = Parameters<ServerInterceptor>[1];
type Parameter<K extends 'start' | 'sendMetadata' | 'sendMessage' | 'sendStatus'> = Parameters<InterceptedCall[K]>;

export interface AnswerBudget {
  readonly clock: Clock;
  /** Time in which an answer has to leave, ms; begins anew with each that has. */
  readonly sendMs: number;
  /** Counts bytes that wait; false: there is no room, and they are not to be sent. */
  readonly hold: (byteCount: number) => boolean;
  readonly release: (byteCount: number) => void;
  /** There was no room. */
  readonly onFull: () => void;
  /** Nothing has left in time. */
  readonly onStuck: () => void;
}

/** What an answer of the libraries' services counts as: they come as objects. All files that reflection knows are less. */
const objectBytes = 65_536;
/** A timer of Node may fire this much before its time. */
const timerSlackMs = 2;

export class CountedCall implements InterceptedCall {
  readonly #base: InterceptedCall;
  readonly #budget: AnswerBudget;
  #heldBytes = 0;
  #heldCount = 0;
  #hasStatus = false;
  /** Headers that wait for the first answer. */
  #metadata: Parameter<'sendMetadata'> | undefined;
  #isClosed = false;
  #timer: Timer | undefined;

  constructor(base: InterceptedCall, budget: AnswerBudget) {
    this.#base = base;
    this.#budget = budget;
  }

  sendMessage(...[message, callback]: Parameter<'sendMessage'>): void {
    if (this.#isClosed) return;
    const byteCount = Buffer.isBuffer(message) ? message.byteLength : objectBytes;
    if (!this.#budget.hold(byteCount)) {
      this.#budget.onFull();
      return;
    }
    this.#heldBytes += byteCount;
    this.#heldCount += 1;
    if (this.#metadata !== undefined) this.#base.sendMetadata(...this.#metadata);
    this.#metadata = undefined;
    this.#timer ??= this.#watch();
    this.#base.sendMessage(message, () => {
      this.#left(byteCount);
      callback();
    });
  }

  sendStatus(...[status]: Parameter<'sendStatus'>): void {
    // grpc-js takes a second status for the end of the call, though answers before the first one may still wait. The first may
    // have been its own, for the client's deadline.
    const isLate = this.#budget.clock.wallMs() + timerSlackMs >= Number(this.#base.getDeadline());
    if (this.#heldCount > 0 && (this.#hasStatus || isLate)) return;
    this.#hasStatus = true;
    this.#timer ??= this.#watch();
    this.#base.sendStatus(status);
  }

  /** The stream is closed: nothing of it waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#budget.release(this.#heldBytes);
    this.#heldBytes = 0;
    this.#heldCount = 0;
  }

  start(...[listener]: Parameter<'start'>): void {
    this.#base.start(listener);
  }

  /** Not before there is an answer: a status after them goes by the window of the reader, one that comes instead does not. */
  sendMetadata(...metadata: Parameter<'sendMetadata'>): void {
    this.#metadata = metadata;
  }

  startRead(): void {
    this.#base.startRead();
  }

  getPeer(): string {
    return this.#base.getPeer();
  }

  getDeadline(): ReturnType<InterceptedCall['getDeadline']> {
    return this.#base.getDeadline();
  }

  getHost(): string {
    return this.#base.getHost();
  }

  getAuthContext(): ReturnType<InterceptedCall['getAuthContext']> {
    return this.#base.getAuthContext();
  }

  getConnectionInfo(): ReturnType<InterceptedCall['getConnectionInfo']> {
    return this.#base.getConnectionInfo();
  }

  getMetricsRecorder(): ReturnType<InterceptedCall['getMetricsRecorder']> {
    return this.#base.getMetricsRecorder();
  }

  #left(byteCount: number): void {
    if (this.#isClosed) return;
    this.#budget.release(byteCount);
    this.#heldBytes -= byteCount;
    this.#heldCount -= 1;
    this.#timer?.cancel();
    this.#timer = this.#heldCount > 0 || this.#hasStatus ? this.#watch() : undefined;
  }

  #watch(): Timer {
    const { clock, sendMs, onStuck } = this.#budget;
    return clock.after(sendMs, onStuck, true);
  }
}
