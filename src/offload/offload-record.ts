/**
 * Everything that was seen of offload, folded into facts, settings and a report. Pure state: readings come in as they are made,
 * in any order, and what is asked is answered from what is known by then. A reading that fails takes nothing away until what
 * was read before is too old; a reading of an ovs-vswitchd that is gone says nothing of the one that runs.
 */

import { known, unknown, type Fact } from '../model/fact.js';
import type { Netdev, NetdevMap } from '../model/netdev.js';
import type { ObservedBridge, ObservedPort, ObservedRoot } from '../model/observed.js';
import type { StringMap } from '../model/ownership.js';
import { effectiveValue, type Effective } from './effective-settings.js';
import { engineOfType, type EngineEvent, type EngineView } from './engine-state.js';
import type { TierContext } from './flow-tier.js';
import type {
  BridgeFacts,
  ConnectionFacts,
  HugePageFacts,
  InterfaceFacts,
  OffloadFacts,
  OffloadLimits,
  ProcessFacts,
  TrafficFacts,
  UpcallFacts,
} from './offload-facts.js';
import type {
  InsertionReading,
  MachineQuickReading,
  MachineSlowReading,
  SwitchQuickReading,
  SwitchSlowReading,
} from './readings.js';
import { allConnections, hardwareConnections } from './record/connection-tables.js';
import { EngineWatch } from './record/engine-watch.js';
import { InterfaceList } from './record/interface-list.js';
import { JudgedSettings, numberInForce, type JudgeInput } from './record/judged-settings.js';
import { lastingValue } from './record/lasting-value.js';
import { parseProcessStatistics, residentOf } from './record/life-watch.js';
import { commonMode, MachineReadings } from './record/machine-readings.js';
import { countRepresentors, type RepresentorCounts } from './record/representor-counts.js';
import { initOf, RootWatch } from './record/root-watch.js';
import { evidenceOf } from './record/settings-evidence.js';
import { SettingsWatch } from './record/settings-watch.js';
import { makeContext } from './record/software-context.js';
import { SwitchReadings } from './record/switch-readings.js';
import { datapathTypesOf } from './preflight.js';
import type { RestartAdvice } from './restart-advice.js';
import { runOffloadChecks, type CheckReport } from './run-checks.js';
import { settingRule } from './setting-rules.js';
import type { LiveEdit, SettingResult } from './setting-verdicts.js';
import type { SoftwareContext } from './software-reason.js';

/** The database of Open vSwitch, as far as it is looked at. */
export interface ObservedSwitch {
  readonly root: ObservedRoot;
  readonly bridges: ReadonlyMap<string, ObservedBridge>;
  readonly ports: ReadonlyMap<string, ObservedPort>;
}

export interface RecordOptions {
  /** Settings key by key, as the configuration says. */
  readonly declared: StringMap;
  readonly limits: OffloadLimits;
  /** The agent's own mark on rows. */
  readonly owner: string;
  /** When somebody began to look, monotonic ms. */
  readonly nowMs: number;
}

/** A datapath, with the limit of flows that the configuration of Open vSwitch asks for. */
export type DatapathFacts = UpcallFacts & { readonly flowLimitConfigured: number };

const notReadable = {
  kind: 'unknown',
  why: 'the database of Open vSwitch cannot be read',
} as const;
/** ovs-vswitchd may need so long to make the datapath of another type and to drop the old one, ms. */
const typesTakenMs = 5_000;
const notWritten = unknown('ovs-vswitchd has just started, and has not said yet what it initialised');
const noEngines: EngineView['engines'] = new Set();

export class OffloadRecord {
  readonly #startMs: number;
  #declared: StringMap;
  #limits: OffloadLimits;
  /** The newest time that was told, monotonic ms. */
  #nowMs: number;
  readonly #switch: SwitchReadings;
  readonly #machine = new MachineReadings();
  readonly #settings = new SettingsWatch();
  readonly #judged = new JudgedSettings();
  readonly #engine = new EngineWatch();
  readonly #root = new RootWatch();
  readonly #interfaces: InterfaceList;
  #seen: ObservedSwitch | undefined;
  #bridges: Fact<readonly BridgeFacts[]> = notReadable;
  #devices: NetdevMap | undefined;
  #netdevs: Fact<readonly Netdev[]> = unknown('the devices were not read yet');
  /** datapath_type of the bridges as last seen, each once, and when they changed, monotonic ms. */
  #types: string | undefined;
  #typesChangedAtMs: number | undefined;
  #busyMs: number | undefined;
  #traffic: Fact<TrafficFacts> = unknown('no traffic was measured yet');
  #eswitchMode: Fact<string> = commonMode(this.#machine.eswitchModes);

