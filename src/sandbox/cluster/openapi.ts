/**
 * The OpenAPI documents that kubectl asks for before it writes: which parameters a patch takes (so that it leaves
 * validation to the server) and the kinds there are. Schemas say no more than "an object": this is no reference of the
 * Kubernetes API.
 */

import { groupVersions } from './discovery.js';
import type { Reply } from './exchange.js';
import type { Json, JsonObject } from './json.js';
import { apiVersionOf } from './resource-type.js';
import type { ResourceType } from './resource-type.js';
import { resourceTypes } from './resource-types.js';
import { noSuchPath } from './status.js';

const patchParameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force', 'pretty'];
const info = { title: 'Kubernetes (embedded slice)', version: 'v1.32.0' };

function pathOf(groupVersion: string): string {
  return groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`;
}

function kindMark(type: ResourceType): JsonObject {
  return { group: type.group, version: type.version, kind: type.kind };
}

function itemPath(type: ResourceType): string {
  const scope = type.isNamespaced ? 'namespaces/{namespace}/' : '';
  return `/${pathOf(apiVersionOf(type))}/${scope}${type.plural}/{name}`;
}

function parameters(): Json[] {
  return patchParameters.map((name) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } }));
}

function operations(type: ResourceType): JsonObject {
  const mark = { 'x-kubernetes-group-version-kind': kindMark(type) };
  const answer = { responses: { 200: { description: 'OK' } } };
  return {
    get: { 'x-kubernetes-action': 'get', ...mark, ...answer },
    patch: { 'x-kubernetes-action': 'patch', ...mark, ...answer, parameters: parameters() },
    put: { 'x-kubernetes-action': 'put', ...mark, ...answer, parameters: parameters() },
  };
}

function schema(type: ResourceType): JsonObject {
  return {
    type: 'object',
    description: `${type.kind} as the embedded server takes it; its members are not described here.`,
    'x-kubernetes-group-version-kind': [kindMark(type)],
    'x-kubernetes-preserve-unknown-fields': true,
    properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } },
  };
}

function typesOf(groupVersion: string | undefined): readonly ResourceType[] {
  return resourceTypes.filter((type) => groupVersion === undefined || apiVersionOf(type) === groupVersion);
}

function schemaName(type: ResourceType): string {
  return `embedded.${type.group === '' ? 'core' : type.group}.${type.version}.${type.kind}`;
}

function version3(groupVersion: string): JsonObject {
  const types = typesOf(groupVersion);
  return {
    openapi: '3.0.0',
    info,
    paths: Object.fromEntries(types.map((type) => [itemPath(type), operations(type)])),
    components: { schemas: Object.fromEntries(types.map((type) => [schemaName(type), schema(type)])) },
  };
}

function version2(): JsonObject {
  const types = typesOf(undefined);
  return {
    swagger: '2.0',
    info,
    paths: Object.fromEntries(types.map((type) => [itemPath(type), operations(type)])),
    definitions: Object.fromEntries(types.map((type) => [schemaName(type), schema(type)])),
  };
}

/** Clients parse this header, and the document's own media type is not one that Go's parser takes. */
const protobuf2 = 'application/octet-stream';

/** Throws StatusError 404. */
export function openApiReply(path: string, accept: string): Reply {
  if (path === 'v2') {
    // Older kubectl reads protobuf alone. An empty document is a valid one: it then validates nothing by itself.
    if (accept.includes('protobuf')) return { status: 200, body: Buffer.alloc(0), contentType: protobuf2 };
    return { status: 200, body: version2() };
  }
  if (path === 'v3') {
    const paths = groupVersions.map((entry) => [pathOf(entry), { serverRelativeURL: `/openapi/v3/${pathOf(entry)}` }]);
    return { status: 200, body: { paths: Object.fromEntries(paths) as JsonObject } };
  }
  const groupVersion = groupVersions.find((entry) => path === `v3/${pathOf(entry)}`);
  if (groupVersion === undefined) throw noSuchPath();
  return { status: 200, body: version3(groupVersion) };
}
