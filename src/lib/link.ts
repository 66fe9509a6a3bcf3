/**
 * The life of one connection as a pure machine: wait, dial, be up, probe, give up, wait longer. Stacked under the OVSDB
 * and OpenFlow sessions; after Open vSwitch's `reconnect`, with jitter and a stricter idea of success. It owns no timer,
 * socket or clock: the shell feeds it events with the time, carries out its effects, and sleeps until `linkDeadlineMs`.
 */

import { assert, unreachable } from './assert.js';
import { backoffMs } from './backoff.js';
import type { BackoffTiming } from './backoff.js';

export interface LinkTiming {
  /** A dial that takes longer than this is given up, ms. */
  readonly dialMsMax: number;
  /** Silence after which the peer is asked for a sign of life, and again the time it has to answer, ms. */
  readonly probeMs: number;
  /**
   * How long a session must have been useful before the next loss starts the backoff from the beginning, ms. A peer that
   * accepts, serves one dump and hangs up would otherwise be dialled at full speed for ever.
   */
  readonly usefulMsMin: number;
  /** How many losses in a row are followed by an immediate dial: the number of other endpoints there are to try. */
  readonly freeTries: number;
  readonly backoff: BackoffTiming;
}

/** What every state knows: how often in a row it went wrong. */
interface Count {
  /** Losses in a row, without a session in between that was useful for long enough. */
  readonly failures: number;
}

/** Connected: since when the session has done what it is for, if it has. */
interface Connected extends Count {
  readonly usefulSinceMs: number | undefined;
}

export type LinkState =
  /** Waits for `untilMs`, then dials. */
  | ({ readonly kind: 'waiting'; readonly untilMs: number } & Count)
  /** Waits for `connected`; `lost` or too long a dial lead to waiting. */
  | ({ readonly kind: 'dialing'; readonly sinceMs: number } & Count)
  /** Waits for silence of `probeMs`, which leads to probing; `lost` and `redial` lead to waiting. */
  | ({ readonly kind: 'up'; readonly heardMs: number } & Connected)
  /** Asked the peer for a sign of life at `sinceMs`. Anything heard leads to up, silence to doubting. */
  | ({ readonly kind: 'probing'; readonly sinceMs: number } & Connected)
  /**
   * The answer is overdue, but perhaps it lies unread in the socket because this process was busy. Waits for proof that
   * the socket was read and empty (`readTried`), which leads to waiting; anything heard leads to up.
   */
  | ({ readonly kind: 'doubting'; readonly sinceMs: number } & Connected);

export type LinkEvent =
  /** Time has passed. */
  | { readonly kind: 'tick' }
  | { readonly kind: 'connected' }
  /** Bytes came, whatever they say. */
  | { readonly kind: 'heard' }
  /** The session above reached what it is for (in sync, handshake done). */
  | { readonly kind: 'useful' }
  /** The shell carried out the effect `read`: the socket was drained after that effect was asked for. */
  | { readonly kind: 'readTried' }
  /** The dial failed, the peer hung up, or the session above found it useless. */
  | { readonly kind: 'lost' }
  /** We want a fresh connection although nothing is wrong with this one, for example for a new certificate. */
  | { readonly kind: 'redial' };

export type LinkEffect =
  | 'dial'
  /** Send something that the peer must answer. */
  | 'probe'
  /** Let the event loop read the socket once more, then report `readTried`. */
  | 'read'
  /** Close the connection or abandon the dial. */
  | 'hangUp';

export type LinkStep = readonly [LinkState, readonly LinkEffect[]];

/** How often the question "was the socket read?" is repeated while it has no answer, ms. */
const doubtMs = 1000;

/** The state before the first dial, which is due at once. */
export function initialLink(nowMs: number): LinkState {
  return { kind: 'waiting', untilMs: nowMs, failures: 0 };
}

