/**
 * Keeps what was measured of traffic, and gives it to those that it is of: counters of devices and of ovs-vswitchd, totals of
 * NVIDIA's build, dumps of flows. Pure: it asks nobody, and every time comes in from outside.
 *
 * Counters that a port has, by the engine of its datapath:
 * - `tc`: the packets of its device, and of them those that hit the CPU (IFLA_OFFLOAD_XSTATS_CPU_HIT).
 * - `dpdk`, `doca`: the packets of the representor that the kernel still has, and those of Interface.statistics, which is what
 *   the poll mode driver received and sent itself. That this is software alone, and the device's counter all of it, is inferred
 *   from what the counters are documented to count; it is to be confirmed on hardware.
 * A device without CPU_HIT is no representor, and its counters prove nothing. Uplinks, internal ports, patch ports and tunnels
 * have none of these counters.
 */

import { known, type Fact } from '../model/fact.js';
import { Attribution } from './attribute.js';
import { DatapathTotals } from './datapath-totals.js';
import type { FlowReason } from './flow-reasons.js';
import { FlowRecord, type NewestFlows } from './flow-record.js';
import type { Tally } from './flow-summary.js';
import type { FlowTier } from './flow-tier.js';
import type { TrafficFacts } from './offload-facts.js';
import type { OffloadObject } from './offload-objects.js';
import type { OffloadEngine, OffloadVerdict } from './offload.js';
import { addCarried, nothingCarried, PortCounters, type CarriedPackets } from './port-counters.js';
import type { RatioReading } from './ratio-window.js';
import type { FlowsReading, MachineQuickReading, SwitchQuickReading } from './readings.js';

export interface TrafficOptions {
  /** Fewer packets over the window prove nothing of a port. */
  readonly ratioPacketsMin: number;
  /** offloaded-stats-delay, ms. */
  readonly delayMs: number;
  /** stats-update-interval, ms: how old Interface.statistics are at most. Default 5000, as Open vSwitch's. */
  readonly statisticsMs?: number | undefined;
}

/** An interface on the switch, and the engine of its datapath. */
export interface SwitchPort {
  readonly name: string;
  readonly engine: OffloadEngine;
  /** datapath_type of its bridge, `system` or `netdev`. Default: not known, which matters where two datapaths have the name. */
  readonly datapathType?: string | undefined;
  /** Of an uplink no share is told: every packet of it is in the numbers of a representor too. Default false. */
  readonly isUplink?: boolean | undefined;
}

interface Watched {
  readonly engine: OffloadEngine;
  readonly counters: PortCounters;
}

const statisticsMsDefault = 5000;

/** ovs-vswitchd writes statistics when its main thread comes to it; a thread that stalls for longer is a finding of its own. */
const statisticsSlackMs = 1000;

export class TrafficRecord {
  readonly #packetsMin: number;
  #statisticsMs: number;
  readonly #flows: FlowRecord;
  #totals: DatapathTotals;
  #delayMs: number;
  /** As they were told last. */
  #told: readonly SwitchPort[] | undefined;
  #ports: ReadonlyMap<string, Watched> = new Map();
  #types: ReadonlyMap<string, string> = new Map();
  /** ifindex by name of the device. */
  #devices: ReadonlyMap<string, number> = new Map();
  /** That the verdicts are of. */
  #objects: readonly OffloadObject[] = [];
  /** Of ports that are gone. */
  #gone = nothingCarried;
  #verdicts: ReadonlyMap<string, OffloadVerdict> = new Map();
  /** The newest time that was told. */
  #nowMs = -Infinity;

  constructor({ ratioPacketsMin, delayMs, statisticsMs = statisticsMsDefault }: TrafficOptions) {
    this.#packetsMin = ratioPacketsMin;
    this.#delayMs = delayMs;
    this.#statisticsMs = statisticsMs;
    this.#flows = new FlowRecord(delayMs);
    this.#totals = new DatapathTotals({ delayMs, packetsMin: ratioPacketsMin });
  }

