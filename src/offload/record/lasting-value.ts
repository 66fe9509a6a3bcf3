/** What is in effect of a setting while the database cannot be read. Pure. */

import {
  effectiveValue,
  isSameIncarnation,
  type Effective,
  type EffectiveState,
  type Incarnation,
} from '../effective-settings.js';
import { effectWith, type SettingRule } from '../setting-rule.js';
import { latchBoundKeys } from '../setting-rules.js';

/**
 * Only what the same daemon can no longer change is still so.
 * @param life the daemon that runs; undefined: none does
 * @param why the database cannot be read
 */
export function lastingValue(
  state: EffectiveState,
  rule: SettingRule,
  life: Incarnation | undefined,
  why: string,
): Effective {
  const isLasting = ['restart', 'latch', 'atLatch'].includes(effectWith(rule, state.isDoca !== false));
  const isSame = life !== undefined && isSameIncarnation(state.incarnation, life);
  const isLatched = state.latch.kind === 'on' || !['hw-offload', ...latchBoundKeys].includes(rule.key);
  return isSame && isLasting && isLatched ? effectiveValue(state, rule) : { kind: 'unknown', why };
}
