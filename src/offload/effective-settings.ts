/**
 * What is in effect in the ovs-vswitchd that runs now, against what the database says. Pure state: it follows one incarnation of
 * the daemon, by pid and start time, and forgets with it. What happened before somebody looked stays unknown unless the daemon
 * itself gives evidence.
 */

import type { StringMap } from '../model/ownership.js';
import { effectWith, isTrueWord, valueInForce, type SettingRule } from './setting-rule.js';
import { latchBoundKeys, settingRules } from './setting-rules.js';

/** One life of ovs-vswitchd. */
export interface Incarnation {
  readonly pid: number;
  /** Milliseconds since 1970 UTC; with the pid, equal for the same process alone. */
  readonly startedMs: number;
}

/** What the daemon of this incarnation says or shows itself; undefined where it was not asked or cannot say. */
export interface SettingsEvidence {
  /** Column dpdk_initialized. */
  readonly isDpdkInitialized: boolean | undefined;
  /** Column doca_initialized; only some schemas have it. */
  readonly isDocaInitialized: boolean | undefined;
  /** `dpif/offload/show`, 3.7 and newer. */
  readonly isOffloadEnabled: boolean | undefined;
  /** `dpctl/offload-stats-show` of a userspace datapath: it refuses with EINVAL while offload is off. */
  readonly offloadStats: 'answered' | 'refused' | undefined;
  /** `upcall/show`: flows that an offload provider has. None proves nothing. */
  readonly offloadedFlows: number | undefined;
  /** The log of this incarnation says that offload was enabled. */
  readonly isEnabledInLog: boolean | undefined;
}

export const noEvidence: SettingsEvidence = {
  isDpdkInitialized: undefined,
  isDocaInitialized: undefined,
  isOffloadEnabled: undefined,
  offloadStats: undefined,
  offloadedFlows: undefined,
  isEnabledInLog: undefined,
};

export interface SettingsObservation {
  /** Undefined: no ovs-vswitchd runs. Where that cannot be told, there is no observation. */
  readonly incarnation: Incarnation | undefined;
  /** Open_vSwitch:other_config. */
  readonly stored: StringMap;
  /** Every change of the database since the observation before was seen: the connection to it lasted. */
  readonly isGapless: boolean;
  /** It is proven that the daemon has taken what the database says. */
  readonly isSettled: boolean;
  /** Whether OVS-DOCA runs; undefined: not known, and then it is reckoned with. */
  readonly isDoca: boolean | undefined;
  readonly evidence: SettingsEvidence;
  /** Keys that may have changed after this daemon started and before it was seen; none where it is left out. */
  readonly doubted?: ReadonlySet<string> | undefined;
}

/**
 * Whether hw-offload is in effect. `taken`: the keys that it took along, each with what the database said then (undefined: the
 * key was absent); what is not in it is not known.
 */
export type Latch =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'off'; readonly basis: string }
  | { readonly kind: 'on'; readonly basis: string; readonly taken: ReadonlyMap<string, string | undefined> };

/** What is remembered of the incarnation. */
export interface EffectiveState {
  readonly incarnation: Incarnation | undefined;
  /** As last seen; undefined: never looked. */
  readonly stored: StringMap | undefined;
  /** What the database said at the start of the daemon, key by key where known. An undefined value: the key was absent. */
  readonly atStart: ReadonlyMap<string, string | undefined>;
  /** Keys of initialisation that were seen to ask for it since the start. */
  readonly asked: ReadonlySet<string>;
  readonly latch: Latch;
  /**
   * hw-offload was seen to turn true, and it is not known yet whether the daemon took it: what would be taken along, where that
   * is certain. Undefined: it has not turned.
   */
  readonly turning: ReadonlyMap<string, string | undefined> | undefined;
  readonly isSettled: boolean;
  readonly isDoca: boolean | undefined;
  readonly evidence: SettingsEvidence;
  /** What the agent itself wrote in one transaction together with hw-offload=true. */
  readonly together: StringMap;
}

/** Before anything was seen. */
export const unseen: EffectiveState = {
  incarnation: undefined,
  stored: undefined,
  atStart: new Map(),
  asked: new Set(),
  latch: { kind: 'unknown' },
  turning: undefined,
  isSettled: false,
  isDoca: undefined,
  evidence: noEvidence,
  together: new Map(),
};

/** What is in effect for one setting. */
export type Effective =
  /** `value` undefined: Open vSwitch chooses, or there is nothing. */
  | { readonly kind: 'known'; readonly value: string | undefined; readonly basis: string }
  | { readonly kind: 'unknown'; readonly why: string };

const rootKeys = settingRules.filter(({ place }) => place === 'root').map(({ key }) => key);
const initKeys = settingRules.filter(({ takesEffect }) => takesEffect === 'init').map(({ key }) => key);
const isAsked = (value: string | undefined): boolean => isTrueWord(value) || value?.toLowerCase() === 'try';

