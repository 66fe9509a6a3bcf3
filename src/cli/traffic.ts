/**
 * From counters that were read twice to what passes the ports of a chain. A port that carries several VLANs is shared, so
 * there the chain's own flows are counted, not the port. Pure; `switch-look.ts` reads the counters.
 */

import type { ChainPortView, ChainSwitchView, ChainView } from '../chain/chain-view.js';
import type { PortTraffic, Traffic } from '../chain/draw-chain.js';
import { priorities, tables } from '../chain/tables.js';
import type { FlowStats, MatchField, PortStats } from '../openflow/index.js';

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

interface TwoWays {
  readonly received: Counters;
  readonly sent: Counters;
}

function countPort(stats: PortStats): TwoWays {
  return {
    received: { packets: stats.rxPackets, bytes: stats.rxBytes, drops: stats.rxDropped },
    sent: { packets: stats.txPackets, bytes: stats.txBytes, drops: stats.txDropped },
  };
}

function known(match: readonly MatchField[], name: string): bigint | undefined {
  const found = match.find((entry) => entry.field === name);
  return found === undefined || !('value' in found) ? undefined : BigInt(found.value);
}

/** Undefined: the flow does not look at the VLAN. 0: only frames without a tag. */
function vlanOf(match: readonly MatchField[]): number | undefined {
  const value = known(match, 'vlan_vid') ?? known(match, 'vlan_tci');
  return value === undefined ? undefined : Number(value & 0xfffn);
}

const wireVlan = ({ wire }: ChainPortView): number | undefined =>
  wire.kind === 'any' ? undefined : wire.kind === 'tag' ? wire.vid : 0;

/** What the chain's flows of table 0 counted of a port. */
function countFlows(port: ChainPortView, flows: readonly FlowStats[]): Counters {
  const own = flows.filter(
    ({ table, match }) =>
      table === tables.classify &&
      known(match, 'in_port') === BigInt(port.ofport ?? -1) &&
      vlanOf(match) === wireVlan(port),
  );
  if (own.length === 0) return {};
  const sum = (pick: (flow: FlowStats) => bigint | undefined): bigint =>
    own.reduce((total, flow) => total + (pick(flow) ?? 0n), 0n);
  return { packets: sum(({ packets }) => packets), bytes: sum(({ bytes }) => bytes) };
}

/** What a cross-connect sends at one port is what came in at the other; of a learning switch nobody counts it. */
function countShared(entry: ChainSwitchView, port: ChainPortView, look: BridgeLook): TwoWays {
  const other = entry.ports.length === 2 ? entry.ports.find((candidate) => candidate !== port) : undefined;
  return {
    received: countFlows(port, look.flows),
    sent: other === undefined ? {} : countFlows(other, look.flows),
  };
}

function count(entry: ChainSwitchView, port: ChainPortView, look: BridgeLook | undefined): TwoWays | undefined {
  if (look === undefined || port.ofport === undefined) return undefined;
  if (port.wire.kind !== 'any') return countShared(entry, port, look);
  const stats = look.ports.get(port.ofport);
  return stats === undefined ? undefined : countPort(stats);
}

function compare(before: TwoWays | undefined, after: TwoWays, ms: number): PortTraffic {
  return {
    received: traffic(before?.received, after.received, ms),
    sent: traffic(before?.sent, after.sent, ms),
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
      const counted = count(entry, port, last);
      if (counted === undefined || last === undefined) continue;
      result.set(port.key, compare(count(entry, port, first), counted, last.nowMs - (first?.nowMs ?? last.nowMs)));
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
    const place = Number((known(match, 'metadata') ?? 0n) & 0xffn) - 1;
    const count = result.get(place);
    if (count !== undefined) result.set(place, count + 1);
  }
  return result;
}
