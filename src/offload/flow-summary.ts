/**
 * Adds up a dump while it streams by: flows, packets and bytes by tier, by reason and by port, and the largest software
 * flows. Memory is bounded by the number of ports and by the length of that list, never by the number of flows.
 *
 * Packets are counted as the datapath counts them, once for each pass: a packet that is recirculated passes several flows.
 * Of a flow in TC they are software and hardware together (parse_tc_flower_to_stats of Open vSwitch), so that its share of
 * hardware is an upper bound; the counters of the representor, where there are any, come first (`ratio-window.ts`).
 * Flows come and go, and their counters with them: two summaries must not be subtracted. What passed between two dumps is told
 * flow by flow (`since`).
 */

import { assert } from '../lib/assert.js';
import { safeText } from '../lib/text.js';
import { flatCopy, outputPorts } from '../model/datapath-flow.js';
import type { DatapathFlow } from '../model/datapath-flow.js';
import { FlowMarks, type FlowGrowth, type FlowPlace } from './flow-marks.js';
import { patternOf, type FlowPattern } from './flow-patterns.js';
import { dataReasons, flowReasons, isApart, type FlowReason } from './flow-reasons.js';
import { flowTiers, isSoftware, tierOf, type FlowTier, type TierContext } from './flow-tier.js';
import { softwareReason, type SoftwareContext, type SoftwareReason } from './software-reason.js';

/** Flows of one kind, with their packets and bytes since each was made. */
export interface Tally {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
}

/** Everything that was fed is in exactly one of them. */
export interface CountedShares {
  readonly hardware: Tally;
  /** All tiers of software but for the two below. */
  readonly software: Tally;
  readonly control: Tally;
  readonly warmUp: Tally;
  /** Of which nothing is proven. */
  readonly unknown: Tally;
}

const cellsEach = 3;
const tierIndex: ReadonlyMap<FlowTier, number> = new Map(flowTiers.map((tier, index) => [tier, index]));
const reasonIndex: ReadonlyMap<FlowReason, number> = new Map(
  flowReasons.map((reason, index) => [reason, flowTiers.length + index]),
);
const cellCount = (flowTiers.length + flowReasons.length) * cellsEach;

export const noTally: Tally = { flows: 0, packets: 0, bytes: 0 };

export function addTallies(a: Tally, b: Tally): Tally {
  return { flows: a.flows + b.flows, packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}

/** Flows by tier and, those in software, by reason. Exact up to 2^53, as the counters of the dump. */
export class FlowShares {
  // One small block of numbers instead of sixty objects: there are two of these for each port.
  readonly #cells = new Float64Array(cellCount);

  add(tier: FlowTier, reason: FlowReason | undefined, packets: number, bytes: number): void {
    assert((reason !== undefined) === isSoftware(tier), 'a flow has a reason exactly if it is in software');
    this.#count(tierIndex.get(tier), packets, bytes);
    if (reason !== undefined) this.#count(reasonIndex.get(reason), packets, bytes);
  }

  merge(other: FlowShares): void {
    const [cells, others] = [this.#cells, other.#cells];
    for (let at = 0; at < cellCount; at += 1) cells[at] = (cells[at] ?? 0) + (others[at] ?? 0);
  }

  tier(tier: FlowTier): Tally {
    return this.#tally(tierIndex.get(tier));
  }

  reason(reason: FlowReason): Tally {
    return this.#tally(reasonIndex.get(reason));
  }

  get total(): Tally {
    return flowTiers.map((tier) => this.tier(tier)).reduce(addTallies);
  }

  get counted(): CountedShares {
    let [flows, packets, bytes] = [0, 0, 0];
    for (const reason of dataReasons) {
      const one = this.reason(reason);
      flows += one.flows;
      packets += one.packets;
      bytes += one.bytes;
    }
    return {
      hardware: this.tier('hw'),
      software: { flows, packets, bytes },
      control: this.reason('expected_control'),
      warmUp: this.reason('warming_up'),
      unknown: this.tier('unknown'),
    };
  }

  #count(index: number | undefined, packets: number, bytes: number): void {
    assert(index !== undefined, 'every tier and every reason has its place');
    const at = index * cellsEach;
    this.#cells[at] = (this.#cells[at] ?? 0) + 1;
    this.#cells[at + 1] = (this.#cells[at + 1] ?? 0) + packets;
    this.#cells[at + 2] = (this.#cells[at + 2] ?? 0) + bytes;
  }

  #tally(index: number | undefined): Tally {
    assert(index !== undefined, 'every tier and every reason has its place');
    const at = index * cellsEach;
    const cells = this.#cells;
    return { flows: cells[at] ?? 0, packets: cells[at + 1] ?? 0, bytes: cells[at + 2] ?? 0 };
  }
}

/** Flows that come in at a port, and those of other ports that send packets to it: no flow is in both. */
export interface PortFlows {
  readonly incoming: FlowShares;
  readonly outgoing: FlowShares;
}

/** One software flow of the list of the largest. Its texts are bounded, escaped, and copied out of the dump. */
export interface TopFlow extends SoftwareReason {
  readonly ufid: string | undefined;
  readonly tier: FlowTier;
  readonly inPort: string | undefined;
  readonly outPorts: readonly string[];
  readonly match: string;
  readonly actions: string;
  readonly packets: number;
  readonly bytes: number;
  /** Since the last packet, ms, as of the dump. */
  readonly usedMs: number | undefined;
}

