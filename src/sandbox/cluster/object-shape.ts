/**
 * How objects are shown to a client: as they are, as a table (what `kubectl get` prints), or as metadata alone, chosen by
 * the Accept header (Kubernetes API concepts, "Receiving resources as Tables"). Used by the verbs and by watches.
 */

import { mediaType } from './exchange.js';
import { objectAt } from './json.js';
import type { JsonObject } from './json.js';
import { listBody, listMetadata } from './listing.js';
import type { ListPage } from './listing.js';
import type { ResourceType } from './resource-type.js';
import { badRequest, notAcceptable } from './status.js';
import { columnsOf, rowOf } from './table.js';
import type { ListTarget } from './target.js';
import type { EventKind } from './watch.js';

type Form = 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

const understood = ['application/json', 'application/yaml', '*/*', 'application/*', ''];

export interface Shape {
  readonly object: (object: JsonObject) => JsonObject;
  readonly list: (target: ListTarget, page: ListPage) => JsonObject;
  readonly event: (kind: EventKind, object: JsonObject) => JsonObject;
}

/** The form asked for first that this server knows. Throws StatusError 406. */
function formOf(accept: string): Form {
  for (const entry of accept.split(',')) {
    if (!understood.includes(mediaType(entry))) continue;
    const as = parameter(entry, 'as');
    if (as === undefined) return 'object';
    const isMeta = parameter(entry, 'g') === 'meta.k8s.io' && ['v1', 'v1beta1'].includes(parameter(entry, 'v') ?? '');
    if (isMeta && (as === 'Table' || as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')) return as;
  }
  throw notAcceptable(['application/json', 'application/yaml']);
}

function parameter(entry: string, name: string): string | undefined {
  const parts = entry.split(';').map((part) => part.trim());
  return parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
}

/**
 * @param include what a row of a table carries of its object: `Metadata` (default), `Object` or `None`
 * @param nowMs for ages in tables
 */
export function shapeFor(type: ResourceType, accept: string, include: string | null, nowMs: () => number): Shape {
  const form = formOf(accept);
  if (form === 'Table') return tableShape(type, include ?? 'Metadata', nowMs);
  if (form === 'object') return { object: (o) => o, list: listBody, event: (_kind, o) => o };
  return {
    object: partial,
    list: (_target, page) => ({
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata: listMetadata(page),
      items: page.items.map(partial),
    }),
    event: (kind, object) => (kind === 'ERROR' ? object : partial(object)),
  };
}

function partial(object: JsonObject): JsonObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: objectAt(object, 'metadata') ?? {},
  };
}

function tableShape(type: ResourceType, include: string, nowMs: () => number): Shape {
  if (!['Metadata', 'Object', 'None'].includes(include)) {
    throw badRequest(`includeObject must be None, Metadata or Object, not ${JSON.stringify(include)}`);
  }
  const table = (objects: readonly JsonObject[], metadata: JsonObject, hasColumns: boolean): JsonObject => ({
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: hasColumns ? columnsOf(type) : null,
    rows: objects.map((object) => ({
      cells: rowOf(type, object, nowMs()),
      ...(include === 'None' ? {} : { object: include === 'Object' ? object : partial(object) }),
    })),
  });
  const versionOf = (object: JsonObject): JsonObject => ({
    resourceVersion: objectAt(object, 'metadata')?.['resourceVersion'] ?? '',
  });
  let hasSentColumns = false;
  return {
    object: (object) => table([object], versionOf(object), true),
    list: (_target, page) => table(page.items, listMetadata(page), true),
    event(kind, object) {
      if (kind === 'ERROR') return object;
      // The columns come with the first event of a watch only.
      const shown = table(kind === 'BOOKMARK' ? [] : [object], versionOf(object), !hasSentColumns);
      if (kind !== 'BOOKMARK') hasSentColumns = true;
      return shown;
    },
  };
}
