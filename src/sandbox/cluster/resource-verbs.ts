/**
 * Requests about objects: from the parsed request to the answer. Watches are opened elsewhere; this handles everything
 * that has one answer.
 */

import type { Authorizer } from './authorizer.js';
import type { Deletion } from './deletion.js';
import { mediaType, objectBody, parsedBody } from './exchange.js';
import type { Call, Reply } from './exchange.js';
import { isObject, textAt, valueAt } from './json.js';
import type { Json, JsonObject } from './json.js';
import { listObjects } from './listing.js';
import type { ListOptions } from './listing.js';
import { shapeFor } from './object-shape.js';
import type { Shape } from './object-shape.js';
import { applyPatchType, planPatch } from './patch-plan.js';
import type { PatchRequest } from './patch-plan.js';
import type { Registry, WriteOptions } from './registry.js';
import { isTrue } from './request-info.js';
import type { ResourceRequest } from './request-info.js';
import type { ResourceType } from './resource-type.js';
import { badRequest, forbidden, invalid, methodNotAllowed, noSuchPath, required } from './status.js';
import type { Store } from './store.js';
import type { Subresources } from './subresources.js';
import type { ListTarget, Target } from './target.js';
import type { UserInfo } from './users.js';
import { parseYaml } from './yaml-text.js';

export interface VerbParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly deletion: Deletion;
  readonly authorizer: Authorizer;
  readonly subresources: Subresources;
  readonly nowMs: () => number;
}

