/**
 * Declared settings against stored and effective ones: a verdict for each key, and the edits that may be made in a running
 * ovs-vswitchd. Pure. Only declared keys are ever edited, key by key, and nothing dangerous is ever planned.
 */

import type { Fact } from '../model/fact.js';
import type { StringMap } from '../model/ownership.js';
import { safeText } from '../lib/text.js';
import { effectiveValue, type Effective, type EffectiveState } from './effective-settings.js';
import type { OffloadEngine } from './offload.js';
import {
  canonicalValue,
  dangerOf,
  effectWith,
  formatValueRule,
  isTrueWord,
  isValidValue,
  valueInForce,
  type SettingRule,
} from './setting-rule.js';
import { declarableRules, latchBoundKeys, settingRule } from './setting-rules.js';

/**
 * - `inEffect`: the daemon that runs has it.
 * - `applyLive`: the agent may write it now.
 * - `staged`: stored; it is taken when hw-offload turns on.
 * - `restartRequired`: only a restart of ovs-vswitchd brings it.
 * - `dangerous`: the agent never makes this change.
 * - `invalid`: the declared value is not one that the setting takes.
 * - `unknown`: nothing proves what is in effect.
 */
export type SettingVerdict =
  'inEffect' | 'applyLive' | 'staged' | 'restartRequired' | 'dangerous' | 'invalid' | 'unknown';

export interface SettingResult {
  readonly key: string;
  /** Undefined: the configuration does not speak of it; then it is measured by what is stored. */
  readonly declared: string | undefined;
  /** As it stands in the database; undefined: absent. */
  readonly stored: string | undefined;
  readonly effective: Effective;
  /** What a daemon would take that started now; undefined: Open vSwitch chooses. */
  readonly atNextStart: string | undefined;
  readonly verdict: SettingVerdict;
  /** One sentence or two for a person; values in it are escaped. */
  readonly message: string;
  /** What has to be so as well for the setting to mean anything, and is not. */
  readonly unmet: readonly string[];
}

/** One edit of Open_vSwitch:other_config, to be made only while the key still has the value `from`. */
export interface LiveEdit {
  readonly key: string;
  /** Undefined: the key is absent. */
  readonly from: string | undefined;
  readonly to: string;
}

export interface SettingsInput {
  readonly state: EffectiveState;
  /** Key by key, as the configuration says. */
  readonly declared: StringMap;
  /** Engines of the bridges. */
  readonly engines: ReadonlySet<OffloadEngine>;
  /** Mode of the embedded switch, as devlink says. */
  readonly eswitchMode: Fact<string>;
}

interface Case extends SettingsInput {
  readonly rule: SettingRule;
  readonly stored: string | undefined;
  readonly effective: Effective;
  readonly wanted: string;
  readonly isDoca: boolean;
}

interface Verdict {
  readonly verdict: SettingVerdict;
  readonly message: string;
}

/** Each key that is declared or stored and of which something is known, in the order of the rules. */
export function judgeSettings(input: SettingsInput): readonly SettingResult[] {
  return declarableRules.flatMap((rule) => {
    const declared = input.declared.get(rule.key);
    const stored = rule.place === 'root' ? input.state.stored?.get(rule.key) : undefined;
    const wanted = declared ?? stored;
    if (wanted === undefined) return [];
    const effective = effectiveOf(input, rule);
    const unmet = unmetNeeds(input, rule);
    const one: Case = { ...input, rule, stored, effective, wanted, isDoca: input.state.isDoca !== false };
    const verdict = declared === undefined ? judgeStored(one) : judgeDeclared(one, unmet);
    return [{ key: rule.key, declared, stored, effective, atNextStart: valueInForce(rule, stored), ...verdict, unmet }];
  });
}

function effectiveOf({ state, eswitchMode }: SettingsInput, rule: SettingRule): Effective {
  if (rule.place !== 'eswitch') return effectiveValue(state, rule);
  return eswitchMode.kind === 'known'
    ? { kind: 'known', value: eswitchMode.value, basis: 'devlink says so' }
    : { kind: 'unknown', why: eswitchMode.why };
}

