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

export class RootWatch {
  #asked: readonly Asked[] = [];
  #restoreSinceMs: number | undefined;

  note({ curCfg, nextCfg, isRestoreAwaited }: ObservedRoot, nowMs: number): void {
    this.#restoreSinceMs = isRestoreAwaited ? (this.#restoreSinceMs ?? nowMs) : undefined;
    // A daemon that keeps up with a busy database is always a little behind: what counts is the oldest number not reached.
    // One above next_cfg is of a database that was set back since.
    const open = this.#asked.filter(({ nextCfg: asked }) => asked > curCfg && asked <= nextCfg);
    const isNew = nextCfg > curCfg && nextCfg > (open.at(-1)?.nextCfg ?? curCfg) && open.length < askedMax;
    this.#asked = isNew ? [...open, { nextCfg, atMs: nowMs }] : open;
  }

  /** The row as facts. */
  facts(root: ObservedRoot, nowMs: number): RootFacts {
    const { otherConfig, externalIds, curCfg, nextCfg, datapathTypes, ifaceTypes } = root;
    const laggedSinceMs = this.#asked[0]?.atMs ?? nowMs;
    return {
      ...{ otherConfig, externalIds, curCfg, nextCfg, datapathTypes, ifaceTypes },
      ...initOf(root),
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
