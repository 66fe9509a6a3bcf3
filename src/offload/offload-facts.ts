/**
 * Everything that the checks of offload look at, as facts: gathered elsewhere, in one place, judged by pure checks. Types only.
 * What was not or cannot be looked at is `unknown`, with the reason; a check then says that it cannot be made.
 */

import type { Fact } from '../model/fact.js';
import type { Netdev } from '../model/netdev.js';
import type { StringMap } from '../model/ownership.js';
import type { EngineState } from './engine-state.js';
import type { FlowReason } from './flow-reasons.js';
import type { SettingResult } from './setting-verdicts.js';

/** The platform configures the card at boot, and restarts Open vSwitch while it does. */
export interface BootFacts {
  /**
   * Its unit (mlnx_bf_configure): `running`, `over` (it ended, well or not), `absent` on a machine that has no such unit.
   */
  readonly platform: Fact<'running' | 'over' | 'absent'>;
  /** Since the machine was booted, ms. */
  readonly uptimeMs: Fact<number>;
  /** Since the agent looks, ms. */
  readonly watchedMs: number;
}

/** The row of table Open_vSwitch. */
export interface RootFacts {
  readonly otherConfig: StringMap;
  readonly externalIds: StringMap;
  readonly curCfg: number;
  readonly nextCfg: number;
  readonly datapathTypes: readonly string[];
  readonly ifaceTypes: readonly string[];
  /** Undefined: the schema has no such column. */
  readonly isDpdkInitialized: boolean | undefined;
  readonly isDocaInitialized: boolean | undefined;
  /** For how long cur_cfg has lagged behind next_cfg, ms; 0: it does not. */
  readonly laggedMs: number;
  /** For how long flow-restore-wait has been true, ms; undefined: it is not. */
  readonly restoreWaitMs: number | undefined;
}

export interface BridgeFacts {
  readonly name: string;
  readonly datapathType: string;
  readonly hasSflow: boolean;
}

export interface InterfaceFacts {
  readonly name: string;
  readonly bridge: string;
  readonly type: string;
  readonly options: StringMap;
  /** other_config of the interface. */
  readonly otherConfig: StringMap;
  /** -1: could not be opened. Undefined: not assigned yet. */
  readonly ofport: number | undefined;
  readonly error: string | undefined;
  readonly linkState: 'up' | 'down' | undefined;
  readonly mtu: number | undefined;
  readonly mtuRequest: number | undefined;
  /** Whether the row carries the agent's own mark. */
  readonly isOwn: boolean;
  /** external_ids:iface-id; undefined: none. */
  readonly ifaceId: string | undefined;
  /** For how long it has been without a number, or with an error, ms; 0: it is not. */
  readonly brokenMs: number;
  /** For how long the kernel has had no device for it that it needs, ms; 0 or undefined: it has one, or none is needed. */
  readonly absentMs?: number | undefined;
  /** Opened after providers, threads and queueing disciplines were looked at last: they say nothing of it yet. */
  readonly isNew?: boolean | undefined;
  /** Growth of columns and statistics over the window. */
  readonly linkResets: number;
  readonly mtuDrops: number;
}

/** One life of ovs-vswitchd, and the one before it. */
export interface ProcessFacts {
  readonly pid: number;
  /** Since its start, ms. */
  readonly ageMs: number;
  /** Whether the agent saw another incarnation before it. */
  readonly isSuccessor: boolean;
  /** Bytes. */
  readonly residentBytes: number | undefined;
  /** Growth over the window of `residentGrowthMs`, bytes. */
  readonly residentGrowthBytes: number | undefined;
  readonly residentGrowthMs: number | undefined;
  /** `statistics:process_ovs-vswitchd`: crashes that its monitor counted; undefined without `--monitor` or the statistics. */
  readonly crashes: number | undefined;
}

/** Coverage counters: growth over a window, by name. A counter that is absent did not count. */
export interface CoverageFacts {
  readonly windowMs: number;
  readonly growth: ReadonlyMap<string, number>;
}

/** A datapath of `upcall/show`. */
export interface UpcallFacts {
  readonly name: string;
  readonly flows: number;
  readonly flowLimit: number;
  readonly offloaded: number;
  readonly dumpMs: number | undefined;
}

/** `dpctl/offload-stats-show`, now and at the beginning of the window. */
export interface InsertionFacts {
  readonly windowMs: number;
  readonly enqueued: number;
  readonly enqueuedBefore: number;
  readonly inserted: number;
  readonly insertedBefore: number;
}

export interface MemoryFacts {
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** Growth of oom_kill of /proc/vmstat over the window; undefined: an old kernel. */
  readonly oomKills: number | undefined;
}

export interface HugePageFacts {
  readonly sizeBytes: number;
  readonly total: number;
  readonly free: number;
}

export interface EswitchFacts {
  /** `pci/0000:03:00.0` */
  readonly device: string;
  readonly mode: string;
  /** `none` or `basic`; undefined: not told. */
  readonly encapMode: string | undefined;
}

/** A table of connections that can be full: in hardware, in the kernel. */
export interface ConnectionFacts {
  readonly table: string;
  readonly count: number;
  readonly limit: number;
}

