/**
 * Supervises hardware offload: gathers what is read of ovs-vswitchd, of the database and of the machine, judges it, writes the
 * declared settings that apply live, and keeps the evidence of what runs in hardware for those who show it. It repairs
 * nothing else and never restarts anything; the loops that attach pods and program chains do not wait for it.
 */

import type { PodFacts } from '../attach/attachment-view.js';
import type { ChainView } from '../chain/chain-view.js';
import { AgentError, toError } from '../lib/errors.js';
import type { Clock } from '../lib/clock.js';
import { Trigger } from '../lib/trigger.js';
import type { Finding } from '../model/condition.js';
import type { StringMap } from '../model/ownership.js';
import type { Attribution } from '../offload/attribute.js';
import type { EngineEvent } from '../offload/engine-state.js';
import type { OffloadLimits } from '../offload/offload-facts.js';
import { OffloadRecord } from '../offload/offload-record.js';
import type { SwitchQuickReading } from '../offload/readings.js';
import { offloadedDelayMsDefault } from '../offload/statistics-timing.js';
import { SwitchPorts } from '../offload/switch-ports.js';
import { statisticsMsIn } from '../offload/statistics-timing.js';
import { TrafficRecord } from '../offload/traffic-record.js';
import type { OffloadSupervision, SoftwareFlowsAnswer, SoftwareFlowsQuestion } from './api-view.js';
import type { JournalChange } from './journal.js';
import { MachinePoller } from './machine-poller.js';
import { MeasurementBook } from './measurement-book.js';
import { OffloadJudge } from './offload-judge.js';
import type { OffloadPortFacts } from './offload-port-view.js';
import type { MachineInspector, SettingStore, SwitchInspector } from './offload-ports.js';
import { PlatformWatch } from './platform-watch.js';
import type { DeviceSource, StoreSnapshot, SwitchStore, Unsubscribe } from './ports.js';
import { RuleSearch } from './rule-search.js';
import { SettingWriter } from './setting-writer.js';
import { answerSoftwareFlows } from './software-flows.js';
import { supervisionView } from './supervision-view.js';
import { SwitchPoller, type FlowPolicy } from './switch-poller.js';
import { TotalsWatch, type InterfaceTotals } from './totals-watch.js';

export interface OffloadSupervisorParts {
  readonly store: SwitchStore & SettingStore;
  readonly devices: DeviceSource;
  readonly inspector: SwitchInspector;
  readonly machine: MachineInspector;
  /** Undefined: nothing was told yet. */
  readonly totals: () => InterfaceTotals | undefined;
  readonly pods: () => readonly PodFacts[];
  /** The chains in force. */
  readonly chains: () => readonly ChainView[];
  readonly clock: Clock;
  /** All findings of now. */
  readonly onFindings: (findings: readonly Finding[], wallMs: number) => void;
  readonly onJournal: (entry: JournalChange) => void;
  readonly onBug: (error: unknown) => void;
}

/** What the configuration says. */
export interface OffloadPolicy {
  /** `observe`: nothing is written. */
  readonly mode: 'observe' | 'apply';
  readonly owner: string;
  readonly flows: FlowPolicy;
  readonly settings: StringMap;
  readonly limits: OffloadLimits;
}

/** Events of the database are gathered for so long, ms: settings are followed key by key, and a burst of ports is one look. */
const gatherMs = 50;
/** An ovs-vswitchd that has answered within this time, ms, … */
const answeredMsMax = 15_000;
/** … and writes its counters at least this often, ms, would have told what passes. */
const countedMsMax = 10_000;
/** Fewer packets than this prove nothing of a single port; the threshold of the configuration is for the whole node. */
const portPacketsMin = 200;

export class OffloadSupervisor {
  readonly #parts: OffloadSupervisorParts;
  readonly #writer: SettingWriter;
  readonly #record: OffloadRecord;
  readonly #traffic: TrafficRecord;
  readonly #book = new MeasurementBook();
  readonly #switch: SwitchPoller;
  readonly #machine: MachinePoller;
  readonly #rules: RuleSearch;
  readonly #ports = new SwitchPorts();
  readonly #totals: TotalsWatch;
  readonly #platform: PlatformWatch;
  readonly #judge: OffloadJudge;
  readonly #follow: Trigger;
  #policy: OffloadPolicy;
  #unsubscribe: readonly Unsubscribe[] = [];
  #seen: StoreSnapshot | undefined;
  #isGapless = false;
  #pid: number | undefined;
  /** When ovs-vswitchd answered last, monotonic ms. */
  #answeredAtMs = -Infinity;

