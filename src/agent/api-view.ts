/**
 * What the API (gRPC, HTTP) reads of the agent and may ask of it, as interfaces: wired in `src/app`, implemented in `agent` and
 * `adapters`, faked in tests by a few lines. Types only. Nothing here may block the reconcile loops.
 */

import type { AttachSummary, Explanation } from '../attach/ladder.js';
import type { PodFacts } from '../attach/attachment-view.js';
import type { ChainCounts } from '../chain/count-chain.js';
import type { Condition, Finding, ObjectRef } from '../model/condition.js';
import type { MachineFacts } from '../model/machine.js';
import type { OffloadStatus, OffloadVerdict } from '../offload/offload.js';
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

export interface OffloadRow {
  readonly key: string;
  readonly kind: 'port' | 'attachment' | 'chain';
  readonly name: string;
  readonly interface: string;
  readonly verdict: OffloadVerdict;
  /** Stable code. */
  readonly reason: string;
  readonly message: string;
}

export interface OffloadSource {
  status(): OffloadStatus;
  rows(): readonly OffloadRow[];
  /** What cannot be read now, one sentence each: the rows are then those of before. */
  problems(): readonly string[];
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
