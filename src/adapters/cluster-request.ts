/** What the adapters that write to the host cluster share: the one call that they need, and how its refusals are told apart. */

import { AgentError, toError } from '../lib/errors.js';
import type { ErrorCode } from '../lib/errors.js';
import type { KubeRequest, KubeResponse } from '../kube/index.js';

/** The part of KubeClient that sends one request. */
export interface KubeRequester {
  /** @throws AgentError KUBE_* for every answer that is no success, and the codes of connections */
  request(request: KubeRequest): Promise<KubeResponse>;
}

/** Whether it is an expected failure with one of these codes. */
export function hasCode(thrown: unknown, ...codes: readonly ErrorCode[]): boolean {
  return thrown instanceof AgentError && codes.includes(thrown.code);
}

/** The failure of a call: what is no AgentError is our bug and is thrown on. */
export function expectedFailure(thrown: unknown): AgentError {
  if (thrown instanceof AgentError) return thrown;
  throw toError(thrown);
}

/** How long the server asked to wait, ms; undefined when it did not. */
export function retryAfterMs(error: AgentError): number | undefined {
  const value = error.facts['retryAfterMs'];
  return typeof value === 'number' && value >= 0 ? value : undefined;
}
