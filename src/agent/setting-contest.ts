/**
 * Notices that somebody takes a setting back each time that it is written, and then leaves it alone for long: two writers that each
 * react to the other would otherwise go on for ever, unseen. Knows no clock and does not decide who is right.
 */

import { safeText } from '../lib/text.js';
import type { OffloadFinding } from '../offload/check.js';
import type { LiveEdit } from '../offload/setting-verdicts.js';

/** So often is one value written; then it is left to the other writer for `quietMs`, and tried once each time after that. */
const writesMax = 6;
/** Who leaves a written value alone for so long has given in, ms. */
export const quietMs = 900_000;

const remedy =
  'Find the other writer (`ovsdb-tool show-log -mm` names what it wrote), and let only one of the two describe the setting.';

interface Past {
  readonly to: string;
  /** What stood there when it was last to be written; undefined: nothing. */
  readonly from: string | undefined;
  readonly count: number;
  readonly lastMs: number;
  /** It was to be written again after all those times. */
  readonly isContested: boolean;
}

export class SettingContest {
  readonly #past = new Map<string, Past>();

  /**
   * How long until each of the edits may be made, ms by key; 0: now. Bounded by the settings that can be declared.
   * @param edits all that are to be made now: what is not among them stands as it was written
   */
  waits(edits: readonly LiveEdit[], nowMs: number): ReadonlyMap<string, number> {
    const keys = new Set(edits.map(({ key }) => key));
    for (const [key, past] of this.#past) {
      const isQuiet = nowMs - past.lastMs >= quietMs;
      if (isQuiet && !(keys.has(key) && past.count >= writesMax)) this.#past.delete(key);
    }
    return new Map(edits.map((edit) => [edit.key, this.#wait(edit, nowMs)]));
  }

  /** These are in the database. */
  note(edits: readonly LiveEdit[], nowMs: number): void {
    for (const { key, from, to } of edits) {
      const before = this.#past.get(key);
      const isSame = before?.to === to;
      this.#past.set(key, {
        ...{ to, from, lastMs: nowMs },
        count: isSame ? before.count + 1 : 1,
        isContested: isSame && before.isContested,
      });
    }
  }

  findings(): readonly OffloadFinding[] {
    return [...this.#past].flatMap(([key, { to, from, isContested }]) => {
      if (!isContested) return [];
      const [declared, found] = [safeText(to, 128), from === undefined ? 'nothing' : safeText(from, 128)];
      return {
        reason: 'Contested',
        subject: { kind: 'setting', name: key },
        message: `${key} is declared ${declared}, and somebody sets it to ${found} each time that the agent has written it: it is written once in ${quietMs / 60_000} minutes.`,
        evidence: { declared, stored: found },
        remedy,
      } as const;
    });
  }

  #wait({ key, from, to }: LiveEdit, nowMs: number): number {
    const past = this.#past.get(key);
    if (past?.to !== to || past.count < writesMax) return 0;
    this.#past.set(key, { ...past, from, isContested: true });
    return Math.max(0, past.lastMs + quietMs - nowMs);
  }
}