/** When the caller must call `stepLink` with a tick, even if nothing else happens. Always finite. */
export function linkDeadlineMs(state: LinkState, timing: LinkTiming): number {
  switch (state.kind) {
    case 'waiting':
      return state.untilMs;
    case 'dialing':
      return state.sinceMs + timing.dialMsMax;
    case 'up':
      return state.heardMs + timing.probeMs;
    case 'probing':
      return state.sinceMs + timing.probeMs;
    case 'doubting':
      return state.sinceMs + doubtMs;
    default:
      return unreachable(state);
  }
}

/**
 * Advances the machine.
 * @param random a number in [0, 1), the jitter of the wait that the step may start
 */
export function stepLink(
  state: LinkState,
  event: LinkEvent,
  nowMs: number,
  timing: LinkTiming,
  random: number,
): LinkStep {
  assert(timing.probeMs > 0 && timing.dialMsMax > 0, 'the timing of a link must be positive');
  switch (event.kind) {
    case 'tick':
      return nowMs < linkDeadlineMs(state, timing) ? [state, []] : expire(state, nowMs, timing, random);
    case 'connected':
      if (state.kind !== 'dialing') return [state, []];
      return [{ kind: 'up', heardMs: nowMs, failures: state.failures, usefulSinceMs: undefined }, []];
    case 'heard':
      return isConnected(state) ? [{ ...connectedPart(state), kind: 'up', heardMs: nowMs }, []] : [state, []];
    case 'useful':
      return isConnected(state) ? [{ ...state, usefulSinceMs: state.usefulSinceMs ?? nowMs }, []] : [state, []];
    case 'readTried':
      return state.kind === 'doubting' ? lose(state, nowMs, timing, random) : [state, []];
    case 'lost':
      return state.kind === 'waiting' ? [state, []] : lose(state, nowMs, timing, random);
    case 'redial':
      return redial(state, nowMs, timing, random);
    default:
      return unreachable(event);
  }
}

type ConnectedState = Extract<LinkState, Connected>;

function isConnected(state: LinkState): state is ConnectedState {
  return state.kind === 'up' || state.kind === 'probing' || state.kind === 'doubting';
}

function connectedPart(state: ConnectedState): Connected {
  return { failures: state.failures, usefulSinceMs: state.usefulSinceMs };
}

/** The deadline of the state has passed. */
function expire(state: LinkState, nowMs: number, timing: LinkTiming, random: number): LinkStep {
  switch (state.kind) {
    case 'waiting':
      return [{ kind: 'dialing', sinceMs: nowMs, failures: state.failures }, ['dial']];
    case 'dialing':
      return lose(state, nowMs, timing, random);
    case 'up':
      return [{ ...connectedPart(state), kind: 'probing', sinceMs: nowMs }, ['probe']];
    case 'probing':
    case 'doubting':
      return [{ ...connectedPart(state), kind: 'doubting', sinceMs: nowMs }, ['read']];
    default:
      return unreachable(state);
  }
}

function lose(state: LinkState, nowMs: number, timing: LinkTiming, random: number): LinkStep {
  const failures = (wasUsefulForLong(state, nowMs, timing) ? 0 : state.failures) + 1;
  const attempt = failures - timing.freeTries - 1;
  const waitMs = attempt < 0 ? 0 : backoffMs(attempt, timing.backoff, random);
  return [{ kind: 'waiting', untilMs: nowMs + waitMs, failures }, ['hangUp']];
}

function redial(state: LinkState, nowMs: number, timing: LinkTiming, random: number): LinkStep {
  if (state.kind === 'waiting') return [state, []];
  // A healthy peer is not punished for our wish; one that never was useful is, or two such peers would be tried in turns
  // without a pause.
  if (wasUsefulForLong(state, nowMs, timing)) return [{ kind: 'waiting', untilMs: nowMs, failures: 0 }, ['hangUp']];
  return lose(state, nowMs, timing, random);
}

function wasUsefulForLong(state: LinkState, nowMs: number, timing: LinkTiming): boolean {
  if (!isConnected(state) || state.usefulSinceMs === undefined) return false;
  return nowMs - state.usefulSinceMs >= timing.usefulMsMin;
}
