/**
 * Packets of each datapath, all and those in hardware, as NVIDIA's build counts them: `metrics/show`, or its exporter, which
 * prints the same. Both also print some thirty lines for each port; those are thrown away unread.
 */

import { safeText } from '../lib/text.js';
import { known, unknown, type Fact } from '../model/fact.js';
import type { DatapathPacketsReading } from '../offload/readings.js';
import { parseMetrics, sumOf } from '../unixctl/index.js';

const all = 'ovs_vswitchd_datapath_packets_total';
const offloaded = 'ovs_vswitchd_datapath_offloaded_packets_total';
const starts = [all, offloaded].map((name) => `${name}{`);

/** Two lines for each datapath are usual. */
const keptLinesMax = 256;
const lineLengthMax = 4096;
const datapathsMax = 16;

/** Keeps the lines that matter. */
export class PacketLines {
  readonly #kept: string[] = [];
  #isFull = false;
  /** The line under way. */
  #rest = '';

  line(line: string): void {
    if (!starts.some((start) => line.startsWith(start)) || line.length > lineLengthMax) return;
    if (this.#kept.length < keptLinesMax) this.#kept.push(line);
    else this.#isFull = true;
  }

  /** A part of the text, cut anywhere. The last line has to end with a newline, as the format wants it. */
  text(part: string): void {
    const lines = (this.#rest + part).split('\n');
    // Longer than any line that is kept: only that it is none matters.
    this.#rest = (lines.pop() ?? '').slice(0, lineLengthMax + 1);
    for (const line of lines) this.line(line);
  }

  get result(): Fact<readonly DatapathPacketsReading[]> {
    if (this.#isFull) return unknown('it has counters of more datapaths than any machine has');
    const metrics = parseMetrics(this.#kept.join('\n'));
    const names = (metrics.families.get(all)?.samples ?? []).flatMap(({ labels }) => labels.get('datapath') ?? []);
    const readings = [...new Set(names)].slice(0, datapathsMax).flatMap((datapath) => {
      const packets = countOf(sumOf(metrics, all, { datapath }));
      const offloadedPackets = countOf(sumOf(metrics, offloaded, { datapath }));
      if (packets === undefined || offloadedPackets === undefined) return [];
      return [{ datapath: safeText(datapath, 64), packets, offloadedPackets }];
    });
    return readings.length === 0 ? unknown('it has no usable counters of packets of a datapath') : known(readings);
  }
}

/** A counter that went below zero is printed as 1.8e19; what is not exact is not used. */
function countOf(value: number | undefined): number | undefined {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
