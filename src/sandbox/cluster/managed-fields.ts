/**
 * Field ownership: which manager last set which field, kept in `metadata.managedFields` as real servers do. This file
 * keeps the books of ordinary writes; `server-side-apply.ts` builds on it. Pure.
 */

import { changedFields, difference, presentFields, union } from './field-set.js';
import type { FieldSet } from './field-set.js';
import { isObject, isSameJson, listAt, objectAt, textAt } from './json.js';
import type { JsonObject } from './json.js';

/** Who writes, for the books. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
}

/** One line of the books. */
export interface Ownership extends Manager {
  readonly time: string;
  readonly fields: FieldSet;
}

/** The books of an object. */
export function ownershipsOf(object: JsonObject | undefined): Ownership[] {
  return listAt(object, 'metadata', 'managedFields')
    .filter(isObject)
    .map((entry) => ({
      name: textAt(entry, 'manager'),
      operation: textAt(entry, 'operation') === 'Apply' ? 'Apply' : 'Update',
      apiVersion: textAt(entry, 'apiVersion'),
      subresource: textAt(entry, 'subresource'),
      time: textAt(entry, 'time'),
      fields: objectAt(entry, 'fieldsV1') ?? {},
    }));
}

/** Writes the books into an object (which must not be frozen). */
export function writeOwnerships(object: JsonObject, ownerships: readonly Ownership[]): void {
  const metadata = object['metadata'];
  if (!isObject(metadata)) return;
  if (ownerships.length === 0) delete metadata['managedFields'];
  else metadata['managedFields'] = ownerships.map(entryOf);
}

function entryOf(ownership: Ownership): JsonObject {
  return {
    manager: ownership.name,
    operation: ownership.operation,
    apiVersion: ownership.apiVersion,
    time: ownership.time,
    fieldsType: 'FieldsV1',
    fieldsV1: ownership.fields,
    ...(ownership.subresource === '' ? {} : { subresource: ownership.subresource }),
  };
}

/** Whether both are the same line of the books. */
export function isSameManager(left: Manager, right: Manager): boolean {
  return (
    left.name === right.name &&
    left.operation === right.operation &&
    left.apiVersion === right.apiVersion &&
    left.subresource === right.subresource
  );
}

const systemMembers = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'generation',
  'managedFields',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

/** The object without what the server itself writes and nobody owns. */
export function ownable(object: JsonObject): JsonObject {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
  if (!isObject(metadata)) return rest;
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !systemMembers.includes(key)));
  return Object.keys(kept).length === 0 ? rest : { metadata: kept, ...rest };
}

/**
 * Books an ordinary write: what it changed belongs to the writer and to nobody else, what it removed to nobody.
 * @param old the stored object, undefined on creation
 * @param next the object to be stored; its books are replaced
 */
export function bookUpdate(old: JsonObject | undefined, next: JsonObject, manager: Manager, time: string): void {
  const kind = textAt(next, 'kind');
  const after = ownable(next);
  const books = isResetRequest(next) ? [] : ownershipsOf(old);
  const changed = changedFields(old === undefined ? {} : ownable(old), after, kind) ?? {};
  const mine = books.find((entry) => isSameManager(entry, manager));
  const others = books.filter((entry) => entry !== mine).map((entry) => without(entry, changed, after, kind));
  const fields = union(presentFields(mine?.fields ?? {}, after, kind) ?? {}, changed);
  const line: Ownership = {
    ...manager,
    fields,
    time: mine !== undefined && isSameJson(fields, mine.fields) ? mine.time : time,
  };
  writeOwnerships(
    next,
    [...others, line].filter((entry) => Object.keys(entry.fields).length > 0),
  );
}

function without(entry: Ownership, changed: FieldSet, after: JsonObject, kind: string): Ownership {
  const rest = difference(entry.fields, changed) ?? {};
  if (Object.keys(rest).length === 0) return { ...entry, fields: {} };
  return { ...entry, fields: presentFields(rest, after, kind) ?? {} };
}

/** A list with one empty entry asks for fresh books. */
function isResetRequest(next: JsonObject): boolean {
  const given = listAt(next, 'metadata', 'managedFields');
  return given.length === 1 && isObject(given[0]) && Object.keys(given[0]).length === 0;
}
