/**
 * `dpif-netdev/pmd-rxq-show`: which PMD thread polls which receive queue, and how much of its time that takes (dpif-netdev.c,
 * pmd_info_show_rxq). A port of the datapath that appears nowhere is polled by nobody. Tested with 3.1, 3.5, 4.0.
 */

import { parsePmdThread, type PmdThread } from './pmd-thread.js';
import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface PmdQueue {
  readonly port: string;
  readonly queue: number;
  readonly isEnabled: boolean;
  /** Share of the thread's time, percent; undefined while there is no measurement yet (`NOT AVAIL`). */
  readonly usagePercent: number | undefined;
}

export interface PmdQueues extends PmdThread {
  readonly isIsolated: boolean | undefined;
  readonly queues: readonly PmdQueue[];
  /** Time for other things than queues, percent. */
  readonly overheadPercent: number | undefined;
}

export interface PmdRxqShow {
  /** Over which the usage is measured, s. */
  readonly windowS: number | undefined;
  readonly threads: readonly PmdQueues[];
  readonly unknown: UnknownLines;
}

type Draft = { -readonly [K in keyof PmdQueues]: PmdQueues[K] } & { queues: PmdQueue[] };

export function parsePmdRxq(text: string): PmdRxqShow {
  const threads: Draft[] = [];
  const unknown = new UnknownLineTally();
  let windowS: number | undefined;
  for (const line of linesOf(text)) {
    const window = /^Displaying last (\d+) seconds pmd usage %$/.exec(line)?.[1];
    const thread = parsePmdThread(line);
    if (window !== undefined) windowS = Number(window);
    else if (thread !== undefined) {
      threads.push({ ...thread, isIsolated: undefined, queues: [], overheadPercent: undefined });
    } else if (!threadLine(line, threads.at(-1))) unknown.add(line);
  }
  return { windowS, threads, unknown: unknown.result };
}

function threadLine(line: string, thread: Draft | undefined): boolean {
  if (thread === undefined) return false;
  const queue = /^\s+port: (\S+)\s+queue-id:\s+(\d+) \((enabled|disabled)\)\s+pmd usage: *(.*)$/.exec(line);
  const isolated = /^\s+isolated : (true|false)$/.exec(line)?.[1];
  const overhead = /^\s+overhead: *(.*)$/.exec(line)?.[1];
  if (queue !== null) {
    const [, port = '', number, enabled, usage] = queue;
    thread.queues.push({ port, queue: Number(number), isEnabled: enabled === 'enabled', usagePercent: percent(usage) });
  } else if (isolated !== undefined) thread.isIsolated = isolated === 'true';
  else if (overhead !== undefined) thread.overheadPercent = percent(overhead);
  else return false;
  return true;
}

function percent(text: string | undefined): number | undefined {
  const value = /^(\d+) ?%$/.exec(text ?? '')?.[1];
  return value === undefined ? undefined : Number(value);
}
