/** How old the counters are that ovs-vswitchd writes, as its settings say. Pure. */

import type { StringMap } from '../model/ownership.js';

/** other_config:stats-update-interval where it is not set, and at least, ms (vswitchd.conf.db(5)). */
const statisticsMsMin = 5_000;
/** other_config:offloaded-stats-delay where it is not set, ms (ovs-vswitchd.conf.db(5)). */
export const offloadedDelayMsDefault = 2_000;
/** A longer delay makes no sense, ms. */
const offloadedDelayMsMax = 3_600_000;

/** How often Interface.statistics are written, ms: never more often than by default (run_stats_update of bridge.c). */
export function statisticsMsIn(otherConfig: StringMap): number {
  const value = Number(otherConfig.get('stats-update-interval') ?? '');
  return Number.isSafeInteger(value) ? Math.max(value, statisticsMsMin) : statisticsMsMin;
}

/** How far counters of flows in hardware lag, ms; the default where the setting is absent or makes no sense. */
export function offloadedDelayMsIn(otherConfig: StringMap): number {
  const text = otherConfig.get('offloaded-stats-delay');
  const value = Number(text ?? '');
  const isValid = text !== undefined && Number.isInteger(value) && value >= 0 && value <= offloadedDelayMsMax;
  return isValid ? value : offloadedDelayMsDefault;
}
