/**
 * What the API (gRPC, HTTP) reads of the agent and may ask of it, as interfaces: wired in `src/app`, implemented in `agent` and
 * `adapters`, faked in tests by a few lines. Types only. Nothing here may block the reconcile loops.
 */

import type { AttachSummary, Explanation, Rung } from '../attach/ladder.js';
import type { PodFacts } from '../attach/attachment-view.js';
import type { ChainCounts } from '../chain/count-chain.js';
import type { Condition, Finding, ObjectRef } from '../model/condition.js';
import type { MachineFacts } from '../model/machine.js';
import type { ReasonShare } from '../offload/attribute.js';
import type { OffloadFinding } from '../offload/check.js';
import type { FlowReason } from '../offload/flow-reasons.js';
import type { Tally } from '../offload/flow-summary.js';
import type { FlowTier } from '../offload/flow-tier.js';
import type { OffloadStatus, OffloadVerdict } from '../offload/offload.js';
import type { ConnectionFacts, HugePageFacts } from '../offload/offload-facts.js';
import type { ExplainedFlow, InsertionReading, ReadingCost } from '../offload/readings.js';
import type { RepresentorCounts } from '../offload/record/representor-counts.js';
import type { RestartAdvice } from '../offload/restart-advice.js';
import type { SettingResult } from '../offload/setting-verdicts.js';
import type { OffloadPort } from '../offload/software-reason.js';
import type { IntentDesk } from './intent-desk-types.js';
import type { JournalEntry } from './journal.js';
import type { Unsubscribe } from './ports.js';
import type { AgentStatus } from './status.js';
import type { TopologySource } from './topology.js';

/** The agent as its API sees it. */
export interface AgentView {
  /** New with each start of the process. */
  readonly instanceId: string;
  readonly status: StatusSource;
  readonly topology: TopologySource;
  readonly intents: IntentDesk;
  readonly journal: JournalSource;
  readonly stats: StatsSource;
  readonly offload: OffloadSource;
  readonly explainer: Explainer;
  readonly node: NodeSource;
  /** Counts and times of the agent's own work, for metrics. */
  readonly telemetry: TelemetrySource;
}

export interface StatusSource {
  /** The newest; undefined before the first look. */
  current(): AgentStatus | undefined;
  /** The pods of the host node, as of the last look; made when it is asked for. Empty while pods are not looked at. */
  pods(): readonly PodFacts[];
  onChange(listener: () => void): Unsubscribe;
}

export interface JournalSource {
  /** The newest `count`, oldest first. */
  tail(count: number): readonly JournalEntry[];
  /** Those that are kept with `from <= sequence <= to`, oldest first, at most `countMax`. */
  range(from: number, to: number, countMax: number): readonly JournalEntry[];
  /** Numbers of the oldest and newest that are kept; undefined while there is none. */
  bounds(): { readonly oldest: number; readonly newest: number } | undefined;
  onEntry(listener: (entry: JournalEntry) => void): Unsubscribe;
}

/** Counters of one direction; what is not known is undefined, never zero. */
export interface DirectionCounters {
  readonly packets?: bigint | undefined;
  readonly bytes?: bigint | undefined;
  readonly drops?: bigint | undefined;
  readonly errors?: bigint | undefined;
}

/** Whose counters a row of an attachment has. */
export interface StatsAttachment {
  readonly namespace: string;
  readonly pod: string;
  readonly network: string;
  readonly podUid: string;
}

/** Counters of one interface, port of a chain or network of a pod. `received`: into the switch. */
export interface StatsRow {
  /** Unique among all rows. */
  readonly key: string;
  readonly kind: 'port' | 'attachment' | 'chainPort';
  /** Interface, `namespace/pod`, or `chain/switch/port`. */
  readonly name: string;
  readonly bridge: string;
  readonly interface: string;
  readonly attachment?: StatsAttachment | undefined;
  /**
   * Of an attachment: milliseconds since 1970 UTC at which its counters began with nothing, when it was plugged or seen first;
   * undefined: not known yet, and neither are the counters.
   */
  readonly countedSinceWallMs?: number | undefined;
  /** Milliseconds since 1970 UTC at which the counters were read. */
  readonly wallMs: number;
  readonly received: DirectionCounters;
  readonly sent: DirectionCounters;
}

export interface StatsSelection {
  readonly ports: boolean;
  readonly attachments: boolean;
  readonly chains: boolean;
  /** Empty: all. */
  readonly names: ReadonlySet<string>;
}

