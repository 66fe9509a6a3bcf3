/**
 * Follows what the database says of the settings and which ovs-vswitchd read it, and brings both together. Pure state. Changes
 * are seen within fractions of a second, and a new daemon only when it is asked: a key that may have changed in between is
 * not claimed to have stood at its start.
 */

import type { StringMap } from '../../model/ownership.js';
import {
  isSameIncarnation,
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
/** A daemon may need so long to take a change of the database. */
const takenMs = 5_000;

export interface SettingsLook {
  /** Undefined: no ovs-vswitchd runs. */
  readonly incarnation: Incarnation | undefined;
  readonly isDoca: boolean | undefined;
  readonly evidence: SettingsEvidence;
}

export class SettingsWatch {
  #state: EffectiveState = unseen;
  /** Of the daemon that was seen last, while none is: it may only have been out of reach. */
  #former: EffectiveState | undefined;
  #stored: StringMap | undefined;
  #isSettled = false;
  /** The database went unseen for a while since the observation before. */
  #hasGap = true;
  /** When keys were last seen to change, monotonic ms: those that no daemon was seen after. */
  readonly #changed = new Map<string, number>();
  #doubted: ReadonlySet<string> = new Set();
  /** When it was last seen which daemon runs, or that there is none, monotonic ms. */
  #seenAtMs = -Infinity;
  /** Until when changes of the database may have passed unseen, monotonic ms. */
  #unseenUntilMs = -Infinity;
  #offloadChangedAtMs = -Infinity;

  get state(): EffectiveState {
    return this.#state;
  }

  /** Who read of the daemon before this has not seen what it makes of the present hw-offload, monotonic ms. */
  get offloadTakenAtMs(): number {
    return Math.max(this.#offloadChangedAtMs + takenMs, this.#unseenUntilMs);
  }

  /** @param stored undefined: the database cannot be read */
  noteStored(stored: StringMap | undefined, isSettled: boolean, isGapless: boolean, nowMs: number): void {
    if (stored === undefined || !isGapless) {
      this.#hasGap = true;
      this.#unseenUntilMs = nowMs;
    }
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

  /** There seems to be no daemon; it may only be out of reach. */
  noteNone(atMs: number): void {
    this.#seenAtMs = Math.max(this.#seenAtMs, atMs);
  }

  /** The daemon was seen alive: what changed until then is its business, and not that of the next one. */
  noteSeen(atMs: number): void {
    this.#seenAtMs = Math.max(this.#seenAtMs, atMs);
    for (const [key, changedAtMs] of this.#changed) if (changedAtMs <= atMs) this.#changed.delete(key);
  }

  /** A new daemon was seen. @param startedAtMs monotonic ms, to a second or two */
  noteStart(startedAtMs: number): void {
    const late = [...this.#changed].filter(([, changedAtMs]) => changedAtMs > startedAtMs - startErrorMs);
    this.#doubted = new Set(late.map(([key]) => key));
    this.#changed.clear();
    // It ran already while changes passed unseen, or when there seemed to be another one or none: what was stored at its
    // start is not known.
    const sinceMs = Math.max(this.#unseenUntilMs + startErrorMs, this.#seenAtMs - startErrorMs);
    if (startedAtMs < sinceMs) this.#hasGap = true;
    this.#seenAtMs = Math.max(this.#seenAtMs, startedAtMs);
  }

  /** Brings database and daemon together; nothing happens while the database is not readable. */
  observe({ incarnation, isDoca, evidence }: SettingsLook): void {
    if (this.#stored === undefined) return;
    if (incarnation === undefined) this.#former = this.#state.incarnation === undefined ? this.#former : this.#state;
    else if (this.#former !== undefined) {
      if (isSameIncarnation(this.#former.incarnation, incarnation)) {
        this.#state = this.#former;
        this.#hasGap = true;
      }
      this.#former = undefined;
    }
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
