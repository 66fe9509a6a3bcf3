/**
 * Writes into the journal who asked for what, and what became of it. A caller that repeats a refused request is recorded
 * once, until it asks for something else: a broken controller must not wash everything else out of the journal.
 */

import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import type { JournalChange } from './journal.js';

/** Callers whose last refusal is remembered; the oldest is forgotten first. */
const actorsMax = 256;

export interface AuditParts {
  readonly clock: Clock;
  readonly note: (change: JournalChange) => void;
}

export class IntentAudit {
  readonly #parts: AuditParts;
  readonly #refused = new Map<string, string>();

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  /** A request was carried out. */
  accepted(actor: string, summary: string, details: readonly string[], sinceMs: number): void {
    this.#refused.delete(actor);
    this.#note(actor, summary, details, 'applied', undefined, sinceMs);
  }

  /** A request was refused, and nothing was changed. */
  refused(actor: string, summary: string, details: readonly string[], message: string, sinceMs: number): void {
    const text = JSON.stringify([summary, details, message]);
    if (this.#refused.get(actor) === text) return;
    this.#refused.delete(actor);
    this.#refused.set(actor, text);
    const [oldest] = this.#refused.keys();
    if (this.#refused.size > actorsMax && oldest !== undefined) this.#refused.delete(oldest);
    this.#note(actor, summary, details, 'refused', message, sinceMs);
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
