/**
 * Answers one selector: which interface on the chain's bridge it means. Ports that live on another bridge are reached by
 * the patch pair that DPF's CNI made for them, else by one that the agent makes. Ports made by others are used as they
 * are and never claimed for the agent.
 */

import { describeSelector, type ChainPortSelector } from '../model/chain.js';
import { safeText } from '../lib/text.js';
import type { ChainProblem, Place } from './resolved.js';
import {
  bridgeWord,
  dpfIdKey,
  findLabelled,
  isOwnHit,
  representedBy,
  type Hit,
  type Pair,
  type WorldIndex,
} from './world-index.js';

/** Names of a patch pair of the agent. */
export interface PairNames {
  readonly near: Place;
  readonly far: Place;
}

export type PortFinding =
  | {
      readonly kind: 'found';
      readonly near: Hit;
      readonly far: Hit | undefined;
      /** What was selected, where it lives beyond a patch pair. */
      readonly target: Hit | undefined;
      /** The pair is the agent's and has to be kept. */
      readonly ownPair: PairNames | undefined;
    }
  /** A pair has to be made first. */
  | { readonly kind: 'pairMissing'; readonly pair: PairNames; readonly target: Hit | undefined }
  | { readonly kind: 'problem'; readonly problem: ChainProblem };

type Answer = { readonly hits: readonly Hit[] } | { readonly problem: ChainProblem };

/** The one who asks, for the problems. */
export interface Asker {
  /** `chain/switch/port`. */
  readonly key: string;
  readonly source: string;
  readonly bridge: string;
}

function missing(asker: Asker, selector: ChainPortSelector, why: string): ChainProblem {
  return {
    reason: 'ChainPortMissing',
    message: `Port ${asker.key} asks for ${describeSelector(selector)}: ${why}`,
    claimants: [asker.source, describeSelector(selector)],
    remedy: 'Make the port, or correct the selector; the chain is taken as soon as it matches.',
  };
}

function ambiguous(asker: Asker, selector: ChainPortSelector, names: readonly string[]): ChainProblem {
  return {
    reason: 'ChainPortAmbiguous',
    message: `Port ${asker.key} asks for ${describeSelector(selector)}, which matches ${names.map((name) => safeText(name)).join(' and ')}.`,
    claimants: [asker.source, ...names],
    remedy: 'Make the selector say which one is meant, or take the label from the others.',
  };
}

function unusable(asker: Asker, hit: Hit, why: string): ChainProblem {
  return {
    reason: 'ChainPortUnusable',
    message: `Port ${asker.key} means ${safeText(hit.interface.name)} on ${safeText(hit.port.bridge)}, which ${why}.`,
    claimants: [asker.source, `port ${safeText(hit.port.name)} on ${safeText(hit.port.bridge)}`],
    remedy: 'Name another port.',
  };
}

/** The interfaces that a selector means, wherever they live. */
function answer(selector: Exclude<ChainPortSelector, { kind: 'patch' }>, asker: Asker, index: WorldIndex): Answer {
  if (selector.kind === 'service') {
    return { hits: findLabelled(index, new Map([[dpfIdKey, selector.dpfId]])) };
  }
  if (selector.kind === 'labels') return { hits: findLabelled(index, selector.labels) };
  const found = index.world.find(selector, index.world.observed.netdevs);
  if (found.kind === 'ambiguous') return { problem: ambiguous(asker, selector, found.names) };
  if (found.kind === 'missing') return { problem: missing(asker, selector, found.reason) };
  const hit = index.byName.get(found.netdev.name);
  if (hit !== undefined) return { hits: [hit] };
  const why = `the device ${safeText(found.netdev.name)} is there, but it is a port of no bridge.`;
  return { problem: missing(asker, selector, why) };
}

/** Names that neither generation of DPF uses, so that its CNI never stumbles over them. */
function legPairNames(target: Hit, bridge: string): PairNames {
  const name = target.interface.name;
  const [near, far] = [bridgeWord(bridge), bridgeWord(target.port.bridge)];
  return {
    near: { bridge, interface: `p_${name}_${near}_to_${far}` },
    far: { bridge: target.port.bridge, interface: `p_${name}_${far}_to_${near}` },
  };
}

function linkPairNames(bridge: string, other: string, name: string | undefined): PairNames {
  const [near, far] = [bridgeWord(bridge), bridgeWord(other)];
  return {
    near: { bridge, interface: name ?? `p_${near}_to_${far}` },
    far: { bridge: other, interface: name === undefined ? `p_${far}_to_${near}` : `${name}_peer` },
  };
}

/** The agent's own pair of these names, if it is there as it should be. */
function ownPair(names: PairNames, index: WorldIndex): Pair | undefined {
  const { owner } = index.world;
  return (index.pairs.get(names.near.bridge) ?? []).find(
    ({ near, far }) =>
      near.interface.name === names.near.interface &&
      far.interface.name === names.far.interface &&
      far.port.bridge === names.far.bridge &&
      isOwnHit(near, owner),
  );
}

function useOwnPair(names: PairNames, target: Hit | undefined, index: WorldIndex): PortFinding {
  const pair = ownPair(names, index);
  if (pair === undefined) return { kind: 'pairMissing', pair: names, target };
  return { kind: 'found', near: pair.near, far: pair.far, target, ownPair: names };
}

/** The pair as seen from `bridge`, when its far end is there. */
function turned(pair: Pair | undefined, bridge: string): Pair | undefined {
  return pair?.far.port.bridge === bridge ? { near: pair.far, far: pair.near } : undefined;
}

