/** What was asked of the embedded server, by whom and with what result: a bounded ring that tests read. */

export interface AuditEntry {
  /** Milliseconds since 1970 UTC. */
  readonly atMs: number;
  /** '' where nobody was authenticated. */
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  /** '' for requests about the server itself. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly path: string;
  readonly userAgent: string;
  /** HTTP status; 0 where the connection was cut before an answer. */
  readonly status: number;
  /** An injected fault made the answer. */
  readonly isFault: boolean;
}

/** Verbs that change something. */
const writingVerbs = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

export class AuditLog {
  readonly #countMax: number;
  #entries: AuditEntry[] = [];
  #dropped = 0;

  /** @param countMax entries that are kept; the oldest go first */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Entries that are no longer kept. */
  get dropped(): number {
    return this.#dropped;
  }

  record(entry: AuditEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length < this.#countMax * 2) return;
    this.#dropped += this.#entries.length - this.#countMax;
    this.#entries = this.#entries.slice(-this.#countMax);
  }

  /** Oldest first; with a user, that user's alone. */
  entries(user?: string): readonly AuditEntry[] {
    const kept = this.#entries.slice(-this.#countMax);
    return user === undefined ? kept : kept.filter((entry) => entry.user === user);
  }

  /** What was asked to change something, whether it was allowed or not. Reviews of one's own rights do not count. */
  writes(user?: string): readonly AuditEntry[] {
    return this.entries(user).filter((entry) => writingVerbs.has(entry.verb) && entry.group !== 'authorization.k8s.io');
  }

  clear(): void {
    this.#entries = [];
    this.#dropped = 0;
  }
}
