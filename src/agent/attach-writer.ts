/**
 * Writes the rows that the planner of the attachments wants, in one guarded transaction, and remembers the changes that did
 * not go through. Used by the loop, which decides when.
 */

import type { AttachAction } from '../attach/attach-action.js';
import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import { objectKey, type ObjectRef } from '../model/condition.js';
import type { RemovalCause } from '../plan/action.js';
import type { Grace } from '../plan/sightings.js';
import type { AttachStore } from './attach-ports.js';
import type { JournalChange } from './journal.js';
import type { LoopRecorder } from './telemetry-book.js';
import { RoundMemory, type Applied } from './memory.js';
import type { ApplyResult } from './ports.js';

export interface AttachWriterParts {
  readonly store: AttachStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onJournal: (entry: JournalChange) => void;
  /** Counts what the loop does; absent: nobody does. */
  readonly telemetry?: LoopRecorder;
  /** Asks the loop for another look, no later than in so many ms. */
  readonly lookWithin: (delayMs: number) => void;
}

/** Attachments in one transaction, at most: each reconfiguration of vswitchd costs more than the last, so they go together. */
const actionsPerTransactionMax = 256;
const retryBackoff: BackoffTiming = { baseMs: 20, capMs: 5_000 };
/** So many conflicts in a row over one object, and it is set aside for a while. */
const conflictsMax = 2;
/** Conflicts that are further apart than the longest wait between two tries, and then some, are not in a row, ms. */
const conflictMs = 60_000;

interface Conflicts {
  readonly count: number;
  readonly lastMs: number;
}

export class AttachWriter {
  readonly rounds: RoundMemory;
  readonly #parts: AttachWriterParts;
  readonly #coalesceMs: number;
  #actionsMax = actionsPerTransactionMax;
  #spoiltRounds = 0;
  /** Conflicts in a row, by the object whose guard did not hold. */
  readonly #conflicts = new Map<string, Conflicts>();

  constructor(parts: AttachWriterParts, options: { readonly coalesceMs: number; readonly goneGraceMs: number }) {
    this.#parts = parts;
    this.#coalesceMs = options.coalesceMs;
    this.rounds = new RoundMemory(graceOf(options.goneGraceMs));
  }

  /** How many actions the next transaction takes: fewer after one that did not go through. */
  get actionsMax(): number {
    return this.#actionsMax;
  }

  /**
   * One transaction; true when it went through.
   * @param sinceMs when it became known that something is to be done
   * @param nextCfg `next_cfg` of the root row when the actions were planned
   */
  async apply(
    actions: readonly AttachAction[],
    { sinceMs, nextCfg }: { readonly sinceMs: number; readonly nextCfg: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { store, clock, telemetry } = this.#parts;
    const summary = summarize(actions);
    const startMs = clock.nowMs();
    const result = await store.applyAttach(actions, summary, signal);
    const nowMs = clock.nowMs();
    telemetry?.took('apply', nowMs - startMs);
    telemetry?.took('total', nowMs - sinceMs);
    if (result.kind === 'applied') telemetry?.wrote(actions.map(({ kind }) => kind));
    if (result.kind === 'applied') this.#accept(actions, result.nextCfg, nowMs);
    if (result.kind === 'refused') this.#blame(actions, result, nowMs);
    if (result.kind === 'unknown') this.#doubt(actions, nextCfg);
    const isSetAside = result.kind === 'conflict' && this.#concede(actions, result, nowMs);
    this.#note(actions, summary, result, nowMs - sinceMs);
    if (result.kind === 'applied' || result.kind === 'refused' || isSetAside) this.#parts.lookWithin(0);
    else {
      this.#parts.lookWithin(this.#coalesceMs + 1 + backoffMs(this.#spoiltRounds, retryBackoff, this.#parts.random()));
      this.#spoiltRounds += 1;
    }
    return result.kind === 'applied';
  }

  #accept(actions: readonly AttachAction[], nextCfg: number | undefined, nowMs: number): void {
    this.#spoiltRounds = 0;
    this.#actionsMax = Math.min(this.#actionsMax * 2, actionsPerTransactionMax);
    const applied = actions.map(appliedOf);
    this.rounds.accept(applied);
    for (const { object } of applied) this.#conflicts.delete(objectKey(object));
    this.rounds.rest(applied, nowMs);
    if (nextCfg !== undefined) this.rounds.hold(applied, nextCfg);
  }

