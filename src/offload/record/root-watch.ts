/** The row of table Open_vSwitch over time: for how long it has been as it is. Pure state. */

import type { ObservedRoot } from '../../model/observed.js';
import type { RootFacts } from '../offload-facts.js';

/** A number of next_cfg that ovs-vswitchd has not reached, and when it was seen first. */
interface Asked {
  readonly nextCfg: number;
  readonly atMs: number;
}

/** Numbers beyond these are counted from when there is room again: the oldest is the one that tells the lag. */
const askedMax = 256;

/** A daemon that answers and is so old has written its columns, ms. */
const graceMs = 10_000;

const whatIsSaid = ({ curCfg, isDpdkInitialized, isDocaInitialized, ifaceTypes }: ObservedRoot): string =>
  JSON.stringify([curCfg, isDpdkInitialized, isDocaInitialized, ifaceTypes]);

export class RootWatch {
  #asked: readonly Asked[] = [];
  #restoreSinceMs: number | undefined;
  #root: ObservedRoot | undefined;
  /** What the database said last. */
  #said: string | undefined;
  /** What a daemon that is gone left in the database; undefined: the one that runs has written there. */
  #leftOver: string | undefined;

  /**
   * Whether the daemon that runs has written its columns: one that was killed leaves them as they were, and they say nothing
   * of the next one until that has set them, or cur_cfg, or has run for a while.
   */
  get isOfLife(): boolean {
    return this.#leftOver === undefined;
  }

  /**
   * A daemon has answered.
   * @param isNew another one than the last time
   * @param ageMs how old it was when it was asked
   */
  noteAnswer(isNew: boolean, ageMs: number): void {
    if (isNew) this.#leftOver = this.#said;
    if (ageMs >= graceMs) this.#leftOver = undefined;
  }

  note(root: ObservedRoot, nowMs: number): void {
    const { curCfg, nextCfg, isRestoreAwaited } = root;
    if (root !== this.#root) this.#said = whatIsSaid(root);
    this.#root = root;
    if (this.#said !== this.#leftOver) this.#leftOver = undefined;
    this.#restoreSinceMs = isRestoreAwaited ? (this.#restoreSinceMs ?? nowMs) : undefined;
    // A daemon that keeps up with a busy database is always a little behind: what counts is the oldest number not reached.
    // One above next_cfg is of a database that was set back since.
    const open = this.#asked.filter(({ nextCfg: asked }) => asked > curCfg && asked <= nextCfg);
    const isNew = nextCfg > curCfg && nextCfg > (open.at(-1)?.nextCfg ?? curCfg) && open.length < askedMax;
    this.#asked = isNew ? [...open, { nextCfg, atMs: nowMs }] : open;
  }

  /** As `initOf`, of the daemon that runs. */
  init(root: ObservedRoot): ReturnType<typeof initOf> {
    return this.isOfLife ? initOf(root) : { isDpdkInitialized: undefined, isDocaInitialized: undefined };
  }

  /** The row as facts. */
  facts(root: ObservedRoot, nowMs: number): RootFacts {
    const { otherConfig, externalIds, curCfg, nextCfg, datapathTypes } = root;
    const ifaceTypes = this.isOfLife ? root.ifaceTypes : [];
    const laggedSinceMs = this.#asked[0]?.atMs ?? nowMs;
    return {
      ...{ otherConfig, externalIds, curCfg, nextCfg, datapathTypes, ifaceTypes },
      ...this.init(root),
      laggedMs: Math.max(0, nowMs - laggedSinceMs),
      restoreWaitMs: this.#restoreSinceMs === undefined ? undefined : Math.max(0, nowMs - this.#restoreSinceMs),
    };
  }
}

/** Whether DPDK and DOCA were initialised; undefined where the schema has no column for it. */
export function initOf({
  initColumns,
  isDpdkInitialized,
  isDocaInitialized,
}: ObservedRoot): Pick<RootFacts, 'isDpdkInitialized' | 'isDocaInitialized'> {
  return {
    isDpdkInitialized: initColumns.dpdk ? isDpdkInitialized : undefined,
    isDocaInitialized: initColumns.doca ? isDocaInitialized : undefined,
  };
}
