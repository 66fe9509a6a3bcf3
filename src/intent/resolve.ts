/**
 * Turns intents into what should be in the database: merges the sources, settles who gets what is wanted twice, finds the
 * device behind each representor, and picks the interface type that the bridge's datapath wants. Pure; the planner takes
 * its result. What cannot be desired now comes back as a condition or a finding, never as an exception.
 */

import type { Condition, Finding } from '../model/condition.js';
import { compareSources, type BridgeIntent, type Intents, type PortIntent } from '../model/intent.js';
import type { FindResult, Netdev, RepresentorSelector } from '../model/netdev.js';
import type { ObservedRoot } from '../model/observed.js';
import type { StringMap } from '../model/ownership.js';

/** A port that should exist now. */
export interface DesiredPort {
  readonly name: string;
  readonly bridge: string;
  /** OVS interface type; empty is a system device. */
  readonly type: string;
  readonly options: StringMap;
  /** For a patch port: the other end, and the bridge it is expected on. */
  readonly peer: { readonly port: string; readonly bridge: string } | undefined;
  /** The port that Open vSwitch makes for the bridge itself (OFPP_LOCAL). */
  readonly isLocal: boolean;
  readonly intent: PortIntent;
}

export interface Desired {
  /** By name. */
  readonly bridges: ReadonlyMap<string, BridgeIntent>;
  readonly ports: ReadonlyMap<string, DesiredPort>;
  /** Ports that are wanted and cannot be there now: why. Their rows, if any are left, are not wanted either. */
  readonly waiting: readonly Condition[];
  readonly findings: readonly Finding[];
}

/** How a representor is found; implemented by the host's finders. */
export type FindNetdev = (selector: RepresentorSelector, netdevs: ReadonlyMap<string, Netdev>) => FindResult;

export interface ResolveContext {
  readonly root: ObservedRoot;
  readonly netdevs: ReadonlyMap<string, Netdev>;
  readonly find: FindNetdev;
}

/** Datapath types whose ports are driven by DPDK or DOCA when the switch has them initialised. */
const userspaceTypes = new Set(['netdev', 'doca']);

/** The interface type of a device port: as declared, else what the bridge's datapath wants, if the switch has it. */
function deviceType(declared: string | undefined, bridge: BridgeIntent | undefined, root: ObservedRoot): string {
  if (declared !== undefined) return declared;
  const datapathType = bridge?.datapathType ?? '';
  if (!userspaceTypes.has(datapathType)) return '';
  if (datapathType === 'doca' && root.ifaceTypes.includes('doca')) return 'doca';
  const isReady = root.isDpdkInitialized || root.isDocaInitialized;
  return isReady && root.ifaceTypes.includes('dpdk') ? 'dpdk' : '';
}

