/**
 * Puts the agent together from a configuration: clients, sources, reconcile loop. Used by every command that needs the
 * switch; holds no rules of its own.
 */

import { ChainStateFile } from '../adapters/chain-state-file.js';
import { HostDevices } from '../adapters/host-devices.js';
import { OpenFlowSwitches } from '../adapters/openflow-switches.js';
import { monitoredColumns, OvsdbStore, writerLock } from '../adapters/ovsdb-store.js';
import { SwitchProbe } from '../adapters/switch-probe.js';
import type { AttachOutcome } from '../agent/attach-outcome.js';
import { ChainReconciler } from '../agent/chain-reconciler.js';
import type { IntentDesk } from '../agent/intent-desk-types.js';
import { Journal, type JournalEntry } from '../agent/journal.js';
import { MergedIntents } from '../agent/merged-intents.js';
import { Reconciler } from '../agent/reconciler.js';
import { SharedLiveness } from '../agent/shared-liveness.js';
import { DeclaredSource } from '../agent/declared-source.js';
import { StatusBoard } from '../agent/status-board.js';
import { TelemetryBook } from '../agent/telemetry-book.js';
import type { AgentStatus, PortsStatus } from '../agent/status.js';
import type { Config, TlsConfig } from '../config/config.js';
import type { Finding } from '../model/condition.js';
import type { Intents } from '../model/intent.js';
import type { OpenVswitchDatabase } from '../gen/open-vswitch.js';
import type { Clock } from '../lib/clock.js';
import { OvsdbClient, type TlsFiles } from '../ovsdb/index.js';
import type { GraceByCause } from '../plan/sightings.js';
import { assembleAttach, type AttachPart } from './assemble-attach.js';
import { assembleIntents, type IntentsPart } from './assemble-intents.js';
import type { ClusterEnvironment } from '../adapters/cluster-access.js';

/**
 * Longest gathering time of events for the chains, ms: until the flows follow a port that changed its number, its traffic
 * is lost.
 */
const chainCoalesceMsMax = 5;
/** Entries of the journal that are kept. */
const journalCountMax = 1_000;
/** Deadline of one transaction where the configuration names none, ms. */
const transactionMsDefault = 10_000;

export interface AssembleOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: () => number;
  /** Whether to take the writer's lock: commands that only look do not. */
  readonly isWriter: boolean;
  readonly onStatus: (status: AgentStatus) => void;
  readonly onJournal: (entry: JournalEntry) => void;
  /** What the loop of the pods says; undefined where pods are not looked at. */
  readonly onAttach?: (outcome: AttachOutcome) => void;
  /** Where the process runs, for the access to the host cluster. */
  readonly environment?: ClusterEnvironment;
  readonly version?: string;
  /** Something that is tried again by itself went wrong, with `what`. */
  readonly onTrouble: (what: string, error: Error) => void;
  readonly onBug: (error: unknown) => void;
}

export interface Assembly {
  readonly client: OvsdbClient<OpenVswitchDatabase>;
  /** What is wanted: of the configuration, which can be replaced, and of all owners. */
  readonly intents: IntentsPart;
  /** Where owners hand in what they want. */
  readonly desk: IntentDesk;
  readonly devices: HostDevices;
  readonly journal: Journal;
  readonly store: OvsdbStore;
  readonly telemetry: TelemetryBook;
  readonly probe: SwitchProbe;
  readonly reconciler: Reconciler;
  readonly chains: ChainReconciler;
  /** Undefined: pods of the host cluster are not looked at. */
  readonly attach: AttachPart | undefined;
  /** Takes over what is wrong with hardware offload, at `wallMs`. */
  setOffloadFindings(findings: readonly Finding[], wallMs: number): void;
  /** Begins to connect and to watch; does not wait. */
  start(): void;
  close(): Promise<void>;
}

/**
 * How long a candidate must be seen. A device that is gone, or was created anew under Open vSwitch, is certain after a
 * second look at the kernel; an orphan may be somebody's intent that has yet to arrive.
 */
function graceOf(config: Config): GraceByCause {
  return {
    orphan: { sightings: config.agent.orphanSightings, ms: config.agent.orphanGraceMs },
    deviceGone: { sightings: 2, ms: 500 },
    deviceRecreated: { sightings: 2, ms: 300 },
    podMissing: { sightings: 2, ms: config.agent.orphanGraceMs },
  };
}

function tlsFiles(tls: TlsConfig): TlsFiles {
  return { caFile: tls.caFile, certificateFile: tls.certFile, keyFile: tls.keyFile };
}

/** Bridges whose flows the agent may change, inside its cookie range. */
function programmableBridges({ bridges }: Intents): ReadonlySet<string> {
  return new Set(bridges.filter(({ mode }) => mode !== 'observe').map(({ name }) => name));
}

function createClient(config: Config, clock: Clock, random: () => number): OvsdbClient<OpenVswitchDatabase> {
  const { endpoints, tls, probeMs } = config.ovsdb;
  return new OvsdbClient<OpenVswitchDatabase>({
    endpoints,
    database: 'Open_vSwitch',
    monitor: Object.fromEntries(Object.entries(monitoredColumns).map(([table, columns]) => [table, { columns }])),
    clock,
    random,
    ...(tls === undefined ? {} : { tls: tlsFiles(tls) }),
    ...(probeMs === undefined ? {} : { probeMs }),
  });
}

