/** The bounded record of what the agent changed, when, why, and on whose behalf. Views read it; nothing in it decides anything. */

import type { Unsubscribe } from './ports.js';

export interface JournalEntry {
  /** Counts up from 1 without gaps. */
  readonly sequence: number;
  /** Milliseconds since 1970 UTC. */
  readonly wallMs: number;
  /**
   * `change`: of the switch, of flows or of a pod. `audit`: a request over the API that changes what is wanted. `event`: something
   * that happened and that the agent did not do.
   */
  readonly kind: 'change' | 'audit' | 'event';
  /** On whose behalf: `agent`, or the identity of the caller. Safe to print. */
  readonly actor: string;
  /** What was done, in a few words: `repair port p0 on br-sfc`. */
  readonly summary: string;
  /** The differences, one line each. */
  readonly details: readonly string[];
  /** Of an event: `applied`. */
  readonly outcome: 'applied' | 'conflict' | 'refused' | 'unknown';
  /** Why it was not applied, in the words of the one who refused. */
  readonly message: string | undefined;
  /** From the event to the answer, ms. */
  readonly tookMs: number;
}

/** A change to be recorded; where nothing else is said, the agent made it by itself. */
export type JournalChange = Omit<JournalEntry, 'sequence' | 'kind' | 'actor'> &
  Partial<Pick<JournalEntry, 'kind' | 'actor'>>;

/** Keeps the newest entries. */
export class Journal {
  readonly #entries: JournalEntry[] = [];
  readonly #listeners = new Set<(entry: JournalEntry) => void>();
  readonly #countMax: number;
  #sequence = 0;

  /** @param countMax how many entries are kept */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  add(change: JournalChange): JournalEntry {
    this.#sequence += 1;
    const entry: JournalEntry = { kind: 'change', actor: 'agent', ...change, sequence: this.#sequence };
    this.#entries.push(entry);
    if (this.#entries.length > this.#countMax) this.#entries.shift();
    for (const listener of this.#listeners) listener(entry);
    return entry;
  }

  /** The newest `count` entries, oldest first. */
  tail(count: number): readonly JournalEntry[] {
    return count <= 0 ? [] : this.#entries.slice(-count);
  }

  /** Those that are kept with `from <= sequence <= to`, oldest first, at most `countMax`. */
  range(from: number, to: number, countMax: number): readonly JournalEntry[] {
    const oldest = this.#entries[0]?.sequence ?? 1;
    const start = Math.max(0, from - oldest);
    const end = Math.max(start, Math.min(to - oldest + 1, start + countMax));
    return this.#entries.slice(start, end);
  }

  /** Numbers of the oldest and newest entry that are kept; undefined while there is none. */
  bounds(): { readonly oldest: number; readonly newest: number } | undefined {
    const [first] = this.#entries;
    return first === undefined ? undefined : { oldest: first.sequence, newest: this.#sequence };
  }

  /** Called with each new entry. */
  onEntry(listener: (entry: JournalEntry) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
