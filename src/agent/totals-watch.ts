/**
 * Follows what ovs-vswitchd counted for its interfaces, as it writes it into the database: each count is handed on once, and
 * never one of an ovs-vswitchd that is gone as one of the next.
 */

import type { Clock } from '../lib/clock.js';
import { Trigger } from '../lib/trigger.js';
import type { Incarnation } from '../offload/effective-settings.js';

/** What ovs-vswitchd counted for its interfaces, as it wrote it into the database last. */
export interface InterfaceTotals {
  /**
   * Monotonic ms at which counters of any interface changed last: a change of another column says nothing of when ovs-vswitchd
   * counted. Undefined: they were not seen to change.
   */
  readonly atMs: number | undefined;
  /** Received and sent, by name of the interface. */
  readonly packets: ReadonlyMap<string, number>;
  /** Packets that exceeded the MTU, by name; only of those that count them. */
  readonly mtuDrops: ReadonlyMap<string, number>;
}

export interface TotalsWatchParts {
  readonly clock: Clock;
  /** Undefined: nothing was told yet. */
  readonly totals: () => InterfaceTotals | undefined;
  /**
   * A new count.
   * @param life which ovs-vswitchd counted; undefined: none has answered yet
   * @param atMs when it was received, monotonic
   */
  readonly onCount: (totals: InterfaceTotals, life: string | undefined, atMs: number) => void;
  readonly onBug: (error: unknown) => void;
}

/** How often the database is looked at, ms: ovs-vswitchd writes its counters every 5 s. */
const lookMs = 5_000;

export class TotalsWatch {
  readonly #parts: TotalsWatchParts;
  readonly #trigger: Trigger;
  /** Of the ovs-vswitchd that answers: another one counts from zero. */
  #life: string | undefined;
  /** Of the newest count that was handed on, or left out. */
  #atMs: number | undefined;

  constructor(parts: TotalsWatchParts) {
    const { clock, onBug } = parts;
    this.#parts = parts;
    this.#trigger = new Trigger({ clock, gatherMs: lookMs, work: () => this.#follow(), onError: onBug });
  }

  start(): void {
    this.#trigger.fire();
  }

  close(): Promise<void> {
    return this.#trigger.close();
  }

  /** Hands on what is new. */
  look(): void {
    const totals = this.#parts.totals();
    if (totals?.atMs === undefined || totals.atMs === this.#atMs) return;
    this.#atMs = totals.atMs;
    this.#parts.onCount(totals, this.#life, totals.atMs);
  }

  /** Another after each new count; undefined: nothing was told, or nobody is known to have counted it. */
  get mark(): string | undefined {
    const totals = this.#parts.totals();
    return totals === undefined || this.#life === undefined ? undefined : `${this.#life} ${totals.atMs ?? 'nothing'}`;
  }

  /** This ovs-vswitchd has answered. */
  noteLife({ pid, startedMs }: Incarnation): void {
    this.#life = `${pid}/${startedMs}`;
  }

  /** ovs-vswitchd is gone, or is another: what stands in the database is not of the one that answers next. */
  noteGone(): void {
    this.#life = undefined;
    this.#atMs = this.#parts.totals()?.atMs;
  }

  // Asynchronous, so that what it throws is told as the failure of one look, and the next look is made all the same.
  async #follow(): Promise<void> {
    try {
      this.look();
    } finally {
      this.#trigger.fireWithin(lookMs + 1);
    }
    await Promise.resolve();
  }
}
