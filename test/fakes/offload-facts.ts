/** A healthy DPU with OVS-DOCA or with kernel TC, as facts, for tests of the checks of offload. */

import { known, unknown } from '../../src/model/fact.js';
import type { Netdev } from '../../src/model/netdev.js';
import { detectEngine, observeEngine, engineUnseen, type EngineState } from '../../src/offload/engine-state.js';
import type { InterfaceFacts, OffloadFacts, RootFacts } from '../../src/offload/offload-facts.js';
import type { SettingResult } from '../../src/offload/setting-verdicts.js';
import { mapOf, netdev } from './plan-rows.js';

export function rootFacts(fields: Partial<RootFacts> = {}): RootFacts {
  return {
    otherConfig: mapOf({ 'hw-offload': 'true' }),
    externalIds: new Map(),
    curCfg: 7,
    nextCfg: 7,
    datapathTypes: ['netdev', 'system'],
    ifaceTypes: ['geneve', 'internal', 'patch'],
    isDpdkInitialized: false,
    isDocaInitialized: undefined,
    laggedMs: 0,
    restoreWaitMs: undefined,
    ...fields,
  };
}

export function interfaceFacts(name: string, fields: Partial<InterfaceFacts> = {}): InterfaceFacts {
  return {
    name,
    bridge: 'br-int',
    type: '',
    options: new Map(),
    otherConfig: new Map(),
    ofport: 3,
    error: undefined,
    linkState: 'up',
    mtu: 1500,
    mtuRequest: undefined,
    isOwn: false,
    ifaceId: undefined,
    brokenMs: 0,
    linkResets: 0,
    mtuDrops: 0,
    ...fields,
  };
}

export function switchPort(name: string, fields: Partial<Netdev> = {}): Netdev {
  return netdev(name, {
    evidence: 'devlink',
    isUp: true,
    hasCarrier: true,
    operstate: 'up',
    switchId: 'e5',
    ...fields,
  });
}

export const uplink = switchPort('p0', { kind: 'uplink', port: 0, mtu: 9000 });
export const hostPf = switchPort('pf0hpf', { kind: 'hostPf', pf: 0, functionOpstate: 'attached' });
export const vf = (number: number, fields: Partial<Netdev> = {}): Netdev =>
  switchPort(`pf0vf${number}`, { kind: 'hostVf', pf: 0, vf: number, mtu: 1500, ...fields });

export function engineWith(datapathType: string, root: Partial<RootFacts> = {}): EngineState {
  const view = detectEngine({
    bridges: known([{ name: 'br-int', datapathType }]),
    root: known(rootFacts(root)),
    eswitchModes: known(['switchdev']),
  });
  return observeEngine(engineUnseen, view)[0];
}

export const tcEngine = engineWith('system');
export const docaEngine = engineWith('netdev', { isDpdkInitialized: true, isDocaInitialized: true });

export function settingResult(fields: Partial<SettingResult> = {}): SettingResult {
  return {
    key: 'hw-offload',
    declared: 'true',
    stored: 'true',
    effective: { kind: 'known', value: 'true', basis: 'test' },
    atNextStart: 'true',
    verdict: 'inEffect',
    message: 'hw-offload is in effect.',
    unmet: [],
    ...fields,
  };
}

/** Everything is known and well: kernel TC with one uplink and two representors. */
export function healthy(fields: Partial<OffloadFacts> = {}): OffloadFacts {
  const gib = 2 ** 30;
  return {
    boot: { platform: known('over'), uptimeMs: known(3_600_000), watchedMs: 3_600_000 },
    root: known(rootFacts()),
    bridges: known([{ name: 'br-int', datapathType: 'system', hasSflow: false }]),
    interfaces: known([interfaceFacts('p0', { mtu: 9000 }), interfaceFacts('pf0vf0'), interfaceFacts('pf0vf1')]),
    engine: known(tcEngine),
    settings: known([settingResult()]),
    process: known({
      pid: 10,
      ageMs: 3_600_000,
      isSuccessor: false,
      residentBytes: gib,
      residentGrowthBytes: 0,
      residentGrowthMs: 7_200_000,
      crashes: 0,
    }),
    coverage: known({ windowMs: 60_000, growth: new Map() }),
    upcalls: known([{ name: 'system@ovs-system', flows: 40, flowLimit: 10_000, offloaded: 30, dumpMs: 1 }]),
    insertion: known({ windowMs: 60_000, enqueued: 0, enqueuedBefore: 0, inserted: 30, insertedBefore: 20 }),
    providedPorts: known(new Set(['p0', 'pf0vf0', 'pf0vf1'])),
    polledPorts: known(new Set<string>()),
    datapaths: known(['system@ovs-system']),
    memory: known({ totalBytes: 16 * gib, availableBytes: 8 * gib, oomKills: 0 }),
    hugePages: known([{ sizeBytes: 2 ** 21, total: 512, free: 12 }]),
    heaps: known([{ name: 'socket_0', size: gib, free: gib / 2 }]),
    eswitches: known([{ device: 'pci/0000:03:00.0', mode: 'switchdev', encapMode: 'basic' }]),
    devices: known([uplink, hostPf, vf(0), vf(1)]),
    qdiscs: known(new Map(['p0', 'pf0vf0', 'pf0vf1'].map((name) => [name, ['ingress']]))),
    connections: known([{ table: 'nf_conntrack', count: 10, limit: 1_000_000 }]),
    addresses: known(new Set(['192.0.2.1'])),
    traffic: known({
      windowMs: 10_000,
      packets: 100_000,
      hardwarePackets: 99_000,
      softwareFlows: new Map(),
      patterns: new Map(),
    }),
    logLines: known([]),
    ...fields,
  };
}

/** Nothing could be looked at. */
export function blind(): OffloadFacts {
  const nothing = Object.keys(healthy()).map((key) => [key, unknown('nobody looked')]);
  const { boot } = healthy();
  return { ...(Object.fromEntries(nothing) as unknown as OffloadFacts), boot };
}
