/** Every setting that concerns offload, as data. */

import type { SettingPlace, SettingRule } from './setting-rule.js';
import { docaSettingRules, eswitchSettingRules } from './setting-rules-doca.js';
import { dpdkSettingRules } from './setting-rules-dpdk.js';
import { ovsSettingRules } from './setting-rules-ovs.js';

export const settingRules: readonly SettingRule[] = [
  ...ovsSettingRules,
  ...dpdkSettingRules,
  ...docaSettingRules,
  ...eswitchSettingRules,
];

const byPlaceAndKey = new Map(settingRules.map((rule) => [`${rule.place} ${rule.key}`, rule]));

/** The rule of a key; undefined where nothing is known of it. */
export function settingRule(key: string, place: SettingPlace = 'root'): SettingRule | undefined {
  return byPlaceAndKey.get(`${place} ${key}`);
}

/** The settings that a configuration may declare: those of the root row, and the mode of the embedded switch. */
export const declarableRules: readonly SettingRule[] = settingRules.filter(
  ({ place }) => place === 'root' || place === 'eswitch',
);

/** The keys of Open_vSwitch:other_config that are read at the moment at which hw-offload latches. */
export const latchBoundKeys: readonly string[] = settingRules
  .filter(({ takesEffect }) => takesEffect === 'atLatch')
  .map(({ key }) => key);
