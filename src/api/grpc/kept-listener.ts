/**
 * Keeps one address listened at: tries again with growing waits when it cannot be opened, and closes it when it may no longer be
 * used. What goes wrong is told once, until it is something else or well again; the agent lives on without the address.
 */

import { backoffMs, type BackoffTiming } from '../../lib/backoff.js';
import type { Clock, Timer } from '../../lib/clock.js';
import { AgentError } from '../../lib/errors.js';

/** A listener that is open. */
export interface OpenListener {
  /** The address as a client names it. */
  readonly address: string;
  close(): Promise<void>;
}

export interface KeptListenerOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** How often `check` is asked while it is open, ms. */
  readonly checkMs: number;
  /** @throws AgentError when it cannot be opened */
  readonly open: () => Promise<OpenListener>;
  /** Throws AgentError when the address may no longer be used. */
  readonly check: () => void;
  readonly onTrouble: (error: AgentError) => void;
  readonly onBug: (thrown: unknown) => void;
}

/** The first tries are for an address that is about to come, the later ones for one that somebody has to mend. */
const timing: BackoffTiming = { baseMs: 1_000, capMs: 60_000 };

export class KeptListener {
  readonly #options: KeptListenerOptions;
  #listener: OpenListener | undefined;
  #timer: Timer | undefined;
  #attempt = 0;
  #told: string | undefined;
  #isClosed = false;
  #work: Promise<void> = Promise.resolve();

  constructor(options: KeptListenerOptions) {
    this.#options = options;
  }

  /** The address; undefined while it is not listened at. */
  get address(): string | undefined {
    return this.#listener?.address;
  }

  /** Resolves after the first try, however that went. */
  start(): Promise<void> {
    return this.#run();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#work;
    await this.#shut();
  }

  #run(): Promise<void> {
    this.#work = this.#step().catch(this.#options.onBug);
    return this.#work;
  }

  async #step(): Promise<void> {
    if (this.#isClosed) return;
    const { clock, random, check, checkMs, open, onTrouble } = this.#options;
    try {
      check();
      this.#listener ??= await open();
      this.#attempt = 0;
      this.#told = undefined;
      this.#later(clock, checkMs);
    } catch (thrown) {
      if (!(thrown instanceof AgentError)) throw thrown;
      await this.#shut();
      if (this.#told !== thrown.message) onTrouble(thrown);
      this.#told = thrown.message;
      this.#later(clock, timing.baseMs + backoffMs(this.#attempt, timing, random()));
      this.#attempt += 1;
    }
  }

  #later(clock: Clock, delayMs: number): void {
    this.#timer = clock.after(delayMs, () => void this.#run(), true);
  }

  async #shut(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    await listener?.close();
  }
}
