/**
 * What is known of one setting: which values it takes, when ovs-vswitchd reads it, what it needs and what is dangerous. Types,
 * and the few functions that read a value as ovs-vswitchd does.
 */

/**
 * Where a setting stands: `other_config` of the one row of Open_vSwitch, `options` or `other_config` of an interface, or the
 * embedded switch itself (devlink), which Open vSwitch does not set.
 */
export type SettingPlace = 'root' | 'interfaceOption' | 'interfaceConfig' | 'eswitch';

/** Which Open vSwitch reads it: released ones, the proposed DOCA series for them, NVIDIA's own build. */
export type Dialect = 'upstream' | 'docaSeries' | 'nvidia';

/**
 * When a change takes effect.
 *
 * - `live`: as soon as ovs-vswitchd has read the database.
 * - `latch`: from false to true live, once; back to false by a restart only.
 * - `atLatch`: read at the moment at which hw-offload latches, and never again.
 * - `release`: from true to false live; true counts only for a daemon that starts with it.
 * - `init`: read at the start. A daemon that runs and sees it turn true may initialise at once, and aborts if that fails.
 * - `restart`: read at the start alone.
 * - `newObjects`: for bridges or ports that are made after the change.
 * - `never`: nothing that runs takes it from the database; it is set at boot.
 */
export type TakesEffect = 'live' | 'latch' | 'atLatch' | 'release' | 'init' | 'restart' | 'newObjects' | 'never';

export type ValueRule =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'text'; readonly pattern: RegExp; readonly shape: string };

/** What makes a change dangerous. A change that is dangerous is never planned; a person may make it. */
export type DangerCondition =
  /** Whatever the change is. */
  | { readonly kind: 'any' }
  /** A change to this value. */
  | { readonly kind: 'to'; readonly value: string }
  /** A change away from this value, removal of the key included. */
  | { readonly kind: 'from'; readonly value: string }
  /** Any change while OVS-DOCA runs. */
  | { readonly kind: 'underDoca' };

export interface SettingDanger {
  readonly when: DangerCondition;
  /** What happens, as a sentence. */
  readonly what: string;
}

/** What has to be so for the setting to mean anything. */
export type SettingNeed =
  /** Another key of the same row has this value. */
  | { readonly kind: 'key'; readonly key: string; readonly value: string }
  | { readonly kind: 'engine'; readonly engines: readonly ('tc' | 'dpdk' | 'doca' | 'userspace')[] };

export interface SettingRule {
  readonly key: string;
  readonly place: SettingPlace;
  readonly value: ValueRule;
  /** What holds where the key is absent; undefined: Open vSwitch chooses, or there is nothing. */
  readonly defaultValue: string | undefined;
  readonly takesEffect: TakesEffect;
  /** Where it differs under OVS-DOCA. */
  readonly takesEffectUnderDoca: TakesEffect | undefined;
  readonly needs: readonly SettingNeed[];
  readonly dangers: readonly SettingDanger[];
  readonly dialects: readonly Dialect[];
  /** What the rule rests on. */
  readonly source: string;
}

/** Whether a boolean is true as ovs-vswitchd reads it (smap_get_bool): the word in any case of its letters, and nothing else. */
export function isTrueWord(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

/** Whether the setting takes the value. */
export function isValidValue(rule: ValueRule, value: string): boolean {
  switch (rule.kind) {
    case 'boolean':
      return /^(?:true|false)$/i.test(value);
    case 'integer':
      return /^\d{1,15}$/.test(value) && Number(value) >= rule.min && Number(value) <= rule.max;
    case 'words':
      return rule.words.includes(value);
    case 'text':
      return value.length <= 1_024 && rule.pattern.test(value);
  }
}

/** What the setting takes, for a sentence. */
export function formatValueRule(rule: ValueRule): string {
  switch (rule.kind) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return rule.max === Number.MAX_SAFE_INTEGER
        ? `a whole number from ${rule.min}`
        : `a whole number from ${rule.min} to ${rule.max}`;
    case 'words':
      return `one of ${rule.words.join(', ')}`;
    case 'text':
      return rule.shape;
  }
}

/** A value in the form in which equal ones are equal. An invalid one stays as it is. */
export function canonicalValue(rule: ValueRule, value: string): string {
  if (!isValidValue(rule, value)) return value;
  if (rule.kind === 'boolean') return value.toLowerCase();
  return rule.kind === 'integer' ? String(Number(value)) : value;
}

/** The value that holds where `stored` stands in the database: itself or the default, in canonical form. */
export function valueInForce(rule: SettingRule, stored: string | undefined): string | undefined {
  const value = stored ?? rule.defaultValue;
  return value === undefined ? undefined : canonicalValue(rule.value, value);
}

/** When a change takes effect with this engine. */
export function effectWith(rule: SettingRule, isDoca: boolean): TakesEffect {
  return isDoca ? (rule.takesEffectUnderDoca ?? rule.takesEffect) : rule.takesEffect;
}

/** Why a change is dangerous; undefined when it is not. */
export function dangerOf(
  rule: SettingRule,
  change: { readonly from: string | undefined; readonly to: string; readonly isDoca: boolean },
): string | undefined {
  const from = valueInForce(rule, change.from);
  const to = canonicalValue(rule.value, change.to);
  const applies = ({ when }: SettingDanger): boolean => {
    switch (when.kind) {
      case 'any':
        return true;
      case 'to':
        return to === when.value;
      case 'from':
        return from === when.value && to !== when.value;
      case 'underDoca':
        return change.isDoca;
    }
  };
  return rule.dangers.find(applies)?.what;
}