function mergeBridges(intents: readonly BridgeIntent[]): Map<string, BridgeIntent> {
  const merged = new Map<string, BridgeIntent>();
  for (const intent of [...intents].sort((a, b) => compareSources(a.source, b.source))) {
    if (!merged.has(intent.name)) merged.set(intent.name, intent);
  }
  return new Map([...merged].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The port's name, or why it cannot be there now. */
type NameResult =
  { readonly name: string } | { readonly name: undefined; readonly why: Exclude<FindResult, { kind: 'found' }> };

function missing(reason: string): NameResult {
  return { name: undefined, why: { kind: 'missing', code: 'DEVICE_ABSENT', reason } };
}

function resolveName(intent: PortIntent, context: ResolveContext): NameResult {
  if (intent.attachment.kind === 'representor') {
    // Open vSwitch opens devices by name, so the port is named as the device is, whatever name was expected.
    const found = context.find(intent.attachment.selector, context.netdevs);
    return found.kind === 'found' ? { name: found.netdev.name } : { name: undefined, why: found };
  }
  if (intent.name === undefined) return missing('The intent names no port.');
  if (intent.attachment.kind === 'system' && !context.netdevs.has(intent.name)) {
    return missing(`There is no network device ${intent.name}.`);
  }
  return { name: intent.name };
}

/** The port that stands for the bridge itself; it carries the bridge's MTU and, with the bridge, the agent's mark. */
function localPort(bridge: BridgeIntent): PortIntent {
  return {
    name: bridge.name,
    bridge: bridge.name,
    attachment: { kind: 'internal' },
    adopt: bridge.adopt,
    vlan: { tag: undefined, trunks: [], mode: undefined },
    ofport: undefined,
    mtu: bridge.mtu,
    options: new Map(),
    otherConfig: new Map(),
    externalIds: new Map(),
    interfaceExternalIds: new Map(),
    source: bridge.source,
  };
}

function waitingCondition(intent: PortIntent, why: Exclude<FindResult, { kind: 'found' }>): Condition {
  const object = { kind: 'port', name: intent.name ?? describeSelector(intent), bridge: intent.bridge } as const;
  if (why.kind === 'ambiguous') {
    const evidence = { devices: why.names.join(', ') };
    return { object, state: 'failed', reason: 'NetdevAmbiguous', message: why.reason, evidence };
  }
  return { object, state: 'waiting', reason: 'NetdevMissing', message: why.reason, evidence: { code: why.code } };
}

/** A name for a port whose device is not there yet: what is looked for. */
function describeSelector(intent: PortIntent): string {
  if (intent.attachment.kind !== 'representor') return '?';
  const entries = Object.entries(intent.attachment.selector).filter(([key]) => key !== 'kind');
  return `${intent.attachment.selector.kind}(${entries.map(([key, value]) => `${key}=${String(value)}`).join(',')})`;
}

function desirePort(
  name: string,
  intent: PortIntent,
  bridge: BridgeIntent | undefined,
  root: ObservedRoot,
): DesiredPort {
  const { attachment } = intent;
  const base = { name, bridge: intent.bridge, intent, isLocal: name === intent.bridge };
  switch (attachment.kind) {
    case 'patch':
      return {
        ...base,
        type: 'patch',
        options: new Map([...intent.options, ['peer', attachment.peer]]),
        peer: { port: attachment.peer, bridge: attachment.peerBridge },
      };
    case 'internal':
      return { ...base, type: 'internal', options: intent.options, peer: undefined };
    case 'dpdk':
      return { ...base, type: attachment.type, options: intent.options, peer: undefined };
    case 'system':
      return { ...base, type: '', options: intent.options, peer: undefined };
    case 'representor':
      return { ...base, type: deviceType(attachment.type, bridge, root), options: intent.options, peer: undefined };
  }
}

function claimFinding(name: string, winner: PortIntent, loser: PortIntent): Finding {
  return {
    reason: 'PortClaimedTwice',
    object: { kind: 'port', name, bridge: loser.bridge },
    message: `Port ${name} is wanted on ${winner.bridge} by ${winner.source.name} and on ${loser.bridge} by ${loser.source.name}; the former keeps it.`,
    claimants: [winner.source.name, loser.source.name],
    remedy: 'Remove the port from one of the two.',
  };
}

/** A total order that does not depend on the order of the inputs: by source, then by everything that tells two apart. */
function comparePorts(a: PortIntent, b: PortIntent): number {
  const bySource = compareSources(a.source, b.source);
  if (bySource !== 0) return bySource;
  const [keyA, keyB] = [a, b].map(
    (intent) => `${intent.bridge}\u0000${intent.name ?? ''}\u0000${describeSelector(intent)}`,
  );
  return keyA === keyB ? 0 : (keyA ?? '') < (keyB ?? '') ? -1 : 1;
}

/** What should be in the database, given the intents and what the kernel and the switch offer. */
export function resolve(intents: Intents, context: ResolveContext): Desired {
  const bridges = mergeBridges(intents.bridges);
  const ports = new Map<string, DesiredPort>();
  const waiting: Condition[] = [];
  const findings: Finding[] = [];
  const owned = [...bridges.values()].filter((bridge) => bridge.mode === 'own');
  for (const intent of [...owned.map(localPort), ...intents.ports].sort(comparePorts)) {
    const found = resolveName(intent, context);
    if (found.name === undefined) {
      waiting.push(waitingCondition(intent, found.why));
      continue;
    }
    const winner = ports.get(found.name);
    if (winner !== undefined) {
      findings.push(claimFinding(found.name, winner.intent, intent));
      continue;
    }
    ports.set(found.name, desirePort(found.name, intent, bridges.get(intent.bridge), context.root));
  }
  return {
    bridges,
    ports: new Map([...ports].sort(([a], [b]) => (a < b ? -1 : 1))),
    waiting,
    findings,
  };
}
