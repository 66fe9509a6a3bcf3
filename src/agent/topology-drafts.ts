/**
 * What the topology should hold, from what was seen: one draft for each bridge, port, representor, attachment and chain, with
 * what is said of it. Pure; the hub compares the drafts with what it has and gives versions to those that differ.
 */

import type { AttachmentView, PodFacts } from '../attach/attachment-view.js';
import { defaultNadKey } from '../attach/nad-key.js';
import type { ChainView } from '../chain/chain-view.js';
import type { Condition, ObjectRef } from '../model/condition.js';
import { type BridgeIntent, compareSources } from '../model/intent.js';
import type { NetdevMap } from '../model/netdev.js';
import type { ObservedBridge, ObservedPort } from '../model/observed.js';
import type { TopologyKind, TopologyObject } from './topology.js';

/** An object before it has a version. */
export type TopologyDraft = Omit<TopologyObject, 'version'>;

/** What the topology is made from; a part is the same value as long as it has not changed. */
export interface TopologyInput {
  readonly bridges: ReadonlyMap<string, ObservedBridge>;
  readonly ports: ReadonlyMap<string, ObservedPort>;
  readonly netdevs: NetdevMap;
  /** Bridges that somebody wants. */
  readonly wanted: readonly BridgeIntent[];
  /** Of bridges, ports, chains and their ports. */
  readonly conditions: readonly Condition[];
  /** The chains in force. */
  readonly chains: readonly ChainView[];
  readonly pods: readonly PodFacts[];
}

/** Conditions by the kind and name of the object that shows them. */
type ConditionsByName = Readonly<Record<'bridge' | 'port' | 'chain', ReadonlyMap<string, readonly Condition[]>>>;

const none: readonly Condition[] = [];

/** All drafts, by kind and then by name. The same input gives the same drafts. */
export function draftTopology(
  input: TopologyInput,
): Readonly<Record<TopologyKind, ReadonlyMap<string, TopologyDraft>>> {
  const conditions = sortConditions(input.conditions);
  return {
    bridge: draftBridges(input, conditions.bridge),
    port: draftPorts(input, conditions.port),
    representor: draftRepresentors(input),
    attachment: draftAttachments(input.pods),
    chain: draftChains(input.chains, conditions.chain),
  };
}

/** The name of the topology's object that shows a condition: of a port of a chain, the chain (`chain/switch/port`). */
function shownBy({ kind, name }: ObjectRef): string {
  if (kind !== 'chainPort') return name;
  const slash = name.indexOf('/');
  return slash < 0 ? name : name.slice(0, slash);
}

function sortConditions(conditions: readonly Condition[]): ConditionsByName {
  const sorted = {
    bridge: new Map<string, Condition[]>(),
    port: new Map<string, Condition[]>(),
    chain: new Map<string, Condition[]>(),
  };
  for (const condition of conditions) {
    const { kind } = condition.object;
    const shownAs = kind === 'chainPort' ? 'chain' : kind;
    // Those of attachments are made from the pods, which say more; the others are of what is no part of the topology.
    if (shownAs !== 'bridge' && shownAs !== 'port' && shownAs !== 'chain') continue;
    const byName = sorted[shownAs];
    const name = shownBy(condition.object);
    const list = byName.get(name);
    if (list === undefined) byName.set(name, [condition]);
    else list.push(condition);
  }
  return sorted;
}

function draftBridges(
  { bridges, wanted }: TopologyInput,
  conditions: ReadonlyMap<string, readonly Condition[]>,
): ReadonlyMap<string, TopologyDraft> {
  const intents = new Map<string, BridgeIntent>();
  for (const intent of wanted) {
    const other = intents.get(intent.name);
    if (other === undefined || compareSources(intent.source, other.source) < 0) intents.set(intent.name, intent);
  }
  const drafts = new Map<string, TopologyDraft>();
  for (const name of new Set([...bridges.keys(), ...intents.keys(), ...conditions.keys()])) {
    const intent = intents.get(name);
    drafts.set(name, {
      ref: { kind: 'bridge', name },
      conditions: conditions.get(name) ?? none,
      facts: { kind: 'bridge', observed: bridges.get(name), mode: intent?.mode, source: intent?.source.name },
    });
  }
  return drafts;
}

function draftPorts(
  { ports }: TopologyInput,
  conditions: ReadonlyMap<string, readonly Condition[]>,
): ReadonlyMap<string, TopologyDraft> {
  const drafts = new Map<string, TopologyDraft>();
  for (const [name, observed] of ports) {
    drafts.set(name, {
      ref: { kind: 'port', name, bridge: observed.bridge },
      conditions: conditions.get(name) ?? none,
      facts: { kind: 'port', observed },
    });
  }
  for (const [name, said] of conditions) {
    if (drafts.has(name)) continue;
    const bridge = said[0]?.object.bridge;
    const ref = { kind: 'port', name, ...(bridge === undefined ? {} : { bridge }) } as const;
    drafts.set(name, { ref, conditions: said, facts: { kind: 'port', observed: undefined } });
  }
  return drafts;
}

function draftRepresentors({ netdevs, ports }: TopologyInput): ReadonlyMap<string, TopologyDraft> {
  const bridgeOf = new Map<string, string>();
  for (const port of ports.values()) for (const { name } of port.interfaces) bridgeOf.set(name, port.bridge);
  const drafts = new Map<string, TopologyDraft>();
  for (const [name, netdev] of netdevs) {
    if (netdev.kind === 'other') continue;
    drafts.set(name, {
      ref: { kind: 'representor', name },
      conditions: none,
      facts: { kind: 'representor', netdev, bridge: bridgeOf.get(name) },
    });
  }
  return drafts;
}

function draftAttachments(pods: readonly PodFacts[]): ReadonlyMap<string, TopologyDraft> {
  const drafts = new Map<string, TopologyDraft>();
  // A pod that ends may be listed beside the one that takes its name: the new one is what a reader asks for.
  const sorted = [...pods].sort((a, b) => Number(b.isDeleting) - Number(a.isDeleting));
  for (const pod of sorted) for (const view of pod.attachments) addAttachment(drafts, pod, view);
  return drafts;
}

function addAttachment(drafts: Map<string, TopologyDraft>, pod: PodFacts, view: AttachmentView): void {
  const label = `${pod.namespace}/${pod.name}`;
  const name = view.nadKey === defaultNadKey ? label : `${label} ${view.nadKey}`;
  const object = { kind: 'attachment', name } as const;
  const { state, reason, message, evidence } = view;
  drafts.set(name, {
    ref: object,
    conditions: [{ object, state, reason, message, evidence }],
    facts: { kind: 'attachment', namespace: pod.namespace, pod: pod.name, podUid: pod.uid, view },
  });
}

function draftChains(
  chains: readonly ChainView[],
  conditions: ReadonlyMap<string, readonly Condition[]>,
): ReadonlyMap<string, TopologyDraft> {
  const drafts = new Map<string, TopologyDraft>();
  const add = (view: ChainView, said: readonly Condition[]): void => {
    const { name, bridge } = view.intent;
    drafts.set(name, { ref: { kind: 'chain', name, bridge }, conditions: said, facts: { kind: 'chain', view } });
  };
  for (const view of chains) add(view, conditions.get(view.intent.name) ?? none);
  // One that is refused and has no earlier version in force: nothing but its name is known.
  for (const [name, said] of conditions) {
    if (!drafts.has(name)) add({ intent: { name, bridge: said[0]?.object.bridge ?? '' }, switches: [] }, said);
  }
  return drafts;
}
