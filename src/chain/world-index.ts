/**
 * The ports of all bridges, arranged for the questions that chains ask: which interface has this name, this `dpf-id`, these
 * labels; which patch ports lead from here to there. Built once per round from what was observed; answers only.
 */

import type { FindNetdev } from '../intent/resolve.js';
import type { Observed, ObservedInterface, ObservedPort } from '../model/observed.js';
import { isOwnedBy, type StringMap } from '../model/ownership.js';

/** external_ids key under which DPF's CNI and controller note what a port is for. */
export const dpfIdKey = 'dpf-id';
/** On the HBN end of a patch pair of DPF's CNI: the representor that the pair is for. */
const hbnRepresentorKey = 'hbn_rep_ofport';
/** On the br-sfc end of such a pair: the same. */
const ifaceIdKey = 'iface-id';
/** external_ids key of an interface or port that says whose it is. */
export const tenantKey = 'dpu-agent-tenant';

export interface ChainWorld {
  readonly observed: Pick<Observed, 'bridges' | 'ports' | 'netdevs'>;
  readonly find: FindNetdev;
  /** Value of the owner mark of this agent. */
  readonly owner: string;
  /** Patch ports that other intents than those of chains declare, by name: chains use them, and wait for them. */
  readonly declared: ReadonlyMap<string, DeclaredPatch>;
  /** Bridges on which the agent may connect a selected port with a patch pair that it makes. */
  readonly legBridges: ReadonlySet<string>;
}

/** A patch port that is wanted whether a chain uses it or not. */
export interface DeclaredPatch {
  readonly bridge: string;
  readonly peerBridge: string;
}

/** HBN's bridge, and no other: the ports of br-int, for one, are OVN's to connect. */
export const defaultLegBridges: ReadonlySet<string> = new Set(['br-hbn']);

/** An interface and the port that holds it. */
export interface Hit {
  readonly port: ObservedPort;
  readonly interface: ObservedInterface;
}

export interface WorldIndex {
  readonly world: ChainWorld;
  /** Sorted by name. */
  readonly hits: readonly Hit[];
  readonly byName: ReadonlyMap<string, Hit>;
  /** By every label of the interface and of its port, see `labelEntry`. */
  readonly byLabel: ReadonlyMap<string, readonly Hit[]>;
  /** Patch ports whose peer exists and names them in return, by their bridge. */
  readonly pairs: ReadonlyMap<string, readonly Pair[]>;
  /** The same, by the name of the near end. */
  readonly pairOf: ReadonlyMap<string, Pair>;
}

/** A patch pair as seen from one of its bridges. */
export interface Pair {
  readonly near: Hit;
  readonly far: Hit;
}

function indexPairs(hits: readonly Hit[], byName: ReadonlyMap<string, Hit>): Map<string, Pair[]> {
  const pairs = new Map<string, Pair[]>();
  for (const near of hits) {
    if (near.interface.type !== 'patch') continue;
    const far = byName.get(near.interface.options.get('peer') ?? '');
    if (far?.interface.type !== 'patch' || far.interface.options.get('peer') !== near.interface.name) continue;
    pairs.set(near.port.bridge, [...(pairs.get(near.port.bridge) ?? []), { near, far }]);
  }
  return pairs;
}

export function indexWorld(world: ChainWorld): WorldIndex {
  const hits = [...world.observed.ports.values()]
    .flatMap((port) => port.interfaces.map((entry): Hit => ({ port, interface: entry })))
    .sort((a, b) => (a.interface.name < b.interface.name ? -1 : 1));
  const byName = new Map(hits.map((hit) => [hit.interface.name, hit]));
  const pairs = indexPairs(hits, byName);
  const pairOf = new Map([...pairs.values()].flat().map((pair) => [pair.near.interface.name, pair]));
  return { world, hits, byName, byLabel: indexLabels(hits), pairs, pairOf };
}

const labelEntry = (key: string, value: string): string => `${key}\u0000${value}`;

function indexLabels(hits: readonly Hit[]): Map<string, Hit[]> {
  const byLabel = new Map<string, Hit[]>();
  for (const hit of hits) {
    const entries = [...hit.interface.externalIds, ...hit.port.externalIds].map((pair) => labelEntry(...pair));
    for (const entry of new Set(entries)) {
      const present = byLabel.get(entry);
      if (present === undefined) byLabel.set(entry, [hit]);
      else present.push(hit);
    }
  }
  return byLabel;
}

/** The interfaces that have every one of these labels, themselves or by their port; sorted by name. */
export function findLabelled(index: WorldIndex, labels: StringMap): readonly Hit[] {
  const [first, ...rest] = labels;
  if (first === undefined) return [];
  const found = index.byLabel.get(labelEntry(...first)) ?? [];
  return found.filter((hit) => rest.every(([key, value]) => hasLabel(hit, key, value)));
}

/** The value of a label: the interface's, else its port's. */
export function labelOf(hit: Hit, key: string): string | undefined {
  return hit.interface.externalIds.get(key) ?? hit.port.externalIds.get(key);
}

function hasLabel(hit: Hit, key: string, value: string): boolean {
  return hit.interface.externalIds.get(key) === value || hit.port.externalIds.get(key) === value;
}

export function isOwnHit(hit: Hit, owner: string): boolean {
  return isOwnedBy(hit.port.externalIds, owner) || isOwnedBy(hit.interface.externalIds, owner);
}

/** `br-hbn` as DPF writes it into the names of ports: `brhbn`. */
export const bridgeWord = (bridge: string): string => bridge.replaceAll('-', '');

/**
 * The interface that somebody else's pair stands for on the other bridge: DPF's CNI names it in external_ids, and in the
 * names of both ends (`p<rep>brsfc`, `p<rep>brhbn`).
 */
export function representedBy({ near, far }: Pair): string | undefined {
  const noted = far.interface.externalIds.get(hbnRepresentorKey) ?? near.interface.externalIds.get(ifaceIdKey);
  if (noted !== undefined) return noted;
  const name = /^p(.+)$/.exec(near.interface.name)?.[1] ?? '';
  const suffix = bridgeWord(near.port.bridge);
  if (!name.endsWith(suffix) || name.length === suffix.length) return undefined;
  const stem = name.slice(0, -suffix.length);
  return far.interface.name === `p${stem}${bridgeWord(far.port.bridge)}` ? stem : undefined;
}