export interface StatsAnswer {
  readonly wallMs: number;
  readonly rows: readonly StatsRow[];
  /** What could not be read, one sentence each. */
  readonly problems: readonly string[];
}

export interface StatsSource {
  /** Counters of ports and attachments as the database told them last; asks nobody. */
  interfaces(): StatsAnswer;
  /** Asks the switch where chains are selected; single-flight. */
  read(selection: StatsSelection, signal: AbortSignal): Promise<StatsAnswer>;
}

export type { OffloadEngine, OffloadStatus } from '../offload/offload.js';

/** How a measurement stands. */
export interface MeasurementState {
  /**
   * `quick`, `slow`: commands of ovs-vswitchd by what they cost it. `flows`: dumps of the datapath. `machine`, `tools`: the
   * kernel's files, and what takes a tool to read. `rules`: searches for the OpenFlow rules of flows that somebody asked for.
   */
  readonly name: 'quick' | 'slow' | 'flows' | 'machine' | 'tools' | 'rules';
  /** Milliseconds since 1970 UTC of the newest reading; undefined: there was none. */
  readonly wallMs: number | undefined;
  readonly cost: ReadingCost | undefined;
  /** Since the start. */
  readonly readings: number;
  readonly failures: number;
  /** Of the main thread of ovs-vswitchd, all readings together, ms at most. */
  readonly mainThreadMs: number;
  /** Why there is none, or no newer one, one sentence; undefined: all is well. */
  readonly problem: string | undefined;
}

export interface DatapathState {
  /** `netdev@ovs-netdev` */
  readonly name: string;
  readonly flows: number;
  /** That adapts itself, and the one that is configured. */
  readonly flowLimit: number;
  readonly flowLimitConfigured: number;
  /** What OVS calls offloaded: on the kernel's datapath what was handed to TC, in hardware or not. */
  readonly offloadedByOvs: number;
  readonly dumpMs: number | undefined;
}

/** Everything that is known of offload as a whole. */
export interface OffloadOverview extends OffloadStatus {
  /** What the engine was told by, a sentence each. */
  readonly engineBasis: readonly string[];
  /** Undefined: not known. */
  readonly isInEffect: boolean | undefined;
  readonly inEffectBasis: string;
  /** Why nothing is judged yet; undefined: it is. */
  readonly waiting: string | undefined;
  /** Undefined: nobody supervises (`offload.mode: off`, or the agent has not looked yet). */
  readonly supervision: OffloadSupervision | undefined;
}

export interface OffloadSupervision {
  readonly settings: readonly SettingResult[];
  readonly restart: RestartAdvice | undefined;
  readonly findings: readonly OffloadFinding[];
  /** Checks that found nothing, and those that could not be made. */
  readonly clear: readonly string[];
  readonly notTestable: readonly { readonly check: string; readonly why: string }[];
  readonly datapaths: readonly DatapathState[];
  /** Of the newest whole dump; empty: there was none. */
  readonly tiers: ReadonlyMap<FlowTier, Tally>;
  readonly reasons: ReadonlyMap<FlowReason, Tally>;
  readonly measurements: readonly MeasurementState[];
  /** How much longer than usual everything waits, 1 upwards. */
  readonly slowdown: number;
  /** Why no dump of flows is made by itself; undefined: one is. */
  readonly flowsRefusal: string | undefined;
  readonly hugePages: readonly HugePageFacts[];
  readonly connections: readonly ConnectionFacts[];
  readonly insertion: InsertionReading | undefined;
  readonly representors: RepresentorCounts;
  /** Packets of data since the agent looks, by where they were carried; only growth that was seen. */
  readonly packets: { readonly hardware: number; readonly software: number };
}

export interface OffloadRow {
  readonly key: string;
  readonly kind: 'port' | 'attachment' | 'chain';
  readonly name: string;
  readonly interface: string;
  readonly verdict: OffloadVerdict;
  /** Stable code. */
  readonly reason: string;
  readonly message: string;
  /** What was measured; undefined: nothing was. */
  readonly measured?: OffloadMeasured | undefined;
  /** The ports that its packets cross, as far as something is known of them. */
  readonly ports?: readonly OffloadPortView[] | undefined;
}

/** A port, as far as it matters for offload. */
export interface OffloadPortView {
  readonly name: string;
  /** `patch`: packets pass it, and it is no port of the datapath. Undefined: not known. */
  readonly kind: OffloadPort['kind'] | 'patch' | undefined;
  /** `tc`, `dpdk`, `doca`; undefined: none. */
  readonly provider: string | undefined;
  /** ovs-vswitchd said it; else it was concluded from the type of the port, its device and the engine. */
  readonly isProviderTold: boolean;
  /** phys_switch_id of its device; undefined: it has none, or nobody knows. */
  readonly eswitch: string | undefined;
}