  /** @param delayMs offloaded-stats-delay */
  setDelay(delayMs: number): void {
    if (delayMs === this.#delayMs) return;
    this.#delayMs = delayMs;
    this.#totals.setDelay(delayMs);
    this.#flows.setDelay(delayMs);
    for (const { counters } of this.#ports.values()) counters.setDelay(delayMs);
  }

  /** For how long a dump of flows speaks, ms. */
  setFlowsAge(ageMsMax: number): void {
    this.#flows.setAge(ageMsMax);
  }

  /** @param statisticsMs stats-update-interval, ms */
  setStatistics(statisticsMs: number): void {
    this.#statisticsMs = statisticsMs;
  }

  /** Which ports there are; the others are forgotten. One whose engine is another than before begins anew. */
  setPorts(ports: readonly SwitchPort[]): void {
    if (ports === this.#told) return;
    this.#told = ports;
    this.#types = new Map(
      ports.flatMap(({ name, datapathType }) => (datapathType === undefined ? [] : [[name, datapathType]])),
    );
    const watched = new Map<string, Watched>();
    for (const { name, engine, isUplink = false } of ports) {
      if (isUplink || !hasCounters(engine)) continue;
      const before = this.#ports.get(name);
      watched.set(name, before?.engine === engine ? before : this.#anew(engine));
    }
    this.#take(watched);
  }

  /** A device that was made anew has the name of the one before, and none of its verdicts. */
  #forgetVerdicts(devices: ReadonlyMap<string, { readonly ifindex: number }>): void {
    const kept = new Map(this.#verdicts);
    for (const { key, port } of this.#objects) {
      const before = this.#devices.get(port);
      if (before !== undefined && devices.get(port)?.ifindex !== before) kept.delete(key);
    }
    this.#verdicts = kept;
    this.#devices = new Map([...devices].map(([name, { ifindex }]) => [name, ifindex]));
  }

  #anew(engine: OffloadEngine): Watched {
    return { engine, counters: new PortCounters({ delayMs: this.#delayMs, packetsMin: this.#packetsMin }) };
  }

  #take(watched: ReadonlyMap<string, Watched>): void {
    for (const [name, { counters }] of this.#ports) {
      if (watched.get(name)?.counters !== counters) this.#gone = addCarried(this.#gone, counters.carried);
    }
    this.#ports = watched;
  }

  /** Counters of the kernel's devices. */
  noteDevices({ readAtMs, devices }: Pick<MachineQuickReading, 'readAtMs' | 'devices'>): void {
    this.#advance(readAtMs);
    if (devices.kind === 'unknown') return;
    this.#forgetVerdicts(devices.value);
    for (const [name, { engine, counters }] of this.#ports) {
      const device = devices.value.get(name);
      if (device?.cpuPackets === undefined) continue;
      const read = { atMs: readAtMs, life: device.ifindex };
      if (engine === 'tc') counters.addSoftware({ ...read, packets: device.cpuPackets, notBeforeMs: readAtMs });
      counters.addTotal({ ...read, packets: device.packets });
    }
  }

  /**
   * Packets in both directions that ovs-vswitchd counted for its interfaces (Interface.statistics), by name.
   * @param life another ovs-vswitchd, which counts from zero
   * @param atMs when they were received, monotonic
   */
  noteInterfaces(packets: ReadonlyMap<string, number>, life: number | string, atMs: number): void {
    this.#advance(atMs);
    const notBeforeMs = atMs - this.#statisticsMs - statisticsSlackMs;
    for (const [name, { engine, counters }] of this.#ports) {
      const count = packets.get(name);
      if (engine === 'tc' || count === undefined) continue;
      counters.addSoftware({ atMs, notBeforeMs, packets: count, life });
    }
  }

  /** A dump of flows; one that is older than the newest is ignored. */
  noteFlows(reading: FlowsReading): void {
    this.#advance(reading.readAtMs);
    this.#flows.note(reading);
  }

  /** Totals of the datapaths, where NVIDIA's build tells them. */
  noteQuick(reading: Pick<SwitchQuickReading, 'readAtMs' | 'life' | 'packets'>): void {
    this.#advance(reading.readAtMs);
    this.#totals.note(reading);
  }

  /**
   * ovs-vswitchd is gone, or is another: its flows are others, and what it counts begins at zero. What the kernel counts for TC
   * goes on, and so do its flows.
   */
  noteRestart(): void {
    this.#flows.clear();
    this.#verdicts = new Map();
    this.#totals = new DatapathTotals({ delayMs: this.#delayMs, packetsMin: this.#packetsMin });
    const watched = new Map<string, Watched>();
    for (const [name, one] of this.#ports) watched.set(name, one.engine === 'tc' ? one : this.#anew(one.engine));
    this.#take(watched);
  }

  /** What the counters of a port say; undefined: it has none. */
  counters(port: string): RatioReading | undefined {
    return this.#ports.get(port)?.counters.read(this.#nowMs);
  }

  /** The verdicts of now. They are the standing ones of the next time. */
  attribute(objects: readonly OffloadObject[], nowMs: number): Attribution {
    this.#advance(nowMs);
    const attribution = new Attribution({
      objects,
      ...this.#flows.dumps(this.#nowMs, (port) => this.#types.get(port)),
      counters: (port) => this.counters(port),
      carried: (port) => this.#carried(port),
      before: this.#verdicts,
    });
    this.#verdicts = attribution.verdicts;
    this.#objects = objects;
    return attribution;
  }

  /** The traffic of the node: by counters of ports where there are any, else by totals of the datapaths, else by flows. */
  traffic(nowMs: number): Fact<TrafficFacts> {
    this.#advance(nowMs);
    const flows = this.#flows.facts(this.#nowMs);
    const growth = this.#grown() ?? this.#totals.growth(this.#nowMs);
    if (growth !== undefined) {
      const { packets, hardwarePackets, spanMs } = growth;
      return known({ ...flows, windowMs: spanMs, packets, hardwarePackets });
    }
    const shares = this.#flows.shares(this.#nowMs);
    return shares.kind === 'unknown' ? shares : known({ ...flows, ...shares.value });
  }

  /** Flows of the newest whole dump by tier; empty: there was none, or it is too old. */
  tiers(): ReadonlyMap<FlowTier, Tally> {
    return this.#flows.tiers(this.#nowMs);
  }

  /** The same: flows in software by reason. */
  reasons(): ReadonlyMap<FlowReason, Tally> {
    return this.#flows.reasons(this.#nowMs);
  }

  /**
   * Packets that crossed representors since the start, in both directions: one that comes in at a representor and leaves at
   * another is two. Only growth that was seen; what hardware carried is what is proven, at least. Neither number ever falls.
   */
  packets(): CarriedPackets {
    let sum = this.#gone;
    for (const { counters } of this.#ports.values()) sum = addCarried(sum, counters.carried);
    return sum;
  }

  /** The largest software flows of the newest dump, of all flows or of those in software. */
  newestFlows(): NewestFlows | undefined {
    return this.#flows.newest();
  }

  #carried(port: string): CarriedPackets | undefined {
    const counters = this.#ports.get(port)?.counters;
    return counters?.isCounting === true ? counters.carried : undefined;
  }

  #advance(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  /** Of all ports together; undefined: none was watched for long enough. */
  #grown(): { readonly packets: number; readonly hardwarePackets: number; readonly spanMs: number } | undefined {
    let [packets, hardwarePackets, spanMs] = [0, 0, 0];
    for (const { counters } of this.#ports.values()) {
      const growth = counters.growth(this.#nowMs);
      if (growth === undefined) continue;
      packets += growth.packets;
      hardwarePackets += growth.hardwarePackets;
      spanMs = Math.max(spanMs, growth.spanMs);
    }
    return spanMs === 0 ? undefined : { packets, hardwarePackets, spanMs };
  }
}

function hasCounters(engine: OffloadEngine): boolean {
  return engine === 'tc' || engine === 'dpdk' || engine === 'doca';
}
