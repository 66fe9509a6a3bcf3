/**
 * The verbs that write single objects: create, update, patch. Every write, from HTTP or from inside the process, goes
 * through here, so that both obey the same rules (k8s.io/apiserver, pkg/registry/generic/registry/store.go). Deletion and
 * lists have files of their own.
 */

import type { Clock } from '../../lib/clock.js';
import { cloneJson, isObject, isSameJson, listAt, objectAt, put, textAt, valueAt } from './json.js';
import type { JsonObject } from './json.js';
import { bookUpdate } from './managed-fields.js';
import type { Manager } from './managed-fields.js';
import { metadataProblems } from './names.js';
import { keepIdentity, normalizeMetadata, stampNew, timeText } from './object-meta.js';
import { apiVersionOf } from './resource-type.js';
import type { ResourceType } from './resource-type.js';
import { StatusError, alreadyExists, badRequest, conflict, forbidden, invalid, notFound } from './status.js';
import { staleVersion, wrong } from './status.js';
import type { FieldProblem } from './status.js';
import type { Store } from './store.js';
import { strategyOf } from './strategy.js';
import { keyOf, keyOfObject, toStored, toWire } from './target.js';
import type { ListTarget, Target } from './target.js';

export interface WriteOptions {
  /** Field manager: what the client says, or the first word of its user agent. */
  readonly manager: string;
  /** Check everything, store nothing. */
  readonly isDryRun: boolean;
}

/** What a write left, and whether it made the object. */
export interface WriteResult {
  readonly object: JsonObject;
  readonly isCreated: boolean;
}

/** How a patch turns the present object (in the form of its type) into the next; server-side apply keeps its own books. */
export interface PatchPlan {
  readonly next: (current: JsonObject, time: string) => JsonObject;
  /** For server-side apply of what does not exist yet. */
  readonly create?: (time: string) => JsonObject;
  readonly keepsBooks: boolean;
}

export class Registry {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #nowMs: () => number;

  /** @param nowMs the cluster's idea of the time, which tests may set wrong */
  constructor(store: Store, clock: Clock, nowMs: () => number = () => clock.wallMs()) {
    this.#store = store;
    this.#clock = clock;
    this.#nowMs = nowMs;
  }

  get clock(): Clock {
    return this.#clock;
  }

  get(target: Target): JsonObject {
    return toWire(target.type, this.stored(target));
  }

  /** The stored form, or undefined where there is none. */
  find(target: Target): JsonObject | undefined {
    return this.#store.get(target.type.storedIn, keyOf(target.namespace, target.name));
  }

  /** The stored form. Throws StatusError 404. */
  stored(target: Target): JsonObject {
    const found = this.find(target);
    if (found === undefined) throw notFound(target.type, target.name);
    return found;
  }