  constructor({ declared, limits, owner, nowMs }: RecordOptions) {
    this.#declared = declared;
    this.#limits = limits;
    this.#startMs = nowMs;
    this.#nowMs = nowMs;
    this.#switch = new SwitchReadings(limits.residentWindowMsMin);
    this.#interfaces = new InterfaceList(owner);
  }

  setDeclared(declared: StringMap, limits: OffloadLimits): void {
    this.#declared = declared;
    this.#limits = limits;
  }

  /**
   * @param seen undefined: the database cannot be read
   * @param isGapless every change since the call before was seen
   */
  noteSwitch(seen: ObservedSwitch | undefined, isGapless: boolean, nowMs: number): void {
    this.#pass(nowMs);
    const isSame = seen !== undefined && seen === this.#seen && isGapless;
    this.#seen = seen;
    if (seen !== undefined) {
      this.#root.note(seen.root, nowMs);
      this.#interfaces.notePorts(seen.ports, nowMs);
    }
    // It is also told when nothing has changed.
    if (isSame) return;
    this.#bridges = seen === undefined ? notReadable : known([...seen.bridges.values()].map(bridgeFacts));
    this.#noteTypes(nowMs);
    const root = seen?.root;
    this.#settings.noteStored(root?.otherConfig, root ?? { curCfg: 0, nextCfg: 0 }, isGapless, nowMs);
    this.#observeEngine();
    this.#observeSettings();
  }

