/**
 * A question on its way: ties a promise to a range of xids, a deadline and the caller's signal. Used by everything that
 * waits for an answer. However it ends, nothing of it is left behind, and a late answer is consumed and ignored.
 */

import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import type { Connection } from './connection.js';
import type { Operation } from './outstanding.js';
import type { ErrorMessage } from './wire/error-message.js';
import type { Message } from './wire/message.js';

/** How long a caller waits, and what makes it stop waiting. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** From the call to its answer, ms. Default 10 000. */
  readonly deadlineMs?: number | undefined;
}

/** What a call is made on. */
export interface CallContext {
  readonly connection: Connection;
  readonly clock: Clock;
}

/** First and last xid of the messages of one call; the answer carries the last. */
export interface XidRange {
  readonly firstXid: number;
  readonly lastXid: number;
}

export interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export interface PendingHandlers {
  onReply(message: Message): void;
  onError(xid: number, error: ErrorMessage): void;
}

export const deadlineMsDefault = 10_000;

/** Throws ABORTED when the caller gave up before anything was sent. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AgentError('ABORTED', 'the call was given up before it was sent');
}

/**
 * Registers the call and returns its promise. The caller writes the messages afterwards.
 * @throws (in the promise) AgentError DEADLINE_EXCEEDED, ABORTED_IN_FLIGHT, CONNECTION_LOST, CLIENT_CLOSED
 */
export function pend<T>(
  { connection, clock }: CallContext,
  range: XidRange,
  options: CallOptions,
  handle: (settle: Settle<T>) => PendingHandlers,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let isSettled = false;
    const end = (): boolean => {
      if (isSettled) return false;
      isSettled = true;
      timer.cancel();
      options.signal?.removeEventListener('abort', onAbort);
      connection.forget(operation);
      return true;
    };
    const settle: Settle<T> = {
      resolve: (value) => {
        if (end()) resolve(value);
      },
      reject: (error) => {
        if (end()) reject(error);
      },
    };
    const handlers = handle(settle);
    const operation: Operation = {
      ...range,
      onReply(message) {
        handlers.onReply(message);
        return isSettled;
      },
      onError(xid, error) {
        handlers.onError(xid, error);
        return isSettled;
      },
      onLost: settle.reject,
    };
    const onAbort = (): void =>
      settle.reject(new AgentError('ABORTED_IN_FLIGHT', 'the call was given up after it was sent'));
    const deadlineMs = options.deadlineMs ?? deadlineMsDefault;
    const timer = clock.after(deadlineMs, () =>
      settle.reject(
        new AgentError('DEADLINE_EXCEEDED', 'the switch did not answer in time', { facts: { deadlineMs } }),
      ),
    );
    options.signal?.addEventListener('abort', onAbort, { once: true });
    connection.expect(operation);
  });
}
