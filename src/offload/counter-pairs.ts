/**
 * Brings the two counters of a port together: all packets that crossed it, and those that software saw. Pure.
 *
 * They are never of the same moment, and if that were ignored, a burst that one of them has and the other has not yet would
 * look like hardware:
 * - mlx5 answers for a representor with the counters of its virtual port as they were when somebody asked before, and has them
 *   read again in the background (mlx5e_rep_get_stats of en_rep.c). So a total is of some time since the reading before it.
 *   CPU_HIT is of the moment (mlx5e_rep_get_offload_stats).
 * - Interface.statistics are written every stats-update-interval (vswitchd.conf.db(5)), so they are up to that old.
 *
 * So each reading is of a time between two: not before, not after. A total is paired with the newest count of software that is
 * surely not later, and with the oldest that is surely not earlier; for the latter it may have to wait. How far the two are
 * apart is told as `lagMs`. (What passes in the milliseconds between two questions of one reading is neglected.)
 */

import type { RatioSample } from './ratio-window.js';

/** A count that was read. */
export interface TimedCount {
  /** When, monotonic ms: it is not of later than that. */
  readonly atMs: number;
  readonly packets: number;
  /** Another one: whatever counts began anew. */
  readonly life: number | string;
}

export interface SoftwareCount extends TimedCount {
  /** It is not of earlier than that, monotonic ms. */
  readonly notBeforeMs: number;
}

/** Totals that wait for a count of software; more than one or two wait only where statistics are slower than readings. */
const waitingMax = 8;

/** Counts of software that are kept. Which of them are left out costs sharpness and never truth. */
const countsMax = 16;

export class CounterPairs {
  readonly #waiting: TimedCount[] = [];
  readonly #counts: SoftwareCount[] = [];
  /** When the total before the oldest one that waits was asked for: that one is not of earlier. */
  #askedMs = -Infinity;
  #newest: TimedCount | undefined;
  #epoch = 0;

  /** How many counts are kept. */
  get size(): number {
    return this.#waiting.length + this.#counts.length;
  }

  /** The pairs that are complete with it, in their order. */
  addSoftware(count: SoftwareCount): readonly RatioSample[] {
    const newest = this.#counts.at(-1);
    if (newest !== undefined) {
      if (count.atMs <= newest.atMs) return [];
      if (count.life !== newest.life || count.packets < newest.packets) {
        this.#begin();
        this.#counts.length = 0;
      }
    }
    this.#counts.push(count);
    if (this.#counts.length > countsMax) this.#thin();
    return this.#complete();
  }

  /** The pairs that are complete with it. @param count of all packets */
  addTotal(count: TimedCount): readonly RatioSample[] {
    const newest = this.#newest;
    if (newest !== undefined) {
      if (count.atMs <= newest.atMs) return [];
      if (count.life !== newest.life || count.packets < newest.packets) this.#begin();
    }
    this.#newest = count;
    this.#waiting.push(count);
    if (this.#waiting.length > waitingMax) this.#pass();
    return this.#complete();
  }

  /** What was counted before is of another life than what is counted from now on. */
  #begin(): void {
    this.#epoch += 1;
    this.#waiting.length = 0;
    this.#askedMs = -Infinity;
  }

  /** Takes the oldest total that waits. */
  #pass(): void {
    this.#askedMs = this.#waiting.shift()?.atMs ?? this.#askedMs;
  }

  #complete(): readonly RatioSample[] {
    const pairs: RatioSample[] = [];
    for (let total = this.#waiting[0]; total !== undefined; total = this.#waiting[0]) {
      const { atMs, packets } = total;
      const after = this.#counts.find((count) => count.notBeforeMs >= atMs);
      if (after === undefined) break;
      const askedMs = this.#askedMs;
      this.#pass();
      const before = this.#counts.findLast((count) => count.atMs <= askedMs);
      if (before === undefined) continue;
      pairs.push({
        atMs,
        totalPackets: packets,
        partPackets: after.packets,
        partBefore: before.packets,
        lagMs: after.atMs - before.atMs,
        epoch: this.#epoch,
      });
    }
    // Of the counts that are surely before whatever comes, the newest is enough.
    while ((this.#counts[1]?.atMs ?? Infinity) <= this.#askedMs) this.#counts.shift();
    return pairs;
  }

  /** Leaves out every second count, but for the newest. */
  #thin(): void {
    const kept = this.#counts.filter((_, index) => index % 2 === 0 || index === this.#counts.length - 1);
    this.#counts.splice(0, this.#counts.length, ...kept);
  }
}
