/**
 * Supervises hardware offload: gathers what is read of ovs-vswitchd, of the database and of the machine, judges it, writes the
 * declared settings that apply live, and keeps the evidence of what runs in hardware for those who show it. It repairs
 * nothing else and never restarts anything; the loops that attach pods and program chains do not wait for it.
 */

import { setImmediate as turn } from 'node:timers/promises';
import type { PodFacts } from '../attach/attachment-view.js';
import type { ChainView } from '../chain/chain-view.js';
import { AgentError, toError } from '../lib/errors.js';
import type { Clock } from '../lib/clock.js';
import { Trigger } from '../lib/trigger.js';
import type { Finding } from '../model/condition.js';
import type { StringMap } from '../model/ownership.js';
import { Attribution } from '../offload/attribute.js';
import type { EngineEvent } from '../offload/engine-state.js';
import { engineOf } from '../offload/judge-offload.js';
import { objectsOfChains, objectsOfPods, objectsOfPorts, type OffloadObject } from '../offload/offload-objects.js';
import type { OffloadLimits } from '../offload/offload-facts.js';
import { pollLimits } from '../offload/poll-plan.js';
import { OffloadRecord } from '../offload/offload-record.js';
import type { MachineSlowReading, SwitchQuickReading } from '../offload/readings.js';
import type { CheckReport } from '../offload/run-checks.js';
import { TrafficRecord } from '../offload/traffic-record.js';
import type { OffloadSupervision, SoftwareFlowsAnswer, SoftwareFlowsQuestion } from './api-view.js';
import type { JournalChange } from './journal.js';
import { MachinePoller } from './machine-poller.js';
import { MeasurementBook } from './measurement-book.js';
import type { OffloadPortFacts } from './offload-port-view.js';
import { FindingTeller } from './finding-teller.js';
import type { MachineInspector, SettingStore, SwitchInspector } from './offload-ports.js';
import type { DeviceSource, StoreSnapshot, SwitchStore, Unsubscribe } from './ports.js';
import { RuleSearch } from './rule-search.js';
import { SettingWriter } from './setting-writer.js';
import { answerSoftwareFlows } from './software-flows.js';
import { SwitchPoller, type FlowPolicy } from './switch-poller.js';

/** What ovs-vswitchd counted for its interfaces, as it wrote it into the database last. */
export interface InterfaceTotals {
  /**
   * Monotonic ms at which counters of any interface changed last: a change of another column says nothing of when ovs-vswitchd
   * counted. Undefined: they were not seen to change.
   */
  readonly atMs: number | undefined;
  /** Received and sent, by name of the interface. */
  readonly packets: ReadonlyMap<string, number>;
  /** Packets that exceeded the MTU, by name; only of those that count them. */
  readonly mtuDrops: ReadonlyMap<string, number>;
}

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
/** Everything is judged at most this often, ms … */
const judgeMs = 1_000;
/** … and after a rest of so many times what it took: with a thousand ports that is milliseconds, many times a minute. */
const judgeRest = 200;
/** How often the counters that ovs-vswitchd writes into the database are looked at, ms: it writes them every 5 s. */
const totalsMs = 5_000;
/** Nothing is written on an older look at what the platform does, ms. */
const platformMsMax = 5_000;
/** Fewer packets than this prove nothing of a single port; the threshold of the configuration is for the whole node. */
const portPacketsMin = 200;
/** For how many times the time between two dumps the newest one speaks. */
const flowPeriods = 3;
/** other_config:stats-update-interval where it is not set, and at least, ms (vswitchd.conf.db(5)). */
const statisticsMsMin = 5_000;
/** other_config:offloaded-stats-delay where it is not set, ms (ovs-vswitchd.conf.db(5)). */
const statsDelayMs = 2_000;

export class OffloadSupervisor {
  readonly #parts: OffloadSupervisorParts;
  readonly #writer: SettingWriter;
  readonly #record: OffloadRecord;
  readonly #traffic: TrafficRecord;
  readonly #book = new MeasurementBook();
  readonly #teller: FindingTeller;
  readonly #switch: SwitchPoller;
  readonly #machine: MachinePoller;
  readonly #rules: RuleSearch;
  readonly #follow: Trigger;
  readonly #judge: Trigger;
  /** When everything may be judged again, monotonic ms. */
  #restedAtMs = 0;
  readonly #counters: Trigger;
  #policy: OffloadPolicy;
  #unsubscribe: readonly Unsubscribe[] = [];
  #seen: StoreSnapshot | undefined;
  #isGapless = false;
  #pid: number | undefined;
  /** Of the ovs-vswitchd that answers: another one counts from zero. */
  #life: string | undefined;
  #totalsAtMs: number | undefined;
  #report: CheckReport | undefined;
  #objects: readonly OffloadObject[] = [];
  /** What the platform was found to do last, and when; undefined: nobody has looked yet. */
  #platform: { readonly value: MachineSlowReading['platform']; readonly atMs: number } | undefined;
  #attribution = new Attribution({ objects: [], isWhole: false, counters: () => undefined });

