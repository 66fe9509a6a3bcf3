/**
 * A JSON parser (RFC 8259) that keeps integers exact: those outside the safe range of a double become `bigint`. Several
 * times slower than JSON.parse, so parseJsonExact hands it only texts that hold a long run of digits. It does not stream.
 */

import type { Json } from '../types.js';

/** What a text of JSON may look like between tokens (RFC 8259 section 2). */
const blank = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
/** A string without its closing quote: the rest is checked by JSON.parse when there is an escape in it. */
const stringBody = /"(?:[^"\\]|\\.)*"/sy;
// eslint-disable-next-line no-control-regex -- raw control characters are what RFC 8259 section 7 forbids
const notPlain = /[\\\u0000-\u001f]/;

/** The largest power of ten that is shifted into an integer: int64 has 19 digits, so anything longer is a real. */
const digitCountMax = 19;

/**
 * A number as OVS's json.c reads it: it is an integer whenever its exact value is one, however it is spelled (`1.0`,
 * `1e3`). Integers outside the safe range become bigint; what has more than 19 digits is a real, as for the server.
 */
export function exactNumber(token: string): number | bigint {
  const value = Number(token);
  if (!Number.isInteger(value)) return value;
  if (Number.isSafeInteger(value)) return value;
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const significant = fraction.replace(/0+$/, '');
  const zeros = Number(exponent) - significant.length;
  if (zeros < 0 || zeros > digitCountMax) return value;
  const digits = `${whole}${significant}${'0'.repeat(zeros)}`;
  return digits.replace(/^-?0*/, '').length > digitCountMax ? value : BigInt(digits);
}

/** Assigns an own member, also when it is called `__proto__`, which a plain assignment would not make a member. */
export function setMember(target: Record<string, Json>, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}

/** One parse of one text. Throws SyntaxError, like JSON.parse; the caller gives it a code. */
export class ExactParser {
  readonly #text: string;
  readonly #depthMax: number;
  #at = 0;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  parse(): Json {
    const value = this.#value(0);
    this.#skipBlank();
    if (this.#at < this.#text.length) this.#fail('text after the value');
    return value;
  }

  #value(depth: number): Json {
    if (depth > this.#depthMax) this.#fail('nested too deep');
    this.#skipBlank();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return exactNumber(this.#token(number, 'a value'));
    }
  }

  #object(depth: number): Json {
    const object: Record<string, Json> = {};
    this.#at += 1;
    if (this.#accept('}')) return object;
    do {
      this.#skipBlank();
      const key = this.#string();
      if (!this.#accept(':')) this.#fail('a colon is missing');
      setMember(object, key, this.#value(depth + 1));
    } while (this.#accept(','));
    if (!this.#accept('}')) this.#fail('a closing brace is missing');
    return object;
  }

  #array(depth: number): Json {
    const array: Json[] = [];
    this.#at += 1;
    if (this.#accept(']')) return array;
    do array.push(this.#value(depth + 1));
    while (this.#accept(','));
    if (!this.#accept(']')) this.#fail('a closing bracket is missing');
    return array;
  }

  #string(): string {
    const quoted = this.#token(stringBody, 'a string');
    return notPlain.test(quoted) ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail('an unknown word');
    this.#at += word.length;
    return value;
  }

  #token(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) this.#fail(`${what} is missing`);
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #accept(mark: string): boolean {
    this.#skipBlank();
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  #skipBlank(): void {
    blank.lastIndex = this.#at;
    blank.test(this.#text);
    this.#at = blank.lastIndex;
  }

  #fail(what: string): never {
    throw new SyntaxError(`${what} at position ${this.#at}`);
  }
}
