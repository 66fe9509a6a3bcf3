import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { known } from '../../src/model/fact.js';
import {
  effectiveValue,
  noEvidence,
  noteCommitted,
  observeSettings,
  unseen,
  type EffectiveState,
  type SettingsObservation,
} from '../../src/offload/effective-settings.js';
import { detectEngine, engineUnseen, observeEngine } from '../../src/offload/engine-state.js';
import type { OffloadEngine } from '../../src/offload/offload.js';
import { adviseRestart, limitRampMs } from '../../src/offload/restart-advice.js';
import { dangerOf, effectWith, isValidValue } from '../../src/offload/setting-rule.js';
import { settingRule, settingRules } from '../../src/offload/setting-rules.js';
import { judgeSettings, planLiveEdits, type SettingResult } from '../../src/offload/setting-verdicts.js';
import { docaEngine, tcEngine } from '../fakes/offload-facts.js';
import { mapOf } from '../fakes/plan-rows.js';

const first = { pid: 10, startedMs: 1_000 };
const second = { pid: 11, startedMs: 9_000 };

function sees(stored: Record<string, string>, fields: Partial<SettingsObservation> = {}): SettingsObservation {
  return {
    incarnation: first,
    stored: mapOf(stored),
    isGapless: true,
    isSettled: true,
    isDoca: false,
    evidence: noEvidence,
    ...fields,
  };
}

const follow = (...observations: readonly SettingsObservation[]): EffectiveState =>
  observations.reduce<EffectiveState>(observeSettings, unseen);

const judge = (
  state: EffectiveState,
  declared: Record<string, string>,
  engines: readonly OffloadEngine[] = ['tc'],
): readonly SettingResult[] =>
  judgeSettings({ state, declared: mapOf(declared), engines: new Set(engines), eswitchMode: known('switchdev') });

const verdictOf = (results: readonly SettingResult[], key: string): string | undefined =>
  results.find((result) => result.key === key)?.verdict;

const effective = (state: EffectiveState, key: string): string | undefined => {
  const rule = settingRule(key);
  const value = rule === undefined ? undefined : effectiveValue(state, rule);
  return value?.kind === 'known' ? (value.value ?? 'nothing') : 'unknown';
};

const down = { incarnation: undefined };

