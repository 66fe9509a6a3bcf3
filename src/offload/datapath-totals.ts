/** Totals of the datapaths as NVIDIA's build tells them: packets, and those of them that were offloaded. Pure. */

import { PortCounters, type PortCountersOptions } from './port-counters.js';
import type { RatioGrowth } from './ratio-window.js';
import type { DatapathPacketsReading, SwitchQuickReading } from './readings.js';

/**
 * A counter beyond 2^53 is one that ran backwards below zero, which exporters are known to print as 2^64 and less; more
 * offloaded packets than packets means that the one is not a part of the other after all. Neither proves anything.
 */
function isSound({ packets, offloadedPackets }: DatapathPacketsReading): boolean {
  return [packets, offloadedPackets].every((count) => Number.isSafeInteger(count)) && offloadedPackets <= packets;
}

/**
 * The offloaded ones lag by offloaded-stats-delay, and so does the total that they are a part of. What is left, the packets of
 * software, does not; so they are what is paired with the total.
 */
export class DatapathTotals {
  readonly #counters: PortCounters;

  constructor(options: PortCountersOptions) {
    this.#counters = new PortCounters(options);
  }

  setDelay(delayMs: number): void {
    this.#counters.setDelay(delayMs);
  }

  note({ readAtMs, life, packets: fact }: Pick<SwitchQuickReading, 'readAtMs' | 'life' | 'packets'>): void {
    if (fact.kind === 'unknown' || fact.value.length === 0 || !fact.value.every(isSound)) return;
    const datapaths = fact.value.map(({ datapath }) => datapath).sort();
    const read = { atMs: readAtMs, life: [life.pid, life.startedMs, ...datapaths].join('/') };
    const packets = fact.value.reduce((sum, one) => sum + one.packets, 0);
    const offloaded = fact.value.reduce((sum, one) => sum + one.offloadedPackets, 0);
    this.#counters.addSoftware({ ...read, packets: packets - offloaded, notBeforeMs: readAtMs });
    this.#counters.addTotal({ ...read, packets });
  }

  growth(nowMs: number): RatioGrowth | undefined {
    return this.#counters.growth(nowMs);
  }
}
