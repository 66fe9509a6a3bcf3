/**
 * Notices objects whose repairs somebody undoes again and again, and lets them rest between repairs. Used by the reconcile
 * loop: two writers that each react to the other would otherwise keep vswitchd reconfiguring at full speed for ever. It
 * does not decide who is right.
 */

import { objectKey, type ObjectRef } from '../model/condition.js';
import type { Action } from '../plan/action.js';

/** So many repairs of one object are made at once, whatever their reason: a fleet's roll-out is no contest. */
export const repairsAtOnceMax = 60;
/** Beyond those, one repair in this time, ms. */
export const repairEveryMs = 1_000;

/** A leaky bucket: how full it was at an instant. It loses one repair every `repairEveryMs`. */
interface Bucket {
  readonly level: number;
  readonly atMs: number;
}

/** What is made together with its bridge is made whole or not at all. */
function isPartOfNewBridge(action: Action): boolean {
  if (action.kind === 'createBridge') return true;
  if (action.kind === 'createPort') return action.bridgeUuid === undefined;
  return action.kind === 'movePort' && action.toUuid === undefined;
}

export class Contests {
  readonly #buckets = new Map<string, Bucket>();

  /** Counts a transaction's repairs, one for each object. */
  note(applied: readonly Action[], nowMs: number): void {
    for (const [key, bucket] of this.#buckets) if (levelOf(bucket, nowMs) <= 0) this.#buckets.delete(key);
    for (const key of new Set(applied.map(({ object }) => objectKey(object)))) {
      this.#buckets.set(key, { level: this.#level(key, nowMs) + 1, atMs: nowMs });
    }
  }

  /** How long the object is to be left as it is, ms; 0 when it may be repaired now. */
  restLeftMs(object: ObjectRef, nowMs: number): number {
    const excess = this.#level(objectKey(object), nowMs) + 1 - repairsAtOnceMax;
    return Math.max(0, Math.ceil(excess * repairEveryMs));
  }

  /** The actions without those of resting objects. */
  allowed(actions: readonly Action[], nowMs: number): readonly Action[] {
    return actions.filter((action) => isPartOfNewBridge(action) || this.restLeftMs(action.object, nowMs) === 0);
  }

  /** When the first of these actions that rests may be carried out, ms from now; undefined when none rests. */
  nextLookMs(actions: readonly Action[], nowMs: number): number | undefined {
    const waits = actions.map(({ object }) => this.restLeftMs(object, nowMs)).filter((wait) => wait > 0);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  #level(key: string, nowMs: number): number {
    const bucket = this.#buckets.get(key);
    return bucket === undefined ? 0 : Math.max(0, levelOf(bucket, nowMs));
  }
}

function levelOf({ level, atMs }: Bucket, nowMs: number): number {
  return level - (nowMs - atMs) / repairEveryMs;
}
