/**
 * Deleting objects: at once, with grace (pods on a node keep a deletion time until their kubelet lets go), held by
 * finalizers, or a namespace with everything in it. The kubelet's part can be played here or left to somebody else.
 */

import type { Clock } from '../../lib/clock.js';
import { cloneJson, ensureObject, listAt, put, textAt, valueAt } from './json.js';
import type { JsonObject } from './json.js';
import { timeText } from './object-meta.js';
import { checkPreconditions } from './registry.js';
import type { Registry } from './registry.js';
import type { ResourceType } from './resource-type.js';
import { resourceTypes } from './resource-types.js';
import type { Store } from './store.js';
import { keyOf, keyOfObject, toWire } from './target.js';
import type { Target } from './target.js';

/**
 * Who removes a pod whose deletion was asked for with grace: this server at once, after a number of milliseconds, or
 * nobody here (`manual`: a stand-in for the kubelet deletes it with grace 0, or `finishDeletions` is called).
 */
export type KubeletRole = 'instant' | 'manual' | number;

export interface DeleteOptions {
  readonly graceSeconds?: number | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly isDryRun?: boolean;
}

/** What is left of the object, and whether it is gone. */
export interface DeleteResult {
  readonly object: JsonObject;
  readonly isGone: boolean;
}

export class Deletion {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #nowMs: () => number;
  kubelet: KubeletRole;

  constructor(store: Store, registry: Registry, kubelet: KubeletRole, nowMs: () => number) {
    this.#store = store;
    this.#registry = registry;
    this.#clock = registry.clock;
    this.#nowMs = nowMs;
    this.kubelet = kubelet;
    store.onChange((change) => {
      const namespace = textAt(change.object, 'metadata', 'namespace');
      if (change.kind !== 'DELETED' || namespace === '') return;
      // Later, because a change made while one is being told about would reach the watches before it.
      if (this.#isLeaving(namespace)) this.#clock.after(0, () => this.#finishNamespace(namespace), true);
    });
  }

  delete(target: Target, options: DeleteOptions): DeleteResult {
    const { type } = target;
    const stored = this.#registry.stored(target);
    checkPreconditions(type, stored, options.uid ?? '', options.resourceVersion ?? '');
    if (options.isDryRun === true) return { object: toWire(type, stored), isGone: true };
    if (type.storedIn === 'namespaces') return this.#emptyNamespace(type, target.name, stored);
    const result = this.#deleteStored(type, stored, options);
    return { object: toWire(type, result.object), isGone: result.isGone };
  }

  /** Removes every pod whose deletion was asked for, as its kubelet would. Returns how many. */
  finishDeletions(namespace?: string): number {
    const pods = resourceTypes.find((type) => type.plural === 'pods');
    if (pods === undefined) return 0;
    const leaving = this.#store
      .list(pods.storedIn)
      .map(([, object]) => object)
      .filter((object) => textAt(object, 'metadata', 'deletionTimestamp') !== '')
      .filter((object) => namespace === undefined || textAt(object, 'metadata', 'namespace') === namespace);
    return leaving.filter((object) => this.#letGo(pods, object)).length;
  }

  #deleteStored(type: ResourceType, stored: JsonObject, options: DeleteOptions): DeleteResult {
    const graceSeconds = type.plural === 'pods' ? podGrace(stored, options.graceSeconds) : 0;
    const isHeld = listAt(stored, 'metadata', 'finalizers').length > 0;
    if (graceSeconds === 0 && !isHeld) return { object: this.#remove(type, stored), isGone: true };
    const marked = this.#mark(type, stored, graceSeconds);
    if (graceSeconds > 0) this.#playKubelet(type, marked);
    return { object: marked, isGone: false };
  }

  #isLeaving(namespace: string): boolean {
    return textAt(this.#store.get('namespaces', namespace), 'metadata', 'deletionTimestamp') !== '';
  }

  #remove(type: ResourceType, stored: JsonObject): JsonObject {
    return this.#store.remove(type.storedIn, keyOfObject(type, stored)) ?? stored;
  }

  /** Sets or shortens the deletion time; a longer grace than the one that runs changes nothing. */
  #mark(type: ResourceType, stored: JsonObject, graceSeconds: number): JsonObject {
    const running = valueAt(stored, 'metadata', 'deletionGracePeriodSeconds');
    const isMarked = textAt(stored, 'metadata', 'deletionTimestamp') !== '';
    if (isMarked && (typeof running !== 'number' || graceSeconds >= running)) return stored;
    const next = cloneJson(stored);
    const metadata = ensureObject(next, 'metadata');
    const askedMs = isMarked
      ? Date.parse(textAt(stored, 'metadata', 'deletionTimestamp')) - Number(running) * 1000
      : this.#nowMs();
    put(metadata, 'deletionTimestamp', timeText(askedMs + graceSeconds * 1000));
    put(metadata, 'deletionGracePeriodSeconds', graceSeconds);
    const generation = valueAt(stored, 'metadata', 'generation');
    if (!isMarked && typeof generation === 'number') put(metadata, 'generation', generation + 1);
    return this.#registry.putStored(type, next);
  }

