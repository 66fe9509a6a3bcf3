/**
 * Counts what the loops do, for metrics: rounds, writes, how long phases took, what was repaired, and the journal's outcomes.
 * Cheap and bounded: a few additions a round, and no object is remembered. Decides nothing.
 */

import type { HistogramValues, JournalCount, LoopTelemetry, SessionTelemetry, TelemetrySource } from './api-view.js';
import type { JournalEntry } from './journal.js';

/** `gather`: from the first event to the look. `apply`: until the answer of who was asked. `total`: from the event to that answer. */
export type LoopPhase = 'gather' | 'plan' | 'apply' | 'total';

/** What a loop tells of its work. */
export interface LoopRecorder {
  /** A look begins, so long after the first event that asked for it, ms; 0: none did. */
  round(gatheredMs: number): void;
  /** A phase took so long, ms. */
  took(phase: LoopPhase, ms: number): void;
  /** A change was applied, of these kinds of actions, each as often as it occurs. */
  wrote(kinds: Iterable<string>): void;
}

/** For a loop that nobody counts. */
export const silentRecorder: LoopRecorder = {
  round: () => undefined,
  took: () => undefined,
  wrote: () => undefined,
};

/** From a look at an idle switch to a transaction at its deadline, seconds. */
const boundsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Kinds of actions are words of the planners; should that ever not hold, the rest is one. */
const kindCountMax = 64;
const otherKind = 'other';

class Histogram implements HistogramValues {
  readonly boundsSeconds = boundsSeconds;
  readonly counts: number[] = new Array<number>(boundsSeconds.length + 1).fill(0);
  sumSeconds = 0;

  add(ms: number): void {
    const seconds = Math.max(0, ms) / 1e3;
    const found = boundsSeconds.findIndex((bound) => seconds <= bound);
    const index = found < 0 ? boundsSeconds.length : found;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sumSeconds += seconds;
  }
}

class LoopCount implements LoopTelemetry, LoopRecorder {
  readonly loop: LoopTelemetry['loop'];
  readonly latency = new Map<string, Histogram>();
  readonly #onWrite: (kinds: Iterable<string>) => void;
  rounds = 0;
  writes = 0;

  constructor(loop: LoopTelemetry['loop'], onWrite: (kinds: Iterable<string>) => void) {
    this.loop = loop;
    this.#onWrite = onWrite;
  }

  round(gatheredMs: number): void {
    this.rounds += 1;
    if (gatheredMs > 0) this.took('gather', gatheredMs);
  }

  took(phase: LoopPhase, ms: number): void {
    let histogram = this.latency.get(phase);
    if (histogram === undefined) this.latency.set(phase, (histogram = new Histogram()));
    histogram.add(ms);
  }

  wrote(kinds: Iterable<string>): void {
    this.writes += 1;
    this.#onWrite(kinds);
  }
}

export class TelemetryBook implements TelemetrySource {
  readonly #loops = new Map<LoopTelemetry['loop'], LoopCount>();
  readonly #repairs = new Map<string, number>();
  readonly #journal = new Map<
    string,
    { kind: JournalEntry['kind']; outcome: JournalEntry['outcome']; count: number }
  >();
  readonly #sessions: (() => readonly SessionTelemetry[])[] = [];
  #flows: () => ReadonlyMap<string, { readonly length: number }> = () => new Map();

  /** Where the loop tells what it does; the same for the same loop. */
  recorder(loop: LoopTelemetry['loop']): LoopRecorder {
    let count = this.#loops.get(loop);
    if (count === undefined) {
      count = new LoopCount(loop, (kinds) => this.#repaired(kinds));
      this.#loops.set(loop, count);
    }
    return count;
  }

  /** Clients that are asked for their sessions when somebody wants to know. */
  addSessions(source: () => readonly SessionTelemetry[]): void {
    this.#sessions.push(source);
  }

  /** Where the flows of chains are that were last read back, by bridge. */
  setFlows(source: () => ReadonlyMap<string, { readonly length: number }>): void {
    this.#flows = source;
  }

  /** To be called with each new entry of the journal. */
  noteEntry({ kind, outcome }: Pick<JournalEntry, 'kind' | 'outcome'>): void {
    const key = `${kind} ${outcome}`;
    const entry = this.#journal.get(key);
    if (entry === undefined) this.#journal.set(key, { kind, outcome, count: 1 });
    else entry.count += 1;
  }

  readonly loops = (): readonly LoopTelemetry[] => [...this.#loops.values()];

  readonly sessions = (): readonly SessionTelemetry[] => this.#sessions.flatMap((source) => source());

  readonly repairs = (): ReadonlyMap<string, number> => this.#repairs;

  readonly flows = (): ReadonlyMap<string, number> =>
    new Map([...this.#flows()].map(([bridge, flows]) => [bridge, flows.length]));

  readonly journal = (): readonly JournalCount[] => [...this.#journal.values()];

  #repaired(kinds: Iterable<string>): void {
    for (const kind of kinds) {
      const isKnown = this.#repairs.has(kind) || this.#repairs.size < kindCountMax;
      const name = isKnown ? kind : otherKind;
      this.#repairs.set(name, (this.#repairs.get(name) ?? 0) + 1);
    }
  }
}