export function isSameIncarnation(one: Incarnation | undefined, other: Incarnation | undefined): boolean {
  return one?.pid === other?.pid && one?.startedMs === other?.startedMs;
}

/** The state after an observation; without one nothing changes. */
export function observeSettings(state: EffectiveState, observation: SettingsObservation | undefined): EffectiveState {
  if (observation === undefined) return state;
  const { incarnation, stored, isSettled, isDoca, evidence } = observation;
  const seen = { incarnation, stored, isSettled, isDoca, evidence };
  if (incarnation === undefined) return { ...unseen, ...seen };
  const isSame = isSameIncarnation(state.incarnation, incarnation);
  const atStart = isSame ? state.atStart : valuesAtStart(state, observation);
  const asked = new Set([...(isSame ? state.asked : []), ...initKeys.filter((key) => isAsked(stored.get(key)))]);
  const turning = isSame ? turningNow(state, observation) : undefined;
  const followed = isSame ? latchNow(state, turning, observation) : latchAtStart(atStart);
  const latch = withEvidence(followed, isSame && state.latch.kind === 'off' ? turning : undefined, evidence);
  const together = isSame ? state.together : new Map<string, string>();
  // What the daemon says itself ends the waiting, and so does the latch.
  const isOver = latch.kind === 'on' || basisOfEvidence(evidence) !== undefined;
  return { ...seen, atStart, asked, latch, turning: isOver ? undefined : turning, together };
}

/** The agent has committed these edits in one transaction. */
export function noteCommitted(
  state: EffectiveState,
  edits: readonly { readonly key: string; readonly to: string }[],
): EffectiveState {
  if (!edits.some(({ key, to }) => key === 'hw-offload' && isTrueWord(to))) return state;
  return { ...state, together: new Map(edits.map(({ key, to }) => [key, to])) };
}

/** A daemon that started between two looks read what both of them saw; where they differ, nobody knows which. */
function valuesAtStart(
  { stored: before }: EffectiveState,
  { stored, isGapless, doubted }: SettingsObservation,
): ReadonlyMap<string, string | undefined> {
  if (before === undefined || !isGapless) return new Map();
  const keys = rootKeys.filter((key) => before.get(key) === stored.get(key) && doubted?.has(key) !== true);
  return new Map(keys.map((key) => [key, stored.get(key)]));
}

function latchAtStart(atStart: ReadonlyMap<string, string | undefined>): Latch {
  if (!atStart.has('hw-offload')) return { kind: 'unknown' };
  if (!isTrueWord(atStart.get('hw-offload')))
    return { kind: 'off', basis: 'it was not true when ovs-vswitchd started' };
  const taken = latchBoundKeys.flatMap((key) => (atStart.has(key) ? [[key, atStart.get(key)] as const] : []));
  return { kind: 'on', basis: 'it was true when ovs-vswitchd started', taken: new Map(taken) };
}

/** What goes along with a hw-offload that is turning true: a key that changes before the daemon took it is not certain. */
function turningNow(state: EffectiveState, { stored, isGapless }: SettingsObservation): EffectiveState['turning'] {
  const { stored: before, together, turning } = state;
  if (!isTrueWord(stored.get('hw-offload'))) return undefined;
  if (turning !== undefined) {
    return new Map([...turning].filter(([key, value]) => isGapless && stored.get(key) === value));
  }
  if (before === undefined || isTrueWord(before.get('hw-offload'))) return undefined;
  const isCertain = (key: string): boolean =>
    before.get(key) === stored.get(key) || (together.has(key) && together.get(key) === stored.get(key));
  // One of which it is not known that it was off may have latched before somebody looked, with other values.
  const keys = isGapless && state.latch.kind === 'off' ? latchBoundKeys.filter(isCertain) : [];
  return new Map(keys.map((key) => [key, stored.get(key)]));
}

/** The latch of a daemon that goes on. */
function latchNow(state: EffectiveState, turning: EffectiveState['turning'], observation: SettingsObservation): Latch {
  const { latch } = state;
  if (latch.kind === 'on') return latch;
  const { stored, isGapless, isSettled, isDoca } = observation;
  if (!isTrueWord(stored.get('hw-offload'))) {
    // It turned back before it was seen whether the daemon took it.
    return isGapless && (state.turning === undefined || isDoca === true) ? latch : { kind: 'unknown' };
  }
  // OVS-DOCA restarts for it; and a daemon that has not taken the change yet has not latched.
  if (isDoca !== false || !isSettled || turning === undefined) return latch;
  return { kind: 'on', basis: 'it was seen to turn true, and ovs-vswitchd took it', taken: turning };
}

