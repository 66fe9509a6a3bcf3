/**
 * Cuts the byte stream of a connection into messages by the length in their headers. Used by the connection. A message
 * that lies within one chunk is passed on without a copy; one that does not is collected in a buffer of its own size.
 */

import { AgentError } from '../../lib/errors.js';
import { headerSize } from './header.js';

export class Framer {
  readonly #onMessage: (message: Uint8Array) => void;
  /** The message that is being collected; while its length is not known, room for the header. */
  #partial = new Uint8Array(headerSize);
  #filled = 0;

  /** @param onMessage gets each whole message; its bytes stay as they are */
  constructor(onMessage: (message: Uint8Array) => void) {
    this.#onMessage = onMessage;
  }

  /** Bytes of a message whose end has not come yet. */
  get pending(): number {
    return this.#filled;
  }

  /**
   * Takes the next bytes of the stream, cut anywhere.
   * @throws AgentError PEER_PROTOCOL for a length below 8; the stream cannot be followed from there on
   */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#filled === 0 ? this.#pass(chunk, at) : this.#collect(chunk, at);
    }
  }

  /** Passes on the message that starts at `at` if it ends in the chunk, or else begins to collect it. */
  #pass(chunk: Uint8Array, at: number): number {
    if (chunk.length - at >= headerSize) {
      const end = at + sizeAt(chunk, at);
      if (end <= chunk.length) {
        this.#onMessage(chunk.subarray(at, end));
        return end;
      }
    }
    return this.#collect(chunk, at);
  }

  #collect(chunk: Uint8Array, at: number): number {
    const count = Math.min(this.#partial.length - this.#filled, chunk.length - at);
    this.#partial.set(chunk.subarray(at, at + count), this.#filled);
    this.#filled += count;
    if (this.#filled === this.#partial.length) this.#complete();
    return at + count;
  }

  /** The buffer is full: of a header, or of a whole message. */
  #complete(): void {
    const size = sizeAt(this.#partial, 0);
    if (size > this.#filled) {
      const larger = new Uint8Array(size);
      larger.set(this.#partial);
      this.#partial = larger;
      return;
    }
    const message = this.#partial;
    this.#partial = new Uint8Array(headerSize);
    this.#filled = 0;
    this.#onMessage(message);
  }
}

function sizeAt(bytes: Uint8Array, at: number): number {
  const size = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  if (size >= headerSize) return size;
  throw new AgentError('PEER_PROTOCOL', 'an OpenFlow message is shorter than its header', { facts: { size } });
}
