/** Which object or list a request is about, and the keys under which objects are stored. Used by all verbs. */

import { textAt } from './json.js';
import type { JsonObject } from './json.js';
import type { ResourceType } from './resource-type.js';

/** A list of objects: of one namespace, or of all (and always so for kinds without namespaces). */
export interface ListTarget {
  readonly type: ResourceType;
  /** undefined for all namespaces. */
  readonly namespace: string | undefined;
}

/** One object. */
export interface Target extends ListTarget {
  readonly name: string;
  /** '' for the object itself. */
  readonly subresource: string;
}

/** How the store sorts and finds an object; `/` sorts before every character of a name but `-` and `.`. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The key of an object that is stored. */
export function keyOfObject(type: ResourceType, object: JsonObject): string {
  return keyOf(
    type.isNamespaced ? textAt(object, 'metadata', 'namespace') : undefined,
    textAt(object, 'metadata', 'name'),
  );
}

/** Stored form → the form of the type. */
export function toWire(type: ResourceType, stored: JsonObject): JsonObject {
  return type.conversion === undefined ? stored : type.conversion.toWire(stored);
}

/** The form of the type → stored form. */
export function toStored(type: ResourceType, wire: JsonObject): JsonObject {
  return type.conversion === undefined ? wire : type.conversion.toStored(wire);
}
