/** The counters of one thing that packets cross: what of them hardware carried lately, and since the start. Pure. */

import { CounterPairs, type SoftwareCount, type TimedCount } from './counter-pairs.js';
import { RatioWindow, type RatioGrowth, type RatioReading, type RatioSample } from './ratio-window.js';

/** Packets since the start, only growth that was seen. Neither ever falls. */
export interface CarriedPackets {
  /** At least. */
  readonly hardware: number;
  readonly software: number;
}

export const nothingCarried: CarriedPackets = { hardware: 0, software: 0 };

export function addCarried(a: CarriedPackets, b: CarriedPackets): CarriedPackets {
  return { hardware: a.hardware + b.hardware, software: a.software + b.software };
}

export interface PortCountersOptions {
  /** As of `RatioTiming`. */
  readonly delayMs: number;
  readonly packetsMin: number;
}

/**
 * How far back the share goes, ms. Pairs can be unsure of up to two readings of 10 s: over two minutes that makes the share of
 * hardware too small by a sixth of the share of software at most, while traffic is even.
 */
const windowMs = 120_000;

export class PortCounters {
  readonly #pairs = new CounterPairs();
  readonly #window: RatioWindow;
  /** Of the lives that are over. */
  #before = nothingCarried;
  #present = nothingCarried;
  /** The first sample of this life. */
  #first: RatioSample | undefined;

  constructor({ delayMs, packetsMin }: PortCountersOptions) {
    this.#window = new RatioWindow({ part: 'software', delayMs, windowMs, packetsMin });
  }

  setDelay(delayMs: number): void {
    this.#window.setDelay(delayMs);
  }

  addSoftware(count: SoftwareCount): void {
    this.#take(this.#pairs.addSoftware(count));
  }

  addTotal(count: TimedCount): void {
    this.#take(this.#pairs.addTotal(count));
  }

  read(nowMs: number): RatioReading {
    return this.#window.read(nowMs);
  }

  growth(nowMs: number): RatioGrowth | undefined {
    return this.#window.growth(nowMs);
  }

  /** Whether both counters were read, ever. */
  get isCounting(): boolean {
    return this.#first !== undefined;
  }

  get carried(): CarriedPackets {
    return addCarried(this.#before, this.#present);
  }

  #take(samples: readonly RatioSample[]): void {
    for (const sample of samples) {
      this.#window.add(sample);
      this.#count(sample);
    }
  }

  /**
   * Against the first sample of the life, not from sample to sample: so what a sample is unsure of is left out once, not each
   * time. The least that hardware carried can fall when software catches up; what was once proven stays proven.
   */
  #count(sample: RatioSample): void {
    const first = this.#first;
    if (first === undefined || first.epoch !== sample.epoch) {
      this.#before = this.carried;
      this.#present = nothingCarried;
      this.#first = sample;
      return;
    }
    const software = sample.partPackets - (first.partBefore ?? first.partPackets);
    const hardware = sample.totalPackets - first.totalPackets - software;
    this.#present = {
      hardware: Math.max(this.#present.hardware, hardware),
      software: Math.max(this.#present.software, software),
    };
  }
}
