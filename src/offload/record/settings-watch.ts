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
/**
 * The main loop of ovs-vswitchd reads the database before it serves its control socket (ovs-vswitchd.c, main): who asked so long
 * after a change was seen has an answer from after it was taken, ms. The two come by sockets of their own.
 */
const answerMs = 1_000;
/** A daemon that is so old has read the database once, where it answers, ms. */
const graceMs = 10_000;

/** How far ovs-vswitchd says that it has come. */
export interface Progress {
  readonly curCfg: number;
  readonly nextCfg: number;
}

/** A change that the daemon may not have taken. */
interface Untaken {
  /** When it was seen, monotonic ms. */
  readonly sinceMs: number;
  /** next_cfg before it: who raises that waits for the daemon, and many do not (`ovs-vsctl --no-wait`). */
  readonly nextCfg: number;
}

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
  #progress: Progress = { curCfg: 0, nextCfg: 0 };
  #untaken: Untaken | undefined;
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
  noteStored(stored: StringMap | undefined, progress: Progress, isGapless: boolean, nowMs: number): void {
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
        this.#untaken = { sinceMs: nowMs, nextCfg: this.#progress.nextCfg };
        if (key === 'hw-offload') this.#offloadChangedAtMs = nowMs;
      }
    }
    // Of what passed unseen it is only known that it is over.
    if (!isGapless) this.#untaken = { sinceMs: nowMs - answerMs, nextCfg: progress.nextCfg };
    this.#stored = stored;
    this.#progress = progress;
    const { curCfg, nextCfg } = progress;
    if (curCfg >= nextCfg && nextCfg > (this.#untaken?.nextCfg ?? Infinity)) this.#untaken = undefined;
  }

  /** There seems to be no daemon; it may only be out of reach. */
  noteNone(atMs: number): void {
    this.#seenAtMs = Math.max(this.#seenAtMs, atMs);
  }

  /** The daemon was seen alive: what changed until then is its business, and not that of the next one. */
  noteSeen(atMs: number): void {
    this.#seenAtMs = Math.max(this.#seenAtMs, atMs);
    for (const [key, changedAtMs] of this.#changed) if (changedAtMs <= atMs) this.#changed.delete(key);
    this.#noteAnswer(atMs);
  }

  /**
   * A new daemon was seen.
   * @param startedAtMs monotonic ms, to a second or two
   * @param askedAtMs when it was asked what it has answered, monotonic ms
   */
  noteStart(startedAtMs: number, askedAtMs: number): void {
    const late = [...this.#changed].filter(([, changedAtMs]) => changedAtMs > startedAtMs - startErrorMs);
    this.#doubted = new Set(late.map(([key]) => key));
    this.#changed.clear();
    // It ran already while changes passed unseen, or when there seemed to be another one or none: what was stored at its
    // start is not known.
    const sinceMs = Math.max(this.#unseenUntilMs + startErrorMs, this.#seenAtMs - startErrorMs);
    if (startedAtMs < sinceMs) this.#hasGap = true;
    this.#seenAtMs = Math.max(this.#seenAtMs, startedAtMs);
    const readAtMs = startedAtMs + graceMs - answerMs;
    const { nextCfg } = this.#untaken ?? this.#progress;
    this.#untaken = { sinceMs: Math.max(this.#untaken?.sinceMs ?? readAtMs, readAtMs), nextCfg };
    this.#noteAnswer(askedAtMs);
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
      isSettled: this.#untaken === undefined && this.#progress.curCfg >= this.#progress.nextCfg,
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

  /** @param askedAtMs when the daemon was asked, monotonic ms */
  #noteAnswer(askedAtMs: number): void {
    if (askedAtMs >= (this.#untaken?.sinceMs ?? Infinity) + answerMs) this.#untaken = undefined;
  }
}