/** A number of a query; undefined when it is left out. Throws StatusError 400. */
export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,12}$/.test(text)) throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}`);
  return Number(text);
}

/** The options of list and watch in a query. */
export function listOptions(query: URLSearchParams): ListOptions {
  return {
    labelSelector: query.get('labelSelector') ?? undefined,
    fieldSelector: query.get('fieldSelector') ?? undefined,
    limit: numberOf(query, 'limit'),
    continue: query.get('continue') ?? undefined,
    resourceVersion: query.get('resourceVersion') ?? undefined,
    resourceVersionMatch: query.get('resourceVersionMatch') ?? undefined,
  };
}

/** Which list the request is about. Throws StatusError 404 or 405. */
export function listTarget(info: ResourceRequest, type: ResourceType): ListTarget {
  if (!type.isNamespaced && info.namespace !== undefined) throw noSuchPath();
  return { type, namespace: info.namespace };
}

export class ResourceVerbs {
  readonly #parts: VerbParts;

  constructor(parts: VerbParts) {
    this.#parts = parts;
  }

  /** Throws StatusError. */
  handle(info: ResourceRequest, type: ResourceType, call: Call, user: UserInfo): Reply {
    const shape = shapeFor(type, call.accept, call.query.get('includeObject'), this.#parts.nowMs);
    if (info.verb === 'list') return this.#list(listTarget(info, type), call, shape);
    if (info.verb === 'deletecollection') return this.#deleteCollection(listTarget(info, type), call, shape);
    if (info.verb === 'create' && info.isList) return this.#create(listTarget(info, type), call, shape);
    const target = this.#target(info, type);
    if (target.subresource !== '' && !type.subresources.includes(target.subresource)) throw noSuchPath();
    if (info.verb === 'create') return this.#parts.subresources.create(target, objectBody(call));
    if (target.subresource !== '' && target.subresource !== 'status') throw methodNotAllowed(info.verb);
    return this.#one(info.verb, target, call, user, shape);
  }

  #target(info: ResourceRequest, type: ResourceType): Target {
    if (info.isList) throw methodNotAllowed(info.verb);
    const { namespace } = listTarget(info, type);
    if (type.isNamespaced && namespace === undefined) throw noSuchPath();
    return { type, namespace, name: info.name, subresource: info.subresource };
  }

  #one(verb: string, target: Target, call: Call, user: UserInfo, shape: Shape): Reply {
    switch (verb) {
      case 'get':
        return { status: 200, body: shape.object(this.#parts.registry.get(target)) };
      case 'update': {
        const { object, isCreated } = this.#parts.registry.update(target, objectBody(call), writeOptions(call));
        return { status: isCreated ? 201 : 200, body: shape.object(object) };
      }
      case 'patch':
        return this.#patch(target, call, user, shape);
      case 'delete':
        if (target.subresource !== '') throw methodNotAllowed(verb);
        return this.#delete(target, call, shape);
      default:
        throw methodNotAllowed(verb);
    }
  }

  #list(target: ListTarget, call: Call, shape: Shape): Reply {
    return { status: 200, body: shape.list(target, listObjects(this.#parts.store, target, listOptions(call.query))) };
  }

  #create(target: ListTarget, call: Call, shape: Shape): Reply {
    const { type } = target;
    if (type.isNamespaced && target.namespace === undefined) throw methodNotAllowed('create');
    const object = this.#parts.registry.create(target, objectBody(call), writeOptions(call));
    return { status: 201, body: shape.object(object) };
  }

  #patch(target: Target, call: Call, user: UserInfo, shape: Shape): Reply {
    const request = patchRequest(target, call);
    const plan = planPatch(request);
    const mayCreate = (): boolean =>
      this.#parts.authorizer.may(user, {
        ...target,
        group: target.type.group,
        plural: target.type.plural,
        verb: 'create',
      });
    const guarded =
      plan.create === undefined
        ? plan
        : { ...plan, create: (time: string) => created(plan.create, time, mayCreate, target, user) };
    const { object, isCreated } = this.#parts.registry.patch(target, guarded, writeOptions(call));
    return { status: isCreated ? 201 : 200, body: shape.object(object) };
  }

  #delete(target: Target, call: Call, shape: Shape): Reply {
    const options = deleteOptions(call);
    const { object, isGone } = this.#parts.deletion.delete(target, options);
    if (!isGone || target.type.returnsDeleted) return { status: 200, body: shape.object(object) };
    return { status: 200, body: deletedStatus(target, object) };
  }

  #deleteCollection(target: ListTarget, call: Call, shape: Shape): Reply {
    if (target.type.isNamespaced && target.namespace === undefined) throw methodNotAllowed('deletecollection');
    const page = listObjects(this.#parts.store, target, { ...listOptions(call.query), resourceVersion: undefined });
    const { graceSeconds, isDryRun } = deleteOptions(call);
    for (const object of page.items) {
      const name = textAt(object, 'metadata', 'name');
      this.#parts.deletion.delete({ ...target, name, subresource: '' }, { graceSeconds, isDryRun });
    }
    return { status: 200, body: shape.list(target, page) };
  }
}

type Create = ((time: string) => JsonObject) | undefined;

/** Applying what does not exist is creating, and needs the right to create. */
function created(create: Create, time: string, mayCreate: () => boolean, target: Target, user: UserInfo): JsonObject {
  const { type, namespace, name } = target;
  if (!mayCreate() || create === undefined) {
    const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
    const what = `resource "${type.plural}" in API group "${type.group}"`;
    throw forbidden(type, name, `User "${user.name}" cannot create ${what} ${where}`);
  }
  const object = create(time);
  if (isObject(object['metadata'])) object['metadata']['name'] = name;
  return object;
}

function isDryRun(query: URLSearchParams): boolean {
  const values = query.getAll('dryRun');
  if (values.some((value) => value !== 'All')) throw badRequest('dryRun: Unsupported value: supported values: "All"');
  return values.length > 0;
}

/** The manager is what the client says, or the first part of its user agent. */
export function writeOptions(call: Call): WriteOptions {
  const manager = call.query.get('fieldManager') || (call.userAgent.split('/')[0] ?? '') || 'unknown';
  return { manager: manager.slice(0, 128), isDryRun: isDryRun(call.query) };
}

function patchRequest(target: Target, call: Call): PatchRequest {
  const contentType = mediaType(call.contentType);
  const isApply = contentType === applyPatchType;
  const manager = call.query.get('fieldManager') ?? '';
  const options = { group: 'meta.k8s.io', kind: 'PatchOptions' };
  if (isApply && manager === '') throw invalid(options, '', [required('fieldManager', 'is required for apply patch')]);
  if (!isApply && call.query.has('force')) {
    const message = 'Forbidden: may not be specified for non-apply patch';
    throw invalid(options, '', [{ field: 'force', reason: 'FieldValueForbidden', message }]);
  }
  return {
    type: target.type,
    subresource: target.subresource,
    contentType,
    body: isApply ? parseYaml(call.body.toString()) : parsedBody(call),
    manager,
    isForced: isTrue(call.query.get('force')),
  };
}

interface DeleteRequest {
  readonly graceSeconds: number | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly isDryRun: boolean;
}

/** Options of a deletion: in the body, or in the query where there is none. */
function deleteOptions(call: Call): DeleteRequest {
  const body: JsonObject = call.body.length === 0 ? {} : objectBody(call);
  const grace = body['gracePeriodSeconds'] ?? numberOf(call.query, 'gracePeriodSeconds');
  if (grace !== undefined && typeof grace !== 'number') throw badRequest('gracePeriodSeconds must be a number');
  return {
    graceSeconds: grace,
    uid: textOrNothing(valueAt(body, 'preconditions', 'uid')),
    resourceVersion: textOrNothing(valueAt(body, 'preconditions', 'resourceVersion')),
    isDryRun: isDryRun(call.query) || (Array.isArray(body['dryRun']) && body['dryRun'].includes('All')),
  };
}

function textOrNothing(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function deletedStatus(target: Target, object: JsonObject): JsonObject {
  const { type, name } = target;
  const details = {
    name,
    ...(type.group === '' ? {} : { group: type.group }),
    kind: type.plural,
    uid: textAt(object, 'metadata', 'uid'),
  };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}
