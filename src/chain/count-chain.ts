/**
 * Everything that a picture of a chain counts: its ports, the ports beyond the patch pairs that the agent made, and the
 * stations that its learning switches know. Pure; from what somebody has read of the bridges.
 */

import type { ChainView } from './chain-view.js';
import {
  countChainPort,
  countPort,
  matchedValue,
  type BothWays,
  type SeenBridge,
  type SeenFlow,
} from './port-counters.js';
import { priorities, tables } from './tables.js';

/** A bridge with the chain's flows in the tables where frames enter and where stations are. */
export interface LookedBridge extends SeenBridge {
  readonly flows: readonly (SeenFlow & { readonly priority: number })[];
}

export interface ChainCounts {
  /** By key of the port. */
  readonly ports: ReadonlyMap<string, BothWays>;
  /** Of the selected ports beyond the patch pairs, by key of the chain's port. */
  readonly legs: ReadonlyMap<string, BothWays>;
  /** Stations learned, by place of the learning switch. */
  readonly stations: ReadonlyMap<number, number>;
}

/** The bridges on which a chain has ports or flows. */
export function bridgesOf(chain: ChainView): readonly string[] {
  const legs = chain.switches.flatMap((entry) => entry.ports.flatMap(({ leg }) => leg?.bridge ?? []));
  return [...new Set([chain.intent.bridge, ...legs])];
}

/** Stations that each learning switch has learned, by its place; `metadata` ends with the place, from 1. */
function learnedStations(chain: ChainView, look: LookedBridge | undefined): ReadonlyMap<number, number> {
  const result = new Map<number, number>();
  if (look === undefined) return result;
  for (const entry of chain.switches.filter(({ ports }) => ports.length > 2)) result.set(entry.index, 0);
  for (const { table, priority, match } of look.flows) {
    if (table !== tables.station || priority !== priorities.learned) continue;
    const place = Number((matchedValue(match, 'metadata') ?? 0n) & 0xffn) - 1;
    const count = result.get(place);
    if (count !== undefined) result.set(place, count + 1);
  }
  return result;
}

/** What the bridges count of a chain; ports of bridges that were not read are left out. */
export function countChain(chain: ChainView, bridges: ReadonlyMap<string, LookedBridge>): ChainCounts {
  const ports = new Map<string, BothWays>();
  const legs = new Map<string, BothWays>();
  const own = bridges.get(chain.intent.bridge);
  for (const entry of chain.switches) {
    for (const port of entry.ports) {
      const counted = countChainPort(entry, port, own);
      if (counted !== undefined) ports.set(port.key, counted);
      const { leg } = port;
      if (leg?.targetOfport === undefined) continue;
      const stats = bridges.get(leg.bridge)?.ports.get(leg.targetOfport);
      if (stats !== undefined) legs.set(port.key, countPort(stats));
    }
  }
  return { ports, legs, stations: learnedStations(chain, own) };
}
