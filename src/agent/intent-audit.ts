/**
 * Writes into the journal who asked for what, and what became of it. A caller that repeats a refused request is recorded
 * once, until it asks for something else, and one that varies it a few times a minute: a broken controller must not wash
 * everything else out of the journal.
 */

import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import type { JournalChange } from './journal.js';

/** Callers whose last refusal is remembered; the oldest is forgotten first. */
const actorsMax = 256;
/** Refusals of one caller that are recorded in `paceMs`, each with the number of those left out before it. */
const refusalsMax = 5;
const paceMs = 60_000;

/** What is remembered of a caller that was refused. */
interface Refused {
  text: string;
  /** Since when refusals are counted, ms. */
  sinceMs: number;
  count: number;
  hiddenCount: number;
}

/** Each run of a program has a number of its own, and is the same caller. */
function callerOf(actor: string): string {
  return actor.replace(/ \(pid \d+\)$/, '');
}

export interface AuditParts {
  readonly clock: Clock;
  readonly note: (change: JournalChange) => void;
}

export class IntentAudit {
  readonly #parts: AuditParts;
  readonly #refused = new Map<string, Refused>();

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  /** A request was carried out. */
  accepted(actor: string, summary: string, details: readonly string[], sinceMs: number): void {
    this.#refused.delete(callerOf(actor));
    this.#note(actor, summary, details, 'applied', undefined, sinceMs);
  }

  /** A request was refused, and nothing was changed. */
  refused(actor: string, summary: string, details: readonly string[], message: string, sinceMs: number): void {
    const hiddenCount = this.#admit(callerOf(actor), JSON.stringify([summary, details, message]));
    if (hiddenCount === undefined) return;
    const hidden = hiddenCount === 0 ? [] : [`${hiddenCount} more refused requests of this caller are not recorded`];
    this.#note(actor, summary, [...hidden, ...details], 'refused', message, sinceMs);
  }

  /** How many refusals were left out since the last one that was recorded; undefined: this one is left out too. */
  #admit(caller: string, text: string): number | undefined {
    const nowMs = this.#parts.clock.nowMs();
    const known = this.#refused.get(caller);
    if (known?.text === text) return undefined;
    const isNew = known === undefined || nowMs - known.sinceMs >= paceMs;
    const entry: Refused = isNew
      ? { text, sinceMs: nowMs, count: 0, hiddenCount: known?.hiddenCount ?? 0 }
      : { ...known, text };
    this.#remember(caller, entry);
    if (entry.count >= refusalsMax) {
      entry.hiddenCount += 1;
      return undefined;
    }
    const { hiddenCount } = entry;
    entry.count += 1;
    entry.hiddenCount = 0;
    return hiddenCount;
  }

  #remember(caller: string, entry: Refused): void {
    this.#refused.delete(caller);
    this.#refused.set(caller, entry);
    const [oldest] = this.#refused.keys();
    if (this.#refused.size > actorsMax && oldest !== undefined) this.#refused.delete(oldest);
  }

  #note(
    actor: string,
    summary: string,
    details: readonly string[],
    outcome: 'applied' | 'refused',
    message: string | undefined,
    sinceMs: number,
  ): void {
    const { clock, note } = this.#parts;
    note({
      kind: 'audit',
      actor: safeText(actor),
      wallMs: clock.wallMs(),
      summary: safeText(summary),
      details: details.slice(0, 20).map((line) => safeText(line)),
      outcome,
      message: message === undefined ? undefined : safeText(message, 500),
      tookMs: clock.nowMs() - sinceMs,
    });
  }
}
