/**
 * Everything that was seen of offload, folded into facts, settings and a report. Pure state: readings come in as they are made,
 * in any order, and what is asked is answered from what is known by then. A reading that fails takes nothing away until what
 * was read before is too old; a reading of an ovs-vswitchd that is gone says nothing of the one that runs.
 */

import { known, unknown, type Fact } from '../model/fact.js';
import type { Netdev, NetdevMap } from '../model/netdev.js';
import type { StringMap } from '../model/ownership.js';
import { engineOfType, type EngineEvent, type EngineView } from './engine-state.js';
import type { TierContext } from './flow-tier.js';
import type {
  ConnectionFacts,
  HugePageFacts,
  InterfaceFacts,
  OffloadFacts,
  OffloadLimits,
  ProcessFacts,
  TrafficFacts,
  UpcallFacts,
} from './offload-facts.js';
import {
  askedAtMs,
  type InsertionReading,
  type MachineQuickReading,
  type MachineSlowReading,
  type SwitchQuickReading,
  type SwitchSlowReading,
} from './readings.js';
import { allConnections, hardwareConnections } from './record/connection-tables.js';
import { DatabaseRecord, type ObservedSwitch } from './record/database-record.js';
import { EngineWatch } from './record/engine-watch.js';
import { parseProcessStatistics, residentOf } from './record/life-watch.js';
import { MachineReadings } from './record/machine-readings.js';
import { countRepresentors, type RepresentorCounts } from './record/representor-counts.js';
import { initOf } from './record/root-watch.js';
import { SettingsRecord } from './record/settings-record.js';
import { makeContext } from './record/software-context.js';
import { SwitchReadings } from './record/switch-readings.js';
import type { RestartAdvice } from './restart-advice.js';
import { runOffloadChecks, type CheckReport } from './run-checks.js';
import type { LiveEdit, SettingResult } from './setting-verdicts.js';
import type { SoftwareContext } from './software-reason.js';

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

export class OffloadRecord {
  readonly #startMs: number;
  #limits: OffloadLimits;
  /** The newest time that was told, monotonic ms. */
  #nowMs: number;
  readonly #switch: SwitchReadings;
  readonly #machine = new MachineReadings();
  readonly #database: DatabaseRecord;
  readonly #engine = new EngineWatch();
  readonly #settings: SettingsRecord;
  #devices: NetdevMap | undefined;
  #netdevs: Fact<readonly Netdev[]> = unknown('the devices were not read yet');
  #busyMs: number | undefined;
  #traffic: Fact<TrafficFacts> = unknown('no traffic was measured yet');

  constructor({ declared, limits, owner, nowMs }: RecordOptions) {
    this.#limits = limits;
    this.#startMs = nowMs;
    this.#nowMs = nowMs;
    this.#switch = new SwitchReadings(limits.residentWindowMsMin);
    this.#database = new DatabaseRecord(owner);
    this.#settings = new SettingsRecord(
      { database: this.#database, switch: this.#switch, machine: this.#machine, engine: this.#engine },
      declared,
    );
  }

  setDeclared(declared: StringMap, limits: OffloadLimits): void {
    this.#settings.setDeclared(declared);
    this.#limits = limits;
  }

