/**
 * How old the newest status is: since it was told, by the monotonic clock, for the wall clock may be set. Only one that was
 * there before anybody listened has no other time than its own.
 */

import type { StatusSource } from '../../agent/api-view.js';
import type { AgentStatus } from '../../agent/status.js';
import type { Clock } from '../../lib/clock.js';

/** Until the first look an agent counts as alive for so long, ms: a first look at a large switch takes a while. */
const firstLookMs = 60_000;

export class StatusAge {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #unsubscribe: () => void;
  #toldMs: number | undefined;

  constructor(source: StatusSource, clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
    this.#unsubscribe = source.onChange(() => (this.#toldMs = clock.nowMs()));
  }

  /** ms, never negative; that of the loop which has looked longest ago. */
  ageMs({ wallMs, oldestLookWallMs }: AgentStatus): number {
    if (this.#toldMs === undefined) return Math.max(0, this.#clock.wallMs() - oldestLookWallMs);
    return this.#clock.nowMs() - this.#toldMs + Math.max(0, wallMs - oldestLookWallMs);
  }

  /** Whether it is evidence of anything. */
  isFresh(status: AgentStatus): boolean {
    return this.ageMs(status) <= status.freshMs;
  }

  /** Whether a first look may still be expected. */
  isStarting(): boolean {
    return this.#clock.nowMs() - this.#startedMs <= firstLookMs;
  }

  close(): void {
    this.#unsubscribe();
  }
}
