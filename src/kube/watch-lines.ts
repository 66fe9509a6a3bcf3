/**
 * Cuts the byte stream of a watch into its lines, one JSON document each. Pure and bounded: it keeps one unfinished line,
 * never longer than its limit. Used by the Reflector.
 */

import { AgentError } from '../lib/errors.js';
import { ByteBuffer } from './byte-buffer.js';

const newline = 0x0a;

export class WatchLines {
  readonly #lineSizeMax: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  readonly #unfinished = new ByteBuffer();

  /** @param lineSizeMax bytes of one line */
  constructor(lineSizeMax: number) {
    this.#lineSizeMax = lineSizeMax;
  }

  /** Bytes of the line that is not finished yet. */
  get pendingSize(): number {
    return this.#unfinished.size;
  }

  /**
   * The lines that `chunk` completes, without empty ones. The iteration must be carried to its end, unless the stream is
   * given up.
   * @throws AgentError LIMIT_EXCEEDED, PEER_PROTOCOL; the stream is of no use afterwards
   */
  *push(chunk: Uint8Array): Generator<string, void, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = this.#finish(chunk.subarray(start, end));
      start = end + 1;
      if (line !== '') yield line;
    }
    const rest = chunk.subarray(start);
    this.#check(rest);
    this.#unfinished.append(rest);
  }

  #finish(end: Uint8Array): string {
    this.#check(end);
    if (this.#unfinished.size === 0) return this.#decode(end);
    this.#unfinished.append(end);
    const line = this.#decode(this.#unfinished.bytes());
    this.#unfinished.clear();
    return line;
  }

  #check(more: Uint8Array): void {
    if (this.#unfinished.size + more.length <= this.#lineSizeMax) return;
    throw new AgentError('LIMIT_EXCEEDED', 'an event of a watch is larger than its limit', {
      facts: { sizeMax: this.#lineSizeMax },
    });
  }

  #decode(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes).trim();
    } catch {
      throw new AgentError('PEER_PROTOCOL', 'an event of a watch is not UTF-8');
    }
  }
}