/** What somebody else stored: does the daemon have it? */
function judgeStored(one: Case): Verdict {
  const { rule, stored, effective, wanted } = one;
  if (effective.kind === 'unknown') return say('unknown', `${rule.key}: ${sayStored(rule, stored)}; ${effective.why}.`);
  if (isEqual(rule, effective.value, wanted))
    return say('inEffect', `${rule.key}: ${sayStored(rule, stored)} and in effect: ${effective.basis}.`);
  if (isUntaken(one)) return say('unknown', `${rule.key}: ${sayStored(rule, stored)}; ${untaken}.`);
  const value = safeText(effective.value ?? 'nothing', 128);
  return say(
    'restartRequired',
    `${rule.key}: ${sayStored(rule, stored)}, but ovs-vswitchd has ${value} (${effective.basis}): a restart will change it.`,
  );
}

function judgeDeclared(one: Case, unmet: readonly string[]): Verdict {
  const { rule, stored, effective, wanted, state } = one;
  if (!isValidValue(rule.value, wanted)) {
    return say('invalid', `${rule.key} cannot be ${safeText(wanted, 128)}: it takes ${formatValueRule(rule.value)}.`);
  }
  const isStored = rule.place === 'eswitch' || isEqual(rule, valueInForce(rule, stored), wanted);
  if (effective.kind === 'known' && isEqual(rule, effective.value, wanted)) {
    return isStored ? say('inEffect', `${rule.key} is in effect as declared: ${effective.basis}.`) : judgeUnstored(one);
  }
  if (rule.place !== 'eswitch' && state.incarnation === undefined) {
    return say('unknown', `${rule.key} cannot be judged: no ovs-vswitchd runs.`);
  }
  if (isStored && effective.kind === 'unknown') return judgeUnproven(one, effective.why);
  if (isStored && isUntaken(one)) return judgeUnproven(one, untaken);
  const danger = dangerOfCase(one);
  if (danger !== undefined) return say('dangerous', `${rule.key} is not changed: ${danger}`);
  return judgeChange(one, isStored, unmet);
}

const untaken = 'ovs-vswitchd has not yet taken what the database says';

/** hw-offload turned true in the database, and the daemon is still on its way there. */
function isUntaken({ rule, wanted, state, isDoca }: Case): boolean {
  return effectWith(rule, isDoca) === 'latch' && isTrueWord(wanted) && !state.isSettled;
}

/** In effect, but the database says something else. */
function judgeUnstored(one: Case): Verdict {
  const { rule, stored, isDoca } = one;
  const isWritable = ['live', 'latch'].includes(effectWith(rule, isDoca)) && dangerOfCase(one) === undefined;
  if (isWritable) return say('applyLive', `${rule.key} is in effect as declared, and is stored so that it stays.`);
  return say(
    'inEffect',
    `${rule.key} is in effect as declared, but ${sayStored(rule, stored)}: the next restart of ovs-vswitchd takes that.`,
  );
}

/** Stored as declared, and nothing tells whether the daemon has it. */
function judgeUnproven({ rule, state, isDoca }: Case, why: string): Verdict {
  const effect = effectWith(rule, isDoca);
  if (effect === 'never') return say('unknown', `${rule.key} is not known: ${why}.`);
  if (effect === 'newObjects') return say('inEffect', `${rule.key} is stored as declared; ${why}.`);
  if (effect === 'atLatch' && state.latch.kind === 'off')
    return say('staged', `${rule.key} is stored as declared; ${why}.`);
  return say('unknown', `${rule.key} is stored as declared; whether it is in effect is not known: ${why}.`);
}

function judgeChange(one: Case, isStored: boolean, unmet: readonly string[]): Verdict {
  const { rule, state, isDoca } = one;
  const effect = effectWith(rule, isDoca);
  const isLive =
    effect === 'live' ||
    (effect === 'latch' && isTrueWord(one.wanted) && !isStored) ||
    (effect === 'atLatch' && state.latch.kind === 'off');
  // Where it is not known whether hw-offload was taken, a restart may or may not be what it needs.
  const isUncertain = effect === 'atLatch' && state.latch.kind === 'unknown' && !isStored;
  if (isUncertain) return say('unknown', sayUncertain(one));
  if (!isLive || isStored) return say('restartRequired', sayRestart(one, isStored));
  const isUnread = unmet.length > 0 && rule.needs.some(({ kind }) => kind === 'engine');
  if (isUnread)
    return say('unknown', `${rule.key} is not written, for nothing here reads it: it needs ${unmet.join(', ')}.`);
  return say('applyLive', sayLive(one, effect));
}

