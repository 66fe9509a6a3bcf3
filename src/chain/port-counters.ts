/**
 * What passed the ports of a chain, from counters of ports and flows that somebody has read. A port that carries several
 * VLANs is shared, so there the chain's own flows are counted, not the port. Pure; the words are structurally those of the
 * OpenFlow client, which this folder does not know.
 */

import type { ChainPortView, ChainSwitchView } from './chain-view.js';
import { tables } from './tables.js';

/** Counters of a port, from its start on; what the switch does not count is undefined. */
export interface SeenPort {
  readonly rxPackets: bigint | undefined;
  readonly rxBytes: bigint | undefined;
  readonly rxDropped: bigint | undefined;
  readonly rxErrors: bigint | undefined;
  readonly txPackets: bigint | undefined;
  readonly txBytes: bigint | undefined;
  readonly txDropped: bigint | undefined;
  readonly txErrors: bigint | undefined;
}

/** One field of a match; those that the reader does not know have no value. */
export type SeenField = { readonly field: string } & (
  { readonly value: number | bigint } | { readonly bytes: Uint8Array }
);

/** A flow with its counters. */
export interface SeenFlow {
  readonly table: number;
  readonly match: readonly SeenField[];
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
}

/** One bridge at one moment. */
export interface SeenBridge {
  readonly ports: ReadonlyMap<number, SeenPort>;
  /** Of the chain, in the table where frames enter. Others do no harm. */
  readonly flows: readonly SeenFlow[];
}

/** Counters of one direction. What is not known is absent. */
export interface WayCounters {
  readonly packets?: bigint | undefined;
  readonly bytes?: bigint | undefined;
  readonly drops?: bigint | undefined;
  readonly errors?: bigint | undefined;
}

/** `received` enters the switch at the port, `sent` leaves it there. */
export interface BothWays {
  readonly received: WayCounters;
  readonly sent: WayCounters;
}

/** The counters of a port as such. */
export function countPort(stats: SeenPort): BothWays {
  return {
    received: { packets: stats.rxPackets, bytes: stats.rxBytes, drops: stats.rxDropped, errors: stats.rxErrors },
    sent: { packets: stats.txPackets, bytes: stats.txBytes, drops: stats.txDropped, errors: stats.txErrors },
  };
}

/** The value of a field of a match; undefined when the match does not look at it. */
export function matchedValue(match: readonly SeenField[], name: string): bigint | undefined {
  const found = match.find((entry) => entry.field === name);
  return found === undefined || !('value' in found) ? undefined : BigInt(found.value);
}

/** Undefined: the flow does not look at the VLAN. 0: only frames without a tag. */
function vlanOf(match: readonly SeenField[]): number | undefined {
  const value = matchedValue(match, 'vlan_vid') ?? matchedValue(match, 'vlan_tci');
  return value === undefined ? undefined : Number(value & 0xfffn);
}

const wireVlan = ({ wire }: ChainPortView): number | undefined =>
  wire.kind === 'any' ? undefined : wire.kind === 'tag' ? wire.vid : 0;

/** What the chain's flows of the first table counted of a port. */
function countFlows(port: ChainPortView, flows: readonly SeenFlow[]): WayCounters {
  const own = flows.filter(
    ({ table, match }) =>
      table === tables.classify &&
      matchedValue(match, 'in_port') === BigInt(port.ofport ?? -1) &&
      vlanOf(match) === wireVlan(port),
  );
  if (own.length === 0) return {};
  return { packets: sum(own.map(({ packets }) => packets)), bytes: sum(own.map(({ bytes }) => bytes)) };
}

/** Unknown as soon as one part is: a sum of some is no count of all. */
function sum(parts: readonly (bigint | undefined)[]): bigint | undefined {
  let total = 0n;
  for (const part of parts) {
    if (part === undefined) return undefined;
    total += part;
  }
  return total;
}

/** What a cross-connect sends at one port is what came in at the other; of a learning switch nobody counts it. */
function countShared(entry: ChainSwitchView, port: ChainPortView, look: SeenBridge): BothWays {
  const other = entry.ports.length === 2 ? entry.ports.find((candidate) => candidate !== port) : undefined;
  return {
    received: countFlows(port, look.flows),
    sent: other === undefined ? {} : countFlows(other, look.flows),
  };
}

/** Whether the port is shared with other VLANs, so that flows have to be read to count it. */
export function isSharedPort({ wire }: ChainPortView): boolean {
  return wire.kind !== 'any';
}

/**
 * What passed one port of a chain; undefined where the bridge was not seen, or has no such port.
 * @param look at the bridge of the chain
 */
export function countChainPort(
  entry: ChainSwitchView,
  port: ChainPortView,
  look: SeenBridge | undefined,
): BothWays | undefined {
  if (look === undefined || port.ofport === undefined) return undefined;
  if (isSharedPort(port)) return countShared(entry, port, look);
  const stats = look.ports.get(port.ofport);
  return stats === undefined ? undefined : countPort(stats);
}
