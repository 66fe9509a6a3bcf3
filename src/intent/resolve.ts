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

/** What of the switch decides the type of an interface. */
export type SwitchTypes = Pick<ObservedRoot, 'ifaceTypes' | 'isDpdkInitialized' | 'isDocaInitialized'>;

export interface ResolveContext {
  readonly root: SwitchTypes;
  readonly netdevs: ReadonlyMap<string, Netdev>;
  readonly find: FindNetdev;
}

/** Datapath types whose ports are driven by DPDK or DOCA when the switch has them initialised. */
const userspaceTypes = new Set(['netdev', 'doca']);

/** The interface type of a device port: as declared, else what the bridge's datapath wants, if the switch has it. */
function deviceType(declared: string | undefined, bridge: BridgeIntent | undefined, root: SwitchTypes): string {
  if (declared !== undefined) return declared;
  const datapathType = bridge?.datapathType ?? '';
  if (!userspaceTypes.has(datapathType)) return '';
  if (datapathType === 'doca' && root.ifaceTypes.includes('doca')) return 'doca';
  const isReady = root.isDpdkInitialized || root.isDocaInitialized;
  return isReady && root.ifaceTypes.includes('dpdk') ? 'dpdk' : '';
}

/** A text that is equal for equal intents, whatever the order in which their maps and fields were filled. */
function canonicalText(value: unknown): string {
  const normalize = (_key: string, field: unknown): unknown => {
    if (typeof field !== 'object' || field === null || Array.isArray(field)) return field;
    const entries: [string, unknown][] = field instanceof Map ? [...(field as StringMap)] : Object.entries(field);
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  };
  return JSON.stringify(value, normalize);
}

/** Lists of intents are immutable, and the same one is resolved in every round: it is put in order once. */
const ordered = new WeakMap<readonly object[], readonly object[]>();

/** A total order that does not depend on the order of the inputs: by source, then by everything that tells two apart. */
function inOrder<T extends BridgeIntent | PortIntent>(intents: readonly T[]): readonly T[] {
  const known = ordered.get(intents) as readonly T[] | undefined;
  if (known !== undefined) return known;
  const result = putInOrder(intents);
  ordered.set(intents, result);
  return result;
}

function putInOrder<T extends BridgeIntent | PortIntent>(intents: readonly T[]): readonly T[] {
  const keyed = intents.map((intent) => ({ intent, text: canonicalText(intent) }));
  keyed.sort((a, b) => compareSources(a.intent.source, b.intent.source) || (a.text < b.text ? -1 : 1));
  return keyed.map(({ intent }) => intent);
}

/** Whether two sources say the same of a bridge. */
function agree(a: BridgeIntent, b: BridgeIntent): boolean {
  return canonicalText({ ...a, source: undefined }) === canonicalText({ ...b, source: undefined });
}

