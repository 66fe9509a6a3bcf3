/**
 * Writes what pods are to be told, as fast as the API server takes it: one write at a time per pod, a bounded number at
 * once, with backoff per pod. Level-triggered: each look hands over everything that still differs, and what is no longer
 * asked for is not written. Decides nothing about what is said.
 */

import type { ConnectionStatus } from '../attach/connection-status.js';
import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import { Pace, type PaceTiming } from '../lib/pace.js';
import type { PodView } from '../model/pod.js';
import type { StatusResult, StatusWriter } from './attach-ports.js';

export interface StatusChange {
  readonly pod: PodView;
  /** nadKey to the status; undefined removes it. */
  readonly changes: ReadonlyMap<string, ConnectionStatus | undefined>;
}

export interface StatusPumpOptions {
  readonly writer: StatusWriter;
  readonly clock: Clock;
  readonly random: () => number;
  /** Writes at once, at most. */
  readonly concurrency: number;
  /** A write has ended: look again. */
  readonly onDone: (pod: PodView, result: StatusResult) => void;
  readonly onBug: (error: unknown) => void;
}

export interface StatusStats {
  readonly written: number;
  readonly conflicts: number;
  readonly failed: number;
  readonly inFlight: number;
  readonly lastError: string | undefined;
}

const retryBackoff: BackoffTiming = { baseMs: 200, capMs: 30_000 };
/** A conflict is news on its way: the changed pod arrives by the watch. */
const conflictBackoff: BackoffTiming = { baseMs: 20, capMs: 5_000 };

/** The same word of the same details again: another writer takes it back, and is not to be answered at full speed. */
const repeatPace: PaceTiming = { burst: 2, baseMs: 500, capMs: 30_000, quietMs: 60_000 };

interface Rest {
  readonly attempt: number;
  readonly untilMs: number;
}

function changesText({ changes }: StatusChange): string {
  return JSON.stringify([...changes]);
}

/** One key for each word that is said of the details. */
function wordsOf({ pod, changes }: StatusChange): readonly string[] {
  const { details } = pod.annotations;
  const text = typeof details === 'string' ? details : '';
  return [...changes].map(([nadKey, status]) => JSON.stringify([pod.uid, text, nadKey, status]));
}

export class StatusPump {
  readonly #options: StatusPumpOptions;
  readonly #abort = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  #wanted: ReadonlyMap<string, StatusChange> = new Map();
  #rests = new Map<string, Rest>();
  readonly #repeats = new Pace(repeatPace);
  /** What was last said of this reading of a pod: until the source shows a newer one it is not said again. */
  readonly #done = new WeakMap<PodView, string>();
  #stats = { written: 0, conflicts: 0, failed: 0, lastError: undefined as string | undefined };

  constructor(options: StatusPumpOptions) {
    this.#options = options;
  }

  /** Everything that differs now, by uid; what was handed over before and is missing here is not written any more. */
  want(wanted: ReadonlyMap<string, StatusChange>): void {
    this.#wanted = wanted;
    for (const uid of this.#rests.keys()) if (!wanted.has(uid)) this.#rests.delete(uid);
    this.#fill();
  }

  /** When a resting pod may be written again, ms from now; undefined when none rests. */
  nextLookMs(): number | undefined {
    const nowMs = this.#options.clock.nowMs();
    const waits = [...this.#rests.values()].map(({ untilMs }) => untilMs - nowMs).filter((wait) => wait > 0);
    waits.push(...[...this.#wanted.values()].map((change) => this.#repeatMs(change)).filter((wait) => wait > 0));
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  stats(): StatusStats {
    return { ...this.#stats, inFlight: this.#running.size };
  }

  /** Gives up what is under way and awaits it. */
  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#running.values());
  }

  #repeatMs(change: StatusChange): number {
    const nowMs = this.#options.clock.nowMs();
    return Math.max(0, ...wordsOf(change).map((word) => this.#repeats.waitMs(word, nowMs)));
  }

  #fill(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [uid, change] of this.#wanted) {
      if (this.#running.size >= this.#options.concurrency || this.#abort.signal.aborted) return;
      if (this.#running.has(uid) || this.#done.get(change.pod) === changesText(change)) continue;
      if ((this.#rests.get(uid)?.untilMs ?? nowMs) > nowMs || this.#repeatMs(change) > 0) continue;
      this.#running.set(uid, this.#write(uid, change));
    }
  }

  async #write(uid: string, change: StatusChange): Promise<void> {
    const { writer, onDone, onBug } = this.#options;
    const { pod, changes } = change;
    try {
      const result = await writer.write(pod, changes, this.#abort.signal);
      this.#note(uid, change, result);
      this.#running.delete(uid);
      if (!this.#abort.signal.aborted) onDone(pod, result);
      this.#fill();
    } catch (error) {
      this.#running.delete(uid);
      onBug(error);
    }
  }

  #note(uid: string, change: StatusChange, result: StatusResult): void {
    if (result.kind === 'written' || result.kind === 'gone') {
      this.#done.set(change.pod, changesText(change));
      this.#rests.delete(uid);
      if (result.kind === 'written') {
        this.#stats.written += 1;
        this.#repeats.note(wordsOf(change), this.#options.clock.nowMs());
      }
      return;
    }
    const { clock, random } = this.#options;
    const attempt = (this.#rests.get(uid)?.attempt ?? -1) + 1;
    const timing = result.kind === 'conflict' ? conflictBackoff : retryBackoff;
    const asked = result.kind === 'failed' ? (result.retryAfterMs ?? 0) : 0;
    this.#rests.set(uid, { attempt, untilMs: clock.nowMs() + Math.max(asked, backoffMs(attempt, timing, random())) });
    if (result.kind === 'conflict') this.#stats.conflicts += 1;
    else {
      this.#stats.failed += 1;
      this.#stats.lastError = result.message;
    }
  }
}
