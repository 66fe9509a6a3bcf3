/**
 * Server-side apply: what a manager applies is merged into the object and owned by it; what it applied before and no
 * longer does is removed, unless somebody else owns it too; what another manager owns with another value is a conflict
 * (Kubernetes documentation, "Server-Side Apply"; sigs.k8s.io/structured-merge-diff). Pure.
 */

import {
  childPath,
  fieldText,
  fieldsOf,
  overlap,
  partsOf,
  presentFields,
  union,
  changedFields,
  difference,
} from './field-set.js';
import type { FieldSet } from './field-set.js';
import { cloneJson, isObject, isSameJson, listAt, member, put } from './json.js';
import type { Json, JsonObject } from './json.js';
import { isSameManager, ownable, ownershipsOf, writeOwnerships } from './managed-fields.js';
import type { Manager, Ownership } from './managed-fields.js';
import type { PatchPlan } from './registry.js';
import { applyConflict, badRequest } from './status.js';
import type { StatusCause } from './status.js';

export interface ApplyOptions {
  readonly manager: Manager;
  readonly kind: string;
  readonly isForced: boolean;
}

/** Throws StatusError 400; the plan throws 409 on conflicts. */
export function planApply(applied: JsonObject, options: ApplyOptions): PatchPlan {
  if (listAt(applied, 'metadata', 'managedFields').length > 0) throw badRequest('metadata.managedFields must be nil');
  return {
    next: (current, time) => applyTo(current, applied, options, time),
    create: (time) => {
      const made = cloneJson(applied);
      if (!isObject(made['metadata'])) made['metadata'] = {};
      writeOwnerships(made, [lineOf(applied, options, time, undefined)]);
      return made;
    },
    keepsBooks: true,
  };
}

function lineOf(applied: JsonObject, options: ApplyOptions, time: string, before: Ownership | undefined): Ownership {
  const fields = fieldsOf(ownable(applied), options.kind);
  const isSame = before !== undefined && isSameJson(before.fields, fields);
  return { ...options.manager, fields, time: isSame ? before.time : time };
}

function applyTo(current: JsonObject, applied: JsonObject, options: ApplyOptions, time: string): JsonObject {
  const { kind, manager } = options;
  const books = ownershipsOf(current);
  const mine = books.find((entry) => isSameManager(entry, manager));
  const others = books.filter((entry) => entry !== mine);
  const line = lineOf(applied, options, time, mine);
  const merged = mergeApplied(current, applied, kind, '') as JsonObject;
  const changed = changedFields(ownable(current), ownable(merged), kind) ?? {};
  // What is owned by this manager already is no matter between it and the others.
  const contested = others.map((other) => ({ other, paths: overlap(changed, other.fields) }));
  if (!options.isForced) throwConflicts(contested);
  const kept = others.map((other) => ({ ...other, fields: difference(other.fields, changed) ?? {} }));
  const next = pruned(merged, mine?.fields, [line, ...kept], kind);
  const present = kept.map((entry) => ({ ...entry, fields: presentFields(entry.fields, ownable(next), kind) ?? {} }));
  writeOwnerships(
    next,
    [...present, line].filter((entry) => Object.keys(entry.fields).length > 0),
  );
  return next;
}

interface Contest {
  readonly other: Ownership;
  readonly paths: readonly (readonly string[])[];
}

function throwConflicts(contests: readonly Contest[]): void {
  const found = contests.filter(({ paths }) => paths.length > 0);
  if (found.length === 0) return;
  const causes: StatusCause[] = found.flatMap(({ other, paths }) =>
    paths.map((path) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${managerText(other)}`,
      field: fieldText(path),
    })),
  );
  const count = `Apply failed with ${causes.length} conflict${causes.length === 1 ? '' : 's'}: `;
  throw applyConflict(count + conflictText(found, causes), causes);
}

function conflictText(found: readonly Contest[], causes: readonly StatusCause[]): string {
  if (causes.length === 1) return `${causes[0]?.message ?? ''}: ${causes[0]?.field ?? ''}`;
  return found
    .map(({ other, paths }) => `conflicts with ${managerText(other)}:\n- ${paths.map(fieldText).join('\n- ')}`)
    .join('\n');
}

/** Appliers by name alone, writers with version and time (apiserver, managedfields conflict printing). */
function managerText(other: Ownership): string {
  const subresource = other.subresource === '' ? '' : ` with subresource "${other.subresource}"`;
  const name = `"${other.name}"${subresource}`;
  return other.operation === 'Apply' ? name : `${name} using ${other.apiVersion} at ${other.time}`;
}

/** The object with what is applied laid over it. */
function mergeApplied(current: Json | undefined, applied: Json, kind: string, path: string): Json {
  const parts = partsOf(applied, kind, path);
  if (parts === undefined || current === undefined) return cloneJson(applied);
  if (isObject(applied)) {
    const result: JsonObject = isObject(current) ? { ...current } : {};
    for (const [key, value] of Object.entries(applied)) {
      put(result, key, mergeApplied(member(result, key), value, kind, childPath(path, `f:${key}`)));
    }
    return result;
  }
  const before = partsOf(current, kind, path) ?? new Map<string, Json>();
  const merged = new Map(before);
  for (const [element, entry] of parts) merged.set(element, mergeApplied(before.get(element), entry, kind, path));
  return [...merged.values()];
}

/** Removes what the manager applied before and nobody owns now. */
function pruned(
  merged: JsonObject,
  before: FieldSet | undefined,
  owners: readonly Ownership[],
  kind: string,
): JsonObject {
  if (before === undefined) return cloneJson(merged);
  const owned = owners.map((owner) => owner.fields).reduce<FieldSet>((all, fields) => union(all, fields), {});
  const abandoned = difference(before, owned);
  if (abandoned === undefined) return cloneJson(merged);
  return withoutFields(merged, sparingShared(abandoned, owned), kind, '') as JsonObject;
}

/** An item of a list of which somebody still owns a part stays, with the keys by which it is found. */
function sparingShared(abandoned: FieldSet, owned: FieldSet): FieldSet {
  const result: FieldSet = {};
  for (const [element, child] of Object.entries(abandoned)) {
    const shared = member(owned, element);
    if (!isObject(shared) || !isObject(child)) put(result, element, child);
    else put(result, element, sparingShared(element.startsWith('k:') ? withoutKeys(child, element) : child, shared));
  }
  return result;
}

function withoutKeys(set: FieldSet, element: string): FieldSet {
  const keys = Object.keys(JSON.parse(element.slice(2)) as JsonObject).map((key) => `f:${key}`);
  return Object.fromEntries(Object.entries(set).filter(([key]) => key !== '.' && !keys.includes(key)));
}

function withoutFields(value: Json, gone: FieldSet, kind: string, path: string): Json {
  const parts = partsOf(value, kind, path);
  if (parts === undefined) return cloneJson(value);
  const kept: [string, Json][] = [];
  for (const [element, entry] of parts) {
    const within = member(gone, element);
    if (!isObject(within)) kept.push([element, entry]);
    else if (!isWhollyGone(within)) kept.push([element, withoutFields(entry, within, kind, childPath(path, element))]);
  }
  if (Array.isArray(value)) return kept.map(([, entry]) => cloneJson(entry));
  const result: JsonObject = {};
  for (const [element, entry] of kept) put(result, element.slice(2), cloneJson(entry));
  return result;
}

/** A leaf, or an item of a list that is owned by nobody any more. */
function isWhollyGone(gone: FieldSet): boolean {
  return Object.keys(gone).length === 0 || Object.hasOwn(gone, '.');
}