  noteDevices(devices: NetdevMap | undefined, nowMs: number): void {
    this.#pass(nowMs);
    if (devices === undefined || devices === this.#devices) return;
    this.#devices = devices;
    this.#interfaces.noteDevices(devices, nowMs);
    this.#netdevs = known([...devices.values()]);
  }

  /** @param mtuDrops packets that exceeded the MTU since it was counted, by name of the interface */
  noteStatistics(mtuDrops: ReadonlyMap<string, number>, atMs: number): void {
    this.#pass(atMs);
    this.#interfaces.noteDrops(mtuDrops, atMs);
  }

  noteQuick(reading: SwitchQuickReading): void {
    this.#noteLife(reading, this.#switch.noteQuick(reading));
  }

  noteSlow(reading: SwitchSlowReading): void {
    this.#noteLife(reading, this.#switch.noteSlow(reading));
  }

  /** No ovs-vswitchd runs. */
  noteNoDaemon(why: string, nowMs: number): void {
    this.#pass(nowMs);
    this.#switch.noteNone(why, nowMs);
    this.#settings.noteNone(nowMs);
    this.#interfaces.clearCounters();
    this.#observeSettings();
  }

  noteMachine(reading: MachineQuickReading): void {
    this.#pass(reading.readAtMs);
    this.#machine.noteQuick(reading);
    this.#switch.life.noteProcess(reading);
  }

  noteTools(reading: MachineSlowReading): void {
    this.#pass(reading.readAtMs);
    this.#machine.noteTools(reading);
    this.#eswitchMode = commonMode(this.#machine.eswitchModes);
    this.#observeEngine();
  }

  /** The newest try to read failed; what was read before holds until it is too old. */
  noteUnreadable(name: 'quick' | 'slow' | 'machine' | 'tools', why: string): void {
    if (name === 'quick') this.#switch.quick.failed(why);
    else if (name === 'slow') this.#switch.slow.failed(why);
    else if (name === 'machine') this.#machine.quick.failed(why);
    else {
      this.#machine.toolsFailed(why);
      this.#observeEngine();
    }
  }

  /** @param busyMs for how long ovs-vswitchd has had a question and has not answered; undefined: it has none */
  noteBusy(busyMs: number | undefined): void {
    this.#busyMs = busyMs;
  }

  noteTraffic(traffic: Fact<TrafficFacts>): void {
    this.#traffic = traffic;
  }

  /** The agent has written these edits in one transaction. */
  noteCommitted(edits: readonly LiveEdit[]): void {
    this.#settings.noteCommitted(edits);
  }

  /** Changes of the engine since it was asked last. */
  takeEvents(): readonly EngineEvent[] {
    return this.#engine.takeEvents();
  }

  /** Empty while the database cannot be read, and until it is known whether an ovs-vswitchd runs. */
  settings(): readonly SettingResult[] {
    return this.#seen === undefined ? [] : this.#judged.results(this.#judgeInput());
  }

  /** What may be written now, in one transaction. */
  edits(): readonly LiveEdit[] {
    return this.#seen === undefined ? [] : this.#judged.edits(this.#judgeInput());
  }

  /** Undefined: no setting waits for a restart. */
  restart(): RestartAdvice | undefined {
    const upcalls = this.#switch.quick.fresh(this.#nowMs)?.upcalls;
    const flows = upcalls?.kind === 'known' ? Math.max(0, ...upcalls.value.map((dp) => dp.flows)) : undefined;
    if (this.#seen === undefined) return undefined;
    return this.#judged.restart(this.#judgeInput(), this.#engine.view?.kind ?? 'unknown', flows);
  }

  /** Of the last look at a database that could be read. */
  engine(): EngineView | undefined {
    return this.#engine.view;
  }

  /** Whether hw-offload is in effect in the ovs-vswitchd that runs; undefined: nothing proves it. */
  isInEffect(): { readonly value: boolean | undefined; readonly basis: string } {
    const effective = this.#effective('hw-offload');
    if (effective.kind === 'unknown') return { value: undefined, basis: effective.why };
    return { value: effective.value === 'true', basis: effective.basis };
  }

  /** Everything that is known at `nowMs`. */
  facts(nowMs: number): OffloadFacts {
    this.#pass(nowMs);
    const seen = this.#seen;
    return {
      boot: this.#machine.boot(this.#startMs, nowMs),
      root: seen === undefined ? notReadable : known(this.#root.facts(seen.root, nowMs)),
      bridges: this.#bridges,
      interfaces: this.#interfaceFacts(nowMs),
      engine: this.#engine.facts(),
      settings: this.#settingFacts(),
      process: this.#processFacts(nowMs),
      devices: this.#netdevs,
      ...this.#typesChanged(nowMs),
      ...(this.#busyMs === undefined ? {} : { busyMs: this.#busyMs }),
      traffic: this.#traffic,
      connections: this.#connectionFacts(nowMs),
      ...this.#switch.facts(nowMs),
      ...this.#machine.facts(nowMs),
    };
  }

  report(nowMs: number): CheckReport {
    return runOffloadChecks(this.facts(nowMs), this.#limits);
  }

  /**
   * What holds for the flows of a datapath, as of now: it stays as it is while a dump streams by.
   * @param datapath `netdev@ovs-netdev`
   */
  context(datapath: string): SoftwareContext & TierContext {
    const nowMs = this.#nowMs;
    const [type = ''] = datapath.split('@');
    const root = this.#seen?.root;
    const interfaces = this.#interfaceFacts(nowMs);
    const rows = interfaces.kind === 'known' ? interfaces.value : [];
    const providers = this.#switch.slow.fresh(nowMs)?.providerByPort;
    const flags = this.#machine.tools.fresh(nowMs)?.tcFlags;
    return makeContext({
      engine: root === undefined ? engineOfType(type, nothingKnown) : engineOfType(type, { ...root, ...initOf(root) }),
      isInEffect: this.isInEffect().value,
      effective: (key) => this.#effective(key),
      hardwareTable: this.#hardwareTable(nowMs),
      tcFlags: flags?.kind === 'known' ? flags.value : undefined,
      rows: new Map(rows.map((row) => [row.name, row])),
      devices: this.#devices ?? new Map<string, Netdev>(),
      providers: providers?.kind === 'known' ? providers.value : undefined,
    });
  }

  datapaths(): readonly DatapathFacts[] {
    const upcalls = this.#switch.quick.fresh(this.#nowMs)?.upcalls;
    if (upcalls?.kind !== 'known') return [];
    const effective = this.#effective('flow-limit');
    const stored = effective.kind === 'known' ? effective.value : this.#settings.state.stored?.get('flow-limit');
    const flowLimitConfigured = numberInForce('flow-limit', stored, 200_000);
    return upcalls.value.map((datapath) => ({ ...datapath, flowLimitConfigured }));
  }

  /** Provider by name of the port, as ovs-vswitchd says it; undefined: it does not. */
  providers(): ReadonlyMap<string, string> | undefined {
    const told = this.#switch.slow.fresh(this.#nowMs)?.providerByPort;
    return told?.kind === 'known' ? told.value : undefined;
  }

  /** Undefined: nobody tells. */
  insertion(): InsertionReading | undefined {
    return this.#switch.insertion(this.#nowMs);
  }

  representors(): RepresentorCounts {
    return countRepresentors(this.#interfaceFacts(this.#nowMs), this.#netdevs, this.#limits);
  }

  hugePages(): readonly HugePageFacts[] {
    const pages = this.#machine.quick.fresh(this.#nowMs)?.hugePages;
    return pages?.kind === 'known' ? pages.value : [];
  }

  connections(): readonly ConnectionFacts[] {
    const tables = this.#connectionFacts(this.#nowMs);
    return tables.kind === 'known' ? tables.value : [];
  }

  #pass(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }

  #noteTypes(nowMs: number): void {
    if (this.#bridges.kind === 'unknown') return;
    const types = datapathTypesOf(this.#bridges.value).join();
    if (this.#types !== undefined && types !== this.#types) this.#typesChangedAtMs = nowMs;
    this.#types = types;
  }

  #typesChanged(nowMs: number): Pick<OffloadFacts, 'typesChangedMs'> {
    const atMs = this.#typesChangedAtMs;
    const slow = this.#switch.slow.newest;
    const isOver =
      atMs === undefined || (slow !== undefined && slow.readAtMs - slow.cost.tookMs >= atMs + typesTakenMs);
    return isOver ? {} : { typesChangedMs: Math.max(0, nowMs - atMs) };
  }

  #noteLife(reading: SwitchQuickReading | SwitchSlowReading, step: 'old' | 'same' | 'new'): void {
    if (step === 'old') return;
    this.#pass(reading.readAtMs);
    const askedAtMs = reading.readAtMs - reading.cost.tookMs;
    this.#root.noteAnswer(step === 'new', askedAtMs - this.#switch.life.startedAtMs);
    if (step === 'new') {
      this.#settings.noteStart(this.#switch.life.startedAtMs, askedAtMs);
      this.#interfaces.clearCounters();
    } else this.#settings.noteSeen(askedAtMs);
    this.#observeEngine();
    this.#observeSettings();
  }

  #observeEngine(): void {
    const { root } = this.#seen ?? {};
    const isFirm = this.#machine.hasAsked && this.#switch.life.life !== undefined;
    this.#engine.note(
      {
        bridges: this.#bridges,
        root: root === undefined ? notReadable : this.#root.isOfLife ? known({ ...root, ...initOf(root) }) : notWritten,
        eswitchModes: this.#machine.eswitchModes,
      },
      isFirm,
      this.#nowMs,
    );
  }

  #observeSettings(): void {
    const root = this.#seen?.root;
    const { life, isTold } = this.#switch.life;
    if (root === undefined || !isTold) return;
    this.#settings.observe({
      incarnation: life,
      isDoca: this.#engine.view?.isDoca,
      evidence: evidenceOf({
        root: this.#root.init(root),
        quick: this.#switch.quick.newest,
        slow: this.#switch.slow.newest,
        takenAtMs: this.#settings.offloadTakenAtMs,
        startedAtMs: this.#switch.life.startedAtMs,
      }),
    });
  }

  #judgeInput(): JudgeInput {
    return {
      state: this.#settings.state,
      declared: this.#declared,
      engines: this.#engine.view?.engines ?? noEngines,
      eswitchMode: this.#eswitchMode,
    };
  }

