/**
 * Runs the link machine: keeps its state, sleeps until its deadline and hands out its effects. Used by the client, which
 * dials, probes and hangs up as it is told.
 */

import type { Clock, Timer } from '../lib/clock.js';
import { initialLink, linkDeadlineMs, stepLink } from '../lib/link.js';
import type { LinkEffect, LinkEvent, LinkState, LinkTiming } from '../lib/link.js';

export interface LinkShellOptions {
  readonly clock: Clock;
  readonly timing: LinkTiming;
  /** A number in [0, 1). */
  readonly random: () => number;
  carryOut(effect: LinkEffect): void;
}

export class LinkShell {
  readonly #options: LinkShellOptions;
  #state: LinkState;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: LinkShellOptions) {
    this.#options = options;
    this.#state = initialLink(options.clock.nowMs());
  }

  /** Begins; the first dial is due at once. */
  start(): void {
    this.report('tick');
  }

  /** Ends all timers; reports are ignored from now on. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Tells the machine what happened. */
  report(kind: LinkEvent['kind']): void {
    if (this.#isStopped) return;
    const { clock, timing, random } = this.#options;
    const [state, effects] = stepLink(this.#state, { kind }, clock.nowMs(), timing, random());
    const wasUp = this.#state.kind === 'up' && state.kind === 'up';
    this.#state = state;
    // While bytes flow only the deadline moves; a timer that fires early finds nothing to do and is set anew.
    if (!wasUp || this.#timer === undefined || kind === 'tick') this.#sleep();
    for (const effect of effects) this.#options.carryOut(effect);
  }

  #sleep(): void {
    const { clock, timing } = this.#options;
    this.#timer?.cancel();
    const waitMs = Math.max(0, linkDeadlineMs(this.#state, timing) - clock.nowMs());
    this.#timer = clock.after(waitMs, () => this.report('tick'));
  }
}