  /**
   * @param seen undefined: the database cannot be read
   * @param isGapless every change since the call before was seen
   */
  noteSwitch(seen: ObservedSwitch | undefined, isGapless: boolean, nowMs: number): void {
    this.#pass(nowMs);
    if (!this.#database.note(seen, isGapless, nowMs)) return;
    this.#settings.noteStored(isGapless, nowMs);
    this.#observeEngine();
    this.#settings.observe();
  }

  noteDevices(devices: NetdevMap | undefined, nowMs: number): void {
    this.#pass(nowMs);
    if (devices === undefined || devices === this.#devices) return;
    this.#devices = devices;
    this.#database.noteDevices(devices, nowMs);
    this.#netdevs = known([...devices.values()]);
  }

  /** @param mtuDrops packets that exceeded the MTU since it was counted, by name of the interface */
  noteStatistics(mtuDrops: ReadonlyMap<string, number>, atMs: number): void {
    this.#pass(atMs);
    this.#database.noteStatistics(mtuDrops, atMs);
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
    this.#database.noteNone();
    this.#settings.observe();
  }

  noteMachine(reading: MachineQuickReading): void {
    this.#pass(reading.readAtMs);
    this.#machine.noteQuick(reading);
    this.#switch.life.noteProcess(reading);
  }

  noteTools(reading: MachineSlowReading): void {
    this.#pass(reading.readAtMs);
    this.#machine.noteTools(reading);
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
    return this.#settings.results();
  }

  /** What may be written now, in one transaction. */
  edits(): readonly LiveEdit[] {
    return this.#settings.edits();
  }

  /** Undefined: no setting waits for a restart. */
  restart(): RestartAdvice | undefined {
    const upcalls = this.#switch.quick.fresh(this.#nowMs)?.upcalls;
    const flows = upcalls?.kind === 'known' ? Math.max(0, ...upcalls.value.map((dp) => dp.flows)) : undefined;
    return this.#settings.restart(flows);
  }

  /** Of the last look at a database that could be read. */
  engine(): EngineView | undefined {
    return this.#engine.view;
  }

  /** Whether hw-offload is in effect in the ovs-vswitchd that runs; undefined: nothing proves it. */
  isInEffect(): { readonly value: boolean | undefined; readonly basis: string } {
    const effective = this.#settings.effective('hw-offload');
    if (effective.kind === 'unknown') return { value: undefined, basis: effective.why };
    return { value: effective.value === 'true', basis: effective.basis };
  }

  /** Everything that is known at `nowMs`. */
  facts(nowMs: number): OffloadFacts {
    this.#pass(nowMs);
    const { newest } = this.#switch.slow;
    return {
      boot: this.#machine.boot(this.#startMs, nowMs),
      root: this.#database.rootFacts(nowMs),
      bridges: this.#database.bridges,
      interfaces: this.#interfaceFacts(nowMs),
      engine: this.#engine.facts(),
      settings: this.#settings.facts(),
      process: this.#processFacts(nowMs),
      devices: this.#netdevs,
      ...this.#database.typesChanged(newest === undefined ? undefined : askedAtMs(newest), nowMs),
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
    const root = this.#database.seen?.root;
    const interfaces = this.#interfaceFacts(nowMs);
    const rows = interfaces.kind === 'known' ? interfaces.value : [];
    const providers = this.#switch.slow.fresh(nowMs)?.providerByPort;
    const flags = this.#machine.tools.fresh(nowMs)?.tcFlags;
    return makeContext({
      engine: root === undefined ? engineOfType(type, nothingKnown) : engineOfType(type, { ...root, ...initOf(root) }),
      isInEffect: this.isInEffect().value,
      effective: (key) => this.#settings.effective(key),
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
    const flowLimitConfigured = this.#settings.configured('flow-limit', 200_000);
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

  #noteLife(reading: SwitchQuickReading | SwitchSlowReading, step: 'old' | 'same' | 'new'): void {
    if (step === 'old') return;
    this.#pass(reading.readAtMs);
    const isNew = step === 'new';
    const atMs = askedAtMs(reading);
    this.#database.noteAnswer(isNew, atMs - this.#switch.life.startedAtMs);
    this.#settings.noteAnswer(isNew, atMs);
    this.#observeEngine();
    this.#settings.observe();
  }

  #observeEngine(): void {
    const isFirm = this.#machine.hasAsked && this.#switch.life.life !== undefined;
    this.#engine.note(
      {
        bridges: this.#database.bridges,
        root: this.#database.engineRoot(),
        eswitchModes: this.#machine.eswitchModes,
      },
      isFirm,
      this.#nowMs,
    );
  }

  #interfaceFacts(nowMs: number): Fact<readonly InterfaceFacts[]> {
    const looks = [this.#switch.slow.newest, this.#machine.tools.newest].filter((reading) => reading !== undefined);
    return this.#database.interfaceFacts(looks.length === 0 ? undefined : Math.min(...looks.map(askedAtMs)), nowMs);
  }

  #processFacts(nowMs: number): Fact<ProcessFacts> {
    const { life } = this.#switch;
    const told = parseProcessStatistics(this.#database.seen?.root.statistics ?? new Map());
    const machine = this.#machine.quick.fresh(nowMs);
    const resident = machine === undefined ? undefined : residentOf(machine, life.life);
    return life.facts(resident ?? told.residentBytes, told.crashes, nowMs);
  }

  #hardwareTable(nowMs: number): ConnectionFacts | undefined {
    const size = String(this.#settings.stored('hw-offload-ct-size', 250_000));
    const effective = this.#settings.effective('hw-offload-ct-size');
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
