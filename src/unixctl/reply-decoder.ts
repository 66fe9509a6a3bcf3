/**
 * Decodes the answers of a unixctl server while they arrive. unixctl puts JSON objects back to back without any framing
 * (ovs-appctl(8) speaks JSON-RPC 1.0 as RFC 7047 section 4 does), and a dump of flows is one JSON string of hundreds of
 * megabytes: it is unescaped and handed on piece by piece, and never held as a whole here.
 *
 * The members of an answer come in any order, so the text may come before the id that says whose it is. The client asks
 * one thing at a time and compares the id at the end.
 */

import { AgentError } from '../lib/errors.js';

/** Takes an answer apart. `bytes` and `newline` are called for `result` only, in the order of the text. */
export interface ReplySink {
  /** A piece of the text as UTF-8. The buffer is not used again by the decoder. A character may be cut in two. */
  bytes(buffer: Buffer, start: number, end: number): void;
  /** A line ends here. */
  newline(): void;
  /** The answer is complete. `error` holds the daemon's words when it refused. */
  end(id: number, error: string | undefined): void;
}

type State =
  /** Between two answers. */
  | 'between'
  /** After `{`: a member or the end. */
  | 'first'
  /** After `,`: a member. */
  | 'member'
  /** Inside the name of a member, which ends with a quote. */
  | 'name'
  /** After the name. */
  | 'colon'
  /** After the colon. */
  | 'value'
  /** Inside a number or a word, which ends with what may follow a value. */
  | 'word'
  /** Inside a string. */
  | 'string'
  /** Inside an object or array that nobody wants. */
  | 'nested'
  /** After a value: `,` or the end. */
  | 'after';

/** Names and words of the protocol are short; what is longer is none of them. */
const wordSizeMax = 64;
/** Of a refusal only the beginning is kept. */
const errorSizeMax = 4096;

export class ReplyDecoder {
  readonly #sink: ReplySink;
  #state: State = 'between';
  #name = '';
  #word = '';
  /** Where the bytes of the string under way go. */
  #target: 'result' | 'error' | 'nowhere' = 'nowhere';
  #escape: 'none' | 'backslash' | 'unicode' = 'none';
  #digits = '';
  /** First half of a surrogate pair, which comes as two escapes. */
  #highSurrogate = 0;
  #depth = 0;
  #isInNestedString = false;
  #id: number | undefined;
  #error: Buffer[] | undefined;
  #errorSize = 0;
  #hasResult = false;

  constructor(sink: ReplySink) {
    this.#sink = sink;
  }

