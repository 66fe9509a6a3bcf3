/**
 * Writes declared settings that ovs-vswitchd takes while it runs: in one guarded transaction, each key no more often than a few
 * times when somebody takes it back again and again, and tells the journal. What is written is planned elsewhere.
 */

import type { Clock } from '../lib/clock.js';
import { Pace, type PaceTiming } from '../lib/pace.js';
import { safeText } from '../lib/text.js';
import type { LiveEdit } from '../offload/setting-verdicts.js';
import type { OffloadFinding } from '../offload/check.js';
import type { JournalChange } from './journal.js';
import type { SettingStore } from './offload-ports.js';
import type { ApplyResult } from './ports.js';
import { quietMs, SettingContest } from './setting-contest.js';

export interface SettingWriterParts {
  readonly store: SettingStore;
  readonly clock: Clock;
  readonly onJournal: (entry: JournalChange) => void;
  /** Whether nobody sets the card up at this moment; asked just before a write. */
  readonly isCalm: (signal: AbortSignal) => Promise<boolean>;
  /** The edits are in the database. */
  readonly onCommitted: (edits: readonly LiveEdit[]) => void;
}

/** Another writer that wants another value is not to be answered at full speed: each change may make vswitchd work. */
const settingPace: PaceTiming = { burst: 3, baseMs: 2_000, capMs: 300_000, quietMs };

/** While the platform sets the card up, it is looked at so often whether it has ended, ms. */
const calmLookMs = 5_000;

export class SettingWriter {
  readonly #parts: SettingWriterParts;
  readonly #contest = new SettingContest();
  readonly #pace = new Pace(settingPace);

  constructor(parts: SettingWriterParts) {
    this.#parts = parts;
  }

  /**
   * Writes what may be written now.
   * @returns when to come again, ms from now; undefined: nothing is left to be written
   */
  async write(edits: readonly LiveEdit[], signal: AbortSignal): Promise<number | undefined> {
    const { store, clock, onCommitted } = this.#parts;
    const startMs = clock.nowMs();
    const waits = this.#contest.waits(edits, startMs);
    const due = edits.filter(({ key }) => this.#pace.waitMs(key, startMs) === 0 && waits.get(key) === 0);
    const keys = edits.filter(({ key }) => waits.get(key) === 0).map(({ key }) => key);
    if (due.length === 0) return this.#pace.nextLookMs(keys, startMs) ?? firstOf([...waits.values()]);
    if (!(await this.#parts.isCalm(signal))) return calmLookMs;
    const summary = `set ${due.map(({ key, to }) => `${key}=${safeText(to, 64)}`).join(', ')}`;
    const result = await store.applySettings(due, summary, signal);
    const nowMs = clock.nowMs();
    this.#pace.note(
      due.map(({ key }) => key),
      nowMs,
    );
    if (result.kind === 'applied') {
      this.#contest.note(due, nowMs);
      onCommitted(due);
    }
    this.#note(due, summary, result, nowMs - startMs);
    // The database tells of the change, and of what made it impossible.
    return this.#pace.nextLookMs(keys, nowMs) ?? (result.kind === 'applied' ? undefined : settingPace.baseMs);
  }

  /** Settings that somebody else writes again and again. */
  findings(): readonly OffloadFinding[] {
    return this.#contest.findings();
  }

  #note(edits: readonly LiveEdit[], summary: string, result: ApplyResult, tookMs: number): void {
    this.#parts.onJournal({
      wallMs: this.#parts.clock.wallMs(),
      summary,
      details: edits.map(
        ({ key, from, to }) =>
          `Open_vSwitch: other_config:${key} ${from === undefined ? 'absent' : safeText(from, 128)} → ${safeText(to, 128)}`,
      ),
      outcome: result.kind,
      message: result.kind === 'applied' ? undefined : result.message,
      tookMs,
    });
  }
}

function firstOf(waitsMs: readonly number[]): number | undefined {
  const waiting = waitsMs.filter((waitMs) => waitMs > 0);
  return waiting.length === 0 ? undefined : Math.min(...waiting);
}
