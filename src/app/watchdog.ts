/**
 * Reports the daemon to systemd: that its start is complete, that it lives, what it is at. All of it rests on evidence. That the
 * event loop turns is shown by this code running at all, that the loops of reconciliation do by their looks: unless each of them
 * has looked within the time that its status is good for, nothing is said, and systemd does what its unit says.
 *
 * Until the start is complete the same evidence extends the time that the start may take: a card without Open vSwitch waits
 * for it as long as that takes, while an agent that hangs in its start runs into TimeoutStartSec. (The watchdog of systemd
 * counts only from the end of the start.)
 */

import type { StatusSource } from '../agent/api-view.js';
import type { Unsubscribe } from '../agent/ports.js';
import { isStarted } from '../agent/started.js';
import type { ServiceNotify } from '../host/service-notify.js';
import type { Clock, Timer } from '../lib/clock.js';
import { statusLine } from './status-line.js';

export interface ServiceReportOptions {
  readonly notify: Pick<ServiceNotify, 'tell' | 'watchdogMs'>;
  readonly status: StatusSource;
  /** Whether the API can be asked now. */
  readonly isListening: () => boolean;
  readonly clock: Clock;
}

/** Signs of life within the time of the watchdog: one may be lost, for its process can be late or fail on a busy machine. */
const beatsWatched = 3;
/** Between two signs of life where no watchdog says how often it wants them, ms. */
const beatMsDefault = 15_000;
/** More often than this is of no use to anybody and would be a load, ms. */
const beatMsMin = 250;
/** The line of status is told at most so often, ms. */
const lineMs = 2_000;
/** A sign of life during the start is good for so many beats. */
const beatsOfGrace = 4;

export class ServiceReport {
  readonly #options: ServiceReportOptions;
  readonly #beatMs: number;
  #beat: Timer | undefined;
  #lineTimer: Timer | undefined;
  #line = '';
  #isStarted = false;
  #unsubscribe: Unsubscribe = () => undefined;
  /** The look that was the oldest when last told, and when it became so by the monotonic clock: the wall clock may be set. */
  #oldestLookWallMs: number | undefined;
  #lookedMs: number | undefined;

  constructor(options: ServiceReportOptions) {
    this.#options = options;
    const { watchdogMs } = options.notify;
    this.#beatMs = Math.max(beatMsMin, watchdogMs === undefined ? beatMsDefault : watchdogMs / beatsWatched);
  }

  /** Begins to report; the API has been started. */
  start(): void {
    this.#unsubscribe = this.#options.status.onChange(() => this.#onStatus());
    this.#onStatus();
    this.#onBeat();
  }

  /** Does `work`, which takes over another configuration, and says so before and after. */
  reload(work: () => void): void {
    // A start that is not complete would be by the READY=1 that ends a reload.
    const isTold = this.#isStarted;
    if (isTold) this.#options.notify.tell({ RELOADING: '1' });
    try {
      work();
    } finally {
      if (isTold) this.#options.notify.tell({ READY: '1' });
    }
  }

  /** Says that the daemon ends, and nothing after that. */
  stop(): void {
    this.#unsubscribe();
    this.#beat?.cancel();
    this.#lineTimer?.cancel();
    this.#options.notify.tell({ STOPPING: '1', STATUS: 'Ending; what is in the switch stays there.' });
  }

  #onStatus(): void {
    const { status, notify, isListening, clock } = this.#options;
    const current = status.current();
    if (current !== undefined && current.oldestLookWallMs !== this.#oldestLookWallMs) {
      this.#oldestLookWallMs = current.oldestLookWallMs;
      this.#lookedMs = clock.nowMs();
    }
    if (!this.#isStarted && current !== undefined && isStarted(current) && isListening()) {
      this.#isStarted = true;
      this.#line = statusLine(current);
      notify.tell({ READY: '1', STATUS: this.#line, ...this.#watchdog() });
      return;
    }
    this.#lineTimer ??= clock.after(lineMs, () => this.#tellLine(), true);
  }

  #tellLine(): void {
    this.#lineTimer = undefined;
    const line = statusLine(this.#options.status.current());
    if (line === this.#line) return;
    this.#line = line;
    this.#options.notify.tell({ STATUS: line });
  }

  #onBeat(): void {
    this.#beat = this.#options.clock.after(this.#beatMs, () => this.#onBeat(), true);
    // The API may have begun to listen after the last change of the status.
    if (!this.#isStarted) this.#onStatus();
    if (!this.#isAlive()) return;
    if (this.#isStarted) {
      const watchdog = this.#watchdog();
      if (watchdog !== undefined) this.#options.notify.tell(watchdog);
      return;
    }
    this.#options.notify.tell({ EXTEND_TIMEOUT_USEC: String(Math.round(this.#beatMs * beatsOfGrace * 1_000)) });
  }

  #watchdog(): { readonly WATCHDOG: '1' } | undefined {
    return this.#options.notify.watchdogMs === undefined ? undefined : { WATCHDOG: '1' };
  }

  /** Each loop has looked within the time that its look is good for. */
  #isAlive(): boolean {
    const { status, clock } = this.#options;
    const current = status.current();
    return current !== undefined && this.#lookedMs !== undefined && clock.nowMs() - this.#lookedMs <= current.freshMs;
  }
}
