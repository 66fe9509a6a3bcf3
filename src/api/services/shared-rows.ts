/**
 * Rows for any number of watchers, made once. A generation is what there is to tell at one time; watchers hold the one that they
 * told last. As long as nothing differs there is no new generation, so a tick of a watcher costs a comparison; what differs
 * between two generations, and the messages of it, are made for the first who asks and kept as long as the generations.
 */

import type { Clock } from '../../lib/clock.js';
import { ticks } from './pace.js';

export interface KeyedRow {
  /** Unique among the rows of one moment. */
  readonly key: string;
}

/** What a source says at one moment. */
export interface RowAnswer<Row extends KeyedRow> {
  readonly rows: readonly Row[];
  /** What could not be read, one sentence each. */
  readonly problems: readonly string[];
}

/** What differs for a watcher. */
export interface RowChanges<Row, Answer> {
  /** The newest answer. */
  readonly answer: Answer;
  readonly changed: readonly Row[];
  readonly removed: readonly string[];
}

export interface SharedRowsParts<Row extends KeyedRow, Answer extends RowAnswer<Row>, Message> {
  readonly clock: Clock;
  /** A text that differs when the row has to be told again. */
  readonly versionOf: (row: Row) => string;
  /** The messages for one difference, at least one. */
  readonly encode: (changes: RowChanges<Row, Answer>) => readonly Message[];
}

/** An answer serves all who want the same within this time, ms: timers of one moment do not fire at once. */
const answerFreshMs = 100;

interface Generation<Row, Message> {
  readonly rows: ReadonlyMap<string, { readonly row: Row; readonly version: string }>;
  readonly problems: string;
  /** The messages of the difference to an older generation; empty where there is none. */
  readonly messages: WeakMap<Generation<Row, Message>, readonly Message[]>;
}

/** What those share who want the same rows. */
class Topic<Row extends KeyedRow, Answer extends RowAnswer<Row>, Message> {
  readonly #parts: SharedRowsParts<Row, Answer, Message>;
  readonly #read: () => Promise<Answer>;
  #reading: Promise<Generation<Row, Message>> | undefined;
  #readMs = -Infinity;
  #answer: Answer | undefined;
  #generation: Generation<Row, Message> | undefined;
  /** All rows, for those who begin. */
  #whole: { readonly of: Answer; readonly messages: readonly Message[] } | undefined;
  watcherCount = 0;

  constructor(parts: SharedRowsParts<Row, Answer, Message>, read: () => Promise<Answer>) {
    this.#parts = parts;
    this.#read = read;
  }

  /** What is to be told now: asked for once for all who ask at the same time. */
  current(): Promise<Generation<Row, Message>> {
    const fresh = this.#generation;
    if (fresh !== undefined && this.#parts.clock.nowMs() - this.#readMs < answerFreshMs) return Promise.resolve(fresh);
    this.#reading ??= this.#read()
      .then((answer) => this.#take(answer))
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  /** @param told the generation that the watcher has told last; undefined: none */
  messages(told: Generation<Row, Message> | undefined, now: Generation<Row, Message>): readonly Message[] {
    if (told === now) return [];
    const answer = this.#answer;
    if (answer === undefined) return [];
    if (told === undefined) {
      if (this.#whole?.of !== answer) {
        this.#whole = { of: answer, messages: this.#parts.encode({ answer, changed: answer.rows, removed: [] }) };
      }
      return this.#whole.messages;
    }
    let messages = now.messages.get(told);
    if (messages === undefined) {
      messages = this.#differ(told, now, answer);
      now.messages.set(told, messages);
    }
    return messages;
  }

  #differ(told: Generation<Row, Message>, now: Generation<Row, Message>, answer: Answer): readonly Message[] {
    const changed: Row[] = [];
    for (const [key, { row, version }] of now.rows) if (told.rows.get(key)?.version !== version) changed.push(row);
    const removed = [...told.rows.keys()].filter((key) => !now.rows.has(key));
    if (changed.length + removed.length === 0 && told.problems === now.problems) return [];
    return this.#parts.encode({ answer, changed, removed });
  }

  #take(answer: Answer): Generation<Row, Message> {
    this.#readMs = this.#parts.clock.nowMs();
    const before = this.#generation;
    // A source that has nothing new hands out the rows of before.
    const isSame = before !== undefined && this.#answer?.rows === answer.rows;
    this.#answer = answer;
    const problems = JSON.stringify(answer.problems);
    const rows = isSame ? before.rows : this.#versions(answer.rows);
    if (before !== undefined && before.problems === problems && isSameRows(before.rows, rows)) return before;
    this.#generation = { rows, problems, messages: new WeakMap() };
    return this.#generation;
  }

  #versions(rows: readonly Row[]): Generation<Row, Message>['rows'] {
    return new Map(rows.map((row) => [row.key, { row, version: this.#parts.versionOf(row) }]));
  }
}

function isSameRows(
  a: ReadonlyMap<string, { readonly version: string }>,
  b: ReadonlyMap<string, { readonly version: string }>,
): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, { version }] of b) if (a.get(key)?.version !== version) return false;
  return true;
}

export class SharedRows<Row extends KeyedRow, Answer extends RowAnswer<Row>, Message> {
  readonly #parts: SharedRowsParts<Row, Answer, Message>;
  readonly #topics = new Map<string, Topic<Row, Answer, Message>>();

  constructor(parts: SharedRowsParts<Row, Answer, Message>) {
    this.#parts = parts;
  }

  /** Topics that somebody watches. */
  get topicCount(): number {
    return this.#topics.size;
  }

  /**
   * The messages for one watcher: all rows at once, and at each interval what differs. It ends with the signal. A watcher that
   * does not read costs the generation that it told last.
   * @param topic the same text only for those who want the same rows
   * @param read the rows of now; its signal is of no single watcher
   * @throws what `read` throws
   */
  async *watch(
    topic: string,
    read: () => Promise<Answer>,
    intervalMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<Message, void, undefined> {
    const shared = this.#topics.get(topic) ?? new Topic(this.#parts, read);
    this.#topics.set(topic, shared);
    shared.watcherCount += 1;
    try {
      let told: Generation<Row, Message> | undefined;
      for await (const _tick of ticks(this.#parts.clock, intervalMs, signal)) {
        const now = await untilAborted(shared.current(), signal);
        if (now === undefined) return;
        const messages = shared.messages(told, now);
        told = now;
        yield* messages;
      }
    } finally {
      shared.watcherCount -= 1;
      if (shared.watcherCount === 0) this.#topics.delete(topic);
    }
  }
}

/** Undefined when the signal is aborted first. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