function sayLive({ rule, stored, wanted }: Case, effect: string): string {
  const change = `${rule.key} becomes ${safeText(wanted, 128)} (${sayStored(rule, stored)})`;
  if (effect === 'latch') return `${change}. Only new flows are offloaded; back to false takes a restart.`;
  return effect === 'atLatch' ? `${change}, and is read when hw-offload turns on.` : `${change} live.`;
}

function sayUncertain({ rule, stored, wanted }: Case): string {
  return `${rule.key} should be ${safeText(wanted, 128)}, ${sayStored(rule, stored)}: it is read when hw-offload turns on, and whether that has happened is not known. A restart of ovs-vswitchd settles it.`;
}

function sayRestart({ rule, stored, effective, wanted, isDoca }: Case, isStored: boolean): string {
  const now =
    effective.kind === 'known' ? `ovs-vswitchd has ${safeText(effective.value ?? 'nothing', 128)}` : effective.why;
  const caution = rule.dangers.find(({ when }) => when.kind === 'underDoca');
  const what = isStored
    ? `${rule.key} is stored as declared`
    : `${rule.key} should be ${safeText(wanted, 128)}, ${sayStored(rule, stored)}`;
  const why = isDoca && caution !== undefined ? ` ${caution.what}` : '';
  return `${what}, and ${now}: only a restart of ovs-vswitchd brings it.${why}`;
}

/** Dangers of the step from what is stored and of the step from what is in effect. */
function dangerOfCase({ rule, stored, effective, wanted, isDoca }: Case): string | undefined {
  // What OVS-DOCA takes by a restart alone is not dangerous by way of one.
  const dangers =
    effectWith(rule, isDoca) === 'restart'
      ? rule.dangers.filter(({ when }) => when.kind !== 'underDoca')
      : rule.dangers;
  const bare = { ...rule, dangers };
  const inForce = effective.kind === 'known' ? effective.value : stored;
  return dangerOf(bare, { from: stored, to: wanted, isDoca }) ?? dangerOf(bare, { from: inForce, to: wanted, isDoca });
}

function unmetNeeds({ declared, state, engines }: SettingsInput, rule: SettingRule): readonly string[] {
  return rule.needs.flatMap((need) => {
    if (need.kind === 'engine') {
      const isJudged = engines.size > 0 && !engines.has('unknown');
      return isJudged && !need.engines.some((engine) => engines.has(engine))
        ? [`engine ${need.engines.join(' or ')}`]
        : [];
    }
    const value = declared.get(need.key) ?? state.stored?.get(need.key);
    const needed = settingRule(need.key);
    const isMet = needed !== undefined && isEqual(needed, valueInForce(needed, value), need.value);
    // NVIDIA's build initialises DPDK with DOCA by itself.
    const isImplied = need.key === 'dpdk-init' && state.isDoca !== false;
    return isMet || isImplied ? [] : [`${need.key}=${need.value}`];
  });
}

/** `try` of dpdk-init is in effect where DPDK was initialised. */
function isEqual(rule: SettingRule, value: string | undefined, wanted: string): boolean {
  const other = canonicalValue(rule.value, wanted);
  return value === other || (rule.key === 'dpdk-init' && value === 'true' && other === 'try');
}

const say = (verdict: SettingVerdict, message: string): Verdict => ({ verdict, message });

function sayStored({ place }: SettingRule, stored: string | undefined): string {
  if (place === 'eswitch') return 'it is not stored in the database';
  return stored === undefined ? 'it is not stored' : `it is stored as ${safeText(stored, 128)}`;
}

/**
 * What may be written now, in one transaction: the order of the rules, hw-offload last. hw-offload is held back while a
 * declared key that it takes along cannot stand as declared, for it would latch with the wrong value until the next restart.
 */
export function planLiveEdits(results: readonly SettingResult[]): readonly LiveEdit[] {
  const isHeldBack = results.some(
    ({ key, declared, verdict }) =>
      declared !== undefined && latchBoundKeys.includes(key) && !['applyLive', 'staged', 'inEffect'].includes(verdict),
  );
  const edits = results.flatMap(({ key, declared, stored, verdict }) =>
    verdict === 'applyLive' && declared !== undefined ? [{ key, from: stored, to: declared }] : [],
  );
  const isLatch = ({ key }: LiveEdit): boolean => key === 'hw-offload';
  return [...edits.filter((edit) => !isLatch(edit)), ...(isHeldBack ? [] : edits.filter(isLatch))];
}