  #blame(
    actions: readonly AttachAction[],
    { object, message }: Extract<ApplyResult, { kind: 'refused' }>,
    nowMs: number,
  ): void {
    const blamed = object ?? aloneIn(actions);
    // Errors that the database finds only at the commit name no operation (RFC 7047 section 4.1.3).
    if (blamed === undefined) this.#halve(actions);
    else this.rounds.refuse(blamed, message, nowMs, this.#parts.random());
  }

  /**
   * A conflict is a change that was not seen yet, and the next look sees it. One whose guard fails again all the same must
   * not hold up the others: it is set aside as if it had been refused. True when one was.
   */
  #concede(
    actions: readonly AttachAction[],
    { object, message }: Extract<ApplyResult, { kind: 'conflict' }>,
    nowMs: number,
  ): boolean {
    const blamed = object ?? aloneIn(actions);
    if (blamed === undefined) {
      this.#halve(actions);
      return false;
    }
    const key = objectKey(blamed);
    // Of objects that are gone, nobody would ever take them away.
    for (const [other, { lastMs }] of this.#conflicts) if (nowMs - lastMs > conflictMs) this.#conflicts.delete(other);
    const count = (this.#conflicts.get(key)?.count ?? 0) + 1;
    if (count < conflictsMax) {
      this.#conflicts.set(key, { count, lastMs: nowMs });
      return false;
    }
    this.#conflicts.delete(key);
    this.rounds.refuse(blamed, message, nowMs, this.#parts.random());
    return true;
  }

  /** It may have been written: then vswitchd has to carry out the removals before the same ports are made again. */
  #doubt(actions: readonly AttachAction[], nextCfg: number): void {
    this.#halve(actions);
    this.rounds.hold(actions.map(appliedOf), nextCfg + 1);
  }

  #halve(actions: readonly AttachAction[]): void {
    this.#actionsMax = Math.max(1, Math.ceil(actions.length / 2));
  }

  #note(actions: readonly AttachAction[], summary: string, result: ApplyResult, tookMs: number): void {
    const lines = actions.map((action) => `${action.kind} ${action.label} ${action.port}${causeOf(action)}`);
    const details = lines.length > 20 ? [...lines.slice(0, 20), `and ${lines.length - 20} more`] : lines;
    const message = result.kind === 'applied' ? undefined : result.message;
    this.#parts.onJournal({
      wallMs: this.#parts.clock.wallMs(),
      summary,
      details,
      outcome: result.kind,
      message,
      tookMs,
    });
  }
}

function graceOf(goneGraceMs: number): Readonly<Record<RemovalCause, Grace>> {
  return {
    orphan: { sightings: 2, ms: goneGraceMs },
    podMissing: { sightings: 2, ms: goneGraceMs },
    deviceGone: { sightings: 2, ms: 500 },
    // The reading of the devices may be older than the port's number: under load a look at hundreds of devices takes
    // hundreds of milliseconds, and rests three times as long. Until the next one a new port looks like one whose device
    // has lost its promiscuity.
    deviceRecreated: { sightings: 2, ms: 3_000 },
  };
}

function portObject({ port, key }: AttachAction): ObjectRef {
  return { kind: 'port', name: port === '' ? key : port };
}

/** Who is to blame where nobody else was asked for. */
function aloneIn(actions: readonly AttachAction[]): ObjectRef | undefined {
  const [first, second] = actions;
  return first === undefined || second !== undefined ? undefined : portObject(first);
}

/** In the words of the memory that both loops of ports share. */
function appliedOf(action: AttachAction): Applied {
  const object = portObject(action);
  if (action.kind !== 'detach') return { object, kind: action.kind };
  const isRecreated = action.cause === 'its device was created anew';
  return { object, kind: 'deletePort', ...(isRecreated ? { cause: 'deviceRecreated' } : {}) };
}

function causeOf(action: AttachAction): string {
  return action.kind === 'detach' ? `: ${action.cause}` : '';
}

/** The actions in one line of bounded length: the comment in the database's log. */
function summarize(actions: readonly AttachAction[]): string {
  const words = actions.map(({ kind, label, port }) => `${kind} ${label}${port === '' ? '' : ` by ${port}`}`);
  const shown = words.slice(0, 3).join('; ');
  return words.length > 3 ? `${shown}; and ${words.length - 3} more` : shown;
}
