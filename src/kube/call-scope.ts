/**
 * How long one request may last and who may end it: its deadline, its caller and the closing of the client, as one signal.
 * It also remembers how far the request got, because that decides whether it can have happened. Used by KubeClient.
 */

import { setMaxListeners } from 'node:events';
import type { Clock, Timer } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import type { ErrorFacts } from '../lib/errors.js';

export interface CallScopeOptions {
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
  /** Aborted when the client is closed. */
  readonly closing: AbortSignal;
  /** What the errors say about the request. */
  readonly facts: ErrorFacts;
}

/** `waiting` for a free connection, `dialing` one, `sent`: perhaps carried out. */
export type CallPhase = 'waiting' | 'dialing' | 'sent';

export class CallScope {
  readonly #options: CallScopeOptions;
  readonly #controller = new AbortController();
  #timer: Timer | undefined;
  phase: CallPhase = 'waiting';
  /** Whether the connection had served another request before. */
  isReused = false;

  constructor(options: CallScopeOptions) {
    this.#options = options;
    const { clock, deadlineMs, signal, closing } = options;
    if (signal?.aborted === true || closing.aborted) {
      this.#onAbort();
      return;
    }
    // Many calls share a signal, and each takes its listener away again: no leak, whatever Node counts.
    setMaxListeners(0, closing, ...(signal === undefined ? [] : [signal]));
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    closing.addEventListener('abort', this.#onAbort, { once: true });
    this.#timer = clock.after(deadlineMs, () => this.#abort(this.#lateError()), true);
  }

  /** Aborted with the AgentError that says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get facts(): ErrorFacts {
    return this.#options.facts;
  }

  throwIfEnded(): void {
    this.#controller.signal.throwIfAborted();
  }

  /** The deadline is kept; from now on only the caller ends the call. */
  keepOpen(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Nothing ends the call any more: it is over. */
  end(): void {
    this.keepOpen();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#options.closing.removeEventListener('abort', this.#onAbort);
  }

  #abort(reason: AgentError): void {
    this.end();
    this.#controller.abort(reason);
  }

  readonly #onAbort = (): void => {
    const { closing, facts } = this.#options;
    if (this.phase === 'sent') {
      this.#abort(new AgentError('ABORTED_IN_FLIGHT', 'the request was given up after it was sent', { facts }));
    } else if (closing.aborted) {
      this.#abort(new AgentError('CLIENT_CLOSED', 'the client is closed', { facts }));
    } else {
      this.#abort(new AgentError('ABORTED', 'the request was given up before it was sent', { facts }));
    }
  };

  #lateError(): AgentError {
    const { deadlineMs, facts } = this.#options;
    if (this.phase === 'dialing') {
      return new AgentError('CONNECT_FAILED', 'the connection to the API server did not come up in time', {
        facts: { ...facts, deadlineMs },
        remedy: 'Check the address and whether the network lets it through.',
      });
    }
    return new AgentError('DEADLINE_EXCEEDED', 'the API server did not answer in time', {
      facts: { ...facts, deadlineMs, wasSent: this.phase === 'sent' },
    });
  }
}
