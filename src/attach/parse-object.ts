/**
 * Reads the text of an annotation as one JSON object, within bounds. Every reader of annotations in this folder starts
 * here: the host cluster writes these texts, and a tenant may. Keys are only ever keys of a Map, so `__proto__` is a key
 * like any other. What the members mean is not decided here.
 */

import type { AnnotationText } from '../model/pod.js';
import { nestingDepth } from './json-text.js';

/** Bounds of a text; what is beyond one is unparsable. */
export interface ObjectLimits {
  /** Size of the text in UTF-8. */
  readonly sizeBytesMax: number;
  readonly keyCountMax: number;
}

/** What the annotations of one pod need at most: a pod has a handful of networks, of some hundred bytes each. */
export const annotationLimits: ObjectLimits = { sizeBytesMax: 16 * 1024, keyCountMax: 32 };

/** The deepest of the known formats nests four levels; whoever walks the values may recurse safely within this. */
const depthMax = 16;

/** An object of `JSON.parse`: look members up by `memberOf` or `Object.hasOwn`, never by plain access. */
export type JsonObject = Readonly<Record<string, unknown>>;

export interface Unparsable {
  readonly kind: 'unparsable';
  /** One sentence for a person, safe to print. */
  readonly problem: string;
}

export type ObjectReading =
  | { readonly kind: 'absent' }
  | Unparsable
  | { readonly kind: 'object'; readonly entries: ReadonlyMap<string, unknown> };

/**
 * The members of the object that `text` holds. The text `null` counts as absent, as a Go map has it; everything else that
 * is no object is unparsable, which must never be taken for absent: absent means detach.
 */
export function parseObject(text: AnnotationText, limits: ObjectLimits = annotationLimits): ObjectReading {
  if (text === undefined) return { kind: 'absent' };
  const sizeBytes = typeof text === 'string' ? Buffer.byteLength(text) : text.sizeBytes;
  if (typeof text !== 'string' || sizeBytes > limits.sizeBytesMax) {
    return unparsable(`The text has ${sizeBytes} bytes; at most ${limits.sizeBytesMax} are read.`);
  }
  const value = parseJson(text);
  if (value === undefined) return unparsable('The text is not valid JSON.');
  if (value === null) return { kind: 'absent' };
  if (!isJsonObject(value)) return unparsable(`The text is ${nameOfKind(value)}, not an object.`);
  if (nestingDepth(text) > depthMax) return unparsable(`The text nests more than ${depthMax} levels.`);
  const entries = new Map(Object.entries(value));
  if (entries.size > limits.keyCountMax) {
    return unparsable(`The object has ${entries.size} keys; at most ${limits.keyCountMax} are read.`);
  }
  return { kind: 'object', entries };
}

/** Whether `value` is a JSON object (and no list, and not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What an object has under a name. */
export type Member =
  | { readonly kind: 'absent' }
  | { readonly kind: 'value'; readonly value: unknown }
  /** Several spellings that differ in letter case only hold different values; which of them counts, only their writer knows. */
  | { readonly kind: 'ambiguous' };

/**
 * The member `name` in any letter case, as Go's decoder takes it. The exact spelling wins over all others. Null counts as
 * absent: Go leaves the field as it was.
 */
export function memberOf(object: JsonObject, name: string): Member {
  if (Object.hasOwn(object, name)) return memberValue(object[name]);
  const folded = name.toLowerCase();
  const values = Object.entries(object).filter(([key]) => key.toLowerCase() === folded);
  const [first] = values;
  if (first === undefined) return { kind: 'absent' };
  if (values.some(([, value]) => value !== first[1])) return { kind: 'ambiguous' };
  return memberValue(first[1]);
}

function memberValue(value: unknown): Member {
  return value === null ? { kind: 'absent' } : { kind: 'value', value };
}

/** What a value is, for a sentence: `a number`. */
export function nameOfKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function unparsable(problem: string): Unparsable {
  return { kind: 'unparsable', problem };
}

/** The value, or undefined when the text is not JSON: no JSON text means undefined. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
