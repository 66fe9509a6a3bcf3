/** Questions that `dpuctl doctor` and the checks of the daemon ask alike. Pure. */

import type { StringMap } from '../model/ownership.js';
import { isTrueWord } from './setting-rule.js';

/** Whether a key of other_config is true as ovs-vswitchd reads it. */
export const isSet = (otherConfig: StringMap, key: string): boolean => isTrueWord(otherConfig.get(key));

/** Whether DPDK or DOCA is asked for: `true`, or `try` of dpdk-init. */
export function isInitAsked(otherConfig: StringMap, key: 'dpdk-init' | 'doca-init'): boolean {
  return isSet(otherConfig, key) || (key === 'dpdk-init' && otherConfig.get(key)?.toLowerCase() === 'try');
}

export interface InitFacts {
  readonly otherConfig: StringMap;
  /** Undefined: the schema has no such column. */
  readonly isDpdkInitialized: boolean | undefined;
  readonly isDocaInitialized: boolean | undefined;
}

/** What was to be initialised, and whether it was; `unknown`: no column says so. Undefined: nothing is asked for. */
export function initState(
  facts: InitFacts,
): { readonly what: 'DOCA' | 'DPDK'; readonly state: 'done' | 'missing' | 'unknown' } | undefined {
  const wantsDoca = isInitAsked(facts.otherConfig, 'doca-init');
  if (!wantsDoca && !isInitAsked(facts.otherConfig, 'dpdk-init')) return undefined;
  const isDone = wantsDoca ? facts.isDocaInitialized : facts.isDpdkInitialized;
  return {
    what: wantsDoca ? 'DOCA' : 'DPDK',
    state: isDone === undefined ? 'unknown' : isDone ? 'done' : 'missing',
  };
}

/** The datapaths that bridges use, each once, sorted; an empty column is `system`. */
export function datapathTypesOf(bridges: readonly { readonly datapathType: string }[]): readonly string[] {
  return [...new Set(bridges.map(({ datapathType }) => datapathType || 'system'))].sort();
}

/** Huge pages of all sizes together, bytes: tools that show the default size alone miss the others. */
export function hugePageBytes(
  pages: readonly { readonly sizeBytes: number; readonly total: number; readonly free: number }[],
): { readonly total: number; readonly free: number } {
  return {
    total: pages.reduce((sum, { sizeBytes, total }) => sum + sizeBytes * total, 0),
    free: pages.reduce((sum, { sizeBytes, free }) => sum + sizeBytes * free, 0),
  };
}