describe('the settings', () => {
  it('are told once each, with a default that they take and a source', () => {
    const names = settingRules.map(({ place, key }) => `${place} ${key}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { value, defaultValue, source, dialects } of settingRules) {
      if (defaultValue !== undefined) expect(isValidValue(value, defaultValue)).toBe(true);
      expect(source).not.toBe('');
      expect(dialects.length).toBeGreaterThan(0);
    }
  });

  it('know their dangers', () => {
    const danger = (key: string, from: string | undefined, to: string, isDoca = false): string | undefined =>
      dangerOf(settingRule(key)!, { from, to, isDoca });
    expect(danger('doca-init', 'true', 'false')).toContain('crashed');
    expect(danger('doca-init', undefined, 'true')).toBeUndefined();
    expect(danger('hw-offload-ct-size', undefined, '0')).toContain('crashed');
    expect(danger('hw-offload-ct-size', undefined, '500000')).toBeUndefined();
    expect(danger('hw-offload', 'false', 'TRUE', true)).toBeDefined();
    expect(danger('n-revalidator-threads', '2', '3')).toBeDefined();
  });
});

describe('what is in effect', () => {
  it('is unknown when the daemon started before anybody looked', () => {
    const state = follow(sees({ 'hw-offload': 'true', 'hw-offload-ct-size': '5' }));
    expect(effective(state, 'hw-offload')).toBe('unknown');
    expect(effective(state, 'hw-offload-ct-size')).toBe('unknown');
    expect(effective(state, 'max-idle')).toBe('10000');
  });

  it('is what stood in the database when the daemon started under our eyes', () => {
    const stored = { 'hw-offload': 'true', 'tc-policy': 'skip_sw', 'dpdk-extra': '-a 0' };
    const state = follow(sees(stored, down), sees(stored));
    expect(effective(state, 'hw-offload')).toBe('true');
    expect(effective(state, 'tc-policy')).toBe('skip_sw');
    expect(effective(state, 'dpdk-extra')).toBe('-a 0');
  });

  it('is unknown for a key that changed around the start', () => {
    const state = follow(sees({ 'dpdk-extra': 'a' }, down), sees({ 'dpdk-extra': 'b' }));
    expect(effective(state, 'dpdk-extra')).toBe('unknown');
    const gap = follow(sees({ 'dpdk-extra': 'a' }, down), sees({ 'dpdk-extra': 'a' }, { isGapless: false }));
    expect(effective(gap, 'dpdk-extra')).toBe('unknown');
  });

  it('latches hw-offload and what goes with it, until a restart', () => {
    const off = follow(sees({}, down), sees({ 'tc-policy': 'skip_sw' }), sees({ 'tc-policy': 'skip_sw' }));
    const on = observeSettings(off, sees({ 'tc-policy': 'skip_sw', 'hw-offload': 'true' }));
    const changed = observeSettings(on, sees({ 'tc-policy': 'skip_hw', 'hw-offload': 'false' }));
    expect([off, on, changed].map((state) => effective(state, 'hw-offload'))).toEqual(['false', 'true', 'true']);
    expect(effective(changed, 'tc-policy')).toBe('skip_sw');
    expect(verdictOf(judge(changed, { 'tc-policy': 'skip_hw' }), 'tc-policy')).toBe('restartRequired');
    expect(verdictOf(judge(changed, { 'hw-offload': 'false' }), 'hw-offload')).toBe('restartRequired');
    const stored = { 'tc-policy': 'skip_hw', 'hw-offload': 'false' };
    const restarted = observeSettings(changed, sees(stored, { incarnation: second }));
    expect(effective(restarted, 'hw-offload')).toBe('false');
  });

  it('knows what was written together, and not what merely changed together', () => {
    const off = follow(sees({}, down), sees({}));
    const both = sees({ 'tc-policy': 'skip_sw', 'hw-offload': 'true' });
    expect(effective(observeSettings(off, both), 'tc-policy')).toBe('unknown');
    const own = noteCommitted(off, [
      { key: 'tc-policy', to: 'skip_sw' },
      { key: 'hw-offload', to: 'true' },
    ]);
    expect(effective(observeSettings(own, both), 'tc-policy')).toBe('skip_sw');
  });

  it('does not latch before the daemon has taken it, nor under OVS-DOCA', () => {
    const turned = { 'hw-offload': 'true' };
    const untaken = follow(sees({}, down), sees({}), sees(turned, { isSettled: false }));
    expect(effective(untaken, 'hw-offload')).toBe('unknown');
    const doca = follow(sees({}, down), sees({}), sees(turned, { isDoca: true }));
    expect(effective(doca, 'hw-offload')).toBe('false');
    expect(verdictOf(judge(doca, turned, ['doca']), 'hw-offload')).toBe('restartRequired');
  });

  it.each([
    ['dpif/offload/show', { isOffloadEnabled: true }, 'true'],
    ['dpif/offload/show', { isOffloadEnabled: false }, 'false'],
    ['flows of a provider', { offloadedFlows: 3 }, 'true'],
    ['no flows of a provider', { offloadedFlows: 0 }, 'unknown'],
    ['a refusal of offload-stats-show', { offloadStats: 'refused' as const }, 'false'],
    ['the log', { isEnabledInLog: true }, 'true'],
  ])('believes %s', (_words, evidence, expected) => {
    const state = follow(sees({ 'hw-offload': 'true' }, { evidence: { ...noEvidence, ...evidence } }));
    expect(effective(state, 'hw-offload')).toBe(expected);
  });

  it('takes initialisation from its column', () => {
    const evidence = { ...noEvidence, isDpdkInitialized: true, isDocaInitialized: false };
    const state = follow(sees({ 'doca-init': 'true', 'dpdk-init': 'try' }, { evidence }));
    const results = judge(state, { 'doca-init': 'true', 'dpdk-init': 'try' });
    expect([verdictOf(results, 'doca-init'), verdictOf(results, 'dpdk-init')]).toEqual(['restartRequired', 'inEffect']);
  });
});

describe('the plan', () => {
  it('writes only what is declared and live, hw-offload last', () => {
    const state = follow(sees({}, down), sees({ 'max-idle': '30000', 'flow-limit': '5' }));
    const results = judge(state, { 'hw-offload': 'true', 'tc-policy': 'skip_sw', 'max-idle': '20000' });
    expect(planLiveEdits(results)).toEqual([
      { key: 'tc-policy', from: undefined, to: 'skip_sw' },
      { key: 'max-idle', from: '30000', to: '20000' },
      { key: 'hw-offload', from: undefined, to: 'true' },
    ]);
  });

  it('holds hw-offload back while a key that it takes along is wrong', () => {
    const state = follow(sees({}, down), sees({}));
    expect(planLiveEdits(judge(state, { 'hw-offload': 'true', 'tc-policy': 'both' }))).toEqual([]);
  });

  const keys = settingRules.map(({ key }) => key);
  const values = fc.constantFrom(
    'true',
    'false',
    'TRUE',
    'try',
    '0',
    '1',
    '5',
    '500',
    '20000',
    'none',
    'skip_sw',
    'legacy',
    'x',
  );
  const settings = fc.dictionary(fc.constantFrom(...keys), values, { maxKeys: 12, noNullPrototype: true });
  const evidences = fc.record({
    isDpdkInitialized: fc.constantFrom(undefined, true, false),
    isDocaInitialized: fc.constantFrom(undefined, true, false),
    isOffloadEnabled: fc.constantFrom(undefined, true, false),
    offloadStats: fc.constantFrom(undefined, 'answered' as const, 'refused' as const),
    offloadedFlows: fc.constantFrom(undefined, 0, 4),
    isEnabledInLog: fc.constantFrom(undefined, true, false),
  });
  const observations = fc.record({
    incarnation: fc.constantFrom(undefined, first, second),
    stored: settings.map(mapOf),
    isGapless: fc.boolean(),
    isSettled: fc.boolean(),
    isDoca: fc.constantFrom(undefined, true, false),
    evidence: evidences,
  });
  const engines = fc.subarray<OffloadEngine>(['tc', 'dpdk', 'doca', 'userspace']);

  it('never has a dangerous edit, an undeclared one, or one that does not act live', () => {
    fc.assert(
      fc.property(fc.array(observations, { maxLength: 6 }), settings, engines, (seen, declared, bridges) => {
        const state = follow(...seen);
        for (const { key, from, to } of planLiveEdits(judge(state, declared, bridges))) {
          const rule = settingRule(key)!;
          expect(declared[key]).toBe(to);
          expect(state.stored?.get(key)).toBe(from);
          expect(isValidValue(rule.value, to)).toBe(true);
          expect(dangerOf(rule, { from, to, isDoca: state.isDoca !== false })).toBeUndefined();
          const effect = effectWith(rule, state.isDoca !== false);
          expect(['live', 'latch', 'atLatch']).toContain(effect);
          if (effect === 'latch') expect(to.toLowerCase()).toBe('true');
        }
      }),
    );
  });

  it('is the same after the same look again, and nothing changes without one', () => {
    fc.assert(
      fc.property(fc.array(observations, { maxLength: 5 }), observations, (seen, last) => {
        // Without a gap and with nothing new, the second look is no news.
        const once = follow(...seen, last);
        expect(observeSettings(once, undefined)).toBe(once);
        const again = { ...last, isGapless: true };
        const twice = observeSettings(once, again);
        expect(observeSettings(twice, again)).toEqual(twice);
      }),
    );
  });

  it('knows of a restarted daemon only what it saw itself or the database at its start', () => {
    fc.assert(
      fc.property(fc.array(observations, { maxLength: 5 }), settings, (seen, stored) => {
        const late = sees(stored, { incarnation: { pid: 99, startedMs: 99 }, isGapless: false });
        const state = follow(...seen, late);
        expect(state.latch).toEqual({ kind: 'unknown' });
        expect(state.atStart.size).toBe(0);
        expect(state.together.size).toBe(0);
      }),
    );
  });
});

describe('the advice on a restart', () => {
  it('names the keys, the order and the cost of the limit that starts small', () => {
    const state = follow(sees({}, down), sees({}));
    const results = judge(state, { 'doca-init': 'true', 'hw-offload-ct-size': '500000' });
    const facts = { engine: 'doca', flows: 200_000, flowLimit: 200_000, maxRevalidatorMs: 500 } as const;
    const advice = adviseRestart(results, facts);
    expect(advice?.keys).toEqual(['doca-init', 'hw-offload-ct-size']);
    const stop = advice?.steps.findIndex((step) => step.includes('stop')) ?? -1;
    const write = advice?.steps.findIndex((step) => step.includes('doca-init=true')) ?? -1;
    expect(stop).toBeGreaterThan(0);
    expect(write).toBeGreaterThan(stop);
    expect(advice?.costs.at(-1)).toContain('95 s');
    expect([limitRampMs(200_000, 200_000, 5_000), limitRampMs(900, 200_000, 500)]).toEqual([950_000, 0]);
    expect(adviseRestart([], facts)).toBeUndefined();
  });
});

describe('the engine', () => {
  it('tells a regress with both sides, and nothing when nothing is known', () => {
    const [doca] = observeEngine(engineUnseen, docaEngine.now!);
    const [after, event] = observeEngine(doca, tcEngine.now!);
    expect(event).toMatchObject({ isRegress: true, message: 'The offload engine was OVS-DOCA and is kernel TC.' });
    expect([event?.from.kind, event?.to.kind, after.best?.kind]).toEqual(['doca', 'tc', 'doca']);
    const blind = { ...tcEngine.now!, kind: 'unknown' as const };
    expect(observeEngine(doca, blind)).toEqual([doca, undefined]);
  });

  it('is none for TC without switchdev, and not DOCA when the column says no', () => {
    const facts = (
      datapathType: string,
      isDocaInitialized: boolean,
      mode: string,
    ): Parameters<typeof detectEngine>[0] => ({
      bridges: known([{ name: 'br', datapathType }]),
      root: known({ datapathTypes: [], ifaceTypes: ['doca'], isDpdkInitialized: false, isDocaInitialized }),
      eswitchModes: known([mode]),
    });
    expect(detectEngine(facts('system', false, 'legacy')).kind).toBe('none');
    expect(detectEngine(facts('', false, 'switchdev')).kind).toBe('tc');
    expect(detectEngine(facts('netdev', false, 'switchdev'))).toMatchObject({ kind: 'none', isDoca: false });
    expect(detectEngine(facts('netdev', true, 'switchdev'))).toMatchObject({ kind: 'doca', isDoca: true });
  });
});