/** What the daemon says itself outweighs what was concluded. */
function withEvidence(latch: Latch, turning: EffectiveState['turning'], evidence: SettingsEvidence): Latch {
  const basis = basisOfEvidence(evidence);
  if (basis === undefined) return latch;
  if (!basis.isOn) return { kind: 'off', basis: basis.text };
  if (latch.kind === 'on') return { ...latch, basis: basis.text };
  return { kind: 'on', basis: basis.text, taken: turning ?? new Map() };
}

function basisOfEvidence(evidence: SettingsEvidence): { readonly isOn: boolean; readonly text: string } | undefined {
  const { isOffloadEnabled, offloadStats, offloadedFlows = 0, isEnabledInLog } = evidence;
  if (isOffloadEnabled !== undefined) {
    return { isOn: isOffloadEnabled, text: `dpif/offload/show says ${isOffloadEnabled ? 'enabled' : 'not enabled'}` };
  }
  if (offloadedFlows > 0) return { isOn: true, text: `an offload provider has ${offloadedFlows} flows` };
  if (offloadStats !== undefined) {
    const isOn = offloadStats === 'answered';
    return { isOn, text: `ovs-vswitchd ${isOn ? 'answers' : 'refuses'} dpctl/offload-stats-show` };
  }
  return isEnabledInLog === true ? { isOn: true, text: 'the log says that offload was enabled' } : undefined;
}

/** What is in effect of a setting of the root row. */
export function effectiveValue(state: EffectiveState, rule: SettingRule): Effective {
  if (state.incarnation === undefined || state.stored === undefined)
    return { kind: 'unknown', why: 'no ovs-vswitchd runs' };
  switch (effectWith(rule, state.isDoca !== false)) {
    case 'live':
      return liveValue(state, rule);
    case 'latch':
      return latchValue(state);
    case 'atLatch':
      return takenValue(state.latch, rule);
    case 'release':
      return releasedValue(state, rule);
    case 'init':
      return initValue(state, rule);
    case 'restart':
      return rule.key === 'hw-offload' && state.latch.kind !== 'unknown'
        ? latchValue(state)
        : startValue(state.atStart, rule);
    case 'newObjects':
      return { kind: 'unknown', why: 'it holds for what is made after the change' };
    case 'never':
      return { kind: 'unknown', why: 'no daemon reads it from the database' };
  }
}

const notTaken = 'it is not proven yet that ovs-vswitchd has taken what the database says';

function liveValue({ stored, isSettled }: EffectiveState, rule: SettingRule): Effective {
  if (!isSettled) return { kind: 'unknown', why: notTaken };
  return { kind: 'known', value: valueInForce(rule, stored?.get(rule.key)), basis: 'ovs-vswitchd took it live' };
}

const cameLate = 'ovs-vswitchd started before anybody looked, and cannot be asked';

function latchValue({ latch, turning, isDoca }: EffectiveState): Effective {
  if (turning !== undefined && isDoca !== true) return { kind: 'unknown', why: notTaken };
  if (latch.kind === 'unknown') return { kind: 'unknown', why: cameLate };
  return { kind: 'known', value: latch.kind === 'on' ? 'true' : 'false', basis: latch.basis };
}

function takenValue(latch: Latch, rule: SettingRule): Effective {
  if (latch.kind === 'unknown') return { kind: 'unknown', why: cameLate };
  if (latch.kind === 'off')
    return { kind: 'unknown', why: 'it is read when hw-offload turns on, which has not happened' };
  if (!latch.taken.has(rule.key)) return { kind: 'unknown', why: 'hw-offload turned on before anybody looked' };
  return { kind: 'known', value: valueInForce(rule, latch.taken.get(rule.key)), basis: latch.basis };
}

function startValue(atStart: ReadonlyMap<string, string | undefined>, rule: SettingRule): Effective {
  if (!atStart.has(rule.key)) return { kind: 'unknown', why: cameLate };
  const value = valueInForce(rule, atStart.get(rule.key));
  return { kind: 'known', value, basis: 'it stood so when ovs-vswitchd started' };
}

/** bridge.c only ever takes flow-restore-wait away from a daemon that runs. */
function releasedValue(state: EffectiveState, rule: SettingRule): Effective {
  if (!isTrueWord(state.stored?.get(rule.key))) return liveValue(state, rule);
  return startValue(state.atStart, rule);
}

function initValue({ evidence, atStart, asked }: EffectiveState, rule: SettingRule): Effective {
  const isDone = rule.key === 'doca-init' ? evidence.isDocaInitialized : evidence.isDpdkInitialized;
  if (isDone !== undefined) {
    const column = rule.key === 'doca-init' ? 'doca_initialized' : 'dpdk_initialized';
    return { kind: 'known', value: isDone ? 'true' : 'false', basis: `${column} is ${isDone}` };
  }
  if (atStart.has(rule.key) && !asked.has(rule.key)) {
    return { kind: 'known', value: 'false', basis: 'nothing has asked for it since ovs-vswitchd started' };
  }
  return { kind: 'unknown', why: 'the schema has no column that says whether it was initialised' };
}
