/** Puts the supervisor of hardware offload together from the configuration. Holds no rules. */

import { HostMachineInspector } from '../adapters/machine-inspector.js';
import type { HostDevices } from '../adapters/host-devices.js';
import type { InterfaceCounters } from '../adapters/interface-counters.js';
import type { OvsdbStore } from '../adapters/ovsdb-store.js';
import { VswitchdInspector } from '../adapters/switch-inspector.js';
import type { Journal } from '../agent/journal.js';
import { OffloadSupervisor, type OffloadPolicy } from '../agent/offload-supervisor.js';
import type { StatusKeeper } from '../agent/status-keeper.js';
import type { Config } from '../config/config.js';
import type { Clock } from '../lib/clock.js';
import type { Finding } from '../model/condition.js';
import { offloadLimitsDefault } from '../offload/offload-facts.js';

export interface OffloadOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly store: OvsdbStore;
  readonly devices: HostDevices;
  readonly counters: InterfaceCounters;
  readonly status: StatusKeeper;
  readonly journal: Journal;
  readonly onFindings: (findings: readonly Finding[], wallMs: number) => void;
  readonly onBug: (error: unknown) => void;
}

/** What the configuration says of offload; `off` is for the caller to see. */
export function offloadPolicy({ agent, offload }: Config): OffloadPolicy {
  const { expect, thresholds, bootGraceMs } = offload;
  return {
    mode: agent.repair === 'on' && offload.mode === 'apply' ? 'apply' : 'observe',
    owner: agent.owner,
    flows: offload.flows,
    settings: new Map(Object.entries(offload.settings)),
    limits: {
      ...offloadLimitsDefault,
      ...thresholds,
      bootGraceMs,
      vfsExpected: new Map(expect.vfs.map(({ pf, count }) => [pf, count])),
      cardsExpected: expect.cards,
    },
  };
}

/** Undefined: offload is not to be looked at. */
export function assembleOffload(options: OffloadOptions): OffloadSupervisor | undefined {
  const { config, clock, store, devices, counters, status, journal, onFindings, onBug } = options;
  if (config.offload.mode === 'off') return undefined;
  return new OffloadSupervisor(
    {
      store,
      devices,
      inspector: new VswitchdInspector({
        runDir: config.ovs.runDir,
        clock,
        exporterPort: config.offload.exporterPort,
        proc: { root: config.representors.root },
      }),
      machine: new HostMachineInspector({ root: config.representors.root, clock }),
      totals: () => counters.totals(),
      pods: () => status.pods(),
      chains: () => status.current()?.chains ?? [],
      clock,
      onFindings,
      onJournal: (entry) => void journal.add(entry),
      onBug,
    },
    offloadPolicy(config),
  );
}
