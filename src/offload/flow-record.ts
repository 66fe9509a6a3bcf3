/** The newest dumps of flows, and what they say while they are not too old. Pure. */

import { known, unknown, type Fact } from '../model/fact.js';
import type { AttributionInput } from './attribute.js';
import { dataReasons, flowReasons, type FlowReason } from './flow-reasons.js';
import { nothingGrown, addGrown, type FlowGrowth, type GrownPackets } from './flow-marks.js';
import { FlowShares, type PortFlows, type Tally, type TopFlow } from './flow-summary.js';
import { flowTiers, type FlowTier } from './flow-tier.js';
import type { TrafficFacts } from './offload-facts.js';
import type { FlowsReading, ReadingCost } from './readings.js';

/** For how long a dump speaks, ms: three times as long as it is until the next one where flows are few. */
const ageMsDefault = 180_000;

/** Two dumps are this many delays of hardware's counters apart at least. */
const delaysMin = 3;

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

/** A dump, all datapaths together. */
interface Dump {
  readonly reading: FlowsReading;
  readonly total: FlowShares;
}

/** What passed between two whole dumps. */
interface Growth {
  readonly readAtMs: number;
  readonly spanMs: number;
  readonly datapaths: readonly { readonly datapath: string; readonly growth: FlowGrowth }[];
}

/** Type of the datapath that a port of the switch is in, by name; undefined: not known. */
export type DatapathTypeOf = (port: string) => string | undefined;

export class FlowRecord {
  #newest: Dump | undefined;
  /** The newest one that has all flows. */
  #whole: Dump | undefined;
  /** The one that the next whole one is compared with. */
  #base: FlowsReading | undefined;
  #growth: Growth | undefined;
  #ageMsMax = ageMsDefault;
  #delayMs: number;

  /** @param delayMs offloaded-stats-delay */
  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  setDelay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** For how long a dump speaks, ms. */
  setAge(ageMsMax: number): void {
    this.#ageMsMax = ageMsMax;
  }

