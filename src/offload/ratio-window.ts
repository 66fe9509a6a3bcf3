/**
 * The share of packets that hardware carried, over a window of time, from two counters that only grow: all packets, and
 * either those of software or those of hardware. Pure.
 *
 * The two counters are seldom of the same moment (`counter-pairs.ts` says why). So a sample can hold the part twice: as it was
 * not later than the total, and as it was not earlier. Of these the growth of the part is taken that leaves the least to
 * hardware: what is said of hardware is then never more than it carried, however uneven traffic is. With even traffic the
 * least is too small by the packets of software in the time that a sample is unsure of (`lagMs`), which is a third of the
 * window at most, as the window is three times that long. What it would be if traffic were even is told beside it.
 */

import { assert } from '../lib/assert.js';
import type { OffloadVerdict } from './offload.js';

export interface RatioSample {
  /** When the counters were read, monotonic ms. */
  readonly atMs: number;
  readonly totalPackets: number;
  /** Of `totalPackets`, those of software or of hardware, as the window was made for; not earlier than the total. */
  readonly partPackets: number;
  /** The same, not later than the total. Default: `partPackets`, for counters of one moment. */
  readonly partBefore?: number | undefined;
  /** How far `partBefore` and `partPackets` are apart in time, ms. Default 0. */
  readonly lagMs?: number | undefined;
  /** Another life of the counters: the device's ifindex, or the process's number. Default: the same as before. */
  readonly epoch?: number | string | undefined;
}

export interface RatioTiming {
  /** Which packets `partPackets` are. */
  readonly part: 'software' | 'hardware';
  /** other_config:offloaded-stats-delay, ms; 2000 where it is not set. 0 for counters that do not lag. */
  readonly delayMs: number;
  /** How far back the window goes, ms; never less than three delays. Default 60 s. */
  readonly windowMs?: number | undefined;
  /** Fewer packets than this prove nothing: the first of each flow is software's by design. Default 16. */
  readonly packetsMin?: number | undefined;
}

/** How the counters grew over the window. */
export interface RatioGrowth {
  readonly packets: number;
  /** At least. */
  readonly hardwarePackets: number;
  /** The others. */
  readonly softwarePackets: number;
  /** Packets of hardware if traffic were even: the middle of what is possible, which can be below 0. */
  readonly evenPackets: number;
  /** Between the oldest and the newest sample, ms. */
  readonly spanMs: number;
}

export type RatioReading =
  | {
      readonly kind: 'ratio';
      /** Packets of hardware by all packets, 0 to 1: at least. */
      readonly hardwareShare: number;
      /** What it is if traffic was even, 0 to 1; never less than `hardwareShare`. */
      readonly evenShare: number;
      readonly hardwarePackets: number;
      readonly softwarePackets: number;
      /** Between the oldest and the newest sample, ms. */
      readonly spanMs: number;
    }
  /** `short`: not watched for long enough. `idle`: nothing passed. `few`: too few packets to say anything. */
  | { readonly kind: 'unknown'; readonly because: 'short' | 'idle' | 'few'; readonly spanMs: number };

/** Samples but for the newest are at least this part of the window apart, so there are never more of them than this plus two. */
const samplesMax = 24;

/** In how many delays a window must be. */
const delaysMin = 3;

export class RatioWindow {
  readonly #part: RatioTiming['part'];
  readonly #windowMs: number;
  readonly #packetsMin: number;
  readonly #samples: RatioSample[] = [];
  #delayMs: number;
  #resets = 0;

  constructor({ part, delayMs, windowMs = 60_000, packetsMin = 16 }: RatioTiming) {
    assert(delayMs >= 0 && windowMs >= 0, 'times of a window are not negative');
    this.#part = part;
    this.#delayMs = delayMs;
    this.#windowMs = windowMs;
    this.#packetsMin = packetsMin;
  }

  /** @param delayMs as of `RatioTiming` */
  setDelay(delayMs: number): void {
    assert(delayMs >= 0, 'a delay is not negative');
    this.#delayMs = delayMs;
  }

  /** How often the counters began anew. */
  get resets(): number {
    return this.#resets;
  }

  /** How many samples are kept. */
  get size(): number {
    return this.#samples.length;
  }

