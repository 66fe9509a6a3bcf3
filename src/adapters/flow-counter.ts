/**
 * Counts the flows of a bridge that name a port, asked of the switch over OpenFlow. At most one question a bridge is under way,
 * and those who ask the same within a moment get one answer: however many ask, the switch has the work of one.
 */

import type { FlowCounter } from '../agent/explainer.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { match } from '../openflow/index.js';
import type { BridgeSessions } from './bridge-sessions.js';

interface FlowCounts {
  readonly taking: number;
  readonly sending: number;
}

/** For one of the two numbers, ms: the switch walks over all flows of the bridge. */
const answerMsMax = 3_000;
/** An answer serves all who ask within this time, ms. */
const answerFreshMs = 50;

export class SwitchFlowCounter implements FlowCounter {
  readonly #sessions: BridgeSessions;
  readonly #clock: Clock;
  readonly #answers = new Map<string, { readonly atMs: number; readonly counts: FlowCounts }>();
  readonly #flights = new Map<string, Promise<FlowCounts>>();
  /** The end of the queue of each bridge. */
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(sessions: BridgeSessions, clock: Clock) {
    this.#sessions = sessions;
    this.#clock = clock;
  }

  async count(bridge: string, ofport: number, signal: AbortSignal): Promise<FlowCounts> {
    const key = `${ofport} ${bridge}`;
    const nowMs = this.#clock.nowMs();
    for (const [known, { atMs }] of this.#answers) if (nowMs - atMs >= answerFreshMs) this.#answers.delete(known);
    const answer = this.#answers.get(key);
    if (answer !== undefined) return answer.counts;
    const flight = this.#flights.get(key) ?? this.#launch(key, bridge, ofport);
    return untilAborted(flight, signal);
  }

  #launch(key: string, bridge: string, ofport: number): Promise<FlowCounts> {
    const before = this.#tails.get(bridge) ?? Promise.resolve();
    const flight = before
      .then(() => this.#ask(bridge, ofport))
      .then((counts) => {
        this.#answers.set(key, { atMs: this.#clock.nowMs(), counts });
        return counts;
      });
    // Whoever comes next waits for the end, however it ends.
    const tail = flight.then(
      () => undefined,
      () => undefined,
    );
    this.#flights.set(key, flight);
    this.#tails.set(bridge, tail);
    void tail.then(() => {
      this.#flights.delete(key);
      if (this.#tails.get(bridge) === tail) this.#tails.delete(bridge);
    });
    return flight;
  }

  /** Goes on although the one who asked first has gone: others may wait for the same. Its times are bounded. */
  #ask(bridge: string, ofport: number): Promise<FlowCounts> {
    return this.#sessions.use(bridge, new AbortController().signal, async (client) => {
      // The switch counts: br-int of a large cluster has a hundred thousand flows.
      const taking = await client.aggregate({ match: match({ in_port: ofport }) }, { deadlineMs: answerMsMax });
      const sending = await client.aggregate({ outPort: ofport }, { deadlineMs: answerMsMax });
      return { taking: taking.flows, sending: sending.flows };
    });
  }
}

/** The promise, or ABORTED as soon as nobody waits any more. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new AgentError('ABORTED', 'the switch did not answer in time'));
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
