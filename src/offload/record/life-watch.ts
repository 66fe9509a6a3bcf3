/** Which ovs-vswitchd runs, and what it takes of memory. Pure state. */

import { known, unknown, type Fact } from '../../model/fact.js';
import type { StringMap } from '../../model/ownership.js';
import { isSameIncarnation, type Incarnation } from '../effective-settings.js';
import type { ProcessFacts } from '../offload-facts.js';
import type { MachineQuickReading } from '../readings.js';
import { SampleWindow } from './sample-window.js';

interface LifeReading {
  readonly life: Incarnation;
  readonly readAtMs: number;
  readonly wallMs: number;
}

/** Memory grows while a daemon fills its tables after a start: growth counts from this age on, ms. */
const warmUpMs = 10 * 60_000;

export class LifeWatch {
  #life: Incarnation | undefined;
  /** When anything was told of it last, monotonic ms. */
  #toldAtMs = -Infinity;
  /** When it started, monotonic ms; the clock of the machine may be set while it runs. */
  #startedAtMs = 0;
  /** The last that ran, whether it still does or not. */
  #seen: Incarnation | undefined;
  #isTold = false;
  #isSuccessor = false;
  #why = 'ovs-vswitchd was not asked yet';
  readonly #resident: SampleWindow<number>;

  /** @param residentWindowMs over which growth of memory is looked at, ms */
  constructor(residentWindowMs: number) {
    this.#resident = new SampleWindow(residentWindowMs);
  }

  /** Undefined: no ovs-vswitchd runs, or none was seen yet. */
  get life(): Incarnation | undefined {
    return this.#life;
  }

  /** Whether anybody looked: without, nothing is known of what runs. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** Why there is no life. */
  get why(): string {
    return this.#why;
  }

  /** When the life started, monotonic ms; to about a second. */
  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  /** `old`: it comes late, and is of a life that has ended. */
  note({ life, readAtMs, wallMs }: LifeReading): 'old' | 'same' | 'new' {
    const isSame = this.#isTold && this.#life !== undefined && isSameIncarnation(this.#life, life);
    if (!isSame && readAtMs < this.#toldAtMs) return 'old';
    this.#toldAtMs = Math.max(this.#toldAtMs, readAtMs);
    this.#isTold = true;
    if (isSame) return 'same';
    // The same one may have been out of reach for a while.
    if (!isSameIncarnation(this.#seen, life)) this.#isSuccessor = this.#seen !== undefined;
    this.#seen = life;
    this.#life = life;
    this.#startedAtMs = Math.min(readAtMs, readAtMs - (wallMs - life.startedMs));
    this.#resident.clear();
    return 'new';
  }

  noteNone(why: string, nowMs: number): void {
    this.#life = undefined;
    this.#toldAtMs = nowMs;
    this.#isTold = true;
    this.#why = why;
    this.#resident.clear();
  }

  /** The machine was looked at. */
  noteProcess({ process, readAtMs }: MachineQuickReading): void {
    if (process.kind === 'unknown' || process.value.pid !== this.#life?.pid) return;
    // The kernel tells the age whatever the clock of the machine was set to.
    this.#startedAtMs = readAtMs - process.value.ageMs;
    if (process.value.ageMs >= warmUpMs) this.#resident.add(readAtMs, process.value.residentBytes);
  }

  /**
   * @param residentBytes as it is now; undefined: not visible
   * @param crashes that its monitor counted; undefined: nobody counts
   */
  facts(residentBytes: number | undefined, crashes: number | undefined, nowMs: number): Fact<ProcessFacts> {
    const life = this.#life;
    if (life === undefined) return unknown(this.#why);
    const span = this.#resident.span();
    return known({
      pid: life.pid,
      ageMs: Math.max(0, nowMs - this.#startedAtMs),
      isSuccessor: this.#isSuccessor,
      residentBytes,
      residentGrowthBytes: span === undefined ? undefined : span.newest - span.oldest,
      residentGrowthMs: span?.spanMs,
      crashes,
    });
  }
}

/** What Open_vSwitch:statistics says of ovs-vswitchd; undefined where it does not. */
export interface ProcessStatistics {
  readonly residentBytes: number | undefined;
  readonly crashes: number | undefined;
}

/**
 * `process_ovs-vswitchd`: kB of virtual and of resident memory, ms of CPU, crashes, ms since the first start and since the last
 * (ovs-vswitchd.conf.db(5), statistics). Fields that are not known are empty.
 */
export function parseProcessStatistics(statistics: StringMap): ProcessStatistics {
  const fields = (statistics.get('process_ovs-vswitchd') ?? '').split(',');
  const field = (index: number): number | undefined => {
    const text = fields[index] ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const residentKb = field(1);
  return { residentBytes: residentKb === undefined ? undefined : residentKb * 1_024, crashes: field(3) };
}

/** Resident memory of this life as the kernel tells it; undefined where the process is not to be seen, or is another one. */
export function residentOf({ process }: MachineQuickReading, life: Incarnation | undefined): number | undefined {
  return process.kind === 'known' && process.value.pid === life?.pid ? process.value.residentBytes : undefined;
}