  #playKubelet(type: ResourceType, marked: JsonObject): void {
    if (this.kubelet === 'manual') return;
    const delayMs = this.kubelet === 'instant' ? 0 : this.kubelet;
    this.#clock.after(delayMs, () => void this.#letGo(type, marked), true);
  }

  /** The kubelet's last act: delete with grace 0 and its uid. False when the pod is gone or another one by now. */
  #letGo(type: ResourceType, marked: JsonObject): boolean {
    const key = keyOfObject(type, marked);
    const stored = this.#store.get(type.storedIn, key);
    if (stored === undefined || textAt(stored, 'metadata', 'uid') !== textAt(marked, 'metadata', 'uid')) return false;
    return this.#deleteStored(type, stored, { graceSeconds: 0 }).isGone;
  }

  /** Asks everything in the namespace to go; the namespace is Terminating while something stays. */
  #emptyNamespace(type: ResourceType, name: string, stored: JsonObject): DeleteResult {
    for (const inside of namespacedTypes) {
      for (const object of this.#inside(inside, name)) this.#deleteStored(inside, object, {});
    }
    if (this.#isEmpty(name)) return { object: this.#remove(type, stored), isGone: true };
    const next = cloneJson(this.#mark(type, stored, 0));
    put(next, 'status', { phase: 'Terminating' });
    return { object: this.#registry.putStored(type, next), isGone: false };
  }

  /** The namespace controller's last act, when the last object of a namespace went. */
  #finishNamespace(name: string): void {
    const type = resourceTypes.find((entry) => entry.plural === 'namespaces');
    const stored = this.#store.get('namespaces', name);
    if (type === undefined || stored === undefined || !this.#isEmpty(name)) return;
    if (textAt(stored, 'metadata', 'deletionTimestamp') !== '') this.#remove(type, stored);
  }

  #inside(type: ResourceType, namespace: string): JsonObject[] {
    const entries = this.#store.list(type.storedIn).filter(([key]) => key.startsWith(keyOf(namespace, '')));
    return entries.map(([, object]) => object);
  }

  #isEmpty(namespace: string): boolean {
    return namespacedTypes.every((type) => this.#inside(type, namespace).length === 0);
  }
}

const namespacedTypes = resourceTypes.filter((type) => type.isNamespaced && type.conversion === undefined);

/** Seconds that a pod has to end (pod strategy, CheckGracefulDelete): none when no node runs it or it ended before. */
function podGrace(stored: JsonObject, asked: number | undefined): number {
  if (textAt(stored, 'spec', 'nodeName') === '') return 0;
  if (['Succeeded', 'Failed'].includes(textAt(stored, 'status', 'phase'))) return 0;
  const own = valueAt(stored, 'spec', 'terminationGracePeriodSeconds');
  const seconds = asked ?? (typeof own === 'number' ? own : 0);
  return seconds < 0 ? 1 : Math.floor(seconds);
}
