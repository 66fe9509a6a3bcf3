/**
 * Cuts a byte stream into JSON objects. unixctl puts them back to back without any framing (ovs-appctl(8) speaks JSON-RPC
 * 1.0 as RFC 7047 section 4 does), so the end of one is where its brackets close. Checks nothing else: JSON.parse does.
 */

import { StringDecoder } from 'node:string_decoder';
import { AgentError } from '../lib/errors.js';

export class ObjectSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #lengthMax: number;
  /** The object under way, in the pieces in which it came. */
  #pieces: string[] = [];
  #length = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** @param lengthMax longest object, UTF-16 units */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /**
   * The objects that are complete with these bytes.
   * @throws AgentError PEER_PROTOCOL for anything but objects, LIMIT_EXCEEDED for one that is too long
   */
  push(bytes: Buffer): readonly string[] {
    const text = this.#decoder.write(bytes);
    const complete: string[] = [];
    let start = 0;
    for (let at = 0; at < text.length; at += 1) {
      if (!this.#step(text.charCodeAt(at))) continue;
      complete.push(this.#pieces.join('') + text.slice(start, at + 1));
      this.#pieces = [];
      this.#length = 0;
      start = at + 1;
    }
    this.#keep(text.slice(start));
    return complete;
  }

  #keep(rest: string): void {
    if (this.#depth === 0) return;
    this.#pieces.push(rest);
    this.#length += rest.length;
    if (this.#length <= this.#lengthMax) return;
    throw new AgentError('LIMIT_EXCEEDED', `an answer is longer than ${this.#lengthMax} characters`);
  }

  /** Whether an object ends with this character. */
  #step(code: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (code === backslash) this.#isEscaped = true;
      else if (code === quote) this.#isInString = false;
      return false;
    }
    if (code === openBrace || code === openBracket) {
      this.#depth += 1;
      return false;
    }
    if (this.#depth === 0) {
      if (!isSpace(code)) throw new AgentError('PEER_PROTOCOL', 'the daemon sent something that is no JSON object');
      return false;
    }
    if (code === quote) this.#isInString = true;
    if (code !== closeBrace && code !== closeBracket) return false;
    this.#depth -= 1;
    return this.#depth === 0;
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