  /** Takes the counters as they are. What is older than the newest sample is ignored. */
  add(sample: RatioSample): void {
    const newest = this.#samples.at(-1);
    const epoch = sample.epoch ?? newest?.epoch;
    if (newest !== undefined) {
      if (sample.atMs <= newest.atMs) return;
      // A representor that was made anew counts from zero, and so does a new ovs-vswitchd: what was before says nothing
      // of what is now, and nobody knows what passed in between.
      if (epoch !== newest.epoch || isBackwards(newest, sample)) {
        this.#resets += 1;
        this.#samples.length = 0;
      }
    }
    const reachMs = Math.max(this.#windowMs, this.#spanMsMin(sample));
    this.#thin(reachMs / samplesMax);
    this.#samples.push(epoch === sample.epoch ? sample : { ...sample, epoch });
    const edgeMs = sample.atMs - reachMs;
    // One sample at or before the edge stays: the window begins there.
    while ((this.#samples[1]?.atMs ?? Infinity) <= edgeMs) this.#samples.shift();
  }

  /**
   * @param nowMs monotonic; where the newest sample is further back than the window is long, nothing is known any more.
   *   Default: when that sample was taken
   */
  read(nowMs?: number): RatioReading {
    const growth = this.growth(nowMs);
    if (growth === undefined) return { kind: 'unknown', because: 'short', spanMs: this.#spanMs };
    const { packets, hardwarePackets, softwarePackets, evenPackets, spanMs } = growth;
    if (packets === 0) return { kind: 'unknown', because: 'idle', spanMs };
    if (packets < this.#packetsMin) return { kind: 'unknown', because: 'few', spanMs };
    const evenShare = Math.min(Math.max(evenPackets, hardwarePackets) / packets, 1);
    return {
      kind: 'ratio',
      hardwareShare: hardwarePackets / packets,
      evenShare,
      hardwarePackets,
      softwarePackets,
      spanMs,
    };
  }

  /** What passed, be it little; undefined: not watched for long enough, or not of late. @param nowMs as of `read` */
  growth(nowMs?: number): RatioGrowth | undefined {
    const oldest = this.#samples[0];
    const newest = this.#samples.at(-1);
    if (oldest === undefined || newest === undefined) return undefined;
    const spanMs = newest.atMs - oldest.atMs;
    const spanMsMin = Math.max(this.#spanMsMin(oldest), this.#spanMsMin(newest));
    if (spanMs < spanMsMin) return undefined;
    if (nowMs !== undefined && nowMs - newest.atMs > Math.max(this.#windowMs, spanMsMin)) return undefined;
    const total = newest.totalPackets - oldest.totalPackets;
    const most = newest.partPackets - (oldest.partBefore ?? oldest.partPackets);
    const least = Math.max((newest.partBefore ?? newest.partPackets) - oldest.partPackets, 0);
    // A part that grew more than the whole: the counter of all packets misses some, and what it misses is not hardware's.
    const packets = this.#part === 'hardware' ? total : Math.max(total, least);
    const sure = this.#part === 'hardware' ? least : packets - most;
    const hardwarePackets = Math.min(Math.max(sure, 0), packets);
    const middle = (most + least) / 2;
    const evenPackets = this.#part === 'hardware' ? middle : packets - middle;
    return { packets, hardwarePackets, softwarePackets: packets - hardwarePackets, evenPackets, spanMs };
  }

  get #spanMs(): number {
    return (this.#samples.at(-1)?.atMs ?? 0) - (this.#samples[0]?.atMs ?? 0);
  }

  #spanMsMin({ lagMs = 0 }: RatioSample): number {
    return Math.max(delaysMin * Math.max(this.#delayMs, lagMs), 1);
  }

  /** Drops the newest sample when it is too close to the one before it; the sum over the window stays the same. */
  #thin(stepMs: number): void {
    const [before, newest] = [this.#samples.at(-2), this.#samples.at(-1)];
    if (before !== undefined && newest !== undefined && newest.atMs - before.atMs < stepMs) this.#samples.pop();
  }
}

function isBackwards(newest: RatioSample, sample: RatioSample): boolean {
  return sample.totalPackets < newest.totalPackets || sample.partPackets < newest.partPackets;
}

export interface VerdictThresholds {
  /** `hardware` from this share of packets on. */
  readonly hardwareFrom: number;
  /** … until it falls below this one. */
  readonly hardwareUntil: number;
  /** `software` up to this share. */
  readonly softwareFrom: number;
  /** … until it rises above this one. */
  readonly softwareUntil: number;
}

/** NVIDIA's own tests of BlueField call an object offloaded when software saw 10 % of its packets at most. */
export const verdictThresholds: VerdictThresholds = {
  hardwareFrom: 0.95,
  hardwareUntil: 0.9,
  softwareFrom: 0.05,
  softwareUntil: 0.1,
};

/**
 * What a share of hardware means. A verdict that stands is left later than it is reached, so that it does not flicker.
 * @param hardwareShare 0 to 1
 * @param before the verdict that stands
 */
export function verdictOf(
  hardwareShare: number,
  before: OffloadVerdict = 'unknown',
  thresholds: VerdictThresholds = verdictThresholds,
): Exclude<OffloadVerdict, 'unknown'> {
  const { hardwareFrom, hardwareUntil, softwareFrom, softwareUntil } = thresholds;
  if (hardwareShare >= (before === 'hardware' ? hardwareUntil : hardwareFrom)) return 'hardware';
  return hardwareShare <= (before === 'software' ? softwareUntil : softwareFrom) ? 'software' : 'partial';
}
