/**
 * The verbs for code inside the process (tests, the sandbox, a stand-in for a kubelet), by the same rules as over HTTP but
 * without authentication and audit. Kinds are named as in paths: `pods`, `leases.coordination.k8s.io`.
 */

import type { DeleteOptions, DeleteResult, Deletion } from './deletion.js';
import { ensureObject, textAt } from './json.js';
import type { Json, JsonObject } from './json.js';
import { listObjects } from './listing.js';
import type { ListOptions } from './listing.js';
import { parseManifest } from './manifest.js';
import type { Manifest, ManifestObject } from './manifest.js';
import { jsonPatchType, planPatch } from './patch-plan.js';
import type { Registry } from './registry.js';
import { resourceTypes } from './resource-types.js';
import type { ResourceType } from './resource-type.js';
import { StatusError, noSuchPath, qualified } from './status.js';
import type { Store } from './store.js';
import type { Target } from './target.js';

export interface DirectParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly deletion: Deletion;
}

/** Which object: `namespace` is left out for kinds that have none. */
export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
  readonly subresource?: 'status';
}

export interface DirectPatchOptions {
  /** Default JSON patch. */
  readonly contentType?: string;
  readonly manager?: string;
  readonly isForced?: boolean;
}

const managerDefault = 'embedded';

export class DirectAccess {
  readonly #parts: DirectParts;

  constructor(parts: DirectParts) {
    this.#parts = parts;
  }

  /** Creates in the namespace that the object names (`default` when it names none). Throws StatusError. */
  create(resource: string, object: JsonObject, manager = managerDefault): JsonObject {
    const type = typeOf(resource);
    const namespace = type.isNamespaced ? textAt(object, 'metadata', 'namespace') || 'default' : undefined;
    return this.#parts.registry.create({ type, namespace }, object, { manager, isDryRun: false });
  }

  /** Throws StatusError 404. */
  get(resource: string, ref: ObjectRef): JsonObject {
    return this.#parts.registry.get(targetOf(resource, ref));
  }

  /** The object, or undefined where there is none. */
  find(resource: string, ref: ObjectRef): JsonObject | undefined {
    try {
      return this.get(resource, ref);
    } catch (thrown) {
      if (thrown instanceof StatusError && thrown.code === 404) return undefined;
      throw thrown;
    }
  }

  list(resource: string, options: ListOptions & { readonly namespace?: string } = {}): readonly JsonObject[] {
    const { namespace, ...rest } = options;
    return listObjects(this.#parts.store, { type: typeOf(resource), namespace }, rest).items;
  }

  /** Replaces; with the object's resource version, or blindly without one. Throws StatusError. */
  update(resource: string, object: JsonObject, subresource: '' | 'status' = '', manager = managerDefault): JsonObject {
    const type = typeOf(resource);
    const namespace = type.isNamespaced ? textAt(object, 'metadata', 'namespace') || 'default' : undefined;
    const target = { type, namespace, name: textAt(object, 'metadata', 'name'), subresource };
    return this.#parts.registry.update(target, object, { manager, isDryRun: false }).object;
  }

  /** Throws StatusError. */
  patch(resource: string, ref: ObjectRef, body: Json, options: DirectPatchOptions = {}): JsonObject {
    const target = targetOf(resource, ref);
    const manager = options.manager ?? managerDefault;
    const contentType = options.contentType ?? jsonPatchType;
    const isForced = options.isForced ?? false;
    const plan = planPatch({
      type: target.type,
      subresource: target.subresource,
      contentType,
      body,
      manager,
      isForced,
    });
    return this.#parts.registry.patch(target, plan, { manager, isDryRun: false }).object;
  }

  /** Throws StatusError. */
  delete(resource: string, ref: ObjectRef, options: DeleteOptions = {}): DeleteResult {
    return this.#parts.deletion.delete(targetOf(resource, ref), options);
  }

  /** Creates what a manifest holds, or replaces what is there. Returns what was skipped for want of a type. */
  load(manifest: string): readonly string[] {
    const { objects, skipped }: Manifest = parseManifest(manifest);
    for (const entry of objects) this.#store(entry);
    return skipped;
  }

  #store(entry: ManifestObject): void {
    const { type, namespace, name, object } = entry;
    const ref = namespace === undefined ? { name } : { namespace, name };
    const resource = qualified(type);
    if (namespace !== undefined && this.find('namespaces', { name: namespace }) === undefined) {
      this.create('namespaces', { metadata: { name: namespace } });
    }
    const found = this.find(resource, ref);
    if (found === undefined) {
      this.create(resource, object);
      return;
    }
    const next = { ...object, metadata: { ...ensureObject({ ...object }, 'metadata') } };
    next.metadata['resourceVersion'] = textAt(found, 'metadata', 'resourceVersion');
    this.update(resource, next);
  }
}

/** `pods`, `leases.coordination.k8s.io`; a name that only one group has needs no group. */
function typeOf(resource: string): ResourceType {
  const exact = resourceTypes.find((type) => qualified(type) === resource);
  const found = exact ?? resourceTypes.find((type) => type.plural === resource);
  if (found === undefined) throw noSuchPath();
  return found;
}

function targetOf(resource: string, ref: ObjectRef): Target {
  const type = typeOf(resource);
  const namespace = type.isNamespaced ? (ref.namespace ?? 'default') : undefined;
  return { type, namespace, name: ref.name, subresource: ref.subresource ?? '' };
}
