/**
 * `dpdk/get-malloc-stats`: the heaps that DPDK keeps in hugepages (rte_malloc_dump_stats of DPDK). Its fixture is written by hand
 * from the documented shape.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

/** Bytes, but for the counts. */
export interface MallocHeap {
  readonly id: number;
  readonly name: string;
  readonly size: number | undefined;
  readonly freeSize: number | undefined;
  readonly allocatedSize: number | undefined;
  /** Longest allocation that can still succeed. */
  readonly greatestFreeSize: number | undefined;
  readonly allocationCount: number | undefined;
  readonly freeCount: number | undefined;
}

export interface MallocStats {
  readonly heaps: readonly MallocHeap[];
  readonly unknown: UnknownLines;
}

interface Draft {
  readonly id: number;
  name: string;
  readonly figures: Map<string, number>;
}

export function parseMallocStats(text: string): MallocStats {
  const heaps: Draft[] = [];
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const heap = heaps.at(-1);
    const id = /^Heap id: ?(\d+)$/.exec(line)?.[1];
    const name = /^\s+Heap name: ?(\S.*?),?$/.exec(line)?.[1];
    const [, figure = '', value] = /^\s+(\w+): ?(\d+),?$/.exec(line) ?? [];
    if (id !== undefined) heaps.push({ id: Number(id), name: '', figures: new Map() });
    else if (heap !== undefined && name !== undefined) heap.name = name;
    else if (heap !== undefined && value !== undefined) heap.figures.set(figure, Number(value));
    else unknown.add(line);
  }
  return { heaps: heaps.map(heapOf), unknown: unknown.result };
}

const heapOf = ({ id, name, figures }: Draft): MallocHeap => ({
  id,
  name,
  size: figures.get('Heap_size'),
  freeSize: figures.get('Free_size'),
  allocatedSize: figures.get('Alloc_size'),
  greatestFreeSize: figures.get('Greatest_free_size'),
  allocationCount: figures.get('Alloc_count'),
  freeCount: figures.get('Free_count'),
});
