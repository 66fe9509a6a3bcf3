/**
 * An answer as lines that come while the daemon still sends. The command is sent when the first line is asked for. A reader
 * that is slow slows the daemon's socket down, not the daemon: the answer is complete in its memory before it is sent. A
 * reader that stops early (`break`) leaves the rest to be thrown away unread.
 */

import type { AnswerFacts, LineReceiver } from './receivers.js';

/** How a client hands an answer to a reader. */
export interface LineSource {
  readonly receiver: LineReceiver;
  /** The reader took what was there: go on reading the socket. */
  readonly taken: () => void;
  /** The reader wants no more. May be called when the answer has ended. */
  readonly abandon: () => void;
}

export class LineStream implements AsyncIterable<string> {
  readonly #open: () => Promise<LineSource>;
  #source: LineSource | undefined;

  /** @param open sends the command; called once for each iteration */
  constructor(open: () => Promise<LineSource>) {
    this.#open = open;
  }

  /** What was measured; undefined until the last line was read. */
  get facts(): AnswerFacts | undefined {
    return this.#source?.receiver.facts;
  }

  /** The lines one by one, without their newlines. Throws what `UnixctlClient.call` throws. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    for await (const batch of this.batches()) for (const line of batch) yield line;
  }

  /** The lines in the portions in which they came: cheaper for answers of many lines. */
  async *batches(): AsyncGenerator<readonly string[], void, undefined> {
    const source = await this.#open();
    this.#source = source;
    try {
      for (let lines = await source.receiver.take(); lines !== undefined; lines = await source.receiver.take()) {
        source.taken();
        yield lines;
      }
    } finally {
      source.abandon();
    }
  }
}
