/** Short forms in which the tables of settings are written. */

import type { SettingDanger, SettingRule, TakesEffect, ValueRule } from './setting-rule.js';

export const boolean: ValueRule = { kind: 'boolean' };
export const integer = (min = 0, max = Number.MAX_SAFE_INTEGER): ValueRule => ({ kind: 'integer', min, max });
export const words = (...list: readonly string[]): ValueRule => ({ kind: 'words', words: list });
export const text = (pattern: RegExp, shape: string): ValueRule => ({ kind: 'text', pattern, shape });
/** Text that cannot be judged here. */
export const anyText = text(/^.+$/, 'text that is not empty');

export const dangerAny = (what: string): SettingDanger => ({ when: { kind: 'any' }, what });
export const dangerTo = (value: string, what: string): SettingDanger => ({ when: { kind: 'to', value }, what });
export const dangerFrom = (value: string, what: string): SettingDanger => ({ when: { kind: 'from', value }, what });
export const dangerUnderDoca = (what: string): SettingDanger => ({ when: { kind: 'underDoca' }, what });

/** ovs-vswitchd.conf.db(5). */
export const manual = 'ovs-vswitchd.conf.db(5)';

/** A rule of the root row that Open vSwitch reads, unless `fields` say otherwise. */
export function rule(
  key: string,
  takesEffect: TakesEffect,
  value: ValueRule,
  defaultValue: string | undefined,
  fields: Partial<SettingRule> = {},
): SettingRule {
  return {
    key,
    place: 'root',
    value,
    defaultValue,
    takesEffect,
    takesEffectUnderDoca: undefined,
    needs: [],
    dangers: [],
    dialects: ['upstream', 'nvidia'],
    source: manual,
    ...fields,
  };
}
