/**
 * Takes one big frame apart while it arrives: rows are cut out and parsed one by one, so that the work per chunk is
 * bounded and no object of a whole dump is built and thrown away. Used by FrameScanner for frames over its threshold.
 *
 * The shape it looks for, inside `result` or `params` (RFC 7047 section 4.1.5 and 4.1.6, ovsdb-server(7)):
 *
 *     { "result": … { "<table>": { "<uuid>": <row>, … }, … } … }      arrays between `result` and the tables add no level
 *
 * Everything else is the skeleton: kept as bytes, parsed at the end by JSON.parse, with a placeholder for each table.
 * So a frame of any other shape comes out right too, only not in slices.
 */

import { isAscii } from 'node:buffer';

import type { Json, JsonObject } from '../types.js';
import { BracketScanner, tooDeep } from './bracket-scanner.js';
import {
  braceClose,
  braceOpen,
  bracketClose,
  bracketOpen,
  ByteStore,
  colon,
  comma,
  isBlank,
  malformed,
  quote,
  textOf,
} from './bytes.js';
import { setMember } from './exact-parser.js';
import { parseBounded } from './json-exact.js';
import { isUuidText } from './uuid-text.js';

/** What a RowHook returns to leave the row in the message. */
export const keepRow: unique symbol = Symbol('keepRow');

/**
 * Called for each row of a big frame, in order of arrival. The row is dropped from the message unless `keepRow` is
 * returned. `section` tells replies (`result`) from notifications (`params`). What it throws ends the scan.
 */
export type RowHook = (table: string, rowUuid: string, row: JsonObject, section: 'result' | 'params') => unknown;

/** Where the next byte lies. */
type Level = 'top' | 'arrays' | 'tables' | 'rows';
/** What is being passed over: it may go on in the next chunk. */
type Pending = 'nothing' | 'container' | 'string' | 'word';
/** Inside a table's rows the slicer checks the grammar itself. */
type Expected = 'keyOrEnd' | 'key' | 'colon' | 'value' | 'commaOrEnd';

type MutableObject = Record<string, Json>;

/** Whether a JSON value is an object. */
function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** A uuid with its quotes. */
const uuidTokenSize = 38;

