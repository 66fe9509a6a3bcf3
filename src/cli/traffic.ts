/** From counters that were read twice to what passes the ports of a chain, per second. Pure; `switch-look.ts` reads them. */

import type { ChainView } from '../chain/chain-view.js';
import type { PortTraffic, Traffic } from '../chain/draw-chain.js';
import { countChainPort, countPort, matchedValue, type BothWays, type WayCounters } from '../chain/port-counters.js';
import { priorities, tables } from '../chain/tables.js';
import type { FlowStats, PortStats } from '../openflow/index.js';

/** One bridge at one moment. */
export interface BridgeLook {
  /** Monotonic ms. */
  readonly nowMs: number;
  readonly ports: ReadonlyMap<number, PortStats>;
  /** Flows of the chain in the tables where frames enter and where stations are. */
  readonly flows: readonly FlowStats[];
}

/** The counters of one direction at one moment. */
type Counters = Pick<Traffic, 'packets' | 'bytes' | 'drops'>;

/** Growth per second; unknown when the counter began anew. */
function perSecond(before: bigint | undefined, after: bigint | undefined, ms: number): number | undefined {
  if (before === undefined || after === undefined || after < before || ms <= 0) return undefined;
  return (Number(after - before) * 1_000) / ms;
}

function traffic(before: Counters | undefined, after: Counters, ms: number): Traffic {
  const bytesPerSecond = perSecond(before?.bytes, after.bytes, ms);
  return {
    ...after,
    packetsPerSecond: perSecond(before?.packets, after.packets, ms),
    bitsPerSecond: bytesPerSecond === undefined ? undefined : bytesPerSecond * 8,
  };
}

/** The counters that a drawing shows. */
const shown = ({ packets, bytes, drops }: WayCounters): Counters =>
  drops === undefined ? { packets, bytes } : { packets, bytes, drops };

function compare(before: BothWays | undefined, after: BothWays, ms: number): PortTraffic {
  return {
    received: traffic(before?.received, shown(after.received), ms),
    sent: traffic(before?.sent, shown(after.sent), ms),
  };
}

/** Looks at the bridges of a chain, by name. */
export type Looks = ReadonlyMap<string, BridgeLook>;

/** What passes each port, by its key. Without `before` there are no rates. */
export function chainTraffic(chain: ChainView, before: Looks, after: Looks): ReadonlyMap<string, PortTraffic> {
  const result = new Map<string, PortTraffic>();
  const { bridge } = chain.intent;
  const [first, last] = [before.get(bridge), after.get(bridge)];
  for (const entry of chain.switches) {
    for (const port of entry.ports) {
      const counted = countChainPort(entry, port, last);
      if (counted === undefined || last === undefined) continue;
      result.set(
        port.key,
        compare(countChainPort(entry, port, first), counted, last.nowMs - (first?.nowMs ?? last.nowMs)),
      );
    }
  }
  return result;
}

/** What passes the selected ports beyond the patch pairs that the agent made, by the key of the chain's port. */
export function legTraffic(chain: ChainView, before: Looks, after: Looks): ReadonlyMap<string, PortTraffic> {
  const result = new Map<string, PortTraffic>();
  for (const { key, leg } of chain.switches.flatMap((entry) => entry.ports)) {
    if (leg?.targetOfport === undefined) continue;
    const last = after.get(leg.bridge);
    const stats = last?.ports.get(leg.targetOfport);
    if (last === undefined || stats === undefined) continue;
    const first = before.get(leg.bridge);
    const past = first?.ports.get(leg.targetOfport);
    const ms = last.nowMs - (first?.nowMs ?? last.nowMs);
    result.set(key, compare(past === undefined ? undefined : countPort(past), countPort(stats), ms));
  }
  return result;
}

/** Stations that each learning switch has learned, by its place; `metadata` ends with the place, from 1. */
export function learnedStations(chain: ChainView, look: BridgeLook | undefined): ReadonlyMap<number, number> {
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
