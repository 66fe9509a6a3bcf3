/**
 * The part of `metadata` that the server writes: names from `generateName`, uid, times and versions at creation, and
 * what a client may not change later (k8s.io/apiserver, pkg/registry/rest). Used by the write verbs.
 */

import { randomInt, randomUUID } from 'node:crypto';
import { ensureObject, isObject, isSameJson, member, objectAt, put, textAt } from './json.js';
import type { Json, JsonObject } from './json.js';
import { wrong } from './status.js';
import type { FieldProblem } from './status.js';

/** RFC 3339 with whole seconds, the form of metav1.Time. */
export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';
const generatedBaseMax = 58;

/** A name with five random letters at its end, without vowels so that no words come out. */
export function generatedName(base: string): string {
  const suffix = Array.from({ length: 5 }, () => suffixLetters[randomInt(suffixLetters.length)]).join('');
  return base.slice(0, generatedBaseMax) + suffix;
}

/** Gives a new object its identity. The object must not be frozen. */
export function stampNew(object: JsonObject, namespace: string | undefined, wallMs: number): void {
  const metadata = ensureObject(object, 'metadata');
  const base = textAt(metadata, 'generateName');
  if (textAt(metadata, 'name') === '' && base !== '') metadata['name'] = generatedName(base);
  if (namespace === undefined) delete metadata['namespace'];
  else metadata['namespace'] = namespace;
  for (const key of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'generation', 'managedFields']) {
    Reflect.deleteProperty(metadata, key);
  }
  metadata['uid'] = randomUUID();
  metadata['creationTimestamp'] = timeText(wallMs);
}

/** Members that keep their value when a client leaves them out, and that it may not change. */
const immutable = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;
/** Members that keep their value whatever a client sends. */
const serverOnly = ['name', 'namespace', 'generation', 'selfLink'] as const;

/** Carries over what the server wrote; tells what the client tried to change all the same. */
export function keepIdentity(next: JsonObject, old: JsonObject): FieldProblem[] {
  const metadata = ensureObject(next, 'metadata');
  const before = objectAt(old, 'metadata');
  const problems: FieldProblem[] = [];
  for (const key of immutable) {
    const given = member(metadata, key);
    const kept = member(before, key);
    const isGiven = given !== undefined && given !== null && given !== '';
    if (isGiven && !isSameJson(given, kept)) problems.push(wrong(`metadata.${key}`, given, 'field is immutable'));
    restore(metadata, key, kept);
  }
  for (const key of serverOnly) restore(metadata, key, member(before, key));
  return problems;
}

function restore(metadata: JsonObject, key: string, value: Json | undefined): void {
  if (value === undefined) Reflect.deleteProperty(metadata, key);
  else put(metadata, key, value);
}

/**
 * Brings `metadata` into the form that a typed server stores: empty maps and lists are left out, a null text is ''.
 * Returns what does not fit the types, worded as Go's decoder does.
 */
export function normalizeMetadata(object: JsonObject): string | undefined {
  const metadata = member(object, 'metadata');
  if (metadata === undefined || metadata === null) {
    object['metadata'] = {};
    return undefined;
  }
  if (!isObject(metadata)) return 'json: cannot unmarshal value into Go struct field .metadata of type v1.ObjectMeta';
  return normalizeMaps(metadata) ?? normalizeLists(metadata) ?? textFault(metadata);
}

function unmarshalFault(value: Json, field: string, type: string): string {
  const kind = Array.isArray(value) ? 'array' : isObject(value) ? 'object' : typeof value;
  const word = kind === 'boolean' ? 'bool' : kind;
  return `json: cannot unmarshal ${word} into Go struct field ObjectMeta.metadata.${field} of type ${type}`;
}

function normalizeMaps(metadata: JsonObject): string | undefined {
  for (const field of ['annotations', 'labels']) {
    const map = member(metadata, field);
    if (map === undefined) continue;
    if (map !== null && !isObject(map)) return unmarshalFault(map, field, 'map[string]string');
    if (map === null || Object.keys(map).length === 0) {
      Reflect.deleteProperty(metadata, field);
      continue;
    }
    for (const [key, value] of Object.entries(map)) {
      if (value === null) put(map, key, '');
      else if (typeof value !== 'string') return unmarshalFault(value, field, 'string');
    }
  }
  return undefined;
}

function normalizeLists(metadata: JsonObject): string | undefined {
  for (const field of ['finalizers', 'ownerReferences']) {
    const list = member(metadata, field);
    if (list === undefined) continue;
    if (list !== null && !Array.isArray(list)) return unmarshalFault(list, field, '[]');
    if (list === null || list.length === 0) Reflect.deleteProperty(metadata, field);
  }
  return undefined;
}

function textFault(metadata: JsonObject): string | undefined {
  for (const field of ['name', 'generateName', 'namespace', 'uid', 'resourceVersion']) {
    const value = member(metadata, field);
    if (value === null) Reflect.deleteProperty(metadata, field);
    else if (value !== undefined && typeof value !== 'string') return unmarshalFault(value, field, 'string');
  }
  return undefined;
}
