/**
 * The share of packets that hardware carried, over a window of time, from two counters that only grow: all packets, and
 * either those of software or those of hardware. Pure.
 *
 * Which counters, best first:
 * 1. of the representor: everything that crossed its vport (`vport_*` of ethtool) and what of it the CPU saw (CPU_HIT of
 *    RTM_GETSTATS, or the representor's own rx/tx). They are read from the device and do not lag.
 * 2. of the OpenFlow rules: n_packets and n_offload_packets (bridge/dump-flows --offload-stats), which outlive datapath flows
 *    but lag up to offloaded-stats-delay and are credited by the tier that a flow has when they are collected.
 * 3. none: flows of one dump (`flow-summary.ts`) give shares since each flow was made, no rates.
 *
 * A counter of hardware that lags makes the share too small at first and too large afterwards. Over a window of three times
 * the delay the error is a third of it at most while traffic is even; what is left is what the hysteresis is for.
 */

import { assert } from '../lib/assert.js';
import type { OffloadVerdict } from './offload.js';

export interface RatioSample {
  /** When the counters were read, monotonic ms. */
  readonly atMs: number;
  readonly totalPackets: number;
  /** Of `totalPackets`, those of software or of hardware, as the window was made for. */
  readonly partPackets: number;
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

export type RatioReading =
  | {
      readonly kind: 'ratio';
      /** Packets of hardware by all packets, 0 to 1. */
      readonly hardwareShare: number;
      readonly hardwarePackets: number;
      readonly softwarePackets: number;
      /** Between the oldest and the newest sample, ms. */
      readonly spanMs: number;
    }
  /** `short`: not watched for long enough. `idle`: nothing passed. `few`: too few packets to say anything. */
  | { readonly kind: 'unknown'; readonly because: 'short' | 'idle' | 'few'; readonly spanMs: number };

/** Samples are at least this part of the window apart, so that there are never more of them than this plus two. */
const samplesMax = 64;

/** In how many delays a window must be. */
const delaysMin = 3;

export class RatioWindow {
  readonly #part: RatioTiming['part'];
  readonly #spanMsMin: number;
  readonly #windowMs: number;
  readonly #packetsMin: number;
  readonly #samples: RatioSample[] = [];
  #resets = 0;

  constructor({ part, delayMs, windowMs = 60_000, packetsMin = 16 }: RatioTiming) {
    assert(delayMs >= 0 && windowMs >= 0, 'times of a window are not negative');
    this.#part = part;
    this.#spanMsMin = Math.max(delaysMin * delayMs, 1);
    this.#windowMs = Math.max(windowMs, this.#spanMsMin);
    this.#packetsMin = packetsMin;
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
    if (newest !== undefined) {
      if (sample.atMs <= newest.atMs) return;
      // A representor that was made anew counts from zero, and so does a new ovs-vswitchd: what was before says nothing
      // of what is now, and nobody knows what passed in between.
      if (isAnotherLife(newest, sample)) {
        this.#resets += 1;
        this.#samples.length = 0;
      }
    }
    this.#thin(sample.atMs);
    this.#samples.push(sample);
    const edgeMs = sample.atMs - this.#windowMs;
    // One sample at or before the edge stays: the window begins there.
    while ((this.#samples[1]?.atMs ?? Infinity) <= edgeMs) this.#samples.shift();
  }

  read(): RatioReading {
    const oldest = this.#samples[0];
    const newest = this.#samples.at(-1);
    const spanMs = oldest === undefined || newest === undefined ? 0 : newest.atMs - oldest.atMs;
    if (oldest === undefined || newest === undefined || spanMs < this.#spanMsMin) {
      return { kind: 'unknown', because: 'short', spanMs };
    }
    const total = newest.totalPackets - oldest.totalPackets;
    // The two counters are not read at the same moment, and one may lag: the part can be a little more than the whole.
    const part = newest.partPackets - oldest.partPackets;
    const packets = Math.max(total, part);
    if (packets === 0) return { kind: 'unknown', because: 'idle', spanMs };
    if (packets < this.#packetsMin) return { kind: 'unknown', because: 'few', spanMs };
    const hardwarePackets = this.#part === 'hardware' ? part : packets - part;
    return {
      kind: 'ratio',
      hardwareShare: hardwarePackets / packets,
      hardwarePackets,
      softwarePackets: packets - hardwarePackets,
      spanMs,
    };
  }

  /** Drops the newest sample when it is too close to the one before it; the sum over the window stays the same. */
  #thin(atMs: number): void {
    const before = this.#samples.at(-2);
    if (before !== undefined && atMs - before.atMs < this.#windowMs / samplesMax) this.#samples.pop();
  }
}

function isAnotherLife(newest: RatioSample, sample: RatioSample): boolean {
  if (sample.epoch !== newest.epoch) return true;
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