export interface OffloadMeasured {
  readonly source: 'counters' | 'flows' | 'none';
  /** 0 to 1; undefined: not known. */
  readonly hardwareShare: number | undefined;
  /** By the counters of its port, over their window; undefined: nobody reads them. */
  readonly counters:
    { readonly hardwarePackets: number; readonly softwarePackets: number; readonly spanMs: number } | undefined;
  /** By the same counters: packets since the agent looks, only growth that was seen; undefined: nobody reads them. */
  readonly seen?: { readonly hardware: number; readonly software: number } | undefined;
  /** By the newest dump; undefined: there was none. */
  readonly flows: { readonly hardware: Tally; readonly software: Tally; readonly apart: Tally } | undefined;
  /** Why flows are in software, by packets, the most first; control traffic and warm-up left out. */
  readonly reasons: readonly ReasonShare[];
  /** Ports of the datapath that it uses. */
  readonly ports: readonly string[];
  /** Chains whose packets are in these numbers too. */
  readonly sharedWith: readonly string[];
}

export interface SoftwareFlowsQuestion {
  /** Ports of the datapath; empty: all. */
  readonly ports: ReadonlySet<string>;
  /** Empty: all. */
  readonly reasons: ReadonlySet<string>;
  readonly countMax: number;
  /** Whether a dump that is older than this is good enough, ms; a newer one is made where it may be. */
  readonly ageMsMax: number;
  /** Whether to name the OpenFlow rules of the first 16. */
  readonly withRules: boolean;
}

export interface SoftwareFlowsAnswer {
  /** Of the dump, milliseconds since 1970 UTC; undefined: there was none. */
  readonly wallMs: number | undefined;
  readonly cost: ReadingCost | undefined;
  /** The largest first. */
  readonly flows: readonly ExplainedFlow[];
  /** Why there is none, or no newer one. */
  readonly problems: readonly string[];
}

export interface OffloadSource {
  status(): OffloadOverview;
  rows(): readonly OffloadRow[];
  /** What cannot be read now, one sentence each: the rows are then those of before. */
  problems(): readonly string[];
  /** The largest flows in software. May ask for a dump, where one may be made. */
  softwareFlows(question: SoftwareFlowsQuestion, signal: AbortSignal): Promise<SoftwareFlowsAnswer>;
  /** Somebody watches from now on, until the returned function is called: flows are looked at more often. */
  watch(): Unsubscribe;
}

/** What is known of one port or chain. */
export interface ObjectAccount {
  readonly object: ObjectRef;
  readonly conditions: readonly Condition[];
  readonly findings: readonly Finding[];
  /** The newest changes that name it, oldest first. */
  readonly journal: readonly JournalEntry[];
  /** To look further; undefined when the name cannot be written into a command. */
  readonly command: string | undefined;
  /** What the switch shows of a port that is nobody's business here, one sentence each. */
  readonly notes: readonly string[];
  readonly isReady: boolean;
  /** Where its packets are processed, and why not in hardware; decides nothing. Default: nobody looks. */
  readonly rungs?: readonly Rung[] | undefined;
}

export interface PodQuestion {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: all networks. */
  readonly network: string | undefined;
}

/**
 * Answers why; throws AgentError NOT_FOUND for what the agent does not know. A pod that it does not know is explained all the
 * same: the first rung says why it may not be listed, and which pods have a similar name.
 */
export interface Explainer {
  pod(
    question: PodQuestion,
    signal: AbortSignal,
  ): Promise<{ readonly explanation: Explanation; readonly attach: AttachSummary }>;
  port(
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly account: ObjectAccount; readonly pods: readonly Explanation[] }>;
  chain(name: string): ObjectAccount;
  /** Asks the switch; a bridge that does not answer is a problem of the answer. */
  lookAtChain(name: string): Promise<ChainLookAnswer>;
  trace(question: TraceQuestion, signal: AbortSignal): Promise<TraceAnswer>;
}

/** What a chain has counted. */
export interface ChainLookAnswer extends ChainCounts {
  /** Milliseconds since 1970 UTC. */
  readonly wallMs: number;
  readonly problems: readonly string[];
}

export interface TraceQuestion {
  readonly chain: string;
  /** Interface, or `switch/port`; undefined: the first port of the chain. */
  readonly from: string | undefined;
  /** As `dpuctl trace --packet` takes it; undefined: a ping. */
  readonly packet: string | undefined;
}

