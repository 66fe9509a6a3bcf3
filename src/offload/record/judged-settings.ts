/** Settings, edits and the advice of a restart, made anew only when something that they rest on has changed. */

import type { Fact } from '../../model/fact.js';
import type { StringMap } from '../../model/ownership.js';
import type { EffectiveState } from '../effective-settings.js';
import type { EngineKind } from '../engine-state.js';
import type { OffloadEngine } from '../offload.js';
import { adviseRestart, type RestartAdvice } from '../restart-advice.js';
import { isValidValue, valueInForce } from '../setting-rule.js';
import { settingRule } from '../setting-rules.js';
import { judgeSettings, planLiveEdits, type LiveEdit, type SettingResult } from '../setting-verdicts.js';

export interface JudgeInput {
  readonly state: EffectiveState;
  readonly declared: StringMap;
  readonly engines: ReadonlySet<OffloadEngine>;
  readonly eswitchMode: Fact<string>;
}

export class JudgedSettings {
  #input: JudgeInput | undefined;
  #results: readonly SettingResult[] = [];
  #edits: readonly LiveEdit[] = [];

  /** Nothing before the database was read with it known what runs: what is not stored and what was not seen look alike. */
  results(input: JudgeInput): readonly SettingResult[] {
    const before = this.#input;
    const isSame =
      before !== undefined &&
      before.state === input.state &&
      before.declared === input.declared &&
      before.engines === input.engines &&
      before.eswitchMode === input.eswitchMode;
    if (isSame) return this.#results;
    this.#input = input;
    this.#results = input.state.stored === undefined ? [] : judgeSettings(input);
    this.#edits = planLiveEdits(this.#results);
    return this.#results;
  }

  edits(input: JudgeInput): readonly LiveEdit[] {
    this.results(input);
    return this.#edits;
  }

  /** @param flows of the fullest datapath; undefined: not known */
  restart(input: JudgeInput, engine: EngineKind, flows: number | undefined): RestartAdvice | undefined {
    return adviseRestart(this.results(input), {
      engine,
      flows,
      flowLimit: numberAfterRestart('flow-limit', input, 200_000),
      maxRevalidatorMs: numberAfterRestart('max-revalidator', input, 500),
    });
  }
}

/** What a daemon would take that started after everything declared was written. */
function numberAfterRestart(key: string, { declared, state }: JudgeInput, fallback: number): number {
  const rule = settingRule(key);
  const wanted = declared.get(key);
  const isTaken = rule !== undefined && wanted !== undefined && isValidValue(rule.value, wanted);
  return numberInForce(key, isTaken ? wanted : state.stored?.get(key), fallback);
}

/** The whole number that holds where `stored` stands in the database; the fallback where that is none. */
export function numberInForce(key: string, stored: string | undefined, fallback: number): number {
  const rule = settingRule(key);
  const value = Number((rule === undefined ? stored : valueInForce(rule, stored)) ?? Number.NaN);
  return Number.isSafeInteger(value) && value >= 0 ? value : fallback;
}
