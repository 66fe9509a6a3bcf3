/**
 * Manifests as `kubectl apply -f` takes them: every document (and every item of a List) as an object of a type that is
 * served, namespaces first. Used to load a project's own RBAC files and test objects.
 */

import { isObject, listAt, textAt } from './json.js';
import type { JsonObject } from './json.js';
import type { ResourceType } from './resource-type.js';
import { typeByKind } from './resource-types.js';
import { parseYamlDocuments } from './yaml-text.js';

export interface ManifestObject {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly object: JsonObject;
}

export interface Manifest {
  readonly objects: readonly ManifestObject[];
  /** `apiVersion kind` of what this server has no type for (Deployments …). */
  readonly skipped: readonly string[];
}

/** Throws StatusError 400 for a text that is no YAML. */
export function parseManifest(text: string): Manifest {
  const entries = parseYamlDocuments(text).filter(isObject).flatMap(itemsOf);
  const objects: ManifestObject[] = [];
  const skipped: string[] = [];
  for (const object of entries) {
    const type = typeByKind(textAt(object, 'apiVersion'), textAt(object, 'kind'));
    if (type === undefined) skipped.push(`${textAt(object, 'apiVersion')} ${textAt(object, 'kind')}`);
    else objects.push({ type, namespace: namespaceOf(type, object), name: textAt(object, 'metadata', 'name'), object });
  }
  const isNamespace = (entry: ManifestObject): number => (entry.type.plural === 'namespaces' ? 0 : 1);
  return { objects: objects.sort((a, b) => isNamespace(a) - isNamespace(b)), skipped };
}

function itemsOf(document: JsonObject): JsonObject[] {
  return textAt(document, 'kind').endsWith('List') ? listAt(document, 'items').filter(isObject) : [document];
}

function namespaceOf(type: ResourceType, object: JsonObject): string | undefined {
  return type.isNamespaced ? textAt(object, 'metadata', 'namespace') || 'default' : undefined;
}
