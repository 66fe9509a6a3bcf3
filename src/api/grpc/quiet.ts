/** Keeps a log readable while somebody knocks: one line for each key in an interval, with the number of those left out. */

import type { Clock } from '../../lib/clock.js';

/** More keys than this at once are one: a peer must not fill the memory with new ones. */
const keysMax = 256;

interface Entry {
  untilMs: number;
  hiddenCount: number;
}

export class Quiet {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** How many of the key were left out since its last line; undefined when this one is to be left out too. */
  admit(key: string): number | undefined {
    const nowMs = this.#clock.nowMs();
    const known = this.#entries.get(key);
    if (known !== undefined && nowMs < known.untilMs) {
      known.hiddenCount += 1;
      return undefined;
    }
    if (known === undefined && this.#entries.size >= keysMax) this.#forget(nowMs);
    if (known === undefined && this.#entries.size >= keysMax && key !== 'others') return this.admit('others');
    this.#entries.set(key, { untilMs: nowMs + this.#intervalMs, hiddenCount: 0 });
    return known?.hiddenCount ?? 0;
  }

  #forget(nowMs: number): void {
    for (const [key, { untilMs }] of this.#entries) {
      if (nowMs >= untilMs) this.#entries.delete(key);
    }
  }
}
