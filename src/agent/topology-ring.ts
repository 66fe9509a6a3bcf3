/**
 * The newest steps of the topology, bounded, so that a reader that comes later can be told what it has missed. Knows nothing of
 * readers: a reader is a version, and gets everything after it as one delta, or is told that it is not kept any more.
 */

import type { TopologyDelta, TopologyEvent, TopologyObject, TopologyRef } from './topology.js';
import { approximateBytes } from './topology-size.js';

/** How much is kept. What falls out first is the oldest; a reader that needs it starts over. */
export interface RingLimits {
  readonly stepCountMax: number;
  /** Objects, changed and removed, of all steps together. */
  readonly objectCountMax: number;
  /** Approximate memory of all objects together: most are kept by nothing else any more. */
  readonly sizeBytesMax: number;
}

/** How large one delta may become by merging, so that it fits in a message of any client. */
export interface MergeLimits {
  readonly objectCountMax: number;
  readonly sizeBytesMax: number;
}

/** What a reader is told. */
type Told = Extract<TopologyEvent, { readonly kind: 'delta' }>;

interface Step extends TopologyDelta {
  readonly objectCount: number;
  readonly sizeBytes: number;
}

/** The name of an object among all. */
export function topologyKey({ kind, name }: TopologyRef): string {
  return `${kind}:${name}`;
}

/** At least a step is kept, however large. */
export class TopologyRing {
  readonly #limits: RingLimits;
  readonly #merge: MergeLimits;
  /** Versions without gaps, oldest first; `#start` of them have fallen out. */
  #steps: Step[] = [];
  #start = 0;
  #objectCount = 0;
  #sizeBytes = 0;
  /** Readers that keep up all stand at the same version: what one is told, all are, and it is the same value for all. */
  #told = new Map<bigint, Told>();

  constructor(limits: RingLimits, merge: MergeLimits) {
    this.#limits = limits;
    this.#merge = merge;
  }

  /** Adds the next step: its version is one more than that of the step before. */
  add(delta: TopologyDelta): void {
    const sizeBytes = delta.changed.reduce((sum, object) => sum + approximateBytes(object), 0);
    const objectCount = delta.changed.length + delta.removed.length;
    this.#steps.push({ ...delta, objectCount, sizeBytes });
    this.#objectCount += objectCount;
    this.#sizeBytes += sizeBytes;
    this.#told.clear();
    this.#trim();
  }

  /**
   * What changed after `version`, up to the newest step or as much as fits in one delta; the delta's version says how far.
   *
   * @returns `upToDate` when nothing did, `expired` when not all of it is kept
   */
  after(version: bigint): Told | 'upToDate' | 'expired' {
    const newest = this.#steps.at(-1)?.version;
    if (newest === undefined || version === newest) return 'upToDate';
    const told = this.#told.get(version);
    if (told !== undefined) return told;
    const oldest = this.#steps[this.#start]?.version ?? newest;
    if (version < oldest - 1n || version > newest) return 'expired';
    const delta = this.#mergeFrom(this.#start + Number(version - oldest) + 1);
    // As many readers as there are may each stand somewhere else.
    if (this.#told.size < this.#limits.stepCountMax) this.#told.set(version, delta);
    return delta;
  }

  /** What is kept, for those who watch over memory. */
  stats(): { readonly stepCount: number; readonly objectCount: number; readonly sizeBytes: number } {
    return {
      stepCount: this.#steps.length - this.#start,
      objectCount: this.#objectCount,
      sizeBytes: this.#sizeBytes,
    };
  }

  #trim(): void {
    const { stepCountMax, objectCountMax, sizeBytesMax } = this.#limits;
    while (this.#steps.length - this.#start > 1) {
      const isTooMuch =
        this.#steps.length - this.#start > stepCountMax ||
        this.#objectCount > objectCountMax ||
        this.#sizeBytes > sizeBytesMax;
      if (!isTooMuch) break;
      const step = this.#steps[this.#start];
      this.#objectCount -= step?.objectCount ?? 0;
      this.#sizeBytes -= step?.sizeBytes ?? 0;
      this.#start += 1;
    }
    // Moved together once in a while, and not with every step.
    if (this.#start > this.#limits.stepCountMax / 4 || this.#start > this.#steps.length / 2) {
      this.#steps = this.#steps.slice(this.#start);
      this.#start = 0;
    }
  }

  #mergeFrom(index: number): Told {
    const end = this.#mergeEnd(index);
    const last = this.#steps[end - 1];
    if (last === undefined) throw new RangeError(`no step ${index}`);
    if (end - index === 1)
      return { kind: 'delta', version: last.version, changed: last.changed, removed: last.removed };
    const changed = new Map<string, TopologyObject>();
    const removed = new Map<string, TopologyRef>();
    for (let at = index; at < end; at += 1) {
      for (const ref of this.#steps[at]?.removed ?? []) {
        changed.delete(topologyKey(ref));
        removed.set(topologyKey(ref), ref);
      }
      for (const object of this.#steps[at]?.changed ?? []) {
        removed.delete(topologyKey(object.ref));
        changed.set(topologyKey(object.ref), object);
      }
    }
    return { kind: 'delta', version: last.version, changed: [...changed.values()], removed: [...removed.values()] };
  }

  /** The first step that no longer fits; at least one does, however large. */
  #mergeEnd(index: number): number {
    let objectCount = 0;
    let sizeBytes = 0;
    for (let at = index; at < this.#steps.length; at += 1) {
      objectCount += this.#steps[at]?.objectCount ?? 0;
      sizeBytes += this.#steps[at]?.sizeBytes ?? 0;
      const isTooMuch = objectCount > this.#merge.objectCountMax || sizeBytes > this.#merge.sizeBytesMax;
      if (isTooMuch && at > index) return at;
    }
    return this.#steps.length;
  }
}
