/**
 * Stands between the loop of the attachments and the pods that it reads: an API server that has fallen behind gives an
 * older reading of a pod, in which it may have no function yet, or that of a former sandbox. The newest one stays in force
 * for a while, as a pod does that is merely missing from a list. Takes nothing from a pod and tells it nothing.
 */

import type { Clock } from '../lib/clock.js';
import type { PodView } from '../model/pod.js';
import type { ClusterState, PodSnapshot, PodSource } from './attach-ports.js';
import type { Unsubscribe } from './ports.js';

interface Kept {
  newest: PodView;
  /** Since when only an older reading is there, or none at all. */
  behindSinceMs: number | undefined;
  /** What stands in for the older reading. */
  standIn: { readonly of: PodView; readonly pod: PodView } | undefined;
}

const decimal = /^(?:0|[1-9]\d{0,38})$/;

/** Whether `a` is an older version than `b`; never of such as are no decimal numbers, which cannot be compared. */
export function isOlderVersion(a: string, b: string): boolean {
  if (!decimal.test(a) || !decimal.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}

/** The newest reading, with what the server itself compares a write with, and with the status that is there now. */
function standInFor(newest: PodView, { resourceVersion, hasAnnotations, annotations }: PodView): PodView {
  return {
    ...newest,
    resourceVersion,
    hasAnnotations,
    annotations: { ...newest.annotations, status: annotations.status },
  };
}

export class NewestReadings implements PodSource {
  readonly #source: PodSource;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #kept = new Map<string, Kept>();

  /** @param graceMs how long an older reading must stay before it is believed */
  constructor(source: PodSource, clock: Clock, graceMs: number) {
    this.#source = source;
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  state(): ClusterState {
    return this.#source.state();
  }

  snapshot(): PodSnapshot | undefined {
    const listed = this.#source.snapshot();
    if (listed === undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    this.#forget(listed, nowMs);
    const pods = new Map<string, PodView>();
    for (const [uid, pod] of listed.pods) pods.set(uid, this.#read(pod, nowMs));
    return { pods, deleted: listed.deleted };
  }

  nodeName(): string | undefined {
    return this.#source.nodeName();
  }

  setNodeName(name: string): void {
    this.#source.setNodeName(name);
  }

  onChange(listener: () => void): Unsubscribe {
    return this.#source.onChange(listener);
  }

  /** When an older reading that is there will be believed, ms from now; undefined when none is waiting. */
  nextLookMs(nowMs: number): number | undefined {
    if (this.#source.state().kind !== 'synced') return undefined;
    const waits = [...this.#kept.values()].flatMap(({ standIn, behindSinceMs }) =>
      standIn === undefined || behindSinceMs === undefined ? [] : [behindSinceMs + this.#graceMs - nowMs],
    );
    return waits.length === 0 ? undefined : Math.max(0, Math.min(...waits));
  }

  #read(pod: PodView, nowMs: number): PodView {
    const kept = this.#kept.get(pod.uid);
    if (kept === undefined || !isOlderVersion(pod.resourceVersion, kept.newest.resourceVersion)) {
      if (kept?.newest !== pod) this.#kept.set(pod.uid, { newest: pod, behindSinceMs: undefined, standIn: undefined });
      else Object.assign(kept, { behindSinceMs: undefined, standIn: undefined });
      return pod;
    }
    kept.behindSinceMs ??= nowMs;
    // What comes of a server that cannot be reached is no word on what is so now.
    if (this.#source.state().kind === 'synced' && nowMs - kept.behindSinceMs >= this.#graceMs) {
      this.#kept.set(pod.uid, { newest: pod, behindSinceMs: undefined, standIn: undefined });
      return pod;
    }
    if (kept.standIn?.of !== pod) kept.standIn = { of: pod, pod: standInFor(kept.newest, pod) };
    return kept.standIn.pod;
  }

  /** A pod that is missing may come back, in an older reading; later than that nobody knows it any more. */
  #forget({ pods, deleted }: PodSnapshot, nowMs: number): void {
    for (const [uid, kept] of this.#kept) {
      if (pods.has(uid)) continue;
      kept.standIn = undefined;
      kept.behindSinceMs ??= nowMs;
      if (deleted.has(uid) || nowMs - kept.behindSinceMs >= this.#graceMs) this.#kept.delete(uid);
    }
  }
}
