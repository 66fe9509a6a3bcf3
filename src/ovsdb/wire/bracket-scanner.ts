/**
 * The tight loop over bytes: finds where a bracketed JSON value ends, and whether it holds a number too long for a
 * double. Keeps its place between chunks, so no byte is looked at twice. Does not check grammar: whoever parses the cut
 * does.
 */

import { AgentError } from '../../lib/errors.js';
import { backslash, braceClose, braceOpen, bracketClose, bracketOpen, quote } from './bytes.js';

/** A double holds every integer of fifteen digits, not every one of sixteen. */
const longDigitCount = 16;

/** The error for a peer that nests deeper than `depthMax`. */
export function tooDeep(depthMax: number): AgentError {
  return new AgentError('LIMIT_EXCEEDED', 'the peer sent JSON nested too deep', { facts: { depthMax } });
}

/** Indexing below is `as number`: each index was just compared with the length. */
export class BracketScanner {
  readonly #depthMax: number;
  #depth = 0;
  #digitCount = 0;
  #isInString = false;
  #isEscaped = false;
  #hasLongDigits = false;

  constructor(depthMax: number) {
    this.#depthMax = depthMax;
  }

  /** Whether a run of sixteen digits was seen outside of strings since `begin`. */
  get hasLongDigits(): boolean {
    return this.#hasLongDigits;
  }

  /** Starts on a new value, `depth` brackets deep in the frame. */
  begin(depth: number): void {
    this.#depth = depth;
    this.#digitCount = 0;
    this.#isInString = false;
    this.#isEscaped = false;
    this.#hasLongDigits = false;
  }

  /**
   * Scans `bytes` from `from` to `end` until the depth falls to `target`. Returns the index after the closing bracket,
   * or -1 when the value goes on beyond `end`. Throws LIMIT_EXCEEDED when brackets nest too deep.
   */
  scan(bytes: Buffer, from: number, end: number, target: number): number {
    let at = this.#isInString ? this.scanString(bytes, from, end) : from;
    if (at < 0) return -1;
    let depth = this.#depth;
    let digitCount = this.#digitCount;
    while (at < end) {
      const byte = bytes[at++] as number;
      if (byte >= 0x30 && byte <= 0x39) {
        if (++digitCount >= longDigitCount) this.#hasLongDigits = true;
        continue;
      }
      digitCount = 0;
      if (byte === quote) {
        at = this.scanString(bytes, at, end);
        if (at < 0) break;
      } else if (byte === braceOpen || byte === bracketOpen) {
        if (++depth > this.#depthMax) throw tooDeep(this.#depthMax);
      } else if ((byte === braceClose || byte === bracketClose) && --depth <= target) {
        this.#depth = depth;
        return at;
      }
    }
    this.#depth = depth;
    this.#digitCount = digitCount;
    return -1;
  }

  /** Scans to the end of a string whose opening quote lies before `from`. Returns the index after it, or -1. */
  scanString(bytes: Buffer, from: number, end: number): number {
    let at = from;
    if (this.#isEscaped && at < end) {
      at += 1;
      this.#isEscaped = false;
    }
    while (at < end) {
      const byte = bytes[at++] as number;
      if (byte === quote) {
        this.#isInString = false;
        return at;
      }
      if (byte === backslash) {
        if (at === end) this.#isEscaped = true;
        at += 1;
      }
    }
    this.#isInString = true;
    return -1;
  }
}
