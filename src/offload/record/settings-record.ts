/**
 * The settings of offload: what is declared and stored, what is in effect in the ovs-vswitchd that runs, and what follows from
 * both. Pure state, beside what it reads of the others.
 */

import { known, unknown, type Fact } from '../../model/fact.js';
import type { StringMap } from '../../model/ownership.js';
import { effectiveValue, type Effective } from '../effective-settings.js';
import type { EngineView } from '../engine-state.js';
import type { RestartAdvice } from '../restart-advice.js';
import { settingRule } from '../setting-rules.js';
import type { LiveEdit, SettingResult } from '../setting-verdicts.js';
import { notReadable, type DatabaseRecord } from './database-record.js';
import type { EngineWatch } from './engine-watch.js';
import { JudgedSettings, numberInForce, type JudgeInput } from './judged-settings.js';
import { lastingValue } from './lasting-value.js';
import type { MachineReadings } from './machine-readings.js';
import { evidenceOf } from './settings-evidence.js';
import { SettingsWatch } from './settings-watch.js';
import type { SwitchReadings } from './switch-readings.js';

export interface SettingsSources {
  readonly database: Pick<DatabaseRecord, 'seen' | 'init'>;
  readonly switch: Pick<SwitchReadings, 'life' | 'quick' | 'slow'>;
  readonly machine: Pick<MachineReadings, 'eswitchMode'>;
  readonly engine: Pick<EngineWatch, 'view'>;
}

const noEngines: EngineView['engines'] = new Set();

export class SettingsRecord {
  readonly #sources: SettingsSources;
  readonly #watch = new SettingsWatch();
  readonly #judged = new JudgedSettings();
  #declared: StringMap;

  /** @param declared key by key, as the configuration says */
  constructor(sources: SettingsSources, declared: StringMap) {
    this.#sources = sources;
    this.#declared = declared;
  }

  setDeclared(declared: StringMap): void {
    this.#declared = declared;
  }

  /** The database was looked at. */
  noteStored(isGapless: boolean, nowMs: number): void {
    const root = this.#sources.database.seen?.root;
    this.#watch.noteStored(root?.otherConfig, root ?? { curCfg: 0, nextCfg: 0 }, isGapless, nowMs);
  }

  /**
   * The daemon has answered.
   * @param isNew another one than the last time
   * @param askedAtMs monotonic
   */
  noteAnswer(isNew: boolean, askedAtMs: number): void {
    if (isNew) this.#watch.noteStart(this.#sources.switch.life.startedAtMs, askedAtMs);
    else this.#watch.noteSeen(askedAtMs);
  }

  noteNone(nowMs: number): void {
    this.#watch.noteNone(nowMs);
  }

  /** The agent has written these edits in one transaction. */
  noteCommitted(edits: readonly LiveEdit[]): void {
    this.#watch.noteCommitted(edits);
  }

  /** Brings database and daemon together, with what was read of either by now. */
  observe(): void {
    const { database, engine } = this.#sources;
    const { life, quick, slow } = this.#sources.switch;
    if (database.seen === undefined || !life.isTold) return;
    this.#watch.observe({
      incarnation: life.life,
      isDoca: engine.view?.isDoca,
      evidence: evidenceOf({
        root: database.init(database.seen.root),
        quick: quick.newest,
        slow: slow.newest,
        takenAtMs: this.#watch.offloadTakenAtMs,
        startedAtMs: life.startedAtMs,
      }),
    });
  }

  /** Empty while the database cannot be read, and until it is known whether an ovs-vswitchd runs. */
  results(): readonly SettingResult[] {
    return this.#isReadable ? this.#judged.results(this.#input()) : [];
  }

  /** What may be written now, in one transaction. */
  edits(): readonly LiveEdit[] {
    return this.#isReadable ? this.#judged.edits(this.#input()) : [];
  }

  /** Undefined: no setting waits for a restart. @param flows of the fullest datapath; undefined: not known */
  restart(flows: number | undefined): RestartAdvice | undefined {
    const kind = this.#sources.engine.view?.kind ?? 'unknown';
    return this.#isReadable ? this.#judged.restart(this.#input(), kind, flows) : undefined;
  }

  facts(): Fact<readonly SettingResult[]> {
    if (!this.#isReadable) return notReadable;
    return this.#watch.state.stored === undefined ? unknown(this.#sources.switch.life.why) : known(this.results());
  }

  /** What is in effect in the ovs-vswitchd that runs. */
  effective(key: string): Effective {
    const rule = settingRule(key);
    if (rule === undefined) return { kind: 'unknown', why: 'nothing is known of this setting' };
    const { life, isTold, why } = this.#sources.switch.life;
    if (!isTold) return { kind: 'unknown', why };
    const { state } = this.#watch;
    return this.#isReadable ? effectiveValue(state, rule) : lastingValue(state, rule, life, notReadable.why);
  }

  /** The whole number that is in the database, be it in effect or not; the fallback where that is none. */
  stored(key: string, fallback: number): number {
    return numberInForce(key, this.#watch.state.stored?.get(key), fallback);
  }

  /** The whole number that is in effect; where that is not known, the stored one. */
  configured(key: string, fallback: number): number {
    const effective = this.effective(key);
    return effective.kind === 'known' ? numberInForce(key, effective.value, fallback) : this.stored(key, fallback);
  }

  get #isReadable(): boolean {
    return this.#sources.database.seen !== undefined;
  }

  #input(): JudgeInput {
    const { engine, machine } = this.#sources;
    return {
      state: this.#watch.state,
      declared: this.#declared,
      engines: engine.view?.engines ?? noEngines,
      eswitchMode: machine.eswitchMode,
    };
  }
}