export interface FlowSummaryOptions {
  readonly context: SoftwareContext & TierContext;
  /** How many software flows are kept, by packets. Default 50, at most 500. */
  readonly topCount?: number | undefined;
  /** How many ports are told apart; the others are added up in `rest`. Default 4096: four times as many as a DPU has. */
  readonly portsMax?: number | undefined;
}

const topCountMax = 500;
const nameLengthMax = 64;
const textLengthMax = 1024;

export class FlowSummary {
  /** All flows. */
  readonly total = new FlowShares();
  /** Flows whose in-port had no room in `ports`, or that name none. */
  readonly rest = new FlowShares();
  readonly #ports = new Map<string, PortFlows>();
  readonly #marks = new FlowMarks();
  /** Of each port, for its marks. */
  readonly #indexes = new Map<string, number>();
  readonly #top: TopFlow[] = [];
  readonly #patterns = new Map<FlowPattern, number>();
  readonly #context: SoftwareContext & TierContext;
  readonly #topCount: number;
  readonly #portsMax: number;

  constructor({ context, topCount = 50, portsMax = 4096 }: FlowSummaryOptions) {
    this.#context = context;
    this.#topCount = Math.max(0, Math.min(topCount, topCountMax));
    this.#portsMax = portsMax;
  }

  /** Counts one flow. Nothing of it is kept but numbers and, of the largest, copies. */
  add(flow: DatapathFlow): void {
    const tier = tierOf(flow, this.#context);
    const why = softwareReason(flow, tier, this.#context);
    const { packets, bytes, inPort } = flow;
    const outPorts = outputPorts(flow.actions);
    this.total.add(tier, why?.reason, packets, bytes);
    const port = inPort === undefined ? undefined : this.#port(inPort);
    (port?.incoming ?? this.rest).add(tier, why?.reason, packets, bytes);
    const crossed = inPort === undefined || port === undefined ? [] : [inPort];
    for (const name of outPorts) {
      if (name === inPort) continue;
      const out = this.#port(name);
      out?.outgoing.add(tier, why?.reason, packets, bytes);
      if (out !== undefined) crossed.push(name);
    }
    const ports = crossed.flatMap((name) => this.#indexes.get(name) ?? []);
    this.#marks.add({ ufid: flow.ufid, core: flow.core, packets, place: placeOf(tier, why), ports });
    if (why === undefined || isApart(why.reason)) return;
    const pattern = patternOf(flow, why);
    if (pattern !== undefined) this.#patterns.set(pattern, (this.#patterns.get(pattern) ?? 0) + 1);
    this.#keep(flow, tier, why, outPorts);
  }

  /** What passed since the older dump of the same datapath; undefined: there are too many flows, or they have no names. */
  since(older: FlowSummary): FlowGrowth | undefined {
    const names = [...this.#indexes.keys()];
    return this.#marks.since(older.#marks, (index) => names[index]);
  }

  /** By name. */
  get ports(): ReadonlyMap<string, PortFlows> {
    return this.#ports;
  }

  /** How many flows each known pattern of rules keeps in software. */
  get patterns(): ReadonlyMap<FlowPattern, number> {
    return this.#patterns;
  }

  /** The largest software flows by packets, without control traffic and warm-up; the largest first. */
  get top(): readonly TopFlow[] {
    return [...this.#top];
  }

  #port(name: string): PortFlows | undefined {
    const known = this.#ports.get(name);
    if (known !== undefined) return known;
    if (this.#ports.size >= this.#portsMax || name.length > nameLengthMax) return undefined;
    const port = { incoming: new FlowShares(), outgoing: new FlowShares() };
    const kept = flatCopy(name);
    this.#ports.set(kept, port);
    this.#indexes.set(kept, this.#indexes.size);
    return port;
  }

  #keep(flow: DatapathFlow, tier: FlowTier, why: SoftwareReason, outPorts: readonly string[]): void {
    const smallest = this.#top.at(-1);
    if (this.#topCount === 0) return;
    if (this.#top.length >= this.#topCount) {
      if (smallest !== undefined && flow.packets <= smallest.packets) return;
      this.#top.pop();
    }
    let [low, high] = [0, this.#top.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#top[middle]?.packets ?? 0) >= flow.packets) low = middle + 1;
      else high = middle;
    }
    this.#top.splice(low, 0, topFlow(flow, tier, why, outPorts));
  }
}

function placeOf(tier: FlowTier, why: SoftwareReason | undefined): FlowPlace {
  if (tier === 'hw') return 'hardware';
  if (why === undefined) return 'unknown';
  return isApart(why.reason) ? 'apart' : 'software';
}

function kept(text: string, lengthMax: number): string {
  return flatCopy(safeText(text, lengthMax));
}

function topFlow(flow: DatapathFlow, tier: FlowTier, why: SoftwareReason, outPorts: readonly string[]): TopFlow {
  const { ufid, inPort, match, actions, packets, bytes, usedMs } = flow;
  return {
    reason: why.reason,
    evidence: flatCopy(why.evidence),
    ufid: ufid === undefined ? undefined : kept(ufid, nameLengthMax),
    tier,
    inPort: inPort === undefined ? undefined : kept(inPort, nameLengthMax),
    outPorts: outPorts.slice(0, 16).map((name) => kept(name, nameLengthMax)),
    match: kept(match, textLengthMax),
    actions: kept(actions, textLengthMax),
    packets,
    bytes,
    usedMs,
  };
}
