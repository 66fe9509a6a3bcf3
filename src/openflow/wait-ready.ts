/**
 * Waits until a client has a session. Used by `OpenFlowClient.ready`; it only listens to the client's states.
 */

import type { EventEmitter } from 'node:events';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import type { ClientState, OpenFlowEvents } from './events.js';
import type { CallOptions } from './pending.js';
import type { Features } from './wire/session-messages.js';

/** Longer than a dial and its first backoff, ms. */
const deadlineMsDefault = 15_000;

/** @throws (in the promise) AgentError DEADLINE_EXCEEDED, with the last failure as its cause; ABORTED; CLIENT_CLOSED */
export function waitReady(
  client: EventEmitter<OpenFlowEvents> & { readonly state: ClientState },
  clock: Clock,
  options: CallOptions,
  lastError: () => Error | undefined,
): Promise<Features> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      client.removeListener('state', onState);
      timer.cancel();
      options.signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: AgentError): void => {
      end();
      reject(error);
    };
    const onState = (state: ClientState): void => {
      if (state.kind === 'closed') fail(new AgentError('CLIENT_CLOSED', 'the OpenFlow client was closed'));
      if (state.kind !== 'ready') return;
      end();
      resolve(state.features);
    };
    const onAbort = (): void => fail(new AgentError('ABORTED', 'the wait for the switch was given up'));
    const timer = clock.after(options.deadlineMs ?? deadlineMsDefault, () =>
      fail(new AgentError('DEADLINE_EXCEEDED', 'the switch was not ready in time', { cause: lastError() })),
    );
    options.signal?.addEventListener('abort', onAbort, { once: true });
    client.on('state', onState);
    onState(client.state);
  });
}
