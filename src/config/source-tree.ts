/**
 * The configuration as it was written, every value with its place: what the YAML reader makes, the overrides change and
 * the checks point into. Plain data; knows nothing of YAML or of which keys are valid.
 */
import type { ConfigPath, PathStep } from './path.js';
import type { Origin } from './problem.js';

/** Where something is written. Lines and columns count from 1. */
export type Place =
  | { readonly kind: 'file'; readonly line: number; readonly column: number }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'flag' };

export type SourceNode = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export interface MapEntry {
  readonly keyPlace: Place;
  readonly value: SourceNode;
}

export interface ListNode {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly SourceNode[];
}

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly place: Place;
  readonly value: string | number | boolean | null;
  /** How it was written: `007` and `1e3` are what somebody meant where text is wanted. */
  readonly text: string;
}

/** The origin of what is written at `place`. */
export function originOf(place: Place): Origin {
  if (place.kind === 'file') return `file:${place.line}`;
  return place.kind === 'env' ? `env:${place.name}` : 'flag';
}

/** The node at `path`, if there is one. */
export function nodeAt(root: SourceNode, path: ConfigPath): SourceNode | undefined {
  let node: SourceNode | undefined = root;
  for (const step of path) {
    if (node === undefined) return undefined;
    node = childOf(node, step);
  }
  return node;
}

function childOf(node: SourceNode, step: PathStep): SourceNode | undefined {
  if (node.kind === 'list') return typeof step === 'number' ? node.items[step] : undefined;
  return node.kind === 'map' && typeof step === 'string' ? node.entries.get(step)?.value : undefined;
}

/** The place of the longest part of `path` that is written down. */
export function placeAt(root: SourceNode, path: ConfigPath): Place {
  let node = root;
  for (const step of path) {
    const child = childOf(node, step);
    if (child === undefined) break;
    node = child;
  }
  return node.place;
}

/** The place of the key that ends `path`; of its value where that is an item of a list. */
export function keyPlaceAt(root: SourceNode, path: ConfigPath): Place {
  const parent = nodeAt(root, path.slice(0, -1));
  const key = path.at(-1);
  const entry = parent?.kind === 'map' && typeof key === 'string' ? parent.entries.get(key) : undefined;
  return entry?.keyPlace ?? placeAt(root, path);
}

/** A path with names in brackets replaced by positions, or the step that leads nowhere. */
export type Resolution = { readonly path: ConfigPath } | { readonly missing: PathStep; readonly at: ConfigPath };

/** Replaces every step into a list by the item's position: `bridges[br-int]` selects the item whose `name` is `br-int`. */
export function resolvePath(root: SourceNode, path: ConfigPath): Resolution {
  const resolved: PathStep[] = [];
  let node: SourceNode | undefined = root;
  for (const step of path) {
    if (node?.kind === 'list') {
      const index: number = typeof step === 'number' ? step : indexOfNamed(node, step);
      if (index < 0 || index >= node.items.length) return { missing: step, at: resolved };
      resolved.push(index);
      node = node.items[index];
    } else {
      if (typeof step === 'number') return { missing: step, at: resolved };
      resolved.push(step);
      node = node === undefined ? undefined : childOf(node, step);
    }
  }
  return { path: resolved };
}

function indexOfNamed(list: ListNode, name: string): number {
  return list.items.findIndex((item) => {
    const value = childOf(item, 'name');
    return value?.kind === 'scalar' && value.text === name;
  });
}

/**
 * A copy of the tree with `value` at `path`; maps that are missing on the way are made.
 * @param path resolved, and with nothing but maps, lists and empty values on its way
 */
export function withValue(root: SourceNode, path: ConfigPath, value: SourceNode): SourceNode {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (root.kind === 'list' && typeof step === 'number') {
    const items = root.items.map((item, index) => (index === step ? withValue(item, rest, value) : item));
    return { ...root, items };
  }
  const entries = new Map(root.kind === 'map' ? root.entries : []);
  const child = entries.get(String(step))?.value ?? { kind: 'map', place: value.place, entries: new Map() };
  entries.set(String(step), { keyPlace: value.place, value: withValue(child, rest, value) });
  return { kind: 'map', place: root.kind === 'map' ? root.place : value.place, entries };
}