export function assemble(options: AssembleOptions): Assembly {
  const { config, clock, random } = options;
  const client = createClient(config, clock, random);
  const lock = options.isWriter ? writerLock(config.agent.owner) : undefined;
  const onDeviceTrouble = (error: Error): void => options.onTrouble('network devices', error);
  const devices = new HostDevices({ ...config.representors, clock, random, onTrouble: onDeviceTrouble });
  const probe = new SwitchProbe(config.ovs.runDir, clock, random);
  const liveness = new SharedLiveness(probe);
  const store = new OvsdbStore(client, config.ovsdb.deadlineMs ?? transactionMsDefault, lock);
  const { onBug } = options;
  const journal = new Journal(journalCountMax);
  journal.onEntry(options.onJournal);
  const telemetry = new TelemetryBook();
  journal.onEntry((entry) => telemetry.noteEntry(entry));
  const board = new StatusBoard(config.ovs.runDir, (status) => {
    intents.desk.setStatus(status);
    options.onStatus(status);
  });
  const intents = assembleIntents({
    config,
    clock,
    isWriter: options.isWriter,
    standing: () => (store.isWriter() ? 'writer' : client.state.kind === 'synced' ? 'standby' : 'unknown'),
    devices,
    loops: () => ({ reconciler, chains }),
    onJournal: (entry) => void journal.add(entry),
    onFindings: (findings) => board.setIntents(findings, clock.wallMs()),
    onAlarm: (error) => options.onTrouble('stored intents', error),
  });
  // First of those that are told: the loops that write from now on do so by what is stored now.
  client.onLock(() => intents.desk.standingChanged());
  const { wanted: allIntents } = intents;
  const merged = new MergedIntents(allIntents);
  const onStatus = (status: PortsStatus): void => board.setPorts(status);
  const { owner, coalesceMs, fullResyncMs, bootGraceMs, repair } = config.agent;
  const reconciler = new Reconciler(
    {
      store,
      devices,
      liveness: liveness.share(),
      intents: merged,
      clock,
      random,
      onStatus,
      journal,
      telemetry: telemetry.recorder('ports'),
      onBug,
    },
    { owner, coalesceMs, fullResyncMs, bootGraceMs, grace: graceOf(config), repair },
  );
  const switches = new OpenFlowSwitches({ runDir: config.ovs.runDir, clock, random, onTrouble: options.onTrouble });
  const stateFile = new ChainStateFile(config.agent.stateDir, (error) => options.onTrouble('chains', error));
  // A command that only looks leaves no trace: what is in force is the agent's to say.
  const state = options.isWriter ? stateFile : { load: () => stateFile.load(), save: () => Promise.resolve() };
  const chains = new ChainReconciler(
    {
      store,
      devices,
      switches,
      chains: allIntents,
      ports: allIntents,
      state,
      clock,
      random,
      onOutcome: (outcome) => {
        merged.setPatches(outcome.patches);
        board.setChains(outcome, clock.wallMs());
      },
      onJournal: (entry) => void journal.add(entry),
      telemetry: telemetry.recorder('chains'),
      onBug,
    },
    {
      owner,
      coalesceMs: Math.min(coalesceMs, chainCoalesceMsMax),
      fullResyncMs,
      repair,
      bridges: () => programmableBridges(allIntents.intents()),
    },
  );
  const { hostCluster, attach: wanted } = config;
  // A command that only looks at the configured objects leaves the host cluster alone.
  const isAttaching = options.onAttach !== undefined && hostCluster !== undefined && wanted.mode !== 'off';
  const attach = !isAttaching
    ? undefined
    : assembleAttach({
        config,
        hostCluster,
        environment: options.environment ?? {},
        version: options.version ?? '',
        clock,
        random,
        store,
        devices,
        liveness: liveness.share(),
        declared: new DeclaredSource(allIntents, devices.find),
        onOutcome: (outcome) => {
          board.setAttach(outcome);
          options.onAttach?.(outcome);
        },
        onJournal: (entry) => void journal.add(entry),
        telemetry: telemetry.recorder('attach'),
        onBug,
      });
  telemetry.addSessions(() => store.sessions());
  telemetry.addSessions(() => switches.sessions());
  telemetry.addSessions(() => attach?.sessions() ?? []);
  telemetry.setFlows(() => switches.snapshot());
  return {
    client,
    intents,
    desk: intents.desk,
    devices,
    journal,
    store,
    telemetry,
    probe,
    reconciler,
    chains,
    attach,
    setOffloadFindings: (findings, wallMs) => board.setOffload(findings, wallMs),
    start: () => {
      if (lock !== undefined) client.lock(lock);
      client.start();
      intents.desk.start();
      reconciler.start();
      chains.start();
      attach?.start();
      devices.start().catch(onBug);
    },
    close: async () => {
      await intents.desk.close();
      await Promise.all([reconciler.close(), chains.close(), attach?.close()]);
      switches.close();
      probe.close();
      await Promise.all([client.close(), devices.close()]);
    },
  };
}