  create(target: ListTarget, body: JsonObject, options: WriteOptions): JsonObject {
    const { type } = target;
    const object = this.#decoded(type, body);
    this.#checkNamespace(target, object);
    stampNew(object, target.namespace, this.#nowMs());
    if (textAt(object, 'metadata', 'resourceVersion') !== '') throw versionOnCreate();
    if (type.isCustom) put(objectAt(object, 'metadata') ?? {}, 'generation', 1);
    strategyOf(type).prepareCreate?.(object);
    normalizeMetadata(object);
    this.#checkRules(type, object);
    const key = keyOfObject(type, object);
    if (this.#store.get(type.storedIn, key) !== undefined)
      throw alreadyExists(type, textAt(object, 'metadata', 'name'));
    bookUpdate(undefined, object, managerOf(type, options, ''), this.timeText());
    return toWire(type, this.#commit(type, key, object, options));
  }

  update(target: Target, body: JsonObject, options: WriteOptions): WriteResult {
    const { type } = target;
    const next = this.#decoded(type, body);
    const name = textAt(next, 'metadata', 'name');
    if (name !== target.name) {
      throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`);
    }
    const old = this.#store.get(type.storedIn, keyOf(target.namespace, target.name));
    if (old === undefined) {
      checkAbsent(type, next);
      if (!type.createsOnUpdate || target.subresource !== '') throw notFound(type, target.name);
      delete (next['metadata'] as JsonObject)['resourceVersion'];
      return { object: this.create(target, toWire(type, next), options), isCreated: true };
    }
    this.#checkNamespace(target, next);
    checkPreconditions(type, old, textAt(next, 'metadata', 'uid'), '');
    if (textAt(next, 'metadata', 'resourceVersion') === '' && !type.takesBlindUpdates) throw mustSayVersion(type, next);
    return { object: toWire(type, this.#replace(target, old, next, options, true)), isCreated: false };
  }

  patch(target: Target, plan: PatchPlan, options: WriteOptions): WriteResult {
    const { type } = target;
    const old = this.#store.get(type.storedIn, keyOf(target.namespace, target.name));
    if (old === undefined) {
      if (plan.create === undefined || target.subresource !== '') throw notFound(type, target.name);
      return { object: this.#createApplied(target, plan.create(this.timeText()), options), isCreated: true };
    }
    const wire = cloneJson(plan.next(toWire(type, old), this.timeText()));
    const fault = normalizeMetadata(wire) ?? typeFault(type, wire) ?? strategyOf(type).decodingFault?.(wire);
    if (fault !== undefined) {
      throw invalid({ group: '', kind: '' }, '', [wrong('patch', JSON.stringify(wire).slice(0, 256), fault)]);
    }
    if (textAt(wire, 'metadata', 'name') !== target.name) {
      throw badRequest('the name of the object does not match the name on the URL');
    }
    const next = toStored(type, wire);
    return { object: toWire(type, this.#replace(target, old, next, options, !plan.keepsBooks)), isCreated: false };
  }

  /** Time of the cluster as objects carry it. */
  timeText(): string {
    return timeText(this.#nowMs());
  }

  /** Stores a change that the server itself makes, without rules and books. */
  putStored(type: ResourceType, object: JsonObject): JsonObject {
    return this.#store.put(type.storedIn, keyOfObject(type, object), object);
  }

  /** What server-side apply makes has its books already. */
  #createApplied(target: Target, wire: JsonObject, options: WriteOptions): JsonObject {
    const books = valueAt(wire, 'metadata', 'managedFields');
    const made = this.create(target, wire, { ...options, isDryRun: true });
    const object = cloneJson(toStored(target.type, made));
    if (books !== undefined) put(objectAt(object, 'metadata') ?? {}, 'managedFields', books);
    return toWire(target.type, this.#commit(target.type, keyOfObject(target.type, object), object, options));
  }

  /** A body as an object of the type that may be changed. */
  #decoded(type: ResourceType, body: JsonObject): JsonObject {
    const object = cloneJson(body);
    const fault = typeFault(type, object) ?? normalizeMetadata(object) ?? strategyOf(type).decodingFault?.(object);
    if (fault !== undefined) throw badRequest(fault);
    return toStored(type, { ...object, apiVersion: apiVersionOf(type), kind: type.kind });
  }

  #checkNamespace(target: ListTarget, object: JsonObject): void {
    if (target.namespace === undefined) return;
    const given = textAt(object, 'metadata', 'namespace');
    if (given !== '' && given !== target.namespace) {
      throw badRequest(
        `the namespace of the provided object does not match the namespace sent on the request (${given} vs ${target.namespace})`,
      );
    }
    const namespace = this.#store.get('namespaces', target.namespace);
    const namespaces = { group: '', plural: 'namespaces', kind: 'Namespace' };
    if (namespace === undefined) throw notFound(namespaces, target.namespace);
    const isNew = valueAt(object, 'metadata', 'uid') === undefined;
    if (isNew && textAt(namespace, 'metadata', 'deletionTimestamp') !== '') {
      const why = `unable to create new content in namespace ${target.namespace} because it is being terminated`;
      throw forbidden(target.type, textAt(object, 'metadata', 'name'), why);
    }
  }

  #checkRules(type: ResourceType, object: JsonObject, extra: readonly FieldProblem[] = []): void {
    const problems = [
      ...metadataProblems(object, type.nameRule),
      ...extra,
      ...(strategyOf(type).problems?.(object) ?? []),
    ];
    if (problems.length > 0) throw invalid(type, textAt(object, 'metadata', 'name'), problems);
  }

  /** The common end of update and patch. `next` is not frozen. */
  #replace(target: Target, old: JsonObject, next: JsonObject, options: WriteOptions, isBooked: boolean): JsonObject {
    const { type } = target;
    // Another uid in a patch is no precondition, but an attempt to change it: invalid, and no conflict (apiserver, patcher:
    // DefaultUpdatedObjectInfo without an object has no preconditions).
    checkPreconditions(type, old, '', textAt(next, 'metadata', 'resourceVersion'));
    const strategy = strategyOf(type);
    if (target.subresource === 'status') strategy.prepareStatus?.(next, old);
    else strategy.prepareUpdate?.(next, old);
    const problems = keepIdentity(next, old);
    if (target.subresource === '') problems.push(...(strategy.updateProblems?.(next, old) ?? []));
    this.#checkRules(type, next, problems);
    if (isBooked) bookUpdate(old, next, managerOf(type, options, target.subresource), this.timeText());
    if (isUnchanged(old, next)) return old;
    if (type.isCustom) countGeneration(next, old);
    if (isReleased(next) && !options.isDryRun) return this.#removeReleased(type, next);
    return this.#commit(type, keyOfObject(type, old), next, options);
  }

  /** The last finalizer is gone from an object whose time is up. */
  #removeReleased(type: ResourceType, next: JsonObject): JsonObject {
    const key = keyOfObject(type, next);
    this.#store.put(type.storedIn, key, next);
    return this.#store.remove(type.storedIn, key) ?? next;
  }

  #commit(type: ResourceType, key: string, object: JsonObject, options: WriteOptions): JsonObject {
    return options.isDryRun ? object : this.#store.put(type.storedIn, key, object);
  }
}

function managerOf(type: ResourceType, options: WriteOptions, subresource: string): Manager {
  return { name: options.manager, operation: 'Update', apiVersion: apiVersionOf(type), subresource };
}

/** Throws StatusError 409 where the caller has another object, or another version of it, in mind. */
export function checkPreconditions(type: ResourceType, stored: JsonObject, uid: string, version: string): void {
  const name = textAt(stored, 'metadata', 'name');
  const storedUid = textAt(stored, 'metadata', 'uid');
  if (uid !== '' && uid !== storedUid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${storedUid}`;
    throw conflict(type, name, why);
  }
  if (version !== '' && version !== '0' && version !== textAt(stored, 'metadata', 'resourceVersion')) {
    throw staleVersion(type, name);
  }
}

/**
 * Whoever updates what is gone by its uid means another object than the one that he would make. Throws StatusError 409, as
 * the storage does before anybody asks whether there is something to update (storage.Preconditions.Check).
 */
function checkAbsent(type: ResourceType, next: JsonObject): void {
  const uid = textAt(next, 'metadata', 'uid');
  if (uid === '') return;
  const why = `StorageError: invalid object, Code: 4, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: `;
  throw conflict(type, textAt(next, 'metadata', 'name'), why);
}

function versionOnCreate(): StatusError {
  const message = 'resourceVersion should not be set on objects to be created';
  return new StatusError({ code: 500, reason: '', message });
}

function mustSayVersion(type: ResourceType, object: JsonObject): StatusError {
  const problem = wrong('metadata.resourceVersion', 0, 'must be specified for an update');
  return invalid(type, textAt(object, 'metadata', 'name'), [problem]);
}

/** What does not fit the type's own structure, worded as a decoder does; spec and status must be objects. */
function typeFault(type: ResourceType, wire: JsonObject): string | undefined {
  const apiVersion = wire['apiVersion'] ?? apiVersionOf(type);
  if (apiVersion !== apiVersionOf(type)) {
    const expected = apiVersionOf(type);
    return `the API version in the data (${JSON.stringify(apiVersion)}) does not match the expected API version (${expected})`;
  }
  const kind = wire['kind'] ?? type.kind;
  if (kind !== type.kind)
    return `the kind in the data (${JSON.stringify(kind)}) does not match the expected kind (${type.kind})`;
  for (const part of ['spec', 'status']) {
    const value = wire[part];
    if (value === null) Reflect.deleteProperty(wire, part);
    else if (value !== undefined && !isObject(value)) {
      return `json: cannot unmarshal ${typeof value} into Go struct field ${type.kind}.${part}`;
    }
  }
  return undefined;
}

/** Nothing but the times of the books differs: real servers write nothing then. */
function isUnchanged(old: JsonObject, next: JsonObject): boolean {
  return isSameJson(withoutVersion(old), withoutVersion(next));
}

function withoutVersion(object: JsonObject): JsonObject {
  const { resourceVersion: _version, managedFields: _books, ...metadata } = objectAt(object, 'metadata') ?? {};
  const books = listAt(object, 'metadata', 'managedFields').map((entry) => {
    const { time: _time, ...rest } = isObject(entry) ? entry : {};
    return rest;
  });
  return { ...object, metadata, books };
}

function countGeneration(next: JsonObject, old: JsonObject): void {
  const body = ({ metadata: _metadata, status: _status, ...rest }: JsonObject): JsonObject => rest;
  if (isSameJson(body(next), body(old))) return;
  const generation = valueAt(old, 'metadata', 'generation');
  put(objectAt(next, 'metadata') ?? {}, 'generation', (typeof generation === 'number' ? generation : 0) + 1);
}

/** It is being deleted, its grace is over, and no finalizer holds it. */
export function isReleased(object: JsonObject): boolean {
  if (textAt(object, 'metadata', 'deletionTimestamp') === '') return false;
  const grace = valueAt(object, 'metadata', 'deletionGracePeriodSeconds');
  return (grace === undefined || grace === 0) && listAt(object, 'metadata', 'finalizers').length === 0;
}
