/** What becomes of the text of an answer: one string, or lines that a reader takes at its own pace. */

import { AgentError } from '../lib/errors.js';

/** What was measured about one answer, milliseconds of the monotonic clock. */
export interface AnswerFacts {
  /** From the call until the command was sent: how long others were served first. */
  readonly waitedMs: number;
  /** From sending the command to the first byte of the answer: the time that the daemon's main thread took, at most. */
  readonly roundTripMs: number;
  /** From the first byte of the answer to the last. A slow reader of a stream is part of it. */
  readonly transferMs: number;
  /** Length of the answer on the wire, bytes. */
  readonly sizeBytes: number;
}

/** Where the client puts an answer. Exactly one of `finish` and `fail` is called at the end, whatever happens. */
export interface Receiver {
  bytes(buffer: Buffer, start: number, end: number): void;
  newline(): void;
  finish(facts: AnswerFacts): void;
  fail(error: Error): void;
  /** Whether the reader is so far behind that no more should be read from the socket. */
  readonly isFull: boolean;
}

const newline = 0x0a;

/** Collects the whole text, up to `sizeMax` bytes of it. */
export class TextReceiver implements Receiver {
  readonly isFull = false;
  readonly #sizeMax: number;
  readonly #finish: (text: string, facts: AnswerFacts) => void;
  readonly #fail: (error: Error) => void;
  #buffer = Buffer.alloc(0);
  #size = 0;

  constructor(sizeMax: number, finish: (text: string, facts: AnswerFacts) => void, fail: (error: Error) => void) {
    this.#sizeMax = sizeMax;
    this.#finish = finish;
    this.#fail = fail;
  }

  /** @throws AgentError LIMIT_EXCEEDED: the daemon could otherwise take all memory that there is */
  bytes(buffer: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    buffer.copy(this.#buffer, this.#size, start, end);
    this.#size += end - start;
  }

  newline(): void {
    this.#reserve(1);
    this.#buffer[this.#size] = newline;
    this.#size += 1;
  }

  finish(facts: AnswerFacts): void {
    const bytes = this.#buffer.subarray(0, this.#size);
    this.#buffer = Buffer.alloc(0);
    try {
      this.#finish(bytes.toString('utf8'), facts);
    } catch (cause) {
      // V8 has no strings beyond half a gigabyte.
      this.#fail(new AgentError('LIMIT_EXCEEDED', 'the answer is too long for one text: stream it', { cause }));
    }
  }

  fail(error: Error): void {
    this.#buffer = Buffer.alloc(0);
    this.#fail(error);
  }

  #reserve(size: number): void {
    if (this.#size + size > this.#sizeMax) {
      throw new AgentError('LIMIT_EXCEEDED', `an answer is longer than ${this.#sizeMax} bytes: stream it`);
    }
    if (this.#size + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(1024, 2 * (this.#size + size)));
    this.#buffer.copy(larger, 0, 0, this.#size);
    this.#buffer = larger;
  }
}

export interface LineLimits {
  /** A longer line ends the answer with LIMIT_EXCEEDED, bytes. */
  readonly lineSizeMax: number;
  /** Text that waits for its reader beyond this stops the reading of the socket, bytes. */
  readonly bufferedSizeMax: number;
}

/** Cuts the text into lines and keeps those that were not read yet. */
export class LineReceiver implements Receiver {
  readonly #limits: LineLimits;
  #lines: string[] = [];
  #bufferedSize = 0;
  /** The line under way: usually one run in one buffer, which then needs no copy. */
  #run: { readonly buffer: Buffer; readonly start: number; readonly end: number } | undefined;
  #pieces: Buffer[] = [];
  #lineSize = 0;
  #facts: AnswerFacts | undefined;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(limits: LineLimits) {
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.#bufferedSize >= this.#limits.bufferedSizeMax;
  }

  get facts(): AnswerFacts | undefined {
    return this.#facts;
  }

  bytes(buffer: Buffer, start: number, end: number): void {
    this.#lineSize += end - start;
    if (this.#lineSize > this.#limits.lineSizeMax) {
      throw new AgentError('LIMIT_EXCEEDED', `a line is longer than ${this.#limits.lineSizeMax} bytes`);
    }
    if (this.#lineSize === end - start) this.#run = { buffer, start, end };
    else {
      if (this.#run !== undefined) this.#pieces.push(this.#run.buffer.subarray(this.#run.start, this.#run.end));
      this.#run = undefined;
      this.#pieces.push(buffer.subarray(start, end));
    }
  }

  newline(): void {
    const run = this.#run;
    if (run !== undefined) this.#lines.push(run.buffer.toString('utf8', run.start, run.end));
    else this.#lines.push(this.#pieces.length === 0 ? '' : Buffer.concat(this.#pieces).toString('utf8'));
    this.#bufferedSize += this.#lineSize + 1;
    this.#run = undefined;
    this.#pieces = [];
    this.#lineSize = 0;
    this.#rouse();
  }

  /** Text after the last newline is a line too: newer releases do not end their answers with one. */
  finish(facts: AnswerFacts): void {
    if (this.#lineSize > 0) this.newline();
    this.#facts = facts;
    this.#rouse();
  }

  fail(error: Error): void {
    this.#error = error;
    this.#lines = [];
    this.#bufferedSize = 0;
    this.#rouse();
  }

  /**
   * The lines that wait, at least one; undefined at the end of the answer.
   * @throws what `fail` was given
   */
  async take(): Promise<readonly string[] | undefined> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#lines.length > 0) {
        const lines = this.#lines;
        this.#lines = [];
        this.#bufferedSize = 0;
        return lines;
      }
      if (this.#facts !== undefined) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #rouse(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
