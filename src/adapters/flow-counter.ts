/**
 * Counts the flows of a bridge that name a port, asked of the switch over OpenFlow. At most one question a bridge is under way,
 * and those who ask the same at the same time get one answer: however many ask, the switch has the work of one.
 */

import type { FlowCounter } from '../agent/explainer.js';
import { AgentError } from '../lib/errors.js';
import { match } from '../openflow/index.js';
import type { BridgeSessions } from './bridge-sessions.js';

interface FlowCounts {
  readonly taking: number;
  readonly sending: number;
}

/** For one of the two numbers, ms: the switch walks over all flows of the bridge. */
const answerMsMax = 3_000;

export class SwitchFlowCounter implements FlowCounter {
  readonly #sessions: BridgeSessions;
  readonly #flights = new Map<string, Promise<FlowCounts>>();
  /** The end of the queue of each bridge. */
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(sessions: BridgeSessions) {
    this.#sessions = sessions;
  }

  async count(bridge: string, ofport: number, signal: AbortSignal): Promise<FlowCounts> {
    const key = `${ofport} ${bridge}`;
    const flight = this.#flights.get(key) ?? this.#launch(key, bridge, ofport);
    return untilAborted(flight, signal);
  }

  #launch(key: string, bridge: string, ofport: number): Promise<FlowCounts> {
    const before = this.#tails.get(bridge) ?? Promise.resolve();
    const flight = before.then(() => this.#ask(bridge, ofport));
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
