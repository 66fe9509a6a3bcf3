/**
 * What the frame scanners share about bytes: names of the bytes that structure JSON, text from bytes with UTF-8 checked,
 * errors that show where the input broke, and a buffer that grows. Knows nothing of OVSDB.
 */

import { isAscii, isUtf8 } from 'node:buffer';

import { AgentError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';

export const quote = 0x22;
export const backslash = 0x5c;
export const comma = 0x2c;
export const colon = 0x3a;
export const braceOpen = 0x7b;
export const braceClose = 0x7d;
export const bracketOpen = 0x5b;
export const bracketClose = 0x5d;

/** RFC 8259 section 2: space, tab, line feed, carriage return. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** How much of a bad input an error keeps, bytes. */
const contextSizeMax = 256;

/** An error about what the peer sent, with at most 256 escaped characters around byte `at` of `bytes`. */
export function malformed(what: string, bytes: Buffer, at: number, cause?: unknown): AgentError {
  const start = Math.max(0, Math.min(at, bytes.length) - contextSizeMax / 2);
  const context = bytes.toString('latin1', start, Math.min(bytes.length, start + contextSizeMax));
  // Escapes make text longer: the limit holds for what is kept, not for what was read.
  const facts = { what, context: safeText(context, contextSizeMax).slice(0, contextSizeMax) };
  return new AgentError('PEER_PROTOCOL', 'malformed JSON-RPC stream', { facts, cause });
}

/** Bytes as text. Invalid UTF-8 throws: a replacement character would be a value that the server never had. */
export function textOf(bytes: Buffer, start: number, end: number, isKnownAscii: boolean): string {
  if (isKnownAscii) return bytes.toString('latin1', start, end);
  const part = bytes.subarray(start, end);
  if (isAscii(part)) return part.toString('latin1');
  if (!isUtf8(part)) throw malformed('invalid UTF-8', bytes, start);
  return part.toString('utf8');
}

const capacityMin = 4096;
const capacityKept = 1024 * 1024;

/** Bytes that are kept across chunks: always copies, so the caller may reuse its chunk. */
export class ByteStore {
  #buffer = Buffer.allocUnsafe(capacityMin);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(bytes: Buffer, start: number, end: number): void {
    const size = this.#size + end - start;
    if (size > this.#buffer.length) this.#grow(size);
    bytes.copy(this.#buffer, this.#size, start, end);
    this.#size = size;
  }

  /** What is stored; valid until the next append or clear. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }

  clear(): void {
    this.#size = 0;
    if (this.#buffer.length > capacityKept) this.#buffer = Buffer.allocUnsafe(capacityMin);
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafe(Math.max(size, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#size);
    this.#buffer = larger;
  }
}
