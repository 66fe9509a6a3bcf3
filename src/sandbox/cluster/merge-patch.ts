/**
 * JSON merge patch (RFC 7386): members replace, null removes, lists are replaced whole. Used by the write verbs. Pure.
 */

import { cloneJson, isObject, member, put } from './json.js';
import type { Json, JsonObject } from './json.js';
import { badRequest } from './status.js';

/** The patched document; the one handed in stays as it is. Throws StatusError 400. */
export function applyMergePatch(document: JsonObject, patch: Json): JsonObject {
  if (!isObject(patch)) throw badRequest('Invalid JSON Patch');
  return merge(document, patch);
}

function merge(target: JsonObject | undefined, patch: JsonObject): JsonObject {
  const result = target === undefined ? {} : { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else put(result, key, mergeMember(member(result, key), value));
  }
  return result;
}

function mergeMember(old: Json | undefined, value: Json): Json {
  if (!isObject(value)) return cloneJson(value);
  return merge(isObject(old) ? old : undefined, value);
}
