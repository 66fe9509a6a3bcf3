/**
 * `memory/show`: how many objects of each kind a daemon holds, on one line (memory.c): `ports:11 rules:18 udpif keys:4`. Names
 * may have spaces. Every daemon has it. Tested with 3.1, 3.5, 4.0.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface MemoryShow {
  /** Objects by kind: `rules`, `ports`, `udpif keys`. */
  readonly counts: ReadonlyMap<string, number>;
  readonly unknown: UnknownLines;
}

export function parseMemoryShow(text: string): MemoryShow {
  const counts = new Map<string, number>();
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const pairs = [...line.matchAll(/([^\s:][^:]*?):(\d+)(?=\s|$)/g)];
    for (const [, name = '', value] of pairs) counts.set(name, Number(value));
    if (pairs.length === 0) unknown.add(line);
  }
  return { counts, unknown: unknown.result };
}
