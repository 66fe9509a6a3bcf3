/**
 * `dpif-netdev/pmd-stats-show`: where each thread of the userspace datapath found its packets' flows (dpif-netdev.c). Up to 3.7;
 * 4.0 answers the name with the text of `pmd-perf-show`. Tested with 3.1, 3.5.
 */

import { parsePmdThread, type PmdThread } from './pmd-thread.js';
import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

/** Running totals since start or `pmd-stats-clear`; undefined where the release does not print them. */
export interface PmdStats extends PmdThread {
  readonly packetsReceived: number | undefined;
  readonly recirculations: number | undefined;
  /** Packets that the hardware had marked with their flow: partial offload. */
  readonly hardwareMarkHits: number | undefined;
  readonly simpleMatchHits: number | undefined;
  readonly emcHits: number | undefined;
  readonly smcHits: number | undefined;
  readonly megaflowHits: number | undefined;
  /** Upcalls that made a flow, and those that failed. */
  readonly upcalls: number | undefined;
  readonly upcallsFailed: number | undefined;
  /** Of the TSC of the processor. */
  readonly idleCycles: number | undefined;
  readonly busyCycles: number | undefined;
  /** Every figure by its name as printed. */
  readonly figures: ReadonlyMap<string, number>;
}

export interface PmdStatsShow {
  readonly threads: readonly PmdStats[];
  readonly unknown: UnknownLines;
}

export function parsePmdStats(text: string): PmdStatsShow {
  const blocks: { readonly thread: PmdThread; readonly figures: Map<string, number> }[] = [];
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const thread = parsePmdThread(line);
    const figures = blocks.at(-1)?.figures;
    const match = /^\s+(\S.*?): ([\d.]+)(?: \(.*\))?$/.exec(line);
    if (thread !== undefined) blocks.push({ thread, figures: new Map() });
    else if (match !== null && figures !== undefined) figures.set(match[1] ?? '', Number(match[2]));
    else unknown.add(line);
  }
  return { threads: blocks.map(({ thread, figures }) => statsOf(thread, figures)), unknown: unknown.result };
}

function statsOf(thread: PmdThread, figures: ReadonlyMap<string, number>): PmdStats {
  return {
    ...thread,
    packetsReceived: figures.get('packets received'),
    recirculations: figures.get('packet recirculations'),
    hardwareMarkHits: figures.get('phwol hits'),
    simpleMatchHits: figures.get('simple match hits'),
    emcHits: figures.get('emc hits'),
    smcHits: figures.get('smc hits'),
    megaflowHits: figures.get('megaflow hits'),
    upcalls: figures.get('miss with success upcall'),
    upcallsFailed: figures.get('miss with failed upcall'),
    idleCycles: figures.get('idle cycles'),
    busyCycles: figures.get('processing cycles'),
    figures,
  };
}