/** Where a row ends and the next one begins. */
const rowEnd = '}},"';
/** A number of sixteen places, or what looks like one inside of a string. */
const longNumber = /[:[,\s]-?[\d.]{16}/;

function parseText(text: string, hasLongDigits: boolean, bytes: Buffer, at: number): Json {
  try {
    return parseBounded(text, hasLongDigits);
  } catch (error) {
    throw malformed('invalid JSON', bytes, at, error);
  }
}

export class RowSlicer {
  readonly #scanner: BracketScanner;
  readonly #depthMax: number;
  readonly #hook: RowHook | undefined;
  readonly #skeleton = new ByteStore();
  readonly #token = new ByteStore();
  /** The rows that stay in the message, per placeholder. */
  readonly #kept: MutableObject[] = [];
  #level: Level = 'top';
  #pending: Pending = 'nothing';
  #expected: Expected = 'keyOrEnd';
  #isOpen = false;
  #isDone = false;
  #isAfterColon = false;
  #arrayCount = 0;
  #section = '';
  #table = '';
  #rowUuid = '';
  #isChunkAscii = true;
  /** The chunk as text, made when the first row is cut out of it, if it is ASCII. */
  #chunkText: string | undefined;
  /** Whether any row of that text may hold a number that a double cannot. */
  #mayHaveLongNumbers = false;
  /** Whether the pending thing is wanted as text, and where it starts in this chunk. */
  #isToken = false;
  #tokenStart = 0;
  #skeletonStart = 0;

  constructor(depthMax: number, hook: RowHook | undefined) {
    this.#scanner = new BracketScanner(depthMax);
    this.#depthMax = depthMax;
    this.#hook = hook;
  }

  /** Takes bytes from `from` on. Returns the index after the end of the frame, or -1 when the frame goes on. */
  push(chunk: Buffer, from: number): number {
    this.#isChunkAscii = isAscii(chunk);
    this.#chunkText = undefined;
    this.#skeletonStart = from;
    this.#tokenStart = from;
    let at = from;
    while (at < chunk.length && !this.#isDone) {
      at = this.#pending === 'nothing' ? this.#step(chunk, at) : this.#pass(chunk, at);
    }
    if (this.#level !== 'rows') this.#skeleton.append(chunk, this.#skeletonStart, at);
    if (this.#isToken) this.#token.append(chunk, this.#tokenStart, at);
    return this.#isDone ? at : -1;
  }

  /** The message, once `push` has found its end: the skeleton with the rows that were kept. */
  finish(): JsonObject {
    const bytes = this.#skeleton.view();
    const message = this.#parse(bytes, 0, bytes.length, true, isAscii(bytes));
    if (!isObject(message)) throw malformed('not an object', bytes, 0);
    for (const section of ['result', 'params']) this.#attach(message[section]);
    return message;
  }

  #step(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number;
    if (isBlank(byte)) return at + 1;
    switch (this.#level) {
      case 'top':
        return this.#inTop(at, byte);
      case 'arrays':
        return this.#inArrays(at, byte);
      case 'tables':
        return this.#inTables(chunk, at, byte);
      case 'rows':
        return this.#inRows(chunk, at, byte);
    }
  }

  #inTop(at: number, byte: number): number {
    if (!this.#isOpen) {
      this.#isOpen = true;
      return at + 1;
    }
    if (byte === braceClose) {
      this.#isDone = true;
      return at + 1;
    }
    if (byte !== braceOpen && byte !== bracketOpen) return this.#inObject(at, byte);
    if (this.#section !== 'result' && this.#section !== 'params') return this.#skipContainer(at, 1);
    this.#level = byte === braceOpen ? 'tables' : 'arrays';
    this.#arrayCount = byte === braceOpen ? 0 : 1;
    this.#isAfterColon = false;
    return at + 1;
  }

  #inArrays(at: number, byte: number): number {
    if (byte === quote) return this.#skipString(at);
    if (byte === bracketOpen && ++this.#arrayCount >= this.#depthMax) throw tooDeep(this.#depthMax);
    if (byte === bracketClose && --this.#arrayCount === 0) this.#level = 'top';
    if (byte === braceOpen) {
      this.#level = 'tables';
      this.#isAfterColon = false;
    }
    return at + 1;
  }

  #inTables(chunk: Buffer, at: number, byte: number): number {
    if (byte === bracketOpen) return this.#skipContainer(at, this.#arrayCount + 2);
    if (byte === braceClose) {
      this.#level = this.#arrayCount === 0 ? 'top' : 'arrays';
      return at + 1;
    }
    if (byte !== braceOpen) return this.#inObject(at, byte);
    this.#skeleton.append(chunk, this.#skeletonStart, at);
    const placeholder = Buffer.from(`{"":${this.#kept.length}}`);
    this.#skeleton.append(placeholder, 0, placeholder.length);
    this.#kept.push({});
    this.#level = 'rows';
    this.#expected = 'keyOrEnd';
    return at + 1;
  }

  /** Members of the top object and of the table map: only their keys matter. */
  #inObject(at: number, byte: number): number {
    if (byte === colon) this.#isAfterColon = true;
    if (byte === comma) this.#isAfterColon = false;
    if (byte !== quote) return at + 1;
    if (this.#isAfterColon) return this.#skipString(at);
    return this.#beginToken('string', at);
  }

  #inRows(chunk: Buffer, at: number, byte: number): number {
    const expected = this.#expected;
    if (byte === quote && (expected === 'keyOrEnd' || expected === 'key')) {
      const next = this.#isChunkAscii ? this.#takeWholeRows(chunk, at) : at;
      return next > at ? next : this.#beginToken('string', at);
    }
    if (byte === braceClose && (expected === 'keyOrEnd' || expected === 'commaOrEnd')) {
      this.#level = 'tables';
      this.#skeletonStart = at + 1;
      return at + 1;
    }
    if (byte === colon && expected === 'colon') this.#expected = 'value';
    else if (byte === comma && expected === 'commaOrEnd') this.#expected = 'key';
    else if (expected === 'value') return this.#beginValue(at, byte);
    else throw malformed(`unexpected byte where ${expected} belongs`, chunk, at);
    return at + 1;
  }

  /**
   * The way of least work for what ovsdb-server sends: rows keyed by uuid, without blanks, that end before the next row of
   * the same chunk does begin. Takes such rows from the quote at `from` on; returns where it stopped, at a quote again.
   *
   * A row is cut at the first `}},"`. That cannot be too late, and if it is too early (the text stands in a string or in
   * an inner object), the cut is no JSON, because no JSON object is the beginning of another. Whatever is odd in any way
   * is left to the scanner, which looks at each byte and knows what to say about it.
   */
  #takeWholeRows(chunk: Buffer, from: number): number {
    const text = this.#textOfChunk(chunk);
    const sizeMax = 2 * (this.#depthMax - this.#arrayCount - 3);
    let at = from;
    while (text.startsWith('":{', at + uuidTokenSize - 1)) {
      const start = at + uuidTokenSize + 1;
      const end = text.indexOf(rowEnd, start) + 2;
      // What is nested deeper than allowed has more brackets than this.
      if (end < start || end - start > sizeMax) break;
      const key = textOf(chunk, at + 1, at + uuidTokenSize - 1, true);
      const row = isUuidText(key) ? this.#wholeRow(text.slice(start, end)) : undefined;
      if (row === undefined) break;
      this.#rowUuid = key;
      this.#emit(row);
      this.#expected = 'key';
      at = end + 1;
    }
    return at;
  }

  /** The text as a row, unless it is none or holds a number that JSON.parse would round. */
  #wholeRow(text: string): JsonObject | undefined {
    if (this.#mayHaveLongNumbers && longNumber.test(text)) return undefined;
    try {
      return JSON.parse(text) as JsonObject;
    } catch {
      return undefined;
    }
  }

  #textOfChunk(chunk: Buffer): string {
    if (this.#chunkText === undefined) {
      this.#chunkText = textOf(chunk, 0, chunk.length, true);
      this.#mayHaveLongNumbers = longNumber.test(this.#chunkText);
    }
    return this.#chunkText;
  }

  #beginValue(at: number, byte: number): number {
    if (byte === quote) return this.#beginToken('string', at);
    if (byte !== braceOpen && byte !== bracketOpen) return this.#beginToken('word', at);
    this.#scanner.begin(this.#arrayCount + 3);
    this.#isToken = true;
    this.#tokenStart = at;
    this.#pending = 'container';
    return at;
  }

  #beginToken(pending: Pending, at: number): number {
    this.#scanner.begin(0);
    this.#isToken = true;
    this.#tokenStart = at;
    this.#pending = pending;
    return at + 1;
  }

  #skipString(at: number): number {
    this.#scanner.begin(0);
    this.#pending = 'string';
    return at + 1;
  }

  #skipContainer(at: number, depth: number): number {
    this.#scanner.begin(depth);
    this.#pending = 'container';
    return at;
  }

  /** Goes on with the pending thing; parses it when its end is in this chunk and it is wanted. */
  #pass(chunk: Buffer, from: number): number {
    const end = this.#endOfPending(chunk, from);
    if (end < 0) return chunk.length;
    const isWord = this.#pending === 'word';
    const hasLongDigits = isWord || this.#scanner.hasLongDigits;
    this.#pending = 'nothing';
    if (!this.#isToken) return end;
    this.#isToken = false;
    this.#take(this.#tokenValue(chunk, end, hasLongDigits), chunk, from);
    return end;
  }

  #endOfPending(chunk: Buffer, from: number): number {
    if (this.#pending === 'string') return this.#scanner.scanString(chunk, from, chunk.length);
    if (this.#pending === 'container') return this.#scanner.scan(chunk, from, chunk.length, this.#shallowDepth());
    let at = from;
    while (at < chunk.length) {
      const byte = chunk[at] as number;
      if (byte === comma || byte === braceClose || isBlank(byte)) return at;
      at += 1;
    }
    return -1;
  }

  /** How many brackets are open around the pending container. */
  #shallowDepth(): number {
    if (this.#level === 'top') return 1;
    return this.#level === 'rows' ? this.#arrayCount + 3 : this.#arrayCount + 2;
  }

  #tokenValue(chunk: Buffer, end: number, hasLongDigits: boolean): Json {
    if (this.#token.size === 0) return this.#chunkValue(chunk, this.#tokenStart, end, hasLongDigits);
    this.#token.append(chunk, this.#tokenStart, end);
    const bytes = this.#token.view();
    const value = this.#parse(bytes, 0, bytes.length, hasLongDigits, isAscii(bytes));
    this.#token.clear();
    return value;
  }

  /** A value that lies in this chunk as a whole: nearly all of them, so the way of least work. */
  #chunkValue(chunk: Buffer, start: number, end: number, hasLongDigits: boolean): Json {
    if (!this.#isChunkAscii) return this.#parse(chunk, start, end, hasLongDigits, false);
    if (this.#level === 'rows' && chunk[start] === quote && end - start === uuidTokenSize) {
      // A copy: a slice of the chunk's text would keep all of it in memory for as long as the row lives.
      const text = textOf(chunk, start + 1, end - 1, true);
      if (isUuidText(text)) return text;
    }
    // Slices share the chunk's text; JSON.parse copies what it keeps.
    return parseText(this.#textOfChunk(chunk).slice(start, end), hasLongDigits, chunk, start);
  }

  #parse(bytes: Buffer, start: number, end: number, hasLongDigits: boolean, isKnownAscii: boolean): Json {
    return parseText(textOf(bytes, start, end, isKnownAscii), hasLongDigits, bytes, start);
  }

  #take(value: Json, chunk: Buffer, at: number): void {
    const isKey = this.#level !== 'rows' || this.#expected === 'keyOrEnd' || this.#expected === 'key';
    if (!isKey) {
      this.#expected = 'commaOrEnd';
      this.#emit(value);
      return;
    }
    if (typeof value !== 'string') throw malformed('a key is no string', chunk, at);
    if (this.#level === 'top') this.#section = value;
    else if (this.#level === 'tables') this.#table = value;
    else {
      this.#rowUuid = value;
      this.#expected = 'colon';
    }
  }

  #emit(value: Json): void {
    if (this.#hook !== undefined && isObject(value)) {
      const section = this.#section === 'result' ? 'result' : 'params';
      if (this.#hook(this.#table, this.#rowUuid, value, section) !== keepRow) return;
    }
    const rows = this.#kept.at(-1);
    if (rows !== undefined) setMember(rows, this.#rowUuid, value);
  }

  /** Replaces the placeholders: by construction every object that is a direct value of a table map is one. */
  #attach(json: Json | undefined): void {
    if (Array.isArray(json)) {
      for (const item of json as readonly Json[]) this.#attach(item);
    } else if (isObject(json)) {
      for (const [table, value] of Object.entries(json)) {
        const index = isObject(value) ? value[''] : undefined;
        const rows = typeof index === 'number' ? this.#kept[index] : undefined;
        if (rows !== undefined) setMember(json, table, rows);
      }
    }
  }
}
