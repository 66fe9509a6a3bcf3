/**
 * Builders of intents, rows and devices with defaults, for tests of the planner and of what stands on it. Every builder
 * takes the fields that matter to the test and fills the rest.
 */

import type { FindNetdev } from '../../src/intent/resolve.js';
import { resolve } from '../../src/intent/resolve.js';
import type { BridgeIntent, Intents, PortIntent } from '../../src/model/intent.js';
import type { Netdev } from '../../src/model/netdev.js';
import type {
  Observed,
  ObservedBridge,
  ObservedInterface,
  ObservedPort,
  ObservedRoot,
} from '../../src/model/observed.js';
import { ownerKey, type StringMap } from '../../src/model/ownership.js';
import type { Action, ActionKind } from '../../src/plan/action.js';
import { plan, type Plan, type PlanInput } from '../../src/plan/plan.js';

/** The agent instance under test. */
export const owner = 'agent-1';

/** external_ids of a row that the agent under test made. */
export function marked(entries: Readonly<Record<string, string>> = {}): StringMap {
  return new Map([[ownerKey, owner], ...Object.entries(entries)]);
}

export function mapOf(entries: Readonly<Record<string, string>>): StringMap {
  return new Map(Object.entries(entries));
}

export function bridgeIntent(name: string, fields: Partial<BridgeIntent> = {}): BridgeIntent {
  return {
    name,
    mode: 'own',
    adopt: false,
    datapathType: undefined,
    failMode: undefined,
    protocols: [],
    datapathId: undefined,
    hwaddr: undefined,
    mtu: undefined,
    otherConfig: new Map(),
    externalIds: new Map(),
    source: { rank: 0, name: 'config.yaml:1' },
    ...fields,
  };
}

/** An internal port, where nothing else is said. */
export function portIntent(name: string | undefined, bridge: string, fields: Partial<PortIntent> = {}): PortIntent {
  return {
    name,
    bridge,
    attachment: { kind: 'internal' },
    adopt: false,
    vlan: { tag: undefined, trunks: [], mode: undefined },
    ofport: undefined,
    mtu: undefined,
    options: new Map(),
    otherConfig: new Map(),
    externalIds: new Map(),
    interfaceExternalIds: new Map(),
    source: { rank: 0, name: 'config.yaml:1' },
    ...fields,
  };
}

export function patchIntent(
  name: string,
  bridge: string,
  peer: string,
  peerBridge: string,
  fields: Partial<PortIntent> = {},
): PortIntent {
  return portIntent(name, bridge, { attachment: { kind: 'patch', peer, peerBridge }, ...fields });
}

export function bridgeRow(name: string, fields: Partial<ObservedBridge> = {}): ObservedBridge {
  return {
    uuid: `bridge-${name}`,
    name,
    datapathType: '',
    failMode: undefined,
    protocols: [],
    datapathId: '0000020000000001',
    hasSflow: false,
    otherConfig: new Map(),
    externalIds: new Map(),
    ...fields,
  };
}

export function interfaceRow(name: string, fields: Partial<ObservedInterface> = {}): ObservedInterface {
  return {
    uuid: `interface-${name}`,
    name,
    type: 'internal',
    options: new Map(),
    ofport: 1,
    ofportRequest: undefined,
    mtu: 1500,
    mtuRequest: undefined,
    error: undefined,
    linkState: 'up',
    linkResets: 0,
    ifindex: undefined,
    macInUse: undefined,
    policingRate: 0,
    policingBurst: 0,
    otherConfig: new Map(),
    externalIds: new Map(),
    ...fields,
  };
}

/** A port with one interface of its name. */
export function portRow(
  name: string,
  bridge: string,
  fields: Partial<ObservedPort> = {},
  main: Partial<ObservedInterface> = {},
): ObservedPort {
  return {
    uuid: `port-${name}`,
    name,
    bridge,
    tag: undefined,
    trunks: [],
    vlanMode: undefined,
    qos: undefined,
    otherConfig: new Map(),
    externalIds: new Map(),
    interfaces: [interfaceRow(name, main)],
    ...fields,
  };
}

