/**
 * Promises for "as soon as this holds": checked whenever something changed, given up by signal, by deadline, or when the
 * client closes. Used by the client.
 */

import type { Clock, Timer } from '../lib/clock.js';
import { AgentError, toError } from '../lib/errors.js';

export interface WaitOptions {
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up after this time, ms. Default: waits as long as the client lives. */
  readonly deadlineMs?: number | undefined;
}

interface Waiter {
  /** Whether what was waited for holds. Throws when it never will. */
  readonly test: () => boolean;
  readonly settle: (error?: Error) => void;
}

export class Waiters {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves as soon as `test` holds, at once if it does already.
   * @throws AgentError ABORTED, DEADLINE_EXCEEDED, or what `test` throws
   */
  until(test: () => boolean, options: WaitOptions): Promise<void> {
    const { signal, deadlineMs } = options;
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const settle = (error?: Error): void => {
        this.#waiters.delete(waiter);
        timer?.cancel();
        signal?.removeEventListener('abort', onAbort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = (): void => settle(new AgentError('ABORTED', 'the wait was given up', { cause: signal?.reason }));
      const waiter: Waiter = { test, settle };
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      this.#waiters.add(waiter);
      this.#check(waiter);
      if (!this.#waiters.has(waiter)) return;
      signal?.addEventListener('abort', onAbort, { once: true });
      if (deadlineMs !== undefined) timer = this.#clock.after(deadlineMs, () => settle(lateError(deadlineMs)), true);
    });
  }

  /** Something changed: looks at every waiter again. */
  check(): void {
    for (const waiter of [...this.#waiters]) this.#check(waiter);
  }

  /** Nothing will change any more. */
  fail(error: AgentError): void {
    for (const waiter of [...this.#waiters]) waiter.settle(error);
  }

  #check(waiter: Waiter): void {
    try {
      if (waiter.test()) waiter.settle();
    } catch (error) {
      waiter.settle(toError(error));
    }
  }
}

function lateError(deadlineMs: number): AgentError {
  return new AgentError('DEADLINE_EXCEEDED', 'what was waited for did not happen in time', { facts: { deadlineMs } });
}
