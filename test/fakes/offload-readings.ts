/** Readings of ovs-vswitchd and of the machine with defaults, for tests of what they are folded into. */

import { known } from '../../src/model/fact.js';
import type { Incarnation } from '../../src/offload/effective-settings.js';
import type {
  MachineQuickReading,
  MachineSlowReading,
  SwitchQuickReading,
  SwitchSlowReading,
} from '../../src/offload/readings.js';

/** Milliseconds since 1970 UTC at monotonic 0. */
export const wallAtZeroMs = 1_700_000_000_000;

const timed = (readAtMs: number) => ({
  readAtMs,
  wallMs: wallAtZeroMs + readAtMs,
  cost: { tookMs: 5, mainThreadMs: 2, roundTripMs: 1 },
});

/** A life that began at the monotonic `startedAtMs`. */
export function lifeOf(pid: number, startedAtMs = -3_600_000): Incarnation {
  return { pid, startedMs: wallAtZeroMs + startedAtMs };
}

export function quickReading(readAtMs: number, fields: Partial<SwitchQuickReading> = {}): SwitchQuickReading {
  return {
    ...timed(readAtMs),
    life: lifeOf(10),
    version: known('3.1.0'),
    upcalls: known([{ name: 'system@ovs-system', flows: 40, flowLimit: 10_000, offloaded: 0, dumpMs: 1 }]),
    coverage: known(new Map()),
    insertion: { kind: 'unknown', why: 'there is no userspace datapath' },
    packets: { kind: 'unknown', why: 'metrics/show is not there' },
    ...fields,
  };
}

export function slowReading(readAtMs: number, fields: Partial<SwitchSlowReading> = {}): SwitchSlowReading {
  return {
    ...timed(readAtMs),
    life: lifeOf(10),
    isOffloadEnabled: { kind: 'unknown', why: 'dpif/offload/show is not there' },
    providerByPort: { kind: 'unknown', why: 'dpif/offload/show is not there' },
    polledPorts: known(new Set()),
    datapaths: known(['system@ovs-system']),
    lookups: known([]),
    heaps: known([]),
    connections: known([]),
    logLines: known([]),
    ...fields,
  };
}

export function machineReading(readAtMs: number, fields: Partial<MachineQuickReading> = {}): MachineQuickReading {
  return {
    ...timed(readAtMs),
    memory: known({ totalBytes: 2 ** 34, availableBytes: 2 ** 33, oomKills: 0 }),
    hugePages: known([{ sizeBytes: 2 ** 21, total: 512, free: 12 }]),
    process: { kind: 'unknown', why: 'it is in another pid namespace' },
    devices: known(new Map()),
    connections: known([{ table: 'nf_conntrack', count: 10, limit: 1_000 }]),
    uptimeMs: known(7_200_000 + readAtMs),
    ...fields,
  };
}

export function toolsReading(readAtMs: number, fields: Partial<MachineSlowReading> = {}): MachineSlowReading {
  return {
    ...timed(readAtMs),
    platform: known('over'),
    eswitches: known([{ device: 'pci/0000:03:00.0', mode: 'switchdev', encapMode: 'basic' }]),
    qdiscs: known(new Map()),
    addresses: known(new Set(['192.0.2.1'])),
    tcFlags: known('said'),
    ...fields,
  };
}
