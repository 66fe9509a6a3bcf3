/**
 * What the embedded server must know of a kind of object: its names, scope, subresources and selectable fields, and how
 * its wire form differs from the stored form. Types only; the list of them is in `resource-types.ts`.
 */

import type { JsonObject } from './json.js';
import type { NameRule } from './names.js';

/** Two wire forms of one stored kind (events exist in two API groups). */
export interface Conversion {
  readonly toStored: (wire: JsonObject) => JsonObject;
  readonly toWire: (stored: JsonObject) => JsonObject;
}

export interface ResourceType {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly isNamespaced: boolean;
  readonly nameRule: NameRule;
  /** Subresources that are served: `status`, `binding`, `token`. */
  readonly subresources: readonly string[];
  /** Field label → path in the stored object. */
  readonly fields: Readonly<Record<string, string>>;
  /** Where its objects are kept; two types may share one place. */
  readonly storedIn: string;
  /** A custom resource: no strategic merge patch, and `metadata.generation` counts changes. */
  readonly isCustom: boolean;
  /** Whether an update without a resource version is taken. */
  readonly takesBlindUpdates: boolean;
  /** Whether an update of an object that does not exist creates it. */
  readonly createsOnUpdate: boolean;
  /** Whether deleting answers with the object instead of a Status. */
  readonly returnsDeleted: boolean;
  readonly conversion?: Conversion;
}

/** `v1`, or `coordination.k8s.io/v1`. */
export function apiVersionOf(type: { readonly group: string; readonly version: string }): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}