/** What was measured of the traffic, over a window that respects the delay of hardware counters. */
export interface TrafficFacts {
  readonly windowMs: number;
  /** Data packets, control traffic and warm-up left out. */
  readonly packets: number;
  readonly hardwarePackets: number;
  /** Flows in software by the class of their reason. */
  readonly softwareFlows: ReadonlyMap<FlowReason, number>;
  /** Actions and matches of software flows that are known patterns of OVN (`check_pkt_len`), how often each. */
  readonly patterns: ReadonlyMap<string, number>;
}

export interface OffloadFacts {
  readonly boot: BootFacts;
  readonly root: Fact<RootFacts>;
  readonly bridges: Fact<readonly BridgeFacts[]>;
  readonly interfaces: Fact<readonly InterfaceFacts[]>;
  readonly engine: Fact<EngineState>;
  readonly settings: Fact<readonly SettingResult[]>;
  readonly process: Fact<ProcessFacts>;
  readonly coverage: Fact<CoverageFacts>;
  /** For how long ovs-vswitchd has had a question and has not answered, ms; undefined: it has none, or nobody tells. */
  readonly busyMs?: number | undefined;
  readonly upcalls: Fact<readonly UpcallFacts[]>;
  readonly insertion: Fact<InsertionFacts>;
  /** `dpif/offload/show`: ports that an offload provider has. */
  readonly providedPorts: Fact<ReadonlySet<string>>;
  /** `dpif-netdev/pmd-rxq-show`: ports with an enabled queue on a thread. */
  readonly polledPorts: Fact<ReadonlySet<string>>;
  /** How long ago bridges were last seen to change their datapath_type, ms; undefined: never, or datapaths were read since. */
  readonly typesChangedMs?: number | undefined;
  /** `dpctl/dump-dps`: `netdev@ovs-netdev`. */
  readonly datapaths: Fact<readonly string[]>;
  readonly memory: Fact<MemoryFacts>;
  readonly hugePages: Fact<readonly HugePageFacts[]>;
  /** `dpdk/get-malloc-stats`: size and free bytes of each heap. */
  readonly heaps: Fact<readonly { readonly name: string; readonly size: number; readonly free: number }[]>;
  readonly eswitches: Fact<readonly EswitchFacts[]>;
  readonly devices: Fact<readonly Netdev[]>;
  /** Queueing disciplines of each device that has any, by name of the device. */
  readonly qdiscs: Fact<ReadonlyMap<string, readonly string[]>>;
  readonly connections: Fact<readonly ConnectionFacts[]>;
  /** Addresses of this machine, without prefix length. */
  readonly addresses: Fact<ReadonlySet<string>>;
  readonly traffic: Fact<TrafficFacts>;
  /** Last lines of the log of ovs-vswitchd, of this incarnation. */
  readonly logLines: Fact<readonly string[]>;
}

/** What is expected, and where a guard speaks up. */
export interface OffloadLimits {
  /** No verdict before this time after boot, where the platform does not say that it is ready, ms. */
  readonly bootGraceMs: number;
  /** Virtual functions of the host that each PF is to have, by number of the PF. */
  readonly vfsExpected: ReadonlyMap<number, number>;
  /** Devices of devlink that have to be there: `pci/0000:03:00.0`. */
  readonly cardsExpected: readonly string[];
  readonly restoreWaitMsMax: number;
  /** For how long cur_cfg may lag, ms. NVIDIA's build holds the main thread for some 25 s. */
  readonly laggedMsMax: number;
  /** A port is stale when its device has been gone for this long, ms. */
  readonly staleMsMin: number;
  /** A restart is told for this long, ms. */
  readonly restartToldMs: number;
  /** Parts of 1. */
  readonly ratioMin: number;
  readonly ratioPacketsMin: number;
  readonly connectionsFillMax: number;
  readonly heapFillMax: number;
  readonly hugePageBytesMin: number;
  readonly memoryAvailableBytesMin: number;
  /** Growth of ovs-vswitchd, bytes per hour, and the window that it takes to be believed. */
  readonly residentGrowthBytesPerHourMax: number;
  readonly residentWindowMsMin: number;
  readonly linkResetsMax: number;
  readonly longPollsMax: number;
  /** What a tunnel adds to a packet, bytes: 58 for Geneve with OVN's option over IPv4, 78 over IPv6. */
  readonly tunnelOverheadBytes: number;
}

const minute = 60_000;
const mib = 2 ** 20;

export const offloadLimitsDefault: OffloadLimits = {
  bootGraceMs: 5 * minute,
  vfsExpected: new Map(),
  cardsExpected: [],
  restoreWaitMsMax: minute,
  laggedMsMax: minute,
  staleMsMin: 5 * minute,
  restartToldMs: 10 * minute,
  ratioMin: 0.9,
  ratioPacketsMin: 10_000,
  connectionsFillMax: 0.9,
  heapFillMax: 0.9,
  hugePageBytesMin: 512 * mib,
  memoryAvailableBytesMin: 256 * mib,
  residentGrowthBytesPerHourMax: 64 * mib,
  residentWindowMsMin: 60 * minute,
  linkResetsMax: 3,
  longPollsMax: 2,
  tunnelOverheadBytes: 58,
};
