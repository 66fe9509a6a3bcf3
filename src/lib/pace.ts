/**
 * How often something may be done for one and the same object: a few times at once, then ever more slowly, until it has been
 * left in peace for a while. For whatever others can ask for, or undo, as often as they like; does nothing itself and knows no
 * clock.
 */

export interface PaceTiming {
  /** So many times in a row without any wait; at least 1. */
  readonly burst: number;
  /** The first wait after them, ms; each one doubles it. */
  readonly baseMs: number;
  /** No wait is longer, ms. */
  readonly capMs: number;
  /** After so long without being done, all is forgotten, ms; longer than `capMs`. */
  readonly quietMs: number;
}

interface Past {
  readonly count: number;
  readonly lastMs: number;
}

export class Pace {
  readonly #timing: PaceTiming;
  readonly #past = new Map<string, Past>();

  constructor(timing: PaceTiming) {
    this.#timing = timing;
  }

  /** How long until it may be done for the object, ms; 0: now. */
  waitMs(key: string, nowMs: number): number {
    const past = this.#past.get(key);
    if (past === undefined || this.#isOver(past, nowMs)) return 0;
    return Math.max(0, past.lastMs + this.#restMs(past.count) - nowMs);
  }

  /** It has been done for these. */
  note(keys: Iterable<string>, nowMs: number): void {
    // What is forgotten makes room: what is held is bounded by what is done in the quiet time.
    for (const [key, past] of this.#past) if (this.#isOver(past, nowMs)) this.#past.delete(key);
    for (const key of keys) this.#past.set(key, { count: (this.#past.get(key)?.count ?? 0) + 1, lastMs: nowMs });
  }

  /** When the first of these may be done, ms from now; undefined when none has to wait. */
  nextLookMs(keys: Iterable<string>, nowMs: number): number | undefined {
    const waits = [...keys].map((key) => this.waitMs(key, nowMs)).filter((waitMs) => waitMs > 0);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  /** Objects that are remembered. */
  get size(): number {
    return this.#past.size;
  }

  #isOver({ lastMs }: Past, nowMs: number): boolean {
    return nowMs - lastMs >= this.#timing.quietMs;
  }

  #restMs(count: number): number {
    const { burst, baseMs, capMs } = this.#timing;
    return count < burst ? 0 : Math.min(capMs, baseMs * 2 ** Math.min(count - burst, 30));
  }
}
