/**
 * Sets of fields in the FieldsV1 notation of `managedFields` (`f:` a member, `k:` an item of a list by its keys, `v:` a
 * value of a set, `.` the thing itself), computed from objects and compared with one another. Pure; used for field
 * ownership.
 */

import { isObject, isSameJson, member, put } from './json.js';
import type { Json, JsonObject } from './json.js';
import { isAtomicMap, listHint } from './merge-hints.js';

/** A tree; a leaf is an empty object. */
export type FieldSet = JsonObject;

/** Children of a value as path elements, or undefined where the value counts as one. */
export function partsOf(value: Json | undefined, kind: string, path: string): ReadonlyMap<string, Json> | undefined {
  if (isObject(value)) {
    if (isAtomicMap(path)) return undefined;
    return new Map(Object.entries(value).map(([key, entry]) => [`f:${key}`, entry]));
  }
  if (!Array.isArray(value)) return undefined;
  const hint = listHint(kind, path)?.apply;
  if (hint === undefined) return undefined;
  if (hint === 'set') return new Map(value.map((entry) => [`v:${JSON.stringify(entry)}`, entry]));
  return new Map(value.map((entry) => [itemElement(entry, hint), entry]));
}

/** The path element of an item of a keyed list. A port without a protocol is a TCP port. */
export function itemElement(item: Json, keys: readonly string[]): string {
  const found: JsonObject = {};
  for (const key of keys) {
    const value = isObject(item) ? member(item, key) : undefined;
    put(found, key, value ?? (key === 'protocol' ? 'TCP' : null));
  }
  return `k:${JSON.stringify(found)}`;
}

/** The path of a child for the hints: items of lists add nothing. */
export function childPath(path: string, element: string): string {
  if (!element.startsWith('f:')) return path;
  return path === '' ? element.slice(2) : `${path}.${element.slice(2)}`;
}

/** All fields of a value. */
export function fieldsOf(value: Json, kind: string, path = ''): FieldSet {
  const parts = partsOf(value, kind, path);
  const set: FieldSet = {};
  for (const [element, entry] of parts ?? []) {
    const fields = fieldsOf(entry, kind, childPath(path, element));
    put(set, element, element.startsWith('k:') ? { '.': {}, ...fields } : fields);
  }
  return set;
}

/** Fields of `next` that `old` does not have or has with another value; undefined when there are none. */
export function changedFields(old: Json | undefined, next: Json, kind: string, path = ''): FieldSet | undefined {
  if (isSameJson(old, next)) return undefined;
  const parts = partsOf(next, kind, path);
  if (parts === undefined || parts.size === 0) return {};
  const before = partsOf(old, kind, path);
  const set: FieldSet = before === undefined && path !== '' && isTracked(path) ? { '.': {} } : {};
  for (const [element, entry] of parts) {
    const isNewItem = element.startsWith('k:') && before?.has(element) !== true;
    const changed = changedFields(before?.get(element), entry, kind, childPath(path, element));
    if (changed !== undefined) put(set, element, isNewItem ? { '.': {}, ...changed } : changed);
  }
  return Object.keys(set).length === 0 ? undefined : set;
}

/** The maps of free keys own themselves too; the members of a type's structure do not. */
function isTracked(path: string): boolean {
  return path === 'metadata.annotations' || path === 'metadata.labels' || path === 'metadata.ownerReferences';
}

/** The fields of a set that a value still has. */
export function presentFields(set: FieldSet, value: Json, kind: string, path = ''): FieldSet | undefined {
  const parts = partsOf(value, kind, path);
  if (Object.keys(set).length === 0 || parts === undefined) return {};
  const kept: FieldSet = {};
  for (const [element, child] of Object.entries(set)) {
    const entry = parts.get(element);
    if (element === '.') put(kept, element, {});
    else if (entry !== undefined && isObject(child)) {
      const present = presentFields(child, entry, kind, childPath(path, element));
      if (present !== undefined) put(kept, element, present);
    }
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** Fields that are in either. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  const result: FieldSet = { ...left };
  for (const [element, child] of Object.entries(right)) {
    const other = member(left, element);
    put(result, element, isObject(other) && isObject(child) ? union(other, child) : child);
  }
  return result;
}

/** Fields of the left that the right does not have; undefined when nothing is left. */
export function difference(left: FieldSet, right: FieldSet): FieldSet | undefined {
  const result: FieldSet = {};
  for (const [element, child] of Object.entries(left)) {
    const other = member(right, element);
    if (!isObject(other) || !isObject(child)) put(result, element, child);
    else {
      const rest = isLeaf(child) || isLeaf(other) ? undefined : difference(child, other);
      if (rest !== undefined) put(result, element, rest);
    }
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

function isLeaf(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}

/** The leaves of the left that are (or lie within a leaf that is) in the right, as paths. */
export function overlap(left: FieldSet, right: FieldSet, path: readonly string[] = []): (readonly string[])[] {
  return Object.entries(left).flatMap(([element, child]) => {
    const other = member(right, element);
    if (element === '.' || !isObject(other) || !isObject(child)) return [];
    const here = [...path, element];
    return isLeaf(child) || isLeaf(other) ? [here] : overlap(child, other, here);
  });
}

/** A path as the server words it: `.metadata.labels.app`, `.spec.containers[name="a"].image`. */
export function fieldText(path: readonly string[]): string {
  return path
    .map((element) => {
      if (element.startsWith('f:')) return `.${element.slice(2)}`;
      if (element.startsWith('v:')) return `[=${element.slice(2)}]`;
      const keys = JSON.parse(element.slice(2)) as JsonObject;
      return `[${Object.entries(keys)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    })
    .join('');
}