  constructor(parts: OffloadSupervisorParts, policy: OffloadPolicy) {
    const { clock, inspector, machine, onBug } = parts;
    this.#parts = parts;
    this.#policy = policy;
    const { settings: declared, limits, owner } = policy;
    this.#record = new OffloadRecord({ declared, limits, owner, nowMs: clock.nowMs() });
    this.#traffic = new TrafficRecord({
      ratioPacketsMin: Math.min(limits.ratioPacketsMin, portPacketsMin),
      delayMs: millisecondsIn(undefined, statsDelayMs),
    });
    this.#teller = new FindingTeller(parts.onFindings);
    this.#writer = new SettingWriter({
      store: parts.store,
      clock,
      onJournal: parts.onJournal,
      onCommitted: (edits) => this.#record.noteCommitted(edits),
      isCalm: (signal) => this.#isPlatformCalm(signal),
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
      onQuick: (reading) => {
        this.#book.read('machine', reading);
        this.#record.noteMachine(reading);
        this.#traffic.noteDevices(reading);
        this.#judgeSoon();
      },
      onSlow: (reading) => {
        this.#book.read('tools', reading);
        this.#platform = { value: reading.platform, atMs: reading.readAtMs };
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
    this.#counters = new Trigger({ clock, gatherMs: totalsMs, work: () => this.#followCounters(), onError: onBug });
    this.#judge = new Trigger({ clock, gatherMs: judgeMs, work: () => this.#judgeAll(), onError: onBug });
  }

  start(): void {
    const { store, devices } = this.#parts;
    const onDatabase = (): void => {
      // Until it is in sync again, changes pass unseen.
      if (store.state().kind !== 'synced') this.#isGapless = false;
      this.#follow.fire();
    };
    this.#unsubscribe = [store.onChange(onDatabase), devices.onChange(() => this.#judgeSoon())];
    this.#follow.fire();
    this.#counters.fire();
    this.#switch.start();
    this.#machine.start();
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all(
      [this.#follow, this.#judge, this.#counters, this.#switch, this.#machine].map((part) => part.close()),
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
    return this.#attribution;
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
    return this.#report?.waiting;
  }

  /** Undefined before the first look. */
  supervision(): OffloadSupervision | undefined {
    const report = this.#report;
    if (report === undefined) return undefined;
    const record = this.#record;
    return {
      settings: record.settings(),
      restart: record.restart(),
      findings: this.#findings(report),
      clear: report.clear,
      notTestable: report.notTestable,
      datapaths: record.datapaths().map(({ name, flows, flowLimit, flowLimitConfigured, offloaded, dumpMs }) => ({
        ...{ name, flows, flowLimit, flowLimitConfigured, dumpMs },
        offloadedByOvs: offloaded,
      })),
      tiers: this.#traffic.tiers(),
      reasons: this.#traffic.reasons(),
      measurements: this.#book.states(this.#parts.inspector.busyMs()),
      slowdown: this.#switch.slowdown,
      flowsRefusal: this.#switch.refusal,
      hugePages: record.hugePages(),
      connections: record.connections(),
      insertion: record.insertion(),
      representors: record.representors(),
      packets: this.#traffic.packets(),
    };
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
    this.#life = `${reading.life.pid}/${reading.life.startedMs}`;
    this.#record.noteQuick(reading);
    this.#traffic.noteQuick(reading);
    this.#noteTotals();
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

  /** Also who takes settings back: that is seen by writing alone. */
  #findings({ findings }: CheckReport): CheckReport['findings'] {
    return [...findings, ...this.#writer.findings()];
  }

  /** What was read may allow an edit, and is to be judged. */
  #lookAgain(): void {
    this.#follow.fire();
    this.#judgeSoon();
  }

  #noteTotals(): void {
    const totals = this.#parts.totals();
    if (totals?.atMs === undefined || totals.atMs === this.#totalsAtMs) return;
    this.#totalsAtMs = totals.atMs;
    if (this.#life !== undefined) this.#traffic.noteInterfaces(totals.packets, this.#life, totals.atMs);
    this.#record.noteStatistics(totals.mtuDrops, totals.atMs);
  }

  /** What was counted so far is of an ovs-vswitchd that is gone, and so is what stands in the database. */
  #forgetTraffic(): void {
    this.#life = undefined;
    this.#totalsAtMs = this.#parts.totals()?.atMs;
    this.#traffic.noteRestart();
  }

  // Asynchronous, so that what it throws is told as the failure of one look, and the next look is made all the same.
  async #followCounters(): Promise<void> {
    try {
      this.#noteTotals();
    } finally {
      this.#counters.fireWithin(totalsMs + 1);
    }
    await Promise.resolve();
  }

  /** Whether the platform leaves the card alone now: read anew where the last look is too old to write on. */
  async #isPlatformCalm(signal: AbortSignal): Promise<boolean> {
    const { clock, machine } = this.#parts;
    const startMs = clock.nowMs();
    if (this.#platform === undefined || startMs - this.#platform.atMs > platformMsMax) {
      this.#platform = { value: await machine.readPlatform(signal), atMs: startMs };
    }
    const { value } = this.#platform;
    return value.kind === 'unknown' || value.value !== 'running';
  }

  /** Interfaces of the switch that may have a device of the kernel. */
  #deviceNames(): ReadonlySet<string> {
    const known = this.#parts.devices.snapshot();
    const names = [...(this.#seen?.ports.values() ?? [])].flatMap(({ interfaces }) =>
      interfaces.flatMap(({ name, type }) => (type === 'patch' || type === 'internal' ? [] : [name])),
    );
    return new Set(names.filter((name) => known?.has(name) === true));
  }

  /** Follows settings and ports, and writes what is to be written. */
  async #followDatabase(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#parts;
    const snapshot = store.snapshot();
    this.#record.noteSwitch(snapshot, this.#isGapless && snapshot !== undefined, clock.nowMs());
    if (snapshot !== this.#seen) this.#judgeSoon();
    this.#isGapless = snapshot !== undefined;
    this.#seen = snapshot;
    for (const event of this.#record.takeEvents()) this.#tellEngine(event);
    if (snapshot === undefined || this.#policy.mode !== 'apply' || !store.isWriter()) return;
    // While the platform sets the card up, it restarts ovs-vswitchd and writes the same keys.
    if (this.#platform === undefined || this.#report === undefined || this.#report.waiting !== undefined) return;
    const againMs = await this.#writer.write(this.#record.edits(), signal);
    if (againMs !== undefined) this.#follow.fireWithin(Math.max(againMs, gatherMs + 1));
  }

  /** As soon as the last judgement has had its rest. */
  #judgeSoon(): void {
    this.#judge.fireWithin(Math.max(judgeMs, this.#restedAtMs - this.#parts.clock.nowMs()));
  }

  async #judgeAll(): Promise<void> {
    const { clock } = this.#parts;
    let tookMs = 0;
    const timed = (work: () => void): void => {
      const startMs = clock.nowMs();
      work();
      tookMs += clock.nowMs() - startMs;
    };
    try {
      timed(() => this.#attributeAll());
      // What answers others has its turn between the two: with a thousand ports each takes milliseconds.
      await turn();
      timed(() => this.#reportAll());
    } finally {
      this.#restedAtMs = clock.nowMs() + Math.min(tookMs * judgeRest, 10 * judgeMs);
      // Some findings come with time alone: what waits, lags or is broken for too long.
      this.#judge.fireWithin(10 * judgeMs);
    }
  }

  #attributeAll(): void {
    const { clock, devices, pods, chains } = this.#parts;
    const nowMs = clock.nowMs();
    const netdevs = devices.snapshot();
    this.#record.noteDevices(netdevs, nowMs);
    this.#noteTotals();
    const { root, bridges, ports } = this.#seen ?? {};
    if (root !== undefined && bridges !== undefined && ports !== undefined) {
      this.#traffic.setDelay(millisecondsIn(root.otherConfig.get('offloaded-stats-delay'), statsDelayMs));
      this.#traffic.setFlowsAge(flowPeriods * pollLimits.unwatchedMs * this.#switch.slowdown);
      this.#traffic.setStatistics(statisticsMsIn(root.otherConfig.get('stats-update-interval')));
      const named = [...ports.values()].flatMap(({ bridge, interfaces }) => {
        const datapathType = bridges.get(bridge)?.datapathType ?? '';
        const about = { engine: engineOf(datapathType, root), datapathType: datapathType || 'system' };
        return interfaces.map(({ name }) => ({ name, ...about, isUplink: netdevs?.get(name)?.kind === 'uplink' }));
      });
      this.#traffic.setPorts(named);
      this.#objects = [
        ...objectsOfPorts(named.map(({ name }) => name)),
        ...objectsOfPods(pods()),
        ...objectsOfChains(chains()),
      ];
    }
    // Also of objects of before, while the database cannot be read: what was measured of them grows old.
    this.#attribution = this.#traffic.attribute(this.#objects, nowMs);
  }

  #reportAll(): void {
    const { clock } = this.#parts;
    const nowMs = clock.nowMs();
    this.#record.noteTraffic(this.#traffic.traffic(nowMs));
    const wasWaiting = this.#report === undefined || this.#report.waiting !== undefined;
    this.#record.noteBusy(this.#parts.inspector.busyMs());
    this.#report = this.#record.report(nowMs);
    if (wasWaiting && this.#report.waiting === undefined) this.#follow.fire();
    this.#teller.tell(this.#findings(this.#report), nowMs, clock.wallMs());
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

/** How often Interface.statistics are written, ms: never more often than by default (run_stats_update of bridge.c). */
function statisticsMsIn(text: string | undefined): number {
  const value = Number(text ?? '');
  return Number.isSafeInteger(value) ? Math.max(value, statisticsMsMin) : statisticsMsMin;
}

/** A time in a column, ms; the default where it is absent or makes no sense. */
function millisecondsIn(text: string | undefined, defaultMs: number): number {
  const value = Number(text ?? '');
  return text !== undefined && Number.isInteger(value) && value >= 0 && value <= 3_600_000 ? value : defaultMs;
}
