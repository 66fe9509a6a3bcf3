/**
 * What was read of ovs-vswitchd and of the machine at one time, as those who read it hand it in. Pure. Times `…AtMs` are of
 * the monotonic clock. Counters are totals since whatever counts them began; who compares two readings looks at `life` first.
 */

import type { Fact } from '../model/fact.js';
import type { Incarnation } from './effective-settings.js';
import type { FlowSummary, TopFlow } from './flow-summary.js';
import type { ConnectionFacts, EswitchFacts, HugePageFacts, UpcallFacts } from './offload-facts.js';

/** What a reading took. */
export interface ReadingCost {
  /** From the first question to the last answer, ms. */
  readonly tookMs: number;
  /** What it took of the main thread of ovs-vswitchd at most, ms: round trips and transfers of its commands. */
  readonly mainThreadMs: number;
  /** The longest round trip of one command, ms; 0 when none was asked. */
  readonly roundTripMs: number;
}

interface Reading {
  readonly readAtMs: number;
  /** Milliseconds since 1970 UTC. */
  readonly wallMs: number;
  readonly cost: ReadingCost;
}

/** When it was asked for what was read, monotonic ms. */
export const askedAtMs = ({ readAtMs, cost }: Pick<Reading, 'readAtMs' | 'cost'>): number => readAtMs - cost.tookMs;

interface SwitchReading extends Reading {
  /** Whom it is of. */
  readonly life: Incarnation;
}

/** `dpctl/offload-stats-show` of a userspace datapath, summed over providers and threads. Gauges of now, in spite of their names. */
export interface InsertionReading {
  readonly enqueued: number;
  readonly inserted: number;
  /** Connections in hardware; undefined: not told. */
  readonly connectionsBoth: number | undefined;
  readonly connectionsOne: number | undefined;
  /** Latency of an insertion, seconds; undefined: not told. */
  readonly latencyMean: number | undefined;
  readonly latencyDeviation: number | undefined;
}

/** Lookups of one datapath: hits, misses and lost upcalls since it was made. */
export interface LookupReading {
  readonly datapath: string;
  readonly hit: number;
  readonly missed: number;
  readonly lost: number;
  readonly flows: number;
}

/** Packets of one datapath, as NVIDIA's build tells them (`metrics/show`, or its exporter on port 6103). */
export interface DatapathPacketsReading {
  readonly datapath: string;
  readonly packets: number;
  readonly offloadedPackets: number;
}

/** The cheap commands of ovs-vswitchd. */
export interface SwitchQuickReading extends SwitchReading {
  /** As `version` prints it: `3.1.0`, `3.2.1005`. */
  readonly version: Fact<string>;
  readonly upcalls: Fact<readonly UpcallFacts[]>;
  /** Totals by name of the counter; one that is absent is 0. */
  readonly coverage: Fact<ReadonlyMap<string, number>>;
  /** `refused`: the command is there and says EINVAL, as it does while offload is off. */
  readonly insertion: Fact<InsertionReading | 'refused'>;
  readonly packets: Fact<readonly DatapathPacketsReading[]>;
}

/** The dearer ones. */
export interface SwitchSlowReading extends SwitchReading {
  /** `dpif/offload/show`, 3.7 and newer. */
  readonly isOffloadEnabled: Fact<boolean>;
  /** The same: provider by name of the port. */
  readonly providerByPort: Fact<ReadonlyMap<string, string>>;
  readonly polledPorts: Fact<ReadonlySet<string>>;
  readonly datapaths: Fact<readonly string[]>;
  readonly lookups: Fact<readonly LookupReading[]>;
  readonly heaps: Fact<readonly { readonly name: string; readonly size: number; readonly free: number }[]>;
  /** Tracked connections of a userspace datapath. */
  readonly connections: Fact<readonly ConnectionFacts[]>;
  /** Last lines of the log of this life. */
  readonly logLines: Fact<readonly string[]>;
}

/** One dump of the datapath's flows, added up. */
export interface FlowsReading extends SwitchReading {
  /** `software`: ovs-vswitchd was asked for flows in software alone, which says nothing of shares. */
  readonly scope: 'all' | 'software';
  /** One for each datapath that was dumped. */
  readonly summaries: readonly { readonly datapath: string; readonly summary: FlowSummary }[];
  /** Lines that were no flow, or one that was not understood. */
  readonly unknownLines: number;
}

/** Where a datapath flow comes from. */
export interface FlowRules {
  readonly ufid: string;
  /** OpenFlow rules that it was made from, as `ofproto/detrace` prints them: bounded and escaped. */
  readonly rules: Fact<readonly string[]>;
}

/** One search for rules, and what it took. */
export interface RulesReading extends SwitchReading {
  /** One for each flow that was asked for, in that order. */
  readonly rules: readonly FlowRules[];
}

/** A software flow, and the OpenFlow rules that it was made from. */
export interface ExplainedFlow extends TopFlow {
  readonly rules: FlowRules['rules'] | undefined;
}

/** Counters of a network device: everything that crossed its port, and what of it the CPU saw. */
export interface DeviceCounters {
  /** Another one means another device: its counters began anew. */
  readonly ifindex: number;
  /** Both directions. Of a representor these are the counters of its virtual port: hardware and software together. */
  readonly packets: number;
  readonly bytes: number;
  /** IFLA_OFFLOAD_XSTATS_CPU_HIT, both directions; undefined: the driver does not count it. */
  readonly cpuPackets: number | undefined;
  readonly cpuBytes: number | undefined;
}

/** What the kernel says of the machine, cheap to read. */
export interface MachineQuickReading extends Reading {
  readonly memory: Fact<{
    readonly totalBytes: number;
    readonly availableBytes: number;
    /** oom_kill of /proc/vmstat; undefined: an old kernel. */
    readonly oomKills: number | undefined;
  }>;
  readonly hugePages: Fact<readonly HugePageFacts[]>;
  /** Of ovs-vswitchd; unknown where it is not to be seen (another pid namespace). */
  readonly process: Fact<{
    readonly pid: number;
    readonly startedWallMs: number;
    /** Since its start, ms: right also after the clock of the machine was set. */
    readonly ageMs: number;
    readonly residentBytes: number;
  }>;
  /** By name of the device. */
  readonly devices: Fact<ReadonlyMap<string, DeviceCounters>>;
  /** nf_conntrack of the kernel. */
  readonly connections: Fact<readonly ConnectionFacts[]>;
  readonly uptimeMs: Fact<number>;
}

/** What takes a tool to read. */
export interface MachineSlowReading extends Reading {
  readonly platform: Fact<'running' | 'over' | 'absent'>;
  readonly eswitches: Fact<readonly EswitchFacts[]>;
  /** Queueing disciplines of each device that has any, by name of the device. */
  readonly qdiscs: Fact<ReadonlyMap<string, readonly string[]>>;
  /** Addresses of this machine, without prefix length. */
  readonly addresses: Fact<ReadonlySet<string>>;
  /** Whether the kernel says of TC rules if they are in hardware. */
  readonly tcFlags: Fact<'said' | 'silent'>;
}