export interface TraceAnswerPort {
  readonly bridge: string;
  readonly ofport: number;
  readonly name: string | undefined;
  readonly words: string | undefined;
  readonly problem: string | undefined;
  readonly service: string | undefined;
  /** The bridge where the packet is seen next, where the port is a patch port. */
  readonly entersBridge: string | undefined;
}

export interface TraceAnswerHop {
  readonly bridge: string;
  readonly switch: string | undefined;
  readonly enters: TraceAnswerPort | undefined;
  readonly service: string | undefined;
  readonly steps: readonly string[];
  readonly exits: readonly TraceAnswerPort[];
  /** Actions that hand the packet on without saying to which port: `NORMAL`, a controller. */
  readonly opaque: readonly string[];
  readonly death: string | undefined;
}

export interface TraceAnswer {
  readonly fate: 'delivered' | 'partly' | 'dies';
  readonly hops: readonly TraceAnswerHop[];
  /** For a person. */
  readonly text: string;
}

/** What the machine and its software are; what cannot be read is undefined. */
export interface NodeFacts {
  readonly version: string;
  readonly owner: string;
  readonly startedWallMs: number;
  readonly repair: 'on' | 'observe';
  readonly attachMode: 'off' | 'observe' | 'attach';
  readonly runtimeVersion: string;
  readonly hostNodeName: string | undefined;
  /** Absolute; undefined: not told. */
  readonly configFile?: string | undefined;
  readonly stateDir?: string | undefined;
  /** How devices are matched to functions. */
  readonly finder?: 'switchdev' | 'simulated' | undefined;
  readonly machine: MachineFacts;
  readonly ovs: OvsFacts;
  readonly uplinks: readonly UplinkFacts[];
  readonly capabilities: readonly CapabilityFacts[];
}

export type { MachineFacts } from '../model/machine.js';

export interface OvsFacts {
  readonly version: string | undefined;
  readonly schemaVersion: string | undefined;
  readonly dpdkVersion: string | undefined;
  readonly docaVersion: string | undefined;
  readonly isDpdkInitialized: boolean;
  readonly isDocaInitialized: boolean;
  readonly datapathTypes: readonly string[];
  /** Of the bridges: `doca`, `netdev`, `system`, `mixed`; undefined while there is no bridge. */
  readonly engine: string | undefined;
  readonly runDir: string;
}

export interface UplinkFacts {
  readonly name: string;
  readonly port: number;
  readonly hasCarrier: boolean;
  /** Bits per second. */
  readonly speedBps: number | undefined;
  readonly mtu: number;
  readonly mac: string;
}

export interface CapabilityFacts {
  readonly name: 'chains' | 'attach' | 'intents' | 'topology' | 'offload' | 'stats' | 'trace';
  readonly isAvailable: boolean;
  /** Why not. */
  readonly message: string | undefined;
}

export interface NodeSource {
  facts(): Promise<NodeFacts>;
}

/** Counts of the agent's own work since its start. */
export interface TelemetrySource {
  /** Rounds and their phases. */
  readonly loops: () => readonly LoopTelemetry[];
  /** Connections of the protocol clients. */
  readonly sessions: () => readonly SessionTelemetry[];
  /** Differences repaired, by kind of action: `createPort`, `editInterface`, … */
  readonly repairs: () => ReadonlyMap<string, number>;
  /** Flows of the pipeline of chains as last read back, by bridge. */
  readonly flows: () => ReadonlyMap<string, number>;
  /** Entries of the journal, those that are no longer kept included. */
  readonly journal: () => readonly JournalCount[];
}

export interface JournalCount {
  readonly kind: JournalEntry['kind'];
  readonly outcome: JournalEntry['outcome'];
  readonly count: number;
}

export interface LoopTelemetry {
  readonly loop: 'ports' | 'chains' | 'attach';
  readonly rounds: number;
  readonly writes: number;
  /** How long each phase took: `gather`, `plan`, `apply`, and `total` from the event to the answer of who was asked. */
  readonly latency: ReadonlyMap<string, HistogramValues>;
}

/** Counts per bucket, not cumulative; the last is above all bounds. */
export interface HistogramValues {
  readonly boundsSeconds: readonly number[];
  readonly counts: readonly number[];
  readonly sumSeconds: number;
}

export interface SessionTelemetry {
  /** `ovsdb`, `openflow`, `kube`. */
  readonly protocol: string;
  /** Bridge, endpoint or server: few values. */
  readonly peer: string;
  readonly isUp: boolean;
  readonly connects: number;
  readonly failures: number;
}
