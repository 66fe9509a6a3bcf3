/**
 * Cuts the byte stream of a JSON-RPC connection into messages (RFC 7047 section 4: bare JSON objects back to back, white
 * space allowed, no delimiter). Incremental: chunks may be cut anywhere, also inside a character. Used by the RPC
 * connection; it does not look at what a message means.
 */

import { isAscii } from 'node:buffer';

import { assert } from '../../lib/assert.js';
import { AgentError, toError } from '../../lib/errors.js';
import type { JsonObject } from '../types.js';
import { BracketScanner } from './bracket-scanner.js';
import { braceOpen, ByteStore, isBlank, malformed, textOf } from './bytes.js';
import { parseBounded } from './json-exact.js';
import type { RowHook } from './row-slicer.js';
import { RowSlicer } from './row-slicer.js';

export { keepRow } from './row-slicer.js';
export type { RowHook } from './row-slicer.js';

/** Below this a frame is parsed whole: the fixed cost of slicing does not pay. */
const sliceThresholdDefault = 64 * 1024;

export interface FrameScannerOptions {
  /** Largest frame that is accepted, bytes. */
  readonly frameSizeMax: number;
  /** Deepest nesting that is accepted; ovsdb-server's own limit is 1000. At most 1000. */
  readonly depthMax: number;
  /** Frames larger than this, bytes, are parsed row by row as they arrive. */
  readonly sliceThreshold?: number;
  /** Called for each message, in order, from within `push`. `size` is that of the frame, bytes. */
  readonly onMessage: (message: JsonObject, info: { readonly size: number }) => void;
  /** See `setRowHook`. */
  readonly rowHook?: RowHook | undefined;
}

export class FrameScanner {
  readonly #options: FrameScannerOptions;
  readonly #sliceThreshold: number;
  readonly #scanner: BracketScanner;
  readonly #store = new ByteStore();
  #rowHook: RowHook | undefined;
  #slicer: RowSlicer | undefined;
  #isInFrame = false;
  #isPushing = false;
  /** What `#wasAscii` was found of; within one push. */
  #asciiOf: Buffer | undefined;
  #wasAscii = false;
  #size = 0;
  #failure: Error | undefined;

  constructor(options: FrameScannerOptions) {
    assert(options.depthMax <= 1000, 'the parser is recursive: depthMax is at most 1000');
    this.#options = options;
    this.#sliceThreshold = options.sliceThreshold ?? sliceThresholdDefault;
    this.#scanner = new BracketScanner(options.depthMax);
    this.#rowHook = options.rowHook;
  }

  /** Whether a frame has begun and not ended. */
  get isInFrame(): boolean {
    return this.#isInFrame;
  }

  /** Takes effect with the next frame that grows over the threshold. */
  setRowHook(hook: RowHook | undefined): void {
    this.#rowHook = hook;
  }

  /**
   * Consumes a chunk; the chunk may be reused afterwards. Throws PEER_PROTOCOL for what is no stream of JSON objects,
   * LIMIT_EXCEEDED for what is too large or too deep, and whatever the callbacks throw. After that it is unusable: each
   * further call throws the same error.
   */
  push(chunk: Buffer): void {
    if (this.#failure !== undefined) throw this.#failure;
    assert(!this.#isPushing, 'push is not re-entrant');
    this.#isPushing = true;
    // The owner may have filled the same buffer anew.
    this.#asciiOf = undefined;
    try {
      let at = 0;
      while (at < chunk.length) at = this.#isInFrame ? this.#goOn(chunk, at) : this.#begin(chunk, at);
    } catch (error) {
      this.#failure = toError(error);
      throw error;
    } finally {
      this.#isPushing = false;
    }
  }

  /** The stream has ended. Throws PEER_PROTOCOL inside a frame. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isInFrame) throw malformed('the stream ended inside a message', this.#store.view(), 0);
  }

  #begin(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && isBlank(chunk[at] as number)) at += 1;
    if (at === chunk.length) return at;
    if (chunk[at] !== braceOpen) throw malformed('a message must be a JSON object', chunk, at);
    this.#isInFrame = true;
    this.#size = 0;
    this.#scanner.begin(0);
    return at;
  }

  #goOn(chunk: Buffer, at: number): number {
    if (this.#slicer !== undefined) return this.#slice(this.#slicer, chunk, at);
    // One byte more than the threshold decides, wherever the chunks are cut.
    const limit = Math.min(chunk.length, at + this.#sliceThreshold - this.#size + 1);
    const end = this.#scanner.scan(chunk, at, limit, 0);
    const next = end < 0 ? limit : end;
    if (this.#size + next - at > this.#sliceThreshold) return this.#startSlicing(chunk, at);
    this.#grow(next - at);
    if (end >= 0) this.#finishSmall(chunk, at, end);
    else this.#store.append(chunk, at, next);
    return next;
  }

  /** The slicer starts over with what is stored: at most `sliceThreshold` bytes are looked at twice per frame. */
  #startSlicing(chunk: Buffer, at: number): number {
    this.#slicer = new RowSlicer(this.#options.depthMax, this.#rowHook);
    this.#slicer.push(this.#store.view(), 0);
    this.#store.clear();
    return this.#slice(this.#slicer, chunk, at);
  }

  #slice(slicer: RowSlicer, chunk: Buffer, at: number): number {
    const end = slicer.push(chunk, at);
    this.#grow((end < 0 ? chunk.length : end) - at);
    if (end < 0) return chunk.length;
    this.#slicer = undefined;
    this.#deliver(slicer.finish());
    return end;
  }

  #grow(size: number): void {
    this.#size += size;
    if (this.#size <= this.#options.frameSizeMax) return;
    const facts = { sizeMax: this.#options.frameSizeMax };
    throw new AgentError('LIMIT_EXCEEDED', 'the peer sent a message larger than the limit', { facts });
  }

  #finishSmall(chunk: Buffer, at: number, end: number): void {
    if (this.#store.size === 0) {
      this.#deliver(this.#parse(chunk, at, end));
      return;
    }
    this.#store.append(chunk, at, end);
    const bytes = this.#store.view();
    const message = this.#parse(bytes, 0, bytes.length);
    this.#store.clear();
    this.#deliver(message);
  }

  #parse(bytes: Buffer, start: number, end: number): JsonObject {
    const text = textOf(bytes, start, end, this.#isAscii(bytes));
    try {
      // A text that begins with a brace parses to an object or not at all.
      return parseBounded(text, this.#scanner.hasLongDigits) as JsonObject;
    } catch (error) {
      throw malformed('invalid JSON', bytes, start, error);
    }
  }

  /** Asked once per chunk, not once per message: a chunk may hold hundreds of them. */
  #isAscii(bytes: Buffer): boolean {
    if (this.#asciiOf !== bytes) {
      this.#asciiOf = bytes;
      this.#wasAscii = isAscii(bytes);
    }
    return this.#wasAscii;
  }

  #deliver(message: JsonObject): void {
    this.#isInFrame = false;
    this.#options.onMessage(message, { size: this.#size });
  }
}