function mergeBridges(intents: readonly BridgeIntent[], findings: Finding[]): Map<string, BridgeIntent> {
  const merged = new Map<string, BridgeIntent>();
  for (const intent of inOrder(intents)) {
    const winner = merged.get(intent.name);
    if (winner === undefined) merged.set(intent.name, intent);
    else if (!agree(winner, intent)) findings.push(bridgeClaim(winner, intent));
  }
  return new Map([...merged].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function bridgeClaim(winner: BridgeIntent, loser: BridgeIntent): Finding {
  return {
    reason: 'BridgeClaimedTwice',
    object: { kind: 'bridge', name: loser.name },
    message: `Bridge ${loser.name} is described by ${winner.source.name} and, otherwise, by ${loser.source.name}; the former holds.`,
    claimants: [winner.source.name, loser.source.name],
    remedy: 'Remove the bridge from one of the two, or make them say the same.',
  };
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

/** The name under which the port is in the database and in conditions, or would be: that of its device, where one is found. */
export function judgedName(intent: PortIntent, netdevs: ReadonlyMap<string, Netdev>, find: FindNetdev): string {
  const { attachment, name } = intent;
  const found = attachment.kind === 'representor' ? find(attachment.selector, netdevs) : undefined;
  return found?.kind === 'found' ? found.netdev.name : (name ?? describeSelector(intent));
}

/** A name for a port whose device is not there yet: what is looked for. */
function describeSelector(intent: PortIntent): string {
  if (intent.attachment.kind !== 'representor') return '?';
  const entries = Object.entries(intent.attachment.selector)
    .filter(([key, value]) => key !== 'kind' && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `${intent.attachment.selector.kind}(${entries.map(([key, value]) => `${key}=${String(value)}`).join(',')})`;
}

function desirePort(
  name: string,
  intent: PortIntent,
  bridge: BridgeIntent | undefined,
  root: SwitchTypes,
): DesiredPort {
  const [type, options, peer] = wiring(intent, bridge, root);
  // One literal for all kinds: thousands are kept, and copies that are made by spreading have a hidden class each.
  return { name, bridge: intent.bridge, intent, isLocal: name === intent.bridge, type, options, peer };
}

function wiring(
  { attachment, options }: PortIntent,
  bridge: BridgeIntent | undefined,
  root: SwitchTypes,
): readonly [DesiredPort['type'], DesiredPort['options'], DesiredPort['peer']] {
  switch (attachment.kind) {
    case 'patch': {
      const { peer, peerBridge } = attachment;
      return ['patch', new Map([...options, ['peer', peer]]), { port: peer, bridge: peerBridge }];
    }
    case 'internal':
      return ['internal', options, undefined];
    case 'dpdk':
      return [attachment.type, options, undefined];
    case 'system':
      return ['', options, undefined];
    case 'representor':
      return [deviceType(attachment.type, bridge, root), options, undefined];
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

interface Waiting {
  readonly intent: PortIntent;
  readonly condition: Condition;
}

/** What is settled so far, port by port. */
interface PortsBuilder {
  readonly ports: Map<string, DesiredPort>;
  readonly waiting: Map<string, Waiting>;
  readonly findings: Finding[];
}

/** The local port of a bridge is the bridge's: it is not to be declared as a port, on whatever bridge. */
function localClaim(name: string, bridge: BridgeIntent, loser: PortIntent): Finding {
  return {
    ...claimFinding(name, localPort(bridge), loser),
    remedy: 'The name is that of the local port of the bridge; remove the port, and set its MTU on the bridge.',
  };
}

function settlePort(
  builder: PortsBuilder,
  intent: PortIntent,
  bridges: ReadonlyMap<string, BridgeIntent>,
  context: ResolveContext,
): void {
  const found = resolveName(intent, context);
  if (found.name === undefined) {
    settleWaiting(builder, { intent, condition: waitingCondition(intent, found.why) });
    return;
  }
  const named = bridges.get(found.name);
  const winner = builder.ports.get(found.name);
  if (named !== undefined && (named.mode === 'own' || named.name === intent.bridge)) {
    builder.findings.push(localClaim(found.name, named, intent));
  } else if (winner !== undefined) {
    builder.findings.push(claimFinding(found.name, winner.intent, intent));
  } else {
    builder.ports.set(found.name, desirePort(found.name, intent, bridges.get(intent.bridge), context.root));
  }
}

function settleWaiting(builder: PortsBuilder, entry: Waiting): void {
  const { name } = entry.condition.object;
  const winner = builder.waiting.get(name);
  if (winner === undefined) builder.waiting.set(name, entry);
  else builder.findings.push(claimFinding(name, winner.intent, entry.intent));
}

/** A port that can be there now keeps its name from one that waits for its device. */
function waitingConditions(builder: PortsBuilder): readonly Condition[] {
  const conditions: Condition[] = [];
  for (const [name, { intent, condition }] of builder.waiting) {
    const winner = builder.ports.get(name);
    if (winner === undefined) conditions.push(condition);
    else builder.findings.push(claimFinding(name, winner.intent, intent));
  }
  return conditions;
}

/** What should be in the database, given the intents and what the kernel and the switch offer. */
export function resolve(intents: Intents, context: ResolveContext): Desired {
  const builder: PortsBuilder = { ports: new Map(), waiting: new Map(), findings: [] };
  const bridges = mergeBridges(intents.bridges, builder.findings);
  for (const bridge of bridges.values()) {
    if (bridge.mode !== 'own') continue;
    builder.ports.set(bridge.name, desirePort(bridge.name, localPort(bridge), bridge, context.root));
  }
  for (const intent of inOrder(intents.ports)) settlePort(builder, intent, bridges, context);
  const waiting = waitingConditions(builder);
  const ports = new Map([...builder.ports].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { bridges, ports, waiting, findings: builder.findings };
}