/** A port of which both rows carry the agent's mark. */
export function ownPortRow(
  name: string,
  bridge: string,
  fields: Partial<ObservedPort> = {},
  main: Partial<ObservedInterface> = {},
): ObservedPort {
  return portRow(name, bridge, { externalIds: marked(), ...fields }, { externalIds: marked(), ...main });
}

export function netdev(name: string, fields: Partial<Netdev> = {}): Netdev {
  return {
    name,
    ifindex: 10,
    mac: '02:00:00:00:00:10',
    mtu: 1500,
    isUp: true,
    hasCarrier: true,
    operstate: 'up',
    isPromiscuous: true,
    kind: 'other',
    evidence: 'none',
    ...fields,
  };
}

export function rootRow(fields: Partial<ObservedRoot> = {}): ObservedRoot {
  return {
    uuid: 'root',
    curCfg: 1,
    nextCfg: 1,
    externalIds: mapOf({ 'system-id': 'dpu-1' }),
    otherConfig: mapOf({}),
    isRestoreAwaited: false,
    datapathTypes: ['netdev', 'system'],
    ifaceTypes: ['internal', 'patch', 'system'],
    ovsVersion: '3.1.0',
    dpdkVersion: undefined,
    docaVersion: undefined,
    isDpdkInitialized: false,
    isDocaInitialized: false,
    initColumns: { dpdk: true, doca: false },
    statistics: new Map(),
    ...fields,
  };
}

export interface WorldFields {
  readonly root?: Partial<ObservedRoot>;
  readonly bridges?: readonly ObservedBridge[];
  readonly ports?: readonly ObservedPort[];
  readonly netdevs?: readonly Netdev[];
  /** Bridges that answer; all of them, where it is not said. */
  readonly answering?: readonly string[];
}

export function observedOf(fields: WorldFields = {}): Observed {
  const bridges = fields.bridges ?? [];
  const answering = fields.answering ?? bridges.map(({ name }) => name);
  return {
    root: rootRow(fields.root),
    bridges: new Map(bridges.map((row) => [row.name, row])),
    ports: new Map((fields.ports ?? []).map((row) => [row.name, row])),
    netdevs: new Map((fields.netdevs ?? []).map((entry) => [entry.name, entry])),
    liveness: {
      answering: new Set(answering),
      silent: new Set(bridges.map(({ name }) => name).filter((name) => !answering.includes(name))),
      denied: new Set(),
    },
  };
}

/** Finds host VFs by their number alone. */
export const findByVf: FindNetdev = (selector, netdevs) => {
  const found = [...netdevs.values()].filter((entry) => selector.kind === 'hostVf' && entry.vf === selector.vf);
  const [first] = found;
  if (first === undefined) return { kind: 'missing', code: 'HOST_VF_ABSENT', reason: 'The host has no such function.' };
  if (found.length === 1) return { kind: 'found', netdev: first };
  const names = found.map(({ name }) => name).sort();
  return { kind: 'ambiguous', names, reason: `More than one device: ${names.join(', ')}.` };
};

export function planInput(
  intents: Partial<Intents>,
  observed: Observed,
  fields: Partial<Omit<PlanInput, 'desired' | 'observed'>> = {},
): PlanInput {
  const context = { root: observed.root, netdevs: observed.netdevs, find: findByVf };
  const desired = resolve({ bridges: intents.bridges ?? [], ports: intents.ports ?? [] }, context);
  return { desired, observed, owner, ripe: new Set(), held: new Set(), quarantined: new Map(), ...fields };
}

export function planOf(...args: Parameters<typeof planInput>): Plan {
  return plan(planInput(...args));
}

/** The one action of that kind, on that object where it is named. */
export function actionOf<K extends ActionKind>(of: Plan, kind: K, name?: string): Extract<Action, { kind: K }> {
  const isIt = (action: Action): action is Extract<Action, { kind: K }> =>
    action.kind === kind && (name === undefined || action.object.name === name);
  const found = of.actions.filter(isIt);
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${found.length} actions ${kind} ${name ?? ''}`);
  return first;
}

/** `createPort p0`: which actions there are, for a glance. */
export function actionNames(of: Plan): readonly string[] {
  return of.actions.map((action) => `${action.kind} ${action.object.name}`);
}