  /** @throws AgentError PEER_PROTOCOL; the decoder is of no use afterwards */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#state === 'string' ? this.#string(chunk, at) : this.#step(chunk, at);
  }

  /** One byte outside of strings. Returns where to go on. */
  #step(chunk: Buffer, at: number): number {
    const code = chunk[at] ?? 0;
    if (this.#state === 'nested') return this.#nested(code, at);
    if (this.#state === 'name') return this.#inName(code, at);
    if (this.#state === 'word') {
      if (!isEndOfWord(code)) return this.#grow(code, at);
      this.#endWord();
    }
    if (isSpace(code)) return at + 1;
    if (this.#state === 'between' && code === openBrace) return this.#go('first', at);
    if (this.#state === 'first' && code === closeBrace) return this.#endObject(at);
    if ((this.#state === 'first' || this.#state === 'member') && code === quote) {
      this.#name = '';
      return this.#go('name', at);
    }
    if (this.#state === 'colon' && code === colon) return this.#go('value', at);
    if (this.#state === 'value') return this.#startValue(code, at);
    if (this.#state === 'after' && code === comma) return this.#go('member', at);
    if (this.#state === 'after' && code === closeBrace) return this.#endObject(at);
    throw broken();
  }

  #go(state: State, at: number): number {
    this.#state = state;
    return at + 1;
  }

  #inName(code: number, at: number): number {
    if (code === quote) return this.#go('colon', at);
    if (code === backslash || this.#name.length >= wordSizeMax) throw broken();
    this.#name += String.fromCharCode(code);
    return at + 1;
  }

  #startValue(code: number, at: number): number {
    if (code === quote) {
      if (this.#name === 'result') this.#hasResult = true;
      if (this.#name === 'error') this.#error = [];
      this.#target = this.#name === 'result' || this.#name === 'error' ? this.#name : 'nowhere';
      return this.#go('string', at);
    }
    if (code === openBrace || code === openBracket) {
      // An answer in JSON has to be asked for (set-options), and this client does not.
      if (this.#name === 'result' || this.#name === 'error') throw broken();
      this.#depth = 1;
      return this.#go('nested', at);
    }
    this.#word = '';
    this.#state = 'word';
    return this.#grow(code, at);
  }

  #grow(code: number, at: number): number {
    if (this.#word.length >= wordSizeMax) throw broken();
    this.#word += String.fromCharCode(code);
    return at + 1;
  }

  #endWord(): void {
    if (!/^(?:null|true|false|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(this.#word)) throw broken();
    if (this.#name === 'id' && /^\d{1,15}$/.test(this.#word)) this.#id = Number(this.#word);
    this.#state = 'after';
  }

  #nested(code: number, at: number): number {
    if (this.#isInNestedString) {
      if (this.#escape === 'backslash') this.#escape = 'none';
      else if (code === backslash) this.#escape = 'backslash';
      else if (code === quote) this.#isInNestedString = false;
      return at + 1;
    }
    if (code === quote) this.#isInNestedString = true;
    else if (code === openBrace || code === openBracket) this.#depth += 1;
    else if (code === closeBrace || code === closeBracket) this.#depth -= 1;
    if (this.#depth === 0) this.#state = 'after';
    return at + 1;
  }

  /** Up to the end of the string or of the chunk: plain runs are found by searching, not byte by byte. */
  #string(chunk: Buffer, start: number): number {
    let at = start;
    let quoteAt = -1;
    while (at < chunk.length) {
      if (this.#escape !== 'none') {
        at = this.#escaped(chunk[at] ?? 0, at);
        continue;
      }
      if (quoteAt < at) quoteAt = indexOr(chunk.indexOf(quote, at), chunk.length);
      const stop = Math.min(quoteAt, indexOr(chunk.indexOf(backslash, at), chunk.length));
      if (stop > at) this.#emit(chunk, at, stop);
      if (stop === chunk.length) return stop;
      if (stop === quoteAt) {
        this.#endSurrogate();
        return this.#go('after', stop);
      }
      this.#escape = 'backslash';
      at = stop + 1;
    }
    return at;
  }

  #escaped(code: number, at: number): number {
    if (this.#escape === 'unicode') {
      this.#digits += String.fromCharCode(code);
      if (this.#digits.length === 4) this.#unicode();
      return at + 1;
    }
    if (code === letterU) {
      this.#digits = '';
      this.#escape = 'unicode';
      return at + 1;
    }
    this.#escape = 'none';
    this.#endSurrogate();
    if (code === letterN && this.#target === 'result') {
      this.#sink.newline();
      return at + 1;
    }
    const plain = escapes.get(code);
    if (plain === undefined) throw broken();
    this.#emit(plain, 0, plain.length);
    return at + 1;
  }

  /** RFC 8259 section 7: characters outside the basic plane are two escapes. */
  #unicode(): void {
    if (!/^[0-9a-fA-F]{4}$/.test(this.#digits)) throw broken();
    this.#escape = 'none';
    const unit = Number.parseInt(this.#digits, 16);
    const high = this.#highSurrogate;
    if (high !== 0 && unit >= 0xdc00 && unit < 0xe000) {
      this.#highSurrogate = 0;
      this.#emitText(String.fromCharCode(high, unit));
      return;
    }
    this.#endSurrogate();
    if (unit >= 0xd800 && unit < 0xdc00) this.#highSurrogate = unit;
    else if (unit === 10 && this.#target === 'result') this.#sink.newline();
    else this.#emitText(String.fromCharCode(unit));
  }

  /** A lone half becomes U+FFFD, as everywhere in UTF-8. */
  #endSurrogate(): void {
    if (this.#highSurrogate === 0) return;
    this.#highSurrogate = 0;
    this.#emitText('\ufffd');
  }

  #emitText(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.#emit(bytes, 0, bytes.length);
  }

  #emit(buffer: Buffer, start: number, end: number): void {
    this.#endSurrogate();
    if (this.#target === 'result') this.#sink.bytes(buffer, start, end);
    else if (this.#target === 'error' && this.#errorSize < errorSizeMax) {
      const kept = Buffer.from(buffer.subarray(start, Math.min(end, start + errorSizeMax - this.#errorSize)));
      this.#errorSize += kept.length;
      this.#error?.push(kept);
    }
  }

  #endObject(at: number): number {
    const id = this.#id;
    // A refusal has no `result`, a success has `error: null` or none.
    if (id === undefined || (this.#error === undefined && !this.#hasResult)) throw broken();
    const error = this.#error === undefined ? undefined : Buffer.concat(this.#error).toString('utf8');
    this.#state = 'between';
    this.#id = undefined;
    this.#error = undefined;
    this.#errorSize = 0;
    this.#hasResult = false;
    this.#sink.end(id, error);
    return at + 1;
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const colon = 0x3a;
const comma = 0x2c;
const letterN = 0x6e;
const letterU = 0x75;

/** RFC 8259 section 7. */
const escapes: ReadonlyMap<number, Buffer> = new Map(
  ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'].map((pair) => [
    pair.charCodeAt(0),
    Buffer.from(pair.slice(1), 'latin1'),
  ]),
);

const indexOr = (index: number, otherwise: number): number => (index < 0 ? otherwise : index);
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
const isEndOfWord = (code: number): boolean => code === comma || code === closeBrace || isSpace(code);

function broken(): AgentError {
  return new AgentError('PEER_PROTOCOL', 'the daemon sent something that is no answer of unixctl');
}
