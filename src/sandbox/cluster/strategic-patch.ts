/**
 * Strategic merge patch, what `kubectl patch`, `annotate`, `label` and `apply` send for built-in kinds: a merge patch
 * whose lists are merged by key, with the directives `$patch`, `$deleteFromPrimitiveList`, `$setElementOrder` and
 * `$retainKeys` (k8s.io/apimachinery, pkg/util/strategicpatch). Pure.
 */

import { cloneJson, isObject, isSameJson, member, put } from './json.js';
import type { Json, JsonObject } from './json.js';
import { listHint } from './merge-hints.js';
import { badRequest } from './status.js';

const deleteListPrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/** The patched document; the one handed in stays as it is. Throws StatusError 400. */
export function applyStrategicPatch(document: JsonObject, patch: Json, kind: string): JsonObject {
  if (!isObject(patch)) throw badRequest('the strategic merge patch is not an object');
  return mergeObject(document, patch, kind, '');
}

function mergeObject(target: JsonObject, patch: JsonObject, kind: string, path: string): JsonObject {
  const directive = member(patch, '$patch');
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return {};
  const result = retained({ ...target }, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) Reflect.deleteProperty(result, key);
    else put(result, key, mergeValue(member(result, key), value, kind, path === '' ? key : `${path}.${key}`, patch));
  }
  return deletedFromLists(result, patch);
}

function mergeValue(old: Json | undefined, value: Json, kind: string, path: string, patch: JsonObject): Json {
  if (isObject(value)) return mergeObject(isObject(old) ? old : {}, value, kind, path);
  if (!Array.isArray(value)) return value;
  const key = listHint(kind, path)?.strategic;
  if (key === undefined) return cloneJson(value);
  const before = Array.isArray(old) ? old : [];
  const merged = key === '' ? mergePlain(before, value) : mergeItems(before, value, key, kind, path);
  return ordered(merged, member(patch, orderPrefix + lastOf(path)), key);
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

function mergePlain(before: readonly Json[], added: readonly Json[]): Json[] {
  return [...before, ...added.filter((entry) => !before.some((old) => isSameJson(old, entry)))];
}

function mergeItems(before: readonly Json[], patch: readonly Json[], key: string, kind: string, path: string): Json[] {
  if (patch.some((entry) => isObject(entry) && member(entry, '$patch') === 'replace' && !(key in entry))) {
    return patch.filter((entry) => !(isObject(entry) && '$patch' in entry)).map((entry) => cloneJson(entry));
  }
  let result = [...before];
  for (const entry of patch) {
    if (!isObject(entry)) throw badRequest(`an item of ${path} is not an object`);
    const id = member(entry, key);
    if (id === undefined) throw badRequest(`map: ${JSON.stringify(entry)} does not contain declared merge key: ${key}`);
    const index = result.findIndex((old) => isObject(old) && isSameJson(member(old, key), id));
    if (member(entry, '$patch') === 'delete') result = result.filter((_, i) => i !== index);
    else if (index < 0) result.push(withoutDirectives(entry));
    else result[index] = mergeObject(result[index] as JsonObject, entry, kind, path);
  }
  return result;
}

/** `$setElementOrder/list`: the named items in that order, others stay behind the one that they followed (simplified: last). */
function ordered(list: Json[], order: Json | undefined, key: string): Json[] {
  if (!Array.isArray(order)) return list;
  const idOf = (entry: Json): Json | undefined => (key === '' || !isObject(entry) ? entry : member(entry, key));
  const rank = (entry: Json): number => {
    const index = order.findIndex((wanted) => isSameJson(idOf(wanted), idOf(entry)));
    return index < 0 ? order.length : index;
  };
  return list
    .map((entry, index) => ({ entry, index, rank: rank(entry) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ entry }) => entry);
}

/** `$retainKeys`: the members of a union that stay. */
function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keys = member(patch, '$retainKeys');
  if (!Array.isArray(keys)) return target;
  return Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)));
}

function deletedFromLists(target: JsonObject, patch: JsonObject): JsonObject {
  for (const [directive, values] of Object.entries(patch)) {
    if (!directive.startsWith(deleteListPrefix) || !Array.isArray(values)) continue;
    const key = directive.slice(deleteListPrefix.length);
    const list = member(target, key);
    if (Array.isArray(list))
      put(
        target,
        key,
        list.filter((entry) => !values.some((gone) => isSameJson(gone, entry))),
      );
  }
  return target;
}

function withoutDirectives(value: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [key, entry] of Object.entries(value)) {
    if (!key.startsWith('$')) put(result, key, isObject(entry) ? withoutDirectives(entry) : cloneJson(entry));
  }
  return result;
}
