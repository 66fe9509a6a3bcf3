/**
 * The life of one OpenFlow session as a pure machine: greet, settle what the switch shall send, be ready. Stacked on the
 * link by the connection, which carries out its effects. It owns no socket and no clock.
 */

import { AgentError } from '../lib/errors.js';
import { versionName } from './version.js';
import type { Version } from './version.js';
import type { Features } from './wire/session-messages.js';

export type SessionState =
  /** Our hello is on its way. Waits for the peer's; a version in common leads to settling, none is an error. */
  | { readonly kind: 'greeting' }
  /**
   * The set-up is on its way: filter and configuration, then a features request and a barrier. Waits for the features and
   * for the barrier behind them; both lead to ready.
   */
  | { readonly kind: 'settling'; readonly version: Version; readonly features: Features | undefined }
  /** Requests can be sent. Only the loss of the connection leads out. */
  | { readonly kind: 'ready'; readonly version: Version; readonly features: Features };

export type SessionEvent =
  /** The peer's hello came; `version` is the one in common, if any. */
  | { readonly kind: 'hello'; readonly version: Version | undefined; readonly offered: readonly Version[] }
  | { readonly kind: 'features'; readonly features: Features }
  | { readonly kind: 'settled' };

/** `setUp`: send the messages of settling. `announce`: the session is ready. */
export type SessionEffect = 'setUp' | 'announce';

/**
 * Advances the machine.
 * @throws AgentError OPENFLOW_VERSION without a common version, PEER_PROTOCOL for an answer out of order
 */
export function stepSession(
  state: SessionState,
  event: SessionEvent,
): readonly [SessionState, readonly SessionEffect[]] {
  switch (event.kind) {
    case 'hello':
      // A second hello changes nothing (OpenFlow 1.5.1 section 6.3.2 allows it at any time).
      if (state.kind !== 'greeting') return [state, []];
      return [{ kind: 'settling', version: commonVersion(event), features: undefined }, ['setUp']];
    case 'features':
      return state.kind === 'settling' ? [{ ...state, features: event.features }, []] : [state, []];
    case 'settled':
      if (state.kind !== 'settling') return [state, []];
      if (state.features === undefined) {
        throw new AgentError('PEER_PROTOCOL', 'the switch did not say its features before the barrier');
      }
      return [{ kind: 'ready', version: state.version, features: state.features }, ['announce']];
  }
}

function commonVersion(event: Extract<SessionEvent, { readonly kind: 'hello' }>): Version {
  if (event.version !== undefined) return event.version;
  throw new AgentError('OPENFLOW_VERSION', 'the switch speaks none of our OpenFlow versions', {
    facts: { offered: event.offered.map(versionName).join(',') },
    remedy: 'Add one of them to the protocols column of the bridge.',
  });
}