  constructor(parts: OffloadSupervisorParts, policy: OffloadPolicy) {
    const { clock, inspector, machine, onBug } = parts;
    this.#parts = parts;
    this.#policy = policy;
    const { settings: declared, limits, owner } = policy;
    this.#record = new OffloadRecord({ declared, limits, owner, nowMs: clock.nowMs() });
    this.#traffic = new TrafficRecord({
      ratioPacketsMin: Math.min(limits.ratioPacketsMin, portPacketsMin),
      delayMs: offloadedDelayMsDefault,
    });
    this.#platform = new PlatformWatch(machine, clock);
    this.#writer = new SettingWriter({
      store: parts.store,
      clock,
      onJournal: parts.onJournal,
      onCommitted: (edits) => this.#record.noteCommitted(edits),
      isCalm: (signal) => this.#platform.isCalm(signal),
    });
    this.#switch = new SwitchPoller({
      inspector,
      clock,
      flows: policy.flows,
      context: (datapath) => this.#record.context(datapath),
      onQuick: (reading) => this.#quick(reading),
      onSlow: (reading) => {
        this.#book.read('slow', reading);
        this.#record.noteSlow(reading);
        this.#lookAgain();
      },
      onFlows: (reading) => {
        this.#book.read('flows', reading);
        this.#traffic.noteFlows(reading);
        this.#lookAgain();
      },
      onRestart: () => this.#forgetTraffic(),
      onFailed: (name, error) => this.#failed(name, error),
      onBug,
    });
    this.#rules = new RuleSearch({
      inspector,
      clock,
      onRead: (reading) => this.#book.read('rules', reading),
      onFailed: (error) => this.#book.failed('rules', error),
    });
    this.#machine = new MachinePoller({
      inspector: machine,
      clock,
      pid: () => this.#pid,
      devices: () => this.#deviceNames(),
      countMark: () => this.#countMark(),
      onQuick: (reading) => {
        this.#book.read('machine', reading);
        this.#record.noteMachine(reading);
        this.#traffic.noteDevices(reading);
        this.#judge.soon();
      },
      onSlow: (reading) => {
        this.#book.read('tools', reading);
        this.#platform.note(reading);
        this.#record.noteTools(reading);
        this.#lookAgain();
      },
      onFailed: (name, error) => {
        this.#book.failed(name, error);
        this.#record.noteUnreadable(name, toError(error).message);
        this.#lookAgain();
      },
      onBug,
    });
    this.#follow = new Trigger({ clock, gatherMs, work: (signal) => this.#followDatabase(signal), onError: onBug });
    this.#totals = new TotalsWatch({
      ...{ clock, onBug, totals: parts.totals },
      onCount: ({ packets, mtuDrops }, life, atMs) => {
        if (life !== undefined) this.#traffic.noteInterfaces(packets, life, atMs);
        this.#record.noteStatistics(mtuDrops, atMs);
      },
    });
    this.#judge = new OffloadJudge({
      ...{ record: this.#record, traffic: this.#traffic, ports: this.#ports },
      ...{ clock, onBug, devices: parts.devices, pods: parts.pods, chains: parts.chains },
      seen: () => this.#seen,
      takeTotals: () => this.#totals.look(),
      busyMs: () => inspector.busyMs(),
      slowdown: () => this.#switch.slowdown,
      // Who takes settings back is seen by writing alone.
      others: () => this.#writer.findings(),
      onFindings: parts.onFindings,
      onReady: () => this.#follow.fire(),
    });
  }

  start(): void {
    const { store, devices } = this.#parts;
    const onDatabase = (): void => {
      // Until it is in sync again, changes pass unseen.
      if (store.state().kind !== 'synced') this.#isGapless = false;
      this.#follow.fire();
    };
    this.#unsubscribe = [store.onChange(onDatabase), devices.onChange(() => this.#judge.soon())];
    this.#follow.fire();
    this.#totals.start();
    this.#switch.start();
    this.#machine.start();
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all(
      [this.#follow, this.#judge, this.#totals, this.#switch, this.#machine].map((part) => part.close()),
    );
    this.#parts.inspector.close();
  }

  /** Takes over what a new configuration declares and limits; the rest of the policy holds from the start. */
  replace({ settings, limits }: Pick<OffloadPolicy, 'settings' | 'limits'>): void {
    this.#policy = { ...this.#policy, settings, limits };
    this.#record.setDeclared(settings, limits);
    this.#lookAgain();
  }

  /** The evidence of the newest look. */
  evidence(): Attribution {
    return this.#judge.attribution;
  }

  engine(): ReturnType<OffloadRecord['engine']> {
    return this.#record.engine();
  }

  isInEffect(): { readonly value: boolean | undefined; readonly basis: string } {
    return this.#record.isInEffect();
  }

  /** What is known of the ports of a datapath. */
  portFacts(datapathType: string): OffloadPortFacts {
    return { port: this.#record.context(datapathType).port, providers: this.#record.providers() };
  }

  /** Why nothing is judged yet; undefined: it is. */
  waiting(): string | undefined {
    return this.#judge.waiting;
  }

  /** Undefined before the first look. */
  supervision(): OffloadSupervision | undefined {
    const report = this.#judge.report();
    if (report === undefined) return undefined;
    return supervisionView({
      ...{ record: this.#record, traffic: this.#traffic, report, poller: this.#switch },
      measurements: this.#book.states(this.#parts.inspector.busyMs()),
    });
  }

  watch(): Unsubscribe {
    return this.#switch.watch();
  }

  async softwareFlows(question: SoftwareFlowsQuestion, signal: AbortSignal): Promise<SoftwareFlowsAnswer> {
    const newest = this.#traffic.newestFlows();
    const isFresh = newest !== undefined && this.#parts.clock.wallMs() - newest.wallMs <= question.ageMsMax;
    const problem = isFresh ? undefined : await this.#switch.requestFlows(signal);
    const trouble = this.#book.states().find(({ name }) => name === 'flows')?.problem;
    const problems = [problem, isFresh ? undefined : trouble].filter((text) => text !== undefined);
    const dump = this.#traffic.newestFlows();
    return answerSoftwareFlows(question, dump, problems, this.#rules, signal);
  }

  #quick(reading: SwitchQuickReading): void {
    this.#book.read('quick', reading);
    this.#pid = reading.life.pid;
    this.#answeredAtMs = reading.readAtMs;
    this.#totals.noteLife(reading.life);
    this.#record.noteQuick(reading);
    this.#traffic.noteQuick(reading);
    this.#totals.look();
    this.#lookAgain();
  }

  #failed(name: 'quick' | 'slow' | 'flows', error: unknown): void {
    this.#book.failed(name, error);
    const why = toError(error).message;
    if (error instanceof AgentError && error.code === 'NOT_CONNECTED') {
      this.#record.noteNoDaemon(why, this.#parts.clock.nowMs());
      this.#pid = undefined;
      this.#forgetTraffic();
    } else if (name !== 'flows') this.#record.noteUnreadable(name, why);
    this.#lookAgain();
  }

  /** What was read may allow an edit, and is to be judged. */
  #lookAgain(): void {
    this.#follow.fire();
    this.#judge.soon();
  }

  /** What was counted so far is of an ovs-vswitchd that is gone, and so is what stands in the database. */
  #forgetTraffic(): void {
    this.#totals.noteGone();
    this.#traffic.noteRestart();
  }

  /** Interfaces of the switch that have a device of the kernel. */
  #deviceNames(): ReadonlySet<string> {
    const netdevs = this.#parts.devices.snapshot();
    return this.#seen === undefined ? new Set() : this.#ports.view(this.#seen, netdevs).devices;
  }

  /** As long as this is the same, no packet has passed a port; undefined: that is not known. */
  #countMark(): string | undefined {
    const { clock, store } = this.#parts;
    const otherConfig = this.#seen?.root.otherConfig;
    // One that is stopped or busy counts nothing while the kernel goes on.
    const isCounting = clock.nowMs() - this.#answeredAtMs <= answeredMsMax && store.state().kind === 'synced';
    const isFollowed = otherConfig !== undefined && statisticsMsIn(otherConfig) <= countedMsMax;
    return isCounting && isFollowed ? this.#totals.mark : undefined;
  }

  /** Follows settings and ports, and writes what is to be written. */
  async #followDatabase(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#parts;
    const snapshot = store.snapshot();
    this.#record.noteSwitch(snapshot, this.#isGapless && snapshot !== undefined, clock.nowMs());
    if (snapshot !== this.#seen) this.#judge.soon();
    this.#isGapless = snapshot !== undefined;
    this.#seen = snapshot;
    for (const event of this.#record.takeEvents()) this.#tellEngine(event);
    if (snapshot === undefined || this.#policy.mode !== 'apply' || !store.isWriter()) return;
    // While the platform sets the card up, it restarts ovs-vswitchd and writes the same keys.
    if (!this.#platform.isSeen || !this.#judge.isReady) return;
    const againMs = await this.#writer.write(this.#record.edits(), signal);
    if (againMs !== undefined) this.#follow.fireWithin(Math.max(againMs, gatherMs + 1));
  }

  #tellEngine({ message, isRegress, to }: EngineEvent): void {
    this.#parts.onJournal({
      wallMs: this.#parts.clock.wallMs(),
      kind: 'event',
      summary: message,
      details: isRegress ? ['It does less than the one before.', ...to.basis] : to.basis,
      outcome: 'applied',
      message: undefined,
      tookMs: 0,
    });
  }
}
