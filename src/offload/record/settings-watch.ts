/**
 * Follows what the database says of the settings and which ovs-vswitchd read it, and brings both together. Pure state. Changes
 * are seen within fractions of a second, and a new daemon only when it is asked: a key that may have changed in between is
 * not claimed to have stood at its start.
 */

import type { StringMap } from '../../model/ownership.js';
import {
  noteCommitted,
  observeSettings,
  unseen,
  type EffectiveState,
  type Incarnation,
  type SettingsEvidence,
} from '../effective-settings.js';
import type { LiveEdit } from '../setting-verdicts.js';
import { offloadKeys } from '../offload.js';

/** The start of a process is known to about a second. */
const startErrorMs = 2_000;

export interface SettingsLook {
  /** Undefined: no ovs-vswitchd runs. */
  readonly incarnation: Incarnation | undefined;
  readonly isDoca: boolean | undefined;
  readonly evidence: SettingsEvidence;
}

export class SettingsWatch {
  #state: EffectiveState = unseen;
  #stored: StringMap | undefined;
  #isSettled = false;
  /** The database went unseen for a while since the observation before. */
  #hasGap = true;
  /** When keys were last seen to change, monotonic ms: those that no daemon was seen after. */
  readonly #changed = new Map<string, number>();
  #doubted: ReadonlySet<string> = new Set();
  #offloadChangedAtMs: number | undefined;

  get state(): EffectiveState {
    return this.#state;
  }

  /** When hw-offload was last seen to change, monotonic ms; undefined: it was not. */
  get offloadChangedAtMs(): number | undefined {
    return this.#offloadChangedAtMs;
  }

  /** @param stored undefined: the database cannot be read */
  noteStored(stored: StringMap | undefined, isSettled: boolean, isGapless: boolean, nowMs: number): void {
    if (stored === undefined || !isGapless) this.#hasGap = true;
    if (stored === undefined) {
      this.#stored = undefined;
      return;
    }
    const before = this.#stored ?? this.#state.stored;
    if (before !== undefined && before !== stored) {
      for (const key of offloadKeys) {
        if (before.get(key) === stored.get(key)) continue;
        this.#changed.set(key, nowMs);
        if (key === 'hw-offload') this.#offloadChangedAtMs = nowMs;
      }
    }
    this.#stored = stored;
    this.#isSettled = isSettled;
  }

  /** The daemon of before was seen alive, or it was seen that there is none: what changed until then is its business. */
  noteSeen(atMs: number): void {
    for (const [key, changedAtMs] of this.#changed) if (changedAtMs <= atMs) this.#changed.delete(key);
  }

  /** A new daemon was seen. @param startedAtMs monotonic ms, to a second or two */
  noteStart(startedAtMs: number): void {
    const late = [...this.#changed].filter(([, changedAtMs]) => changedAtMs > startedAtMs - startErrorMs);
    this.#doubted = new Set(late.map(([key]) => key));
    this.#changed.clear();
  }

  /** Brings database and daemon together; nothing happens while the database is not readable. */
  observe({ incarnation, isDoca, evidence }: SettingsLook): void {
    if (this.#stored === undefined) return;
    this.#state = observeSettings(this.#state, {
      incarnation,
      stored: this.#stored,
      isGapless: !this.#hasGap,
      isSettled: this.#isSettled,
      isDoca,
      evidence,
      doubted: this.#doubted,
    });
    this.#hasGap = false;
    this.#doubted = new Set();
  }

  noteCommitted(edits: readonly LiveEdit[]): void {
    this.#state = noteCommitted(this.#state, edits);
  }
}
