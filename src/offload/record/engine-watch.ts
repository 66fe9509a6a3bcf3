/** Which engine runs, over time. Pure state. */

import { known, unknown, type Fact } from '../../model/fact.js';
import {
  detectEngine,
  engineUnseen,
  isWeaker,
  observeEngine,
  type EngineEvent,
  type EngineFacts,
  type EngineState,
  type EngineView,
} from '../engine-state.js';

/** Nobody takes the events for so long: the oldest go. */
const eventsMax = 64;

/**
 * Bridges of another datapath_type were made so by somebody: after this time their engine is the one that is wanted, and no
 * loss any more, ms.
 */
const acceptedMs = 60 * 60_000;

export class EngineWatch {
  #view: EngineView | undefined;
  #state: EngineState = engineUnseen;
  #events: EngineEvent[] = [];
  /** Since when bridges have another datapath_type and a weaker engine than they had, monotonic ms. */
  #changedSinceMs: number | undefined;

  /** Of the last look at a database that could be read; undefined: there was none. */
  get view(): EngineView | undefined {
    return this.#view;
  }

  /**
   * Takes a look.
   * @param isFirm everything that tells the engine was asked for at least once, and a daemon runs; else what is seen is no
   * change of engine, only less or more of a look. The first such look may be where a later change starts from
   * @param nowMs monotonic
   */
  note(facts: EngineFacts, isFirm: boolean, nowMs: number): void {
    if (facts.root.kind === 'unknown' && this.#view !== undefined) return;
    this.#view = detectEngine(facts);
    if (!isFirm) {
      // No daemon was met yet, and the columns tell what the one before had: DOCA and DPDK need no other evidence.
      const isTold = this.#view.kind === 'doca' || this.#view.kind === 'dpdk';
      if (isTold && this.#state.now === undefined) [this.#state] = observeEngine(this.#state, this.#view);
      return;
    }
    const [state, event] = observeEngine(this.#state, this.#view);
    this.#state = this.#accepted(state, nowMs);
    if (event === undefined) return;
    this.#events.push(event);
    if (this.#events.length > eventsMax) this.#events.shift();
  }

  /** What changed since it was asked last. */
  takeEvents(): readonly EngineEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #accepted(state: EngineState, nowMs: number): EngineState {
    const { now, best } = state;
    const isChanged = best !== undefined && isWeaker(now?.kind ?? 'unknown', best.kind) && !hasSameTypes(now, best);
    this.#changedSinceMs = isChanged ? (this.#changedSinceMs ?? nowMs) : undefined;
    return nowMs - (this.#changedSinceMs ?? Infinity) < acceptedMs || !isChanged ? state : { now, best: now };
  }

  facts(): Fact<EngineState> {
    if (this.#state.now !== undefined) return known(this.#state);
    const view = this.#view;
    if (view === undefined) return unknown('the database of Open vSwitch was not read yet');
    return view.kind === 'unknown' ? unknown(view.basis[0] ?? 'it is not known') : known({ now: view, best: view });
  }
}

function hasSameTypes(one: EngineView | undefined, other: EngineView): boolean {
  return one?.datapathTypes?.join() === other.datapathTypes?.join();
}
