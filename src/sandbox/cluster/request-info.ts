/**
 * What a request wants, from its method and URL alone: resource, namespace, name, verb (apiserver,
 * pkg/endpoints/request/requestinfo.go). Authorization, audit, faults and routing all work from this.
 */

import { badRequest } from './status.js';

/** A request about objects. */
export interface ResourceRequest {
  readonly kind: 'resource';
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** '' for the object itself. */
  readonly subresource: string;
  readonly namespace: string | undefined;
  /** '' for lists. A list or watch that a field selector narrows to one name carries that name. */
  readonly name: string;
  readonly isList: boolean;
  readonly path: string;
}

/** A request about the server: discovery, health, version. */
export interface PathRequest {
  readonly kind: 'path';
  readonly verb: string;
  readonly path: string;
}

export type RequestInfo = ResourceRequest | PathRequest;

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
};

/** Throws StatusError 400 for a path that cannot be decoded. */
export function parseRequest(method: string, url: URL): RequestInfo {
  const parts = url.pathname.split('/').filter((part) => part !== '');
  const root = parts[0];
  const own = root === 'api' ? 2 : root === 'apis' ? 3 : Infinity;
  if (parts.length <= own) return { kind: 'path', verb: (verbs[method] ?? method).toLowerCase(), path: url.pathname };
  const [group = '', version = ''] = root === 'api' ? ['', parts[1]] : [parts[1], parts[2]];
  return resourceRequest(method, url, group, version, parts.slice(own).map(decodePart));
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (thrown) {
    if (thrown instanceof URIError) throw badRequest(`invalid URL escape in ${JSON.stringify(part)}`);
    throw thrown;
  }
}

function resourceRequest(method: string, url: URL, group: string, version: string, parts: string[]): ResourceRequest {
  // /namespaces/NAME and /namespaces/NAME/status are about the namespace, /namespaces/NAME/pods about what is in it.
  const isInside = parts[0] === 'namespaces' && parts.length > 2 && parts[2] !== 'status' && parts[2] !== 'finalize';
  const namespace = isInside ? parts[1] : undefined;
  const [plural = '', pathName = '', subresource = ''] = isInside ? parts.slice(2) : parts;
  const isList = pathName === '';
  const name = isList ? nameOfSelector(url) : pathName;
  const verb = verbOf(method, url, isList);
  return { kind: 'resource', verb, group, version, plural, subresource, namespace, name, isList, path: url.pathname };
}

function verbOf(method: string, url: URL, isList: boolean): string {
  if (method === 'DELETE') return isList ? 'deletecollection' : 'delete';
  const verb = verbs[method] ?? method.toLowerCase();
  if (verb !== 'get') return verb;
  if (isTrue(url.searchParams.get('watch'))) return 'watch';
  return isList ? 'list' : 'get';
}

function nameOfSelector(url: URL): string {
  const selector = url.searchParams.get('fieldSelector') ?? '';
  return /^metadata\.name==?([^,!=\\]+)$/.exec(selector)?.[1] ?? '';
}

/** A boolean query parameter. */
export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}
