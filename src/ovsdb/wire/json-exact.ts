/**
 * JSON as OVSDB needs it: integers are exact in both directions (RFC 7047 section 3.1 has 64-bit integers, JSON.parse has
 * 53 bits) and nothing is written that makes ovsdb-server drop the connection. Used for every text that is read or sent;
 * it knows nothing of frames or of the meaning of values.
 */

import { AgentError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';
import type { Json, JsonObject } from '../types.js';
import { ExactParser } from './exact-parser.js';

/** ovsdb-server's own limit (json.c, JSON_MAX_HEIGHT): a deeper text makes it drop the connection. */
export const jsonDepthMax = 1000;

const longDigitRun = /\d{16}/;
// eslint-disable-next-line no-control-regex -- U+0000 is what the server refuses
const needsEscape = /["\\\u0000-\u001f\ud800-\udfff]/u;
// eslint-disable-next-line no-control-regex -- the same
const forbidden = /[\u0000\ud800-\udfff]/u;

function isTooDeep(text: string, depthMax: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) isInString = !isInString;
    else if (isInString) at += code === 0x5c ? 1 : 0;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMax) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

/**
 * Parses one JSON text whose depth is known to be bounded. `hasLongDigits` may be true too often, never too rarely.
 * Throws SyntaxError.
 */
export function parseBounded(text: string, hasLongDigits: boolean): Json {
  return hasLongDigits ? new ExactParser(text, jsonDepthMax).parse() : (JSON.parse(text) as Json);
}

/**
 * Parses one JSON text. Integers outside ±(2^53 - 1) become bigint; `1.0` and `1e3` are integers, as for the server.
 * Throws AgentError PEER_PROTOCOL when the text is no JSON or nests deeper than 1000.
 */
export function parseJsonExact(text: string): Json {
  try {
    if (text.length > jsonDepthMax && isTooDeep(text, jsonDepthMax)) throw new SyntaxError('nested too deep');
    return parseBounded(text, longDigitRun.test(text));
  } catch (error) {
    const facts = { context: safeText(text, 256), size: text.length };
    throw new AgentError('PEER_PROTOCOL', 'malformed JSON', { cause: error, facts });
  }
}

function refuse(rule: string, value: string): never {
  throw new AgentError('OVSDB_VALUE_INVALID', `value cannot be sent: ${rule}`, {
    facts: { rule, value: safeText(value, 64) },
  });
}

/** Whether OVSDB can store the text: U+0000 and lone surrogates make the server drop the connection or refuse it. */
export function isStorableText(text: string): boolean {
  return !forbidden.test(text);
}

function writeText(text: string): string {
  if (!needsEscape.test(text)) return `"${text}"`;
  if (!isStorableText(text)) refuse('U+0000 and lone surrogates cannot be stored', text);
  return JSON.stringify(text);
}

function writeArray(array: readonly Json[], depth: number): string {
  let out = '[';
  for (const item of array) out += `${out.length > 1 ? ',' : ''}${write(item, depth)}`;
  return `${out}]`;
}

function writeObject(object: { readonly [key: string]: Json }, depth: number): string {
  let out = '{';
  for (const [key, value] of Object.entries(object)) {
    out += `${out.length > 1 ? ',' : ''}${writeText(key)}:${write(value, depth)}`;
  }
  return `${out}}`;
}

/** Least magnitude of a real other than zero: below it strtod(3) reports a range error, and ovsdb-server hangs up. */
const realLeast = 2 ** -1022;
/**
 * Greatest magnitude of a real. The server prints 15 significant digits; anything greater would be printed as a number past
 * the range of a double, which it could not read back from its own database file.
 */
const realGreatest = 1.79769313486231e308;

/** Whether ovsdb-server can take, keep and read back the number. */
export function isStorableReal(value: number): boolean {
  const magnitude = Math.abs(value);
  return magnitude === 0 || (magnitude >= realLeast && magnitude <= realGreatest);
}

function write(value: Json, depth: number): string {
  if (typeof value === 'string') return writeText(value);
  if (typeof value === 'number')
    return isStorableReal(value) ? String(value) : refuse('a number that the server cannot keep', String(value));
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') return refuse('not a JSON value', typeof value);
  if (depth >= jsonDepthMax) return refuse('nested deeper than 1000', '');
  return Array.isArray(value)
    ? writeArray(value as readonly Json[], depth + 1)
    : writeObject(value as { readonly [key: string]: Json }, depth + 1);
}

/** In a text of JSON.stringify: what it makes of U+0000 and of lone surrogates, or an escaped backslash before the same. */
const suspicious = /\\u(?:0000|d[89a-f])/;

/** Whether JSON.stringify writes the value as `write` does, apart from the characters of strings. */
function isPlain(value: Json, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return isStorableReal(value);
  if (typeof value !== 'object' || depth >= jsonDepthMax) return false;
  if (Array.isArray(value)) return (value as readonly Json[]).every((item) => isPlain(item, depth + 1));
  const object = value as JsonObject;
  for (const key in object) if (!isPlain(object[key] as Json, depth + 1)) return false;
  return true;
}

/**
 * Writes one JSON text without blanks. Throws AgentError OVSDB_VALUE_INVALID for what would break the session: U+0000,
 * lone surrogates, numbers that are not finite, nesting deeper than 1000.
 */
export function writeJson(value: Json): string {
  if (isPlain(value, 0)) {
    const text = JSON.stringify(value);
    if (!suspicious.test(text)) return text;
  }
  // What is no plain value, or may hold a character that cannot be sent, is written piece by piece.
  return write(value, 0);
}
