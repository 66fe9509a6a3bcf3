/** The newest dumps of flows, and what they say while they are not too old. Pure. */

import { known, unknown, type Fact } from '../model/fact.js';
import type { AttributionInput } from './attribute.js';
import { dataReasons, flowReasons, type FlowReason } from './flow-reasons.js';
import { FlowShares, type FlowSummary, type PortFlows, type Tally, type TopFlow } from './flow-summary.js';
import { flowTiers, type FlowTier } from './flow-tier.js';
import type { TrafficFacts } from './offload-facts.js';
import type { FlowsReading, ReadingCost } from './readings.js';

/** Flows come and go within seconds (max-idle); a dump of ten minutes ago is of other flows, ms. */
const ageMsMax = 600_000;

/** How many software flows are told, as many as one summary keeps at most. */
const topMax = 500;

/** The largest software flows of a dump. */
export interface NewestFlows {
  /** Of the dump, milliseconds since 1970 UTC. */
  readonly wallMs: number;
  readonly cost: ReadingCost;
  readonly scope: FlowsReading['scope'];
  /** By packets, the largest first. */
  readonly top: readonly TopFlow[];
}

type Ports = FlowSummary['ports'];

/** A dump, all datapaths together. */
interface Dump {
  readonly reading: FlowsReading;
  readonly ports: Ports;
  readonly total: FlowShares;
}

export class FlowRecord {
  #newest: Dump | undefined;
  /** The newest one that has all flows. */
  #whole: Dump | undefined;

  /** One that is older than the newest is ignored. */
  note(reading: FlowsReading): void {
    if (this.#newest !== undefined && reading.readAtMs < this.#newest.reading.readAtMs) return;
    const total = new FlowShares();
    for (const { summary } of reading.summaries) total.merge(summary.total);
    this.#newest = { reading, ports: portsOf(reading), total };
    if (reading.scope === 'all') this.#whole = this.#newest;
  }

  /** They are of an ovs-vswitchd that is gone. */
  clear(): void {
    this.#newest = undefined;
    this.#whole = undefined;
  }

  /** For an attribution: shares by the newest whole dump, reasons by the newest of either scope. */
  dumps(nowMs: number): Pick<AttributionInput, 'dump' | 'isWhole' | 'reasons'> {
    const newest = fresh(this.#newest, nowMs);
    const whole = fresh(this.#whole, nowMs);
    return { dump: (whole ?? newest)?.ports, isWhole: whole !== undefined, reasons: newest?.ports };
  }

  /** Why flows are in software, by the newest dump. Control traffic and warm-up are left out. */
  facts(nowMs: number): Pick<TrafficFacts, 'softwareFlows' | 'patterns'> {
    const dump = fresh(this.#newest, nowMs);
    const softwareFlows = new Map<FlowReason, number>();
    const patterns = new Map<string, number>();
    if (dump === undefined) return { softwareFlows, patterns };
    for (const reason of dataReasons) {
      const { flows } = dump.total.reason(reason);
      if (flows > 0) softwareFlows.set(reason, flows);
    }
    for (const { summary } of dump.reading.summaries) {
      for (const [pattern, flows] of summary.patterns) patterns.set(pattern, (patterns.get(pattern) ?? 0) + flows);
    }
    return { softwareFlows, patterns };
  }

  /** Packets by the newest whole dump, since each flow was made. */
  shares(nowMs: number): Fact<Pick<TrafficFacts, 'packets' | 'hardwarePackets'>> {
    const dump = fresh(this.#whole, nowMs);
    if (dump === undefined) return unknown('no counters of ports, and no dump of all flows');
    const { hardware, software, unknown: unproven } = dump.total.counted;
    const packets = hardware.packets + software.packets;
    if (unproven.packets > packets) return unknown('most flows do not say where they are carried out');
    return known({ packets, hardwarePackets: hardware.packets });
  }

  /** By the newest whole dump; every tier, or nothing. */
  tiers(nowMs: number): ReadonlyMap<FlowTier, Tally> {
    const dump = fresh(this.#whole, nowMs);
    return new Map(dump === undefined ? [] : flowTiers.map((tier) => [tier, dump.total.tier(tier)]));
  }

  /** By the newest whole dump; every reason, or nothing. */
  reasons(nowMs: number): ReadonlyMap<FlowReason, Tally> {
    const dump = fresh(this.#whole, nowMs);
    return new Map(dump === undefined ? [] : flowReasons.map((reason) => [reason, dump.total.reason(reason)]));
  }

  newest(): NewestFlows | undefined {
    if (this.#newest === undefined) return undefined;
    const { wallMs, cost, scope, summaries } = this.#newest.reading;
    const top = summaries.flatMap(({ summary }) => summary.top).sort((a, b) => b.packets - a.packets);
    return { wallMs, cost, scope, top: top.slice(0, topMax) };
  }
}

function fresh(dump: Dump | undefined, nowMs: number): Dump | undefined {
  return dump === undefined || nowMs - dump.reading.readAtMs > ageMsMax ? undefined : dump;
}

/** Of all datapaths. The same name in two of them is taken for one port. */
function portsOf({ summaries }: FlowsReading): Ports {
  const [first, ...others] = summaries;
  if (others.length === 0) return first?.summary.ports ?? new Map<string, PortFlows>();
  const ports = new Map(first?.summary.ports);
  for (const { summary } of others) {
    for (const [name, flows] of summary.ports) {
      const found = ports.get(name);
      ports.set(name, found === undefined ? flows : mergedFlows(found, flows));
    }
  }
  return ports;
}

function mergedFlows(a: PortFlows, b: PortFlows): PortFlows {
  const merged = { incoming: new FlowShares(), outgoing: new FlowShares() };
  for (const { incoming, outgoing } of [a, b]) {
    merged.incoming.merge(incoming);
    merged.outgoing.merge(outgoing);
  }
  return merged;
}
