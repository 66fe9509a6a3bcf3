/**
 * The newest reading of one kind, and for how long it speaks for now. A reading that failed changes nothing at first: a busy
 * daemon answers late, and is not another one for that. Pure state.
 */

import { unknown, type Fact } from '../../model/fact.js';

interface Timed {
  readonly readAtMs: number;
}

/** A reading is too old after so many periods. */
const periodsMax = 3;
/** Who reads steps back from a daemon in trouble; readings come more seldom then, and speak for longer, up to this factor. */
const stretchMax = 6;

export class NewestReading<T extends Timed> {
  readonly #periodMs: number;
  #newest: T | undefined;
  /** Between the newest and the one before it, ms. */
  #intervalMs = 0;
  #why = 'it was not read yet';

  /** @param periodMs how often it is read, ms */
  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** Fresh or not. */
  get newest(): T | undefined {
    return this.#newest;
  }

  note(reading: T): void {
    this.#intervalMs = this.#newest === undefined ? 0 : reading.readAtMs - this.#newest.readAtMs;
    this.#newest = reading;
    this.#why = 'nothing newer came';
  }

  /** The newest try failed. */
  failed(why: string): void {
    this.#why = why;
  }

  /** What was read is of something that is gone. */
  forget(why: string): void {
    this.#newest = undefined;
    this.#intervalMs = 0;
    this.#why = why;
  }

  /** The newest while it speaks for `nowMs`. */
  fresh(nowMs: number): T | undefined {
    const newest = this.#newest;
    return newest === undefined || nowMs - newest.readAtMs > this.#ageMsMax() ? undefined : newest;
  }

  /** A fact of the newest reading; unknown once that is too old. */
  fact<V>(nowMs: number, pick: (reading: T) => Fact<V>): Fact<V> {
    const fresh = this.fresh(nowMs);
    return fresh === undefined ? unknown(this.#whyNot(nowMs)) : pick(fresh);
  }

  #ageMsMax(): number {
    return periodsMax * Math.max(this.#periodMs, Math.min(this.#intervalMs, this.#periodMs * stretchMax));
  }

  #whyNot(nowMs: number): string {
    if (this.#newest === undefined) return this.#why;
    const ageS = Math.round((nowMs - this.#newest.readAtMs) / 1_000);
    return `it was last read ${ageS} s ago: ${this.#why}`;
  }
}
