/**
 * How a call over a connection can fail on our side of it, apart from what the peer says. Used by the RPC connection.
 */

import { AgentError, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

/** The connection is gone. */
export function lostError(message: string, cause?: unknown): AgentError {
  const facts = cause === undefined ? {} : { systemError: safeText(toError(cause).message) };
  return new AgentError('CONNECTION_LOST', message, { facts, cause });
}

/** The caller gave up. */
export function abortError(method: string, isSent: boolean): AgentError {
  return isSent
    ? new AgentError('ABORTED_IN_FLIGHT', 'the caller gave up after the request was sent', { facts: { method } })
    : new AgentError('ABORTED', 'the caller gave up before the request was sent', { facts: { method } });
}

/** The caller's patience ended. */
export function timeoutError(method: string, isSent: boolean): AgentError {
  return isSent
    ? new AgentError('DEADLINE_EXCEEDED', 'the server did not answer in time', { facts: { method } })
    : new AgentError('NOT_CONNECTED', 'the request could not be sent in time', { facts: { method } });
}

/** The queue is full. */
export function tooManyError(count: number): AgentError {
  return new AgentError('LIMIT_EXCEEDED', 'too many requests wait to be sent', { facts: { count } });
}
