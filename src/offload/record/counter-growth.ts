/** How much named counters grew over a window. Pure state. */

import { SampleWindow } from './sample-window.js';

export interface CounterGrowth {
  /** Between the oldest and the newest reading, ms. */
  readonly windowMs: number;
  /** Only those that grew. */
  readonly growth: ReadonlyMap<string, number>;
}

export interface CounterTiming {
  readonly windowMs: number;
  /**
   * A counter that is absent did not count yet (coverage of Open vSwitch). Otherwise one that appears has counted before
   * anybody looked, and its first total says nothing.
   */
  readonly isAbsentZero: boolean;
}

type Totals = ReadonlyMap<string, number>;

/** Totals by name of the counter, over a window. A total that falls began anew: what came before the fall still counts. */
export class CounterTable {
  readonly #timing: CounterTiming;
  readonly #window: SampleWindow<Totals>;
  #growth: CounterGrowth | undefined;
  #isStale = false;

  constructor(timing: CounterTiming) {
    this.#timing = timing;
    this.#window = new SampleWindow(timing.windowMs);
  }

  add(atMs: number, totals: Totals): void {
    this.#window.add(atMs, totals);
    this.#isStale = true;
  }

  /** What counts is another one now. */
  clear(): void {
    this.#window.clear();
    this.#isStale = true;
  }

  /** When totals came last, monotonic ms; undefined: never. */
  get newestAtMs(): number | undefined {
    return this.#window.newestAtMs;
  }

  /** Undefined before there were two readings. */
  read(): CounterGrowth | undefined {
    if (this.#isStale) this.#growth = this.#count();
    this.#isStale = false;
    return this.#growth;
  }

  #count(): CounterGrowth | undefined {
    const span = this.#window.span();
    if (span === undefined) return undefined;
    const growth = new Map<string, number>();
    const samples = this.#window.values();
    for (const [index, totals] of samples.entries()) {
      const before = samples[index - 1];
      if (before === undefined || before === totals) continue;
      for (const [name, total] of totals) {
        const last = before.get(name) ?? (this.#timing.isAbsentZero ? 0 : total);
        if (total > last) growth.set(name, (growth.get(name) ?? 0) + total - last);
      }
    }
    return { windowMs: span.spanMs, growth };
  }
}
