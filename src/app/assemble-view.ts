/**
 * Puts together what the API reads of the agent: topology, counters, offload, explanations, facts of the node. Each source reads
 * what the loops have anyway; only the counters have a database session of their own. Holds no rules.
 */

import { BridgeSessions } from '../adapters/bridge-sessions.js';
import { ChainCounters } from '../adapters/chain-counters.js';
import { SwitchChainLooker } from '../adapters/chain-looker.js';
import { SwitchFlowCounter } from '../adapters/flow-counter.js';
import type { HostDevices } from '../adapters/host-devices.js';
import { InterfaceCounters } from '../adapters/interface-counters.js';
import { createNodeFacts } from '../adapters/node-facts.js';
import type { OvsdbStore } from '../adapters/ovsdb-store.js';
import { SwitchPacketTracer } from '../adapters/packet-tracer.js';
import type { AgentView, TelemetrySource } from '../agent/api-view.js';
import { nodeCapabilities } from '../agent/capabilities.js';
import { AgentExplainer } from '../agent/explainer.js';
import type { IntentDesk } from '../agent/intent-desk-types.js';
import type { Journal } from '../agent/journal.js';
import { OffloadDesk } from '../agent/offload-desk.js';
import type { IntentSource } from '../agent/ports.js';
import { StatsDesk } from '../agent/stats-desk.js';
import type { StatusKeeper } from '../agent/status-keeper.js';
import { TopologyHub } from '../agent/topology-hub.js';
import type { Config } from '../config/config.js';
import type { Clock } from '../lib/clock.js';
import type { Finding } from '../model/condition.js';
import { assembleOffload, offloadPolicy } from './assemble-offload.js';

export interface ViewOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: () => number;
  readonly version: string;
  /** Absolute. */
  readonly configFile: string;
  readonly instanceId: string;
  readonly status: StatusKeeper;
  readonly store: OvsdbStore;
  readonly devices: HostDevices;
  /** What is wanted, of all sources. */
  readonly intents: IntentSource;
  readonly desk: IntentDesk;
  readonly journal: Journal;
  readonly telemetry: TelemetrySource;
  /** What is wrong with hardware offload, whenever that is news. */
  readonly onOffloadFindings: (findings: readonly Finding[], wallMs: number) => void;
  readonly onBug: (error: unknown) => void;
}

export interface ViewPart {
  readonly view: AgentView;
  /** Takes over what another configuration declares and expects of offload. */
  replaceOffload(config: Config): void;
  start(): void;
  close(): Promise<void>;
}

export function assembleView(options: ViewOptions): ViewPart {
  const { config, clock, random, status, store, devices, intents, journal } = options;
  const { runDir } = config.ovs;
  const { endpoints, tls, probeMs } = config.ovsdb;
  const counters = new InterfaceCounters({
    endpoints,
    clock,
    random,
    ...(tls === undefined ? {} : { tls: { caFile: tls.caFile, certificateFile: tls.certFile, keyFile: tls.keyFile } }),
    ...(probeMs === undefined ? {} : { probeMs }),
  });
  const chainCounters = new ChainCounters({ runDir, clock, random });
  const sessions = new BridgeSessions(runDir, clock, random);
  const topology = new TopologyHub({ store, devices, intents, status, clock, onBug: options.onBug });
  const { onOffloadFindings: onFindings, onBug } = options;
  const supervisor = assembleOffload({ config, clock, store, devices, counters, status, journal, onFindings, onBug });
  const pods = () => status.pods();
  const chains = () => status.current()?.chains ?? [];
  const offload = new OffloadDesk({ store, pods, chains, supervisor });
  const node = createNodeFacts({
    agent: {
      version: options.version,
      owner: config.agent.owner,
      startedWallMs: clock.wallMs(),
      repair: config.agent.repair,
      attachMode: config.attach.mode,
      runtimeVersion: process.version,
      configFile: options.configFile,
      stateDir: config.agent.stateDir,
      finder: config.representors.finder,
    },
    runDir,
    root: config.representors.root,
    store,
    devices,
    hostNodeName: () => status.current()?.attach?.nodeName,
    capabilities: () =>
      nodeCapabilities({
        repair: config.agent.repair,
        attachMode: config.attach.mode,
        hasHostCluster: config.hostCluster !== undefined,
        isDatabaseReadable: store.snapshot() !== undefined,
        vswitchd: status.current()?.vswitchd,
      }),
    clock,
  });
  const view: AgentView = {
    instanceId: options.instanceId,
    status,
    topology,
    intents: options.desk,
    journal,
    stats: new StatsDesk({ store, counters, chainCounters, pods, chains, clock }),
    offload,
    explainer: new AgentExplainer({
      status,
      journal,
      flows: new SwitchFlowCounter(sessions, clock),
      tracer: new SwitchPacketTracer(runDir, clock, sessions),
      looker: new SwitchChainLooker(sessions, clock),
      offload,
      observedPort: (name) => store.snapshot()?.ports.get(name),
      clock,
    }),
    node,
    telemetry: options.telemetry,
  };
  return {
    view,
    replaceOffload: (next) => supervisor?.replace(offloadPolicy(next)),
    start: () => {
      counters.start();
      supervisor?.start();
    },
    close: async () => {
      chainCounters.close();
      await Promise.all([topology.close(), counters.close(), supervisor?.close()]);
    },
  };
}
