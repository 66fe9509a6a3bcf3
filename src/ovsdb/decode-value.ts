/**
 * Values from the wire (RFC 7047 section 5.1) to TypeScript. A decoder is made once per column and then run for each row
 * of a dump, so it allocates nothing that it does not return. Constraints are not checked: the server has.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { AtomicType, ColumnType } from './column-type.js';
import { isJsonArray } from './column-type.js';
import type { StringPool } from './string-pool.js';
import type { Atom, Json, Uuid, Value } from './types.js';
import { emptyMap, emptySet, integerMax, integerMin, isUuid } from './value-model.js';
import { writeJson } from './wire/json-exact.js';

export type ValueDecoder = (json: Json) => Value;
type AtomDecoder = (json: Json) => Atom;

/** Strings that repeat are stored once. References are not: nearly every row is referred to once. */
export interface DecodePools {
  /** For the keys of maps. */
  readonly keys: StringPool;
}

function unexpected(expected: string, json: Json): AgentError {
  const value = safeText(typeof json === 'string' ? json : previewOf(json), 128);
  return new AgentError('PEER_PROTOCOL', 'the server sent a value of another type than its schema says', {
    facts: { expected, value },
  });
}

function previewOf(json: Json): string {
  return isJsonArray(json) && json.length > 8 ? `an array of ${json.length}` : writeJson(json);
}

function decodeInteger(json: Json): Atom {
  if (typeof json === 'number' && Number.isInteger(json)) {
    // Adding zero turns -0 into 0. 1e17 is an integer for the server, and exact: it was written with few digits.
    return Number.isSafeInteger(json) ? json + 0 : decodeInteger(BigInt(json));
  }
  if (typeof json === 'bigint' && json >= integerMin && json <= integerMax) return json;
  throw unexpected('integer', json);
}

function decodeReal(json: Json): Atom {
  if (typeof json === 'number') return json;
  if (typeof json === 'bigint') return Number(json);
  throw unexpected('real', json);
}

function decodeBoolean(json: Json): Atom {
  if (typeof json === 'boolean') return json;
  throw unexpected('boolean', json);
}

function decodeString(json: Json): Atom {
  if (typeof json === 'string') return json;
  throw unexpected('string', json);
}

function decodeUuid(json: Json): Uuid {
  if (isJsonArray(json) && json.length === 2 && json[0] === 'uuid') {
    const text = json[1];
    if (typeof text === 'string' && isUuid(text)) return text;
  }
  throw unexpected('["uuid", …]', json);
}

const atomDecoders: Readonly<Record<AtomicType, AtomDecoder>> = {
  integer: decodeInteger,
  real: decodeReal,
  boolean: decodeBoolean,
  string: decodeString,
  uuid: decodeUuid,
};

/** The members of `["set", […]]`, or undefined when the value is a bare atom, which stands for a set of one. */
function setMembers(json: Json): readonly Json[] | undefined {
  if (!isJsonArray(json) || json.length !== 2 || json[0] !== 'set') return undefined;
  return isJsonArray(json[1]) ? json[1] : undefined;
}

/** An atom, also when it is sent as a set of one. */
function scalarDecoder(decode: AtomDecoder): ValueDecoder {
  return (json) => {
    const members = setMembers(json);
    if (members === undefined) return decode(json);
    const [only] = members;
    if (members.length !== 1 || only === undefined) throw unexpected('exactly one value', json);
    return decode(only);
  };
}

function optionalDecoder(decode: AtomDecoder): ValueDecoder {
  const decodeOne = scalarDecoder(decode);
  return (json) => (setMembers(json)?.length === 0 ? undefined : decodeOne(json));
}

function setDecoder(decode: AtomDecoder): ValueDecoder {
  return (json) => {
    const members = setMembers(json);
    if (members === undefined) return Object.freeze([decode(json)]);
    if (members.length === 0) return emptySet;
    return Object.freeze(members.map(decode));
  };
}

function mapPairs(json: Json): readonly Json[] {
  const pairs = isJsonArray(json) && json.length === 2 && json[0] === 'map' ? json[1] : undefined;
  if (!isJsonArray(pairs)) throw unexpected('["map", …]', json);
  return pairs;
}

function mapDecoder(decodeKey: AtomDecoder, decodeItem: AtomDecoder): ValueDecoder {
  return (json) => {
    const pairs = mapPairs(json);
    if (pairs.length === 0) return emptyMap;
    const map = new Map<Atom, Atom>();
    for (const pair of pairs) {
      const [key, item] = isJsonArray(pair) && pair.length === 2 ? pair : [];
      if (key === undefined || item === undefined) throw unexpected('[key, value]', pair);
      map.set(decodeKey(key), decodeItem(item));
    }
    return map;
  };
}

/** How many places of maps remember their last key. */
const placesMax = 64;

/** From text to text, as most of the bytes of a dump are: the Map is made of the pairs as they were parsed. */
function textMapDecoder(keys: StringPool): ValueDecoder {
  /** The keys of the last row: the server sorts them, so those of the next one stand at the same places. */
  const last: string[] = [];
  return (json) => {
    const pairs = mapPairs(json);
    if (pairs.length === 0) return emptyMap;
    for (let at = 0; at < pairs.length; at += 1) {
      const pair = pairs[at];
      if (!isTextPair(pair)) throw unexpected('[key, value]', pair ?? null);
      // The one write into a message: another copy of the same text.
      const known = last[at];
      pair[0] = known === pair[0] ? known : keys.intern(pair[0]);
      if (at < placesMax) last[at] = pair[0];
    }
    return new Map(pairs as readonly (readonly [string, string])[]);
  };
}

function isTextPair(json: Json | undefined): json is [string, string] {
  return Array.isArray(json) && json.length === 2 && typeof json[0] === 'string' && typeof json[1] === 'string';
}

/** Makes the decoder of a column. It throws AgentError PEER_PROTOCOL for a value of another type. */
export function createDecoder(type: ColumnType, pools?: DecodePools): ValueDecoder {
  const decodeKey = atomDecoders[type.key.type];
  switch (type.kind) {
    case 'scalar':
      return scalarDecoder(decodeKey);
    case 'optional':
      return optionalDecoder(decodeKey);
    case 'set':
      return setDecoder(decodeKey);
    case 'map': {
      const item = (type.value ?? type.key).type;
      if (pools !== undefined && type.key.type === 'string' && item === 'string') return textMapDecoder(pools.keys);
      return mapDecoder(decodeKey, atomDecoders[item]);
    }
  }
}

/** Decodes one value. Throws AgentError PEER_PROTOCOL. For many values of one column use `createDecoder`. */
export function decodeValue(type: ColumnType, json: Json): Value {
  return createDecoder(type)(json);
}