/** How a frame gets from the chain's bridge to an interface on another one. */
function crossOver(target: Hit, asker: Asker, selector: ChainPortSelector, index: WorldIndex): PortFinding {
  const pairs = index.pairs.get(asker.bridge) ?? [];
  const itself = turned(index.pairOf.get(target.interface.name), asker.bridge);
  if (itself !== undefined) return { kind: 'found', ...itself, target: undefined, ownPair: undefined };
  const theirs = pairs.filter(
    (pair) =>
      pair.far.port.bridge === target.port.bridge &&
      !isMadeForChains(pair.near, index) &&
      representedBy(pair) === target.interface.name,
  );
  const [pair, ...more] = theirs;
  if (pair !== undefined && more.length > 0) {
    const names = theirs.map(({ near }) => near.interface.name);
    return { kind: 'problem', problem: ambiguous(asker, selector, names) };
  }
  if (pair !== undefined) return { kind: 'found', ...pair, target, ownPair: undefined };
  if (!index.world.legBridges.has(target.port.bridge)) {
    const why = `is not on ${asker.bridge}, and chains do not reach into that bridge`;
    return { kind: 'problem', problem: unusable(asker, target, why) };
  }
  return useOwnPair(legPairNames(target, asker.bridge), target, index);
}

function place(hit: Hit, asker: Asker, selector: ChainPortSelector, index: WorldIndex): PortFinding {
  if (hit.interface.name === hit.port.bridge) {
    return { kind: 'problem', problem: unusable(asker, hit, "is the bridge's own port") };
  }
  if (hit.port.interfaces.length > 1) {
    return { kind: 'problem', problem: unusable(asker, hit, 'is a member of a bond') };
  }
  if (hit.port.bridge !== asker.bridge) return crossOver(hit, asker, selector, index);
  const pair = index.pairOf.get(hit.interface.name);
  return { kind: 'found', near: hit, far: pair?.far, target: undefined, ownPair: undefined };
}

/** The patch port to another bridge: the one of this name, else the only one that does not stand for a single port. */
function findPatch(
  selector: ChainPortSelector & { readonly kind: 'patch' },
  asker: Asker,
  index: WorldIndex,
): PortFinding {
  if (!index.world.observed.bridges.has(selector.bridge)) {
    return { kind: 'problem', problem: missing(asker, selector, 'there is no such bridge.') };
  }
  const names = linkPairNames(asker.bridge, selector.bridge, selector.name);
  const theirs = (index.pairs.get(asker.bridge) ?? []).filter((pair) => {
    if (pair.far.port.bridge !== selector.bridge || isMadeForChains(pair.near, index)) return false;
    if (selector.name !== undefined) return pair.near.interface.name === selector.name;
    const stem = representedBy(pair);
    return stem === undefined || index.byName.get(stem)?.port.bridge !== selector.bridge;
  });
  const [pair, ...more] = theirs;
  if (pair !== undefined && more.length === 0) {
    return { kind: 'found', ...pair, target: undefined, ownPair: undefined };
  }
  if (pair !== undefined) {
    const found = theirs.map(({ near }) => near.interface.name);
    return { kind: 'problem', problem: ambiguous(asker, selector, found) };
  }
  const coming = declaredPatch(selector, asker, index);
  if (coming !== undefined) {
    const why = `the patch port ${safeText(coming)} is configured and not there yet.`;
    return { kind: 'problem', problem: missing(asker, selector, why) };
  }
  return useOwnPair(names, undefined, index);
}

/** Whether the agent made the port because a chain needed it, as opposed to because the configuration declares it. */
function isMadeForChains(hit: Hit, index: WorldIndex): boolean {
  return isOwnHit(hit, index.world.owner) && !index.world.declared.has(hit.interface.name);
}

/** The declared patch port that the selector would mean, were it there. */
function declaredPatch(
  selector: ChainPortSelector & { readonly kind: 'patch' },
  asker: Asker,
  index: WorldIndex,
): string | undefined {
  for (const [name, patch] of index.world.declared) {
    const isMeant = selector.name === undefined || selector.name === name;
    if (isMeant && patch.bridge === asker.bridge && patch.peerBridge === selector.bridge) return name;
  }
  return undefined;
}

/** Two answers that come out at the same port of the chain's bridge are one: a representor and its own patch port. */
function placeKey(finding: PortFinding): string {
  switch (finding.kind) {
    case 'found':
      return finding.near.interface.name;
    case 'pairMissing':
      return finding.pair.near.interface;
    case 'problem':
      return finding.problem.message;
  }
}

/** Which port of the chain's bridge the selector means, or why none. */
export function findPort(selector: ChainPortSelector, asker: Asker, index: WorldIndex): PortFinding {
  if (selector.kind === 'patch') return findPatch(selector, asker, index);
  const answered = answer(selector, asker, index);
  if ('problem' in answered) return { kind: 'problem', problem: answered.problem };
  const places = new Map<string, PortFinding>();
  for (const hit of answered.hits) {
    const placed = place(hit, asker, selector, index);
    const key = placeKey(placed);
    const known = places.get(key);
    // The answer that knows what is behind the patch port says more.
    if (known?.kind !== 'found' || known.target === undefined) places.set(key, placed);
  }
  const [only, ...more] = places.values();
  if (only === undefined) {
    return { kind: 'problem', problem: missing(asker, selector, 'no interface of any bridge answers to it.') };
  }
  if (more.length === 0) return only;
  const names = answered.hits.map((hit) => `${hit.interface.name} on ${hit.port.bridge}`);
  return { kind: 'problem', problem: ambiguous(asker, selector, names) };
}