  /** One that is older than the newest is ignored. */
  note(reading: FlowsReading): void {
    if (this.#newest !== undefined && reading.readAtMs < this.#newest.reading.readAtMs) return;
    const total = new FlowShares();
    for (const { summary } of reading.summaries) total.merge(summary.total);
    this.#newest = { reading, total };
    if (reading.scope !== 'all') return;
    this.#whole = this.#newest;
    this.#compare(reading);
  }

  #compare(reading: FlowsReading): void {
    const base = this.#base;
    const spanMs = reading.readAtMs - (base?.readAtMs ?? reading.readAtMs);
    // Counters of hardware lag: over less than that, packets of before would pass for packets of now.
    if (base !== undefined && spanMs < Math.max(delaysMin * this.#delayMs, 1)) return;
    this.#base = reading;
    this.#growth = base === undefined ? undefined : growthBetween(base, reading, spanMs);
  }

  /** They are of an ovs-vswitchd that is gone. */
  clear(): void {
    this.#newest = undefined;
    this.#whole = undefined;
    this.#base = undefined;
    this.#growth = undefined;
  }

  /** For an attribution: shares by the newest whole dump, reasons by the newest of either scope. */
  dumps(nowMs: number, typeOf: DatapathTypeOf): Pick<AttributionInput, 'dump' | 'isWhole' | 'reasons' | 'growth'> {
    const newest = this.#fresh(this.#newest, nowMs);
    const whole = this.#fresh(this.#whole, nowMs);
    const ports = newest === undefined ? undefined : portsOf(newest.reading, typeOf);
    const dump = whole === undefined || whole === newest ? ports : portsOf(whole.reading, typeOf);
    return { dump, isWhole: whole !== undefined, reasons: ports, growth: this.#grownPorts(nowMs, typeOf) };
  }

  /** What passed between the last two whole dumps; undefined: there are no two. */
  grown(nowMs: number): (GrownPackets & { readonly spanMs: number }) | undefined {
    const growth = this.#growth;
    if (growth === undefined || nowMs - growth.readAtMs > this.#ageMsMax) return undefined;
    const total = growth.datapaths.reduce((sum, { growth: one }) => addGrown(sum, one.total), nothingGrown);
    return { ...total, spanMs: growth.spanMs };
  }

  #grownPorts(nowMs: number, typeOf: DatapathTypeOf): AttributionInput['growth'] {
    const growth = this.#growth;
    if (growth === undefined || nowMs - growth.readAtMs > this.#ageMsMax) return undefined;
    const { spanMs, readAtMs, datapaths } = growth;
    const port = (name: string): GrownPackets =>
      ofPort(name, datapaths, typeOf, ({ growth: one }) => one.ports.get(name)) ?? nothingGrown;
    return { spanMs, ageMs: nowMs - readAtMs, port };
  }

  #fresh(dump: Dump | undefined, nowMs: number): Dump | undefined {
    return dump === undefined || nowMs - dump.reading.readAtMs > this.#ageMsMax ? undefined : dump;
  }

  /** Why flows are in software, by the newest dump. Control traffic and warm-up are left out. */
  facts(nowMs: number): Pick<TrafficFacts, 'softwareFlows' | 'patterns'> {
    const dump = this.#fresh(this.#newest, nowMs);
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

  /** Packets that passed between the last two whole dumps; none while there is but one, which proves of no packet where it went. */
  shares(nowMs: number): Fact<Pick<TrafficFacts, 'packets' | 'hardwarePackets' | 'windowMs'>> {
    if (this.#fresh(this.#whole, nowMs) === undefined) return unknown('no counters of ports, and no dump of all flows');
    const grown = this.grown(nowMs);
    if (grown === undefined) return known({ packets: 0, hardwarePackets: 0, windowMs: 0 });
    const { hardware, software, unknown: unproven, moved, spanMs } = grown;
    const packets = hardware + software;
    if (unproven + moved > packets) return unknown('most flows do not say where their packets were carried');
    return known({ packets, hardwarePackets: hardware, windowMs: spanMs });
  }

  /** By the newest whole dump; every tier, or nothing. */
  tiers(nowMs: number): ReadonlyMap<FlowTier, Tally> {
    const dump = this.#fresh(this.#whole, nowMs);
    return new Map(dump === undefined ? [] : flowTiers.map((tier) => [tier, dump.total.tier(tier)]));
  }

  /** By the newest whole dump; every reason, or nothing. */
  reasons(nowMs: number): ReadonlyMap<FlowReason, Tally> {
    const dump = this.#fresh(this.#whole, nowMs);
    return new Map(dump === undefined ? [] : flowReasons.map((reason) => [reason, dump.total.reason(reason)]));
  }

  newest(): NewestFlows | undefined {
    if (this.#newest === undefined) return undefined;
    const { wallMs, cost, scope, summaries } = this.#newest.reading;
    const top = summaries.flatMap(({ summary }) => summary.top).sort((a, b) => b.packets - a.packets);
    return { wallMs, cost, scope, top: top.slice(0, topMax) };
  }
}

/** Undefined: a datapath is another one, or it cannot be told what passed. */
function growthBetween(base: FlowsReading, reading: FlowsReading, spanMs: number): Growth | undefined {
  const datapaths: { datapath: string; growth: FlowGrowth }[] = [];
  for (const { datapath, summary } of reading.summaries) {
    const older = base.summaries.find((one) => one.datapath === datapath);
    const growth = older === undefined ? undefined : summary.since(older.summary);
    if (growth === undefined) return undefined;
    datapaths.push({ datapath, growth });
  }
  return { readAtMs: reading.readAtMs, spanMs, datapaths };
}

/** Two datapaths can have ports of one name: the one counts that the switch has the port in; where that is open, neither. */
function ofPort<T extends { readonly datapath: string }, V>(
  name: string,
  datapaths: readonly T[],
  typeOf: DatapathTypeOf,
  read: (one: T) => V | undefined,
): V | undefined {
  const type = datapaths.length > 1 ? typeOf(name) : undefined;
  const own = datapaths.filter(({ datapath }) => datapath.split('@', 1)[0] === type);
  const [found, ...others] = (own.length > 0 ? own : datapaths).flatMap((one) => read(one) ?? []);
  return others.length > 0 ? undefined : found;
}

function portsOf({ summaries }: FlowsReading, typeOf: DatapathTypeOf): AttributionInput['dump'] {
  return {
    get: (name): PortFlows | undefined => ofPort(name, summaries, typeOf, ({ summary }) => summary.ports.get(name)),
  };
}
