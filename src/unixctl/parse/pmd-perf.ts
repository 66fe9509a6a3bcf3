/**
 * `dpif-netdev/pmd-perf-show -nh`: as pmd-stats-show, with how busy the threads were; the only one of the two since 4.0
 * (dpif-netdev-perf.c). Without -nh, and with pmd-perf-metrics, histograms follow, whose lines count as unknown here. Tested with
 * 3.1, 3.5, 4.0.
 */

import { parsePmdThread, type PmdThread } from './pmd-thread.js';
import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

/** Totals over `durationS`; undefined where they are not printed, as for the main thread since 4.0. */
export interface PmdPerf extends PmdThread {
  /** Since the counters were cleared, s. */
  readonly durationS: number | undefined;
  readonly iterations: number | undefined;
  readonly iterationsIdle: number | undefined;
  readonly iterationsBusy: number | undefined;
  /** Cycles spent on packets, percent of those used. */
  readonly busyPercent: number | undefined;
  readonly sleepUs: number | undefined;
  readonly rxPackets: number | undefined;
  readonly txPackets: number | undefined;
  /** A packet that is recirculated passes more than once. */
  readonly passes: number | undefined;
  /** Packets that the hardware had marked with their flow: partial offload. */
  readonly hardwareMarkHits: number | undefined;
  readonly simpleMatchHits: number | undefined;
  readonly emcHits: number | undefined;
  readonly smcHits: number | undefined;
  readonly megaflowHits: number | undefined;
  readonly upcalls: number | undefined;
  /** Upcalls that were dropped, and their packets with them. */
  readonly upcallsLost: number | undefined;
  /** Every figure by its name as printed. */
  readonly figures: ReadonlyMap<string, number>;
}

export interface PmdPerfShow {
  readonly threads: readonly PmdPerf[];
  readonly unknown: UnknownLines;
}

interface Block {
  readonly thread: PmdThread;
  readonly durationS: number | undefined;
  readonly figures: Map<string, number>;
  busyPercent: number | undefined;
}

export function parsePmdPerf(text: string): PmdPerfShow {
  const blocks: Block[] = [];
  const unknown = new UnknownLineTally();
  let durationS: number | undefined;
  for (const line of linesOf(text)) {
    const thread = parsePmdThread(line);
    const duration = /^Measurement duration: ([\d.]+) s$/.exec(line)?.[1];
    if (duration !== undefined) durationS = Number(duration);
    else if (thread !== undefined) blocks.push({ thread, durationS, figures: new Map(), busyPercent: undefined });
    else if (!/^Time: [\d:.]+$/.test(line) && !figureLine(line, blocks.at(-1))) unknown.add(line);
  }
  return { threads: blocks.map(perfOf), unknown: unknown.result };
}

function figureLine(line: string, block: Block | undefined): boolean {
  const match = /^\s+(?:- )?(\S.*?): +([\d.]+)(?: +\( *([\d.]+) ?%?.*\))?$/.exec(line);
  if (match === null || block === undefined) return false;
  const [, name = '', value, percent] = match;
  block.figures.set(name, Number(value));
  if (name === 'busy iterations') block.busyPercent = Number(percent);
  return true;
}

function perfOf({ thread, durationS, figures, busyPercent }: Block): PmdPerf {
  return {
    ...thread,
    durationS,
    iterations: figures.get('Iterations'),
    iterationsIdle: figures.get('idle iterations'),
    iterationsBusy: figures.get('busy iterations'),
    busyPercent,
    sleepUs: figures.get('Sleep time (us)'),
    rxPackets: figures.get('Rx packets'),
    txPackets: figures.get('Tx packets'),
    passes: figures.get('Datapath passes'),
    hardwareMarkHits: figures.get('PHWOL hits'),
    simpleMatchHits: figures.get('Simple Match hits'),
    emcHits: figures.get('EMC hits'),
    smcHits: figures.get('SMC hits'),
    megaflowHits: figures.get('Megaflow hits'),
    upcalls: figures.get('Upcalls'),
    upcallsLost: figures.get('Lost upcalls'),
    figures,
  };
}
