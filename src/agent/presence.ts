/**
 * Which owners' controllers are there. A controller is lost when the last sign of it is older than a given time; a fresh
 * start is such a sign for all, since what was before it is not known.
 */

import type { Clock, Timer } from '../lib/clock.js';

interface Entry {
  /** Streams that the controller holds. */
  holds: number;
  timer: Timer | undefined;
  isLost: boolean;
}

export interface PresenceOptions {
  readonly clock: Clock;
  /** How long a controller may be away before it is lost, ms. */
  readonly lossMs: number;
  /** Whether the owner wants anything; others are forgotten instead of lost. */
  readonly isKnown: (owner: string) => boolean;
  /** Who is lost has changed. */
  readonly onChange: () => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #entries = new Map<string, Entry>();
  #isClosed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** The controller is there, until the returned function is called; further calls of it do nothing. */
  hold(owner: string): () => void {
    const entry = this.#entryOf(owner);
    entry.holds += 1;
    entry.timer?.cancel();
    entry.timer = undefined;
    this.#found(entry);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      entry.holds -= 1;
      this.#await(owner, entry);
    };
  }

  /** The controller has given a sign just now. */
  touch(owner: string): void {
    const entry = this.#entryOf(owner);
    entry.timer?.cancel();
    this.#await(owner, entry);
    this.#found(entry);
  }

  /** The owner wants nothing any more. */
  forget(owner: string): void {
    const entry = this.#entries.get(owner);
    if (entry === undefined || entry.holds > 0) return;
    entry.timer?.cancel();
    this.#entries.delete(owner);
  }

  isLost(owner: string): boolean {
    return this.#entries.get(owner)?.isLost === true;
  }

  close(): void {
    this.#isClosed = true;
    for (const entry of this.#entries.values()) entry.timer?.cancel();
  }

  #entryOf(owner: string): Entry {
    const known = this.#entries.get(owner);
    if (known !== undefined) return known;
    const entry: Entry = { holds: 0, timer: undefined, isLost: false };
    this.#entries.set(owner, entry);
    return entry;
  }

  #found(entry: Entry): void {
    if (!entry.isLost) return;
    entry.isLost = false;
    this.#options.onChange();
  }

  #await(owner: string, entry: Entry): void {
    entry.timer = undefined;
    if (entry.holds > 0 || this.#isClosed) return;
    const { clock, lossMs, isKnown, onChange } = this.#options;
    const lose = (): void => {
      entry.timer = undefined;
      if (!isKnown(owner)) {
        this.#entries.delete(owner);
        return;
      }
      entry.isLost = true;
      onChange();
    };
    if (this.#entries.get(owner) === entry) entry.timer = clock.after(lossMs, lose, true);
  }
}
