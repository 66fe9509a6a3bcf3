/**
 * Lists: selectors, pages that all show the same moment, and what a resource version asks for
 * (Kubernetes API concepts, "Resource versions"). Used by list, deletecollection and the start of a watch.
 */

import { parseFieldSelector } from './field-selector.js';
import { isObject, parseJson, textAt } from './json.js';
import type { JsonObject } from './json.js';
import { parseLabelSelector } from './label-selector.js';
import type { ObjectTest } from './label-selector.js';
import { apiVersionOf } from './resource-type.js';
import type { StatusError } from './status.js';
import { badRequest, expired, versionTooLarge } from './status.js';
import type { Store } from './store.js';
import { keyOf, toWire } from './target.js';
import type { ListTarget, Target } from './target.js';

export interface ListOptions {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** 0 or undefined for all. */
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: string | undefined;
}

/** One page, in the form of its type. */
export interface ListPage {
  readonly items: readonly JsonObject[];
  readonly revision: number;
  readonly continue: string | undefined;
  /** Objects after this page; unknown when a selector is used. */
  readonly remaining: number | undefined;
}

interface PageStart {
  /** -1: go on with the present state, consistent or not. */
  readonly revision: number;
  readonly afterKey: string;
}

const staleContinue =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.';

/** Which objects a list or watch shows. Throws StatusError 400. */
export function scopeTest(target: ListTarget | Target, options: ListOptions): ObjectTest {
  const byLabel = parseLabelSelector(options.labelSelector ?? '');
  const byField = parseFieldSelector(options.fieldSelector ?? '', target.type);
  const { namespace } = target;
  const name = 'name' in target ? target.name : undefined;
  return (object) =>
    (namespace === undefined || textAt(object, 'metadata', 'namespace') === namespace) &&
    (name === undefined || textAt(object, 'metadata', 'name') === name) &&
    byLabel(object) &&
    byField(object);
}

/** A resource version as a number; undefined for ''. Throws StatusError 400. */
export function parseVersion(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}`);
  return Number(text);
}

export function listObjects(store: Store, target: ListTarget, options: ListOptions): ListPage {
  const start = options.continue ? parseContinue(options.continue) : undefined;
  const revision = revisionOf(store, options, start);
  const test = scopeTest(target, options);
  const prefix = target.namespace === undefined ? '' : keyOf(target.namespace, '');
  const all = store
    .list(target.type.storedIn, revision)
    .filter(([key]) => key.startsWith(prefix) && (start === undefined || key > start.afterKey));
  return pageOf(target, all, test, revision, options);
}

function pageOf(
  target: ListTarget,
  all: readonly (readonly [string, JsonObject])[],
  test: ObjectTest,
  revision: number,
  options: ListOptions,
): ListPage {
  // Version 0 is served from a cache that knows no pages (Kubernetes API concepts, "Resource versions").
  const limit = options.resourceVersion === '0' && !options.continue ? 0 : (options.limit ?? 0);
  const items: JsonObject[] = [];
  for (const [index, [key, object]] of all.entries()) {
    if (!test(object)) continue;
    items.push(toWire(target.type, object));
    const rest = all.slice(index + 1);
    if (limit > 0 && items.length === limit && rest.some(([, entry]) => test(entry))) {
      const hasSelector = Boolean(options.labelSelector) || Boolean(options.fieldSelector);
      return {
        items,
        revision,
        continue: formatContinue(revision, key),
        remaining: hasSelector ? undefined : rest.length,
      };
    }
  }
  return { items, revision, continue: undefined, remaining: undefined };
}

function revisionOf(store: Store, options: ListOptions, start: PageStart | undefined): number {
  if (start !== undefined) {
    if (parseVersion(options.resourceVersion)) {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    if (start.revision < 0) return store.revision;
    if (start.revision < store.compactedRevision) throw staleToken(start.afterKey);
    return start.revision;
  }
  const asked = parseVersion(options.resourceVersion);
  if (asked === undefined || asked === 0) return store.revision;
  if (asked > store.revision) throw versionTooLarge(asked, store.revision);
  const isExact =
    options.resourceVersionMatch === 'Exact' || ((options.limit ?? 0) > 0 && !options.resourceVersionMatch);
  if (!isExact) return store.revision;
  if (asked < store.compactedRevision) throw expired('The provided resource version is too old.');
  return asked;
}

function formatContinue(revision: number, afterKey: string): string {
  const token = { v: 'meta.k8s.io/v1', rv: revision, start: `${afterKey}\0` };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function parseContinue(text: string): PageStart {
  const token = parseJson(Buffer.from(text, 'base64url').toString());
  const revision = isObject(token) ? token['rv'] : undefined;
  const start = isObject(token) ? textAt(token, 'start') : '';
  if (typeof revision !== 'number' || start === '') {
    throw badRequest('continue key is not valid: encoded continue value is not valid');
  }
  return { revision, afterKey: start.replace(/\0$/, '') };
}

/** 410 with a token that goes on regardless of consistency, as real servers offer. */
function staleToken(afterKey: string): StatusError {
  const error = expired(staleContinue);
  error.status['metadata'] = { continue: formatContinue(-1, afterKey) };
  return error;
}

/** The page as a List object. Items of built-in kinds do not repeat their kind there, those of custom ones do. */
export function listBody(target: ListTarget, page: ListPage): JsonObject {
  return {
    kind: `${target.type.kind}List`,
    apiVersion: apiVersionOf(target.type),
    metadata: listMetadata(page),
    items: target.type.isCustom ? [...page.items] : page.items.map(bareItem),
  };
}

function bareItem(item: JsonObject): JsonObject {
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = item;
  return rest;
}

export function listMetadata(page: ListPage): JsonObject {
  return {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
}
