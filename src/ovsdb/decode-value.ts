/**
 * Values from the wire (RFC 7047 section 5.1) to TypeScript. A decoder is made once per column and then run for each row
 * of a dump, so it allocates nothing that it does not return. Constraints are not checked: the server has.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { AtomicType, BaseType, ColumnType } from './column-type.js';
import { isJsonArray } from './column-type.js';
import type { StringPool } from './string-pool.js';
import type { Atom, Json, Uuid, Value } from './types.js';
import { emptyMap, emptySet, integerMax, integerMin, isUuid } from './value-model.js';
import { writeJson } from './wire/json-exact.js';

export type ValueDecoder = (json: Json) => Value;
type AtomDecoder = (json: Json) => Atom;

/** Strings that repeat are stored once: `keys` for the keys of maps, `uuids` for references. */
export interface DecodePools {
  readonly keys: StringPool;
  readonly uuids: StringPool;
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

function atomDecoder(base: BaseType, pools: DecodePools | undefined, isMapKey: boolean): AtomDecoder {
  if (pools !== undefined && base.type === 'uuid') return (json) => pools.uuids.intern(decodeUuid(json));
  if (pools !== undefined && base.type === 'string' && isMapKey) {
    return (json) => (typeof json === 'string' ? pools.keys.intern(json) : decodeString(json));
  }
  return atomDecoders[base.type];
}

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

function mapDecoder(decodeKey: AtomDecoder, decodeItem: AtomDecoder): ValueDecoder {
  return (json) => {
    const pairs = isJsonArray(json) && json.length === 2 && json[0] === 'map' ? json[1] : undefined;
    if (!isJsonArray(pairs)) throw unexpected('["map", …]', json);
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

/** Makes the decoder of a column. It throws AgentError PEER_PROTOCOL for a value of another type. */
export function createDecoder(type: ColumnType, pools?: DecodePools): ValueDecoder {
  const decodeKey = atomDecoder(type.key, pools, type.kind === 'map');
  switch (type.kind) {
    case 'scalar':
      return scalarDecoder(decodeKey);
    case 'optional':
      return optionalDecoder(decodeKey);
    case 'set':
      return setDecoder(decodeKey);
    case 'map':
      return mapDecoder(decodeKey, atomDecoder(type.value ?? type.key, pools, false));
  }
}

/** Decodes one value. Throws AgentError PEER_PROTOCOL. For many values of one column use `createDecoder`. */
export function decodeValue(type: ColumnType, json: Json): Value {
  return createDecoder(type)(json);
}
