/**
 * The state of the embedded cluster: objects by place and key, one counter of revisions, and the log of changes that
 * watches and consistent reads are served from (etcd's part of a real cluster). It can be compacted, copied and set back
 * to an older copy. Knows keys and revisions only, nothing of what objects mean.
 */

import { cloneJson, freezeJson } from './json.js';
import type { JsonObject } from './json.js';

export type ChangeKind = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One committed change. `object` carries the revision of the change, also when it was a deletion. */
export interface Change {
  readonly revision: number;
  readonly kind: ChangeKind;
  readonly place: string;
  readonly key: string;
  readonly object: JsonObject;
  readonly previous: JsonObject | undefined;
}

/** A copy of everything at one revision. */
export interface StoreSnapshot {
  readonly revision: number;
  readonly objects: ReadonlyMap<string, ReadonlyMap<string, JsonObject>>;
}

export type ChangeListener = (change: Change) => void;

export class Store {
  readonly #places = new Map<string, Map<string, JsonObject>>();
  readonly #listeners = new Set<ChangeListener>();
  readonly #logMax: number;
  #log: Change[] = [];
  #revision = 1;
  #compacted = 1;

  /** @param logMax changes that are kept for watches; older ones are compacted away */
  constructor(logMax: number) {
    this.#logMax = logMax;
  }

  /** Revision of the last change; a list is "as of" it. */
  get revision(): number {
    return this.#revision;
  }

  /** Changes up to this revision are no longer known. */
  get compactedRevision(): number {
    return this.#compacted;
  }

  get(place: string, key: string): JsonObject | undefined {
    return this.#places.get(place)?.get(key);
  }

  /** All objects of a place, in order of their keys, as of now or as of a revision that is still known. */
  list(place: string, revision = this.#revision): readonly (readonly [key: string, object: JsonObject])[] {
    const state = new Map(this.#places.get(place));
    for (let i = this.#log.length - 1; i >= 0; i -= 1) {
      const change = this.#log[i];
      if (change === undefined || change.revision <= revision) break;
      if (change.place !== place) continue;
      if (change.previous === undefined) state.delete(change.key);
      else state.set(change.key, change.previous);
    }
    return [...state].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Stores an object under the next revision, which is written into it. */
  put(place: string, key: string, object: JsonObject): JsonObject {
    const previous = this.get(place, key);
    const stored = this.#stamped(object);
    this.#placeOf(place).set(key, stored);
    this.#append(previous === undefined ? 'ADDED' : 'MODIFIED', place, key, stored, previous);
    return stored;
  }

  /** Removes an object; what is returned carries the revision of the removal. */
  remove(place: string, key: string): JsonObject | undefined {
    const previous = this.get(place, key);
    if (previous === undefined) return undefined;
    const last = this.#stamped(cloneJson(previous));
    this.#placeOf(place).delete(key);
    this.#append('DELETED', place, key, last, previous);
    return last;
  }

  /** Changes of a place after a revision, oldest first; undefined when some of them are compacted away. */
  changesSince(place: string, revision: number): readonly Change[] | undefined {
    if (revision < this.#compacted) return undefined;
    return this.#log.filter((change) => change.revision > revision && change.place === place);
  }

  /** Forgets the changes up to a revision (the present one by default), as etcd's compaction does. */
  compact(revision = this.#revision): void {
    this.#compacted = Math.max(this.#compacted, Math.min(revision, this.#revision));
    this.#log = this.#log.filter((change) => change.revision > this.#compacted);
  }

  /** Moves the counter on without a change, as writes to things that nobody here watches do. */
  skip(revisions: number): void {
    this.#revision += revisions;
  }

  snapshot(): StoreSnapshot {
    return {
      revision: this.#revision,
      objects: new Map([...this.#places].map(([place, objects]) => [place, new Map(objects)])),
    };
  }

  /** Sets everything back to a copy, the counter included; what happened before is no longer known. Nobody is told. */
  restore(snapshot: StoreSnapshot): void {
    this.#places.clear();
    for (const [place, objects] of snapshot.objects) this.#places.set(place, new Map(objects));
    this.#revision = snapshot.revision;
    this.#compacted = snapshot.revision;
    this.#log = [];
  }

  /** Calls the listener synchronously after each change. Returns how to end that. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #stamped(object: JsonObject): JsonObject {
    this.#revision += 1;
    const metadata = { ...(object['metadata'] as JsonObject), resourceVersion: String(this.#revision) };
    return freezeJson({ ...object, metadata });
  }

  #placeOf(place: string): Map<string, JsonObject> {
    const found = this.#places.get(place);
    if (found !== undefined) return found;
    const made = new Map<string, JsonObject>();
    this.#places.set(place, made);
    return made;
  }

  #append(kind: ChangeKind, place: string, key: string, object: JsonObject, previous: JsonObject | undefined): void {
    const change: Change = { revision: this.#revision, kind, place, key, object, previous };
    this.#log.push(change);
    // Trimmed by halves, so that the cost of moving the rest is spread over many changes.
    if (this.#log.length > this.#logMax * 2) this.compact(this.#log.at(-this.#logMax)?.revision);
    for (const listener of this.#listeners) listener(change);
  }
}
