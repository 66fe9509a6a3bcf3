/**
 * What a Reflector holds: the views of the objects by uid, and which uids were deleted. Pure state without time of its own.
 * It replaces everything when a list is complete, takes events one by one, and keeps what a write returned against events
 * that are older than the write.
 */

import { compareVersions } from './resource-version.js';

/** What is kept of an object. */
export interface ObjectView<View> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: View;
}

/** A version that a write returned, which the watch has not delivered yet. */
interface Pin {
  readonly version: string;
  readonly untilMs: number;
  /** The list under way was begun before: it may be older. */
  readonly isDuringList: boolean;
}

export interface ObjectCacheLimits {
  /** Uids in `deleted`; the oldest leave it. */
  readonly deletedMax: number;
  /** How long a version from a write stands against older events, ms. */
  readonly pinMs: number;
}

export class ObjectCache<View> {
  readonly #limits: ObjectCacheLimits;
  readonly deleted = new Set<string>();
  #items = new Map<string, View>();
  #versions = new Map<string, string>();
  readonly #pins = new Map<string, Pin>();

  constructor(limits: ObjectCacheLimits) {
    this.#limits = limits;
  }

  /** By uid. Another map after each list; the same, changed, after each event. */
  get items(): ReadonlyMap<string, View> {
    return this.#items;
  }

  /** A list begins: what is pinned from now on may be newer than what it will bring. */
  beginList(): void {
    for (const [uid, pin] of this.#pins) this.#pins.set(uid, { ...pin, isDuringList: false });
  }

  /** Everything that the server has. What is not among it leaves, and does not count as deleted. */
  replace(views: Iterable<ObjectView<View>>): void {
    const [items, versions] = [new Map<string, View>(), new Map<string, string>()];
    for (const view of views) {
      const kept = this.#isPinnedNewer(view) ? this.#kept(view.uid) : undefined;
      items.set(view.uid, kept === undefined ? view.value : kept.value);
      versions.set(view.uid, kept === undefined ? view.resourceVersion : kept.version);
      this.deleted.delete(view.uid);
    }
    for (const [uid, pin] of this.#pins) if (!pin.isDuringList || !items.has(uid)) this.#pins.delete(uid);
    this.#items = items;
    this.#versions = versions;
  }

  /** An event: the object is there in this version. Without effect when a newer version is known from a write. */
  put(view: ObjectView<View>, nowMs: number): void {
    if (this.#isHeldBack(view.uid, view.resourceVersion, nowMs)) return;
    this.#store(view);
    this.deleted.delete(view.uid);
  }

  /** An event: the object is there in this version, and of no interest any more. */
  drop(uid: string, version: string, nowMs: number): void {
    if (!this.#isHeldBack(uid, version, nowMs)) this.#forget(uid);
  }

  /** A DELETED event. */
  delete(uid: string): void {
    this.#forget(uid);
    // Anew at the end: the newest is last.
    this.deleted.delete(uid);
    this.deleted.add(uid);
    if (this.deleted.size <= this.#limits.deletedMax) return;
    const [oldest] = this.deleted;
    if (oldest !== undefined) this.deleted.delete(oldest);
  }

  /** A write returned this version of an object that is held. False when it is not held, or not newer. */
  accept(view: ObjectView<View>, nowMs: number): boolean {
    const held = this.#versions.get(view.uid);
    if (held === undefined || held === view.resourceVersion) return false;
    const order = compareVersions(view.resourceVersion, held);
    if (order !== undefined && order < 0) return false;
    this.#store(view);
    const untilMs = nowMs + this.#limits.pinMs;
    this.#pins.set(view.uid, { version: view.resourceVersion, untilMs, isDuringList: true });
    return true;
  }

  #forget(uid: string): void {
    this.#pins.delete(uid);
    this.#versions.delete(uid);
    this.#items.delete(uid);
  }

  #store(view: ObjectView<View>): void {
    this.#items.set(view.uid, view.value);
    this.#versions.set(view.uid, view.resourceVersion);
  }

  /** Whether an event is older than a write that is known. The pin goes with the event that catches up with it. */
  #isHeldBack(uid: string, version: string, nowMs: number): boolean {
    const pin = this.#pins.get(uid);
    if (pin === undefined) return false;
    const order = compareVersions(version, pin.version);
    const isBehind = order === undefined || order < 0;
    if (isBehind && nowMs < pin.untilMs) return true;
    this.#pins.delete(uid);
    return false;
  }

  #isPinnedNewer(view: ObjectView<View>): boolean {
    const pin = this.#pins.get(view.uid);
    if (pin?.isDuringList !== true) return false;
    const order = compareVersions(view.resourceVersion, pin.version);
    return order === undefined || order < 0;
  }

  #kept(uid: string): { readonly value: View; readonly version: string } | undefined {
    const [value, version] = [this.#items.get(uid), this.#versions.get(uid)];
    return value === undefined || version === undefined ? undefined : { value, version };
  }
}
