/**
 * How often something may be done for one and the same object: a few times at once, then ever more slowly, until it has been
 * left in peace for a while. Used by the loop of the attachments for its changes of rows and by the log of the pods; does
 * nothing itself and knows no clock.
 */

import type { AttachAction } from '../attach/attach-action.js';

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

/**
 * For the rows of one attachment. Each change costs vswitchd a reconfiguration, in which all pods share, and a pod can ask
 * for as many as it likes. A first attach with its corrections, a new sandbox now and then, and a reboot of either machine
 * stay within the burst.
 */
export const rowsPace: PaceTiming = { burst: 5, baseMs: 1_000, capMs: 30_000, quietMs: 120_000 };

interface Past {
  readonly count: number;
  readonly lastMs: number;
}

export class AttachPace {
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

/** Whether the action makes or mends rows: a pod can ask for as many of these as it likes. */
function isPaced({ kind }: AttachAction): boolean {
  return kind === 'attach' || kind === 'repair';
}

/** Keys of the attachments whose rows the actions make or mend. */
export function pacedKeys(actions: readonly AttachAction[]): readonly string[] {
  return actions.filter(isPaced).map(({ key }) => key);
}

/** The actions without those that make or mend rows of these attachments. */
export function withoutKeys(actions: readonly AttachAction[], withheld: ReadonlySet<string>): readonly AttachAction[] {
  return actions.filter((action) => !isPaced(action) || !withheld.has(action.key));
}

/**
 * Keys of the attachments whose rows are not to be made or mended yet. A port is taken out at once however often it was
 * made, so that nothing is left of a pod that is gone or made anew: there is one removal for each time that it was made.
 */
export function withheldKeys(actions: readonly AttachAction[], pace: AttachPace, nowMs: number): ReadonlySet<string> {
  return new Set(pacedKeys(actions).filter((key) => pace.waitMs(key, nowMs) > 0));
}
