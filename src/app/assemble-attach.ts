/**
 * Puts together the part of the agent that looks after the host cluster's pods: the client of its API server, what is read
 * of it and written to it, and the loop. Holds no rules of its own.
 */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { clusterClients, type ClusterEnvironment } from '../adapters/cluster-access.js';
import { ClusterEvents } from '../adapters/cluster-events.js';
import { ClusterLease, disabledLease, leaseTiming } from '../adapters/cluster-lease.js';
import { ClusterNetworks } from '../adapters/cluster-networks.js';
import { ClusterPods } from '../adapters/cluster-pods.js';
import { ClusterRights, type KubeSender } from '../adapters/cluster-rights.js';
import { ClusterStatus } from '../adapters/cluster-status.js';
import type { HostDevices } from '../adapters/host-devices.js';
import { HostLinks } from '../adapters/host-links.js';
import type { OvsdbStore } from '../adapters/ovsdb-store.js';
import type { AttachOutcome } from '../agent/attach-outcome.js';
import { Attacher, type AttacherParts } from '../agent/attacher.js';
import type { LeaseKeeper, PodDeviceSource } from '../agent/attach-ports.js';
import type { JournalChange } from '../agent/journal.js';
import type { SessionTelemetry } from '../agent/api-view.js';
import type { LivenessSource } from '../agent/ports.js';
import type { LiveAttach } from '../agent/status-keeper.js';
import type { LoopRecorder } from '../agent/telemetry-book.js';
import type { AttachSettings, VfPool } from '../attach/attach-settings.js';
import type { AttachConfig, Config, HostClusterConfig } from '../config/config.js';
import type { Clock } from '../lib/clock.js';
import { podsMark } from '../model/ownership.js';

/** Longest gathering time of events for pods, ms: a pod that starts waits for it. */
const coalesceMsMax = 2;

export interface AttachPartOptions {
  readonly config: Config;
  readonly hostCluster: HostClusterConfig;
  readonly environment: ClusterEnvironment;
  readonly version: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly store: OvsdbStore;
  readonly devices: HostDevices;
  readonly liveness: LivenessSource;
  readonly declared: AttacherParts['declared'];
  readonly onOutcome: (outcome: AttachOutcome) => void;
  readonly onJournal: (entry: JournalChange) => void;
  readonly telemetry: LoopRecorder;
  readonly onBug: (error: unknown) => void;
}

export interface AttachPart {
  sessions(): readonly SessionTelemetry[];
  /** The lease as it is now. */
  live(): LiveAttach;
  start(): void;
  close(): Promise<void>;
}

/** What the planner needs of the configuration. */
export function attachSettings({ attach, agent }: Config): AttachSettings {
  const { bridge, mtu, ovnInstalled, functionMac, pools, reserved, resourceNames } = attach;
  return {
    mark: podsMark(agent.owner),
    bridge,
    mtu,
    ovnInstalled,
    functionMac,
    pools: pools?.map(poolOf),
    reserved: reserved.map(({ pf, vf }) => ({ pf, vfs: new Set([vf]) })),
    resourceNames: resourceNames.length === 0 ? undefined : resourceNames,
  };
}

function poolOf({ pf, vfs }: NonNullable<AttachConfig['pools']>[number]): VfPool {
  const numbers = vfs.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
  return { pf, vfs: new Set(numbers) };
}

interface Lease extends LeaseKeeper {
  start?(): void;
  close?(): Promise<void>;
}

function createLease(options: AttachPartOptions, client: KubeSender, isReadOnly: boolean): Lease {
  const { config, clock, random, onBug } = options;
  const { namespace, renewMs, durationS, holder } = config.attach.lease;
  if (renewMs === 0) return disabledLease;
  return new ClusterLease({
    client,
    clock,
    random,
    namespace,
    holderIdentity: holder,
    writer: { owner: config.agent.owner, instance: randomUUID() },
    timing: leaseTiming(renewMs, durationS * 1_000),
    isReadOnly,
    onBug,
  });
}

/** The devices as pods may name them: by a stricter finder than that of the configuration. */
function podDevices(devices: HostDevices): PodDeviceSource {
  return {
    snapshot: () => devices.snapshot(),
    problem: () => devices.problem(),
    find: devices.findForPod,
    onChange: (listener) => devices.onChange(listener),
    refresh: () => devices.refresh(),
  };
}

/** @throws AgentError KUBE_CREDENTIALS when the configuration names an access that this process does not have */
export function assembleAttach(options: AttachPartOptions): AttachPart {
  const { config, hostCluster, clock, random, onBug } = options;
  const { attach, agent } = config;
  const mode = attach.mode === 'attach' && agent.repair === 'on' ? 'attach' : 'observe';
  const { statusConcurrency } = attach;
  const clients = clusterClients(hostCluster.access, options.environment, options.version, {
    clock,
    statusConcurrency,
  });
  const client = new ClusterRights(clients.work);
  const leaseClient = new ClusterRights(clients.lease);
  const pods = new ClusterPods({ client, clock, random, nodeName: hostCluster.nodeName });
  const networks = new ClusterNetworks({ client, clock, random });
  const lease = createLease(options, leaseClient, mode === 'observe');
  const reporter = { component: 'dpu-node-agent', instance: hostname() };
  const events = new ClusterEvents({ client, clock, random, reporter, onBug });
  const attacher = new Attacher(
    {
      store: options.store,
      devices: podDevices(options.devices),
      liveness: options.liveness,
      pods,
      networks,
      statuses: new ClusterStatus({ client, onWritten: (pod) => pods.accept(pod) }),
      events,
      lease,
      links: new HostLinks(clock),
      clock,
      random,
      declared: options.declared,
      onOutcome: (outcome) => {
        const missing = [client, leaseClient].flatMap((each) => each.findings({ kind: 'bridge', name: attach.bridge }));
        options.onOutcome({ ...outcome, findings: [...outcome.findings, ...missing] });
      },
      onJournal: options.onJournal,
      telemetry: options.telemetry,
      onBug,
    },
    {
      settings: attachSettings(config),
      mode,
      coalesceMs: Math.min(agent.coalesceMs, coalesceMsMax),
      fullResyncMs: agent.fullResyncMs,
      bootGraceMs: agent.bootGraceMs,
      goneGraceMs: attach.goneGraceMs,
      waitMs: attach.waitMs,
      statusConcurrency,
    },
  );
  return {
    sessions: () => pods.sessions(),
    live: () => ({ lease: lease.state(), clockSkewMs: lease.clockSkewMs() }),
    start: () => {
      pods.start();
      lease.start?.();
      attacher.start();
    },
    close: async () => {
      await attacher.close();
      await Promise.all([pods.close(), networks.close(), lease.close?.(), events.close()]);
      clients.close();
    },
  };
}
