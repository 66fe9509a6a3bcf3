/** The bounded record of what the agent changed, when, and why. Views read it; nothing in it decides anything. */

export interface JournalEntry {
  /** Counts up from 1 without gaps. */
  readonly sequence: number;
  /** Milliseconds since 1970 UTC. */
  readonly wallMs: number;
  /** What was done, in a few words: `repair port p0 on br-sfc`. */
  readonly summary: string;
  /** The differences, one line each. */
  readonly details: readonly string[];
  readonly outcome: 'applied' | 'conflict' | 'refused' | 'unknown';
  /** Words of the database when it was not applied. */
  readonly message: string | undefined;
  /** From the event to the answer of the database, ms. */
  readonly tookMs: number;
}

/** Keeps the newest entries. */
export class Journal {
  readonly #entries: JournalEntry[] = [];
  readonly #countMax: number;
  #sequence = 0;

  /** @param countMax how many entries are kept */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  add(entry: Omit<JournalEntry, 'sequence'>): JournalEntry {
    this.#sequence += 1;
    const numbered = { sequence: this.#sequence, ...entry };
    this.#entries.push(numbered);
    if (this.#entries.length > this.#countMax) this.#entries.shift();
    return numbered;
  }

  /** The newest `count` entries, oldest first. */
  tail(count: number): readonly JournalEntry[] {
    return count <= 0 ? [] : this.#entries.slice(-count);
  }
}