  #effective(key: string): Effective {
    const rule = settingRule(key);
    if (rule === undefined) return { kind: 'unknown', why: 'nothing is known of this setting' };
    const { life, isTold, why } = this.#switch.life;
    if (!isTold) return { kind: 'unknown', why };
    const { state } = this.#settings;
    return this.#seen === undefined ? lastingValue(state, rule, life, notReadable.why) : effectiveValue(state, rule);
  }

  #settingFacts(): Fact<readonly SettingResult[]> {
    if (this.#seen === undefined) return notReadable;
    return this.#settings.state.stored === undefined ? unknown(this.#switch.life.why) : known(this.settings());
  }

  #interfaceFacts(nowMs: number): Fact<readonly InterfaceFacts[]> {
    if (this.#seen === undefined) return notReadable;
    const looks = [this.#switch.slow.newest, this.#machine.tools.newest].flatMap((reading) =>
      reading === undefined ? [] : [reading.readAtMs - reading.cost.tookMs],
    );
    return this.#interfaces.facts(looks.length === 0 ? undefined : Math.min(...looks), nowMs);
  }

  #processFacts(nowMs: number): Fact<ProcessFacts> {
    const { life } = this.#switch;
    const told = parseProcessStatistics(this.#seen?.root.statistics ?? new Map());
    const machine = this.#machine.quick.fresh(nowMs);
    const resident = machine === undefined ? undefined : residentOf(machine, life.life);
    return life.facts(resident ?? told.residentBytes, told.crashes, nowMs);
  }

  #hardwareTable(nowMs: number): ConnectionFacts | undefined {
    const stored = this.#settings.state.stored?.get('hw-offload-ct-size');
    const size = String(numberInForce('hw-offload-ct-size', stored, 250_000));
    const effective = this.#effective('hw-offload-ct-size');
    return hardwareConnections(this.#engine.view?.kind, this.#switch.insertion(nowMs), effective, size);
  }

  #connectionFacts(nowMs: number): Fact<readonly ConnectionFacts[]> {
    return allConnections(this.#hardwareTable(nowMs), [
      this.#machine.quick.fact(nowMs, ({ connections }) => connections),
      this.#switch.slow.fact(nowMs, ({ connections }) => connections),
    ]);
  }
}

const nothingKnown = { ifaceTypes: [], isDpdkInitialized: undefined, isDocaInitialized: undefined };

function bridgeFacts({ name, datapathType, hasSflow }: ObservedBridge): BridgeFacts {
  return { name, datapathType, hasSflow };
}
