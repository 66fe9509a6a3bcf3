/**
 * What is true of values whatever their way to or from the wire: uuids, the range of integers, the shared empty values,
 * defaults and equality. Used by decoding, encoding, diffs, conditions and the replica.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { BaseType, ColumnType } from './column-type.js';
import type { Atom, Uuid, Value } from './types.js';
import { isUuidText } from './wire/uuid-text.js';

/** The range of an OVSDB integer (RFC 7047 section 3.1). */
export const integerMin = -(2n ** 63n);
export const integerMax = 2n ** 63n - 1n;

/** Whether the text is a uuid as the server writes it: lower case. */
export function isUuid(text: string): text is Uuid {
  return isUuidText(text);
}

/** The uuid that `text` spells, in lower case. Throws AgentError OVSDB_VALUE_INVALID. */
export function toUuid(text: string): Uuid {
  const lower = text.toLowerCase();
  if (isUuid(lower)) return lower;
  throw new AgentError('OVSDB_VALUE_INVALID', 'not a uuid', { facts: { value: safeText(text, 64) } });
}

/** Every empty set and every empty map of the replica is this one: most columns of most rows are empty. */
export const emptySet: readonly Atom[] = Object.freeze([]);
export const emptyMap: ReadonlyMap<Atom, Atom> = Object.freeze(new Map<Atom, Atom>());

const zeroUuid = toUuid('00000000-0000-0000-0000-000000000000');

function defaultAtom(base: BaseType): Atom {
  switch (base.type) {
    case 'integer':
    case 'real':
      return 0;
    case 'boolean':
      return false;
    case 'string':
      return '';
    case 'uuid':
      return zeroUuid;
  }
}

/** What an absent column means in an insert (RFC 7047 section 5.2.1). Enumerations make no difference to the server. */
export function defaultValue(type: ColumnType): Value {
  switch (type.kind) {
    case 'scalar':
      return defaultAtom(type.key);
    case 'optional':
      return undefined;
    case 'set':
      return type.min === 0 ? emptySet : Object.freeze([defaultAtom(type.key)]);
    case 'map':
      return type.min === 0 ? emptyMap : new Map([[defaultAtom(type.key), defaultAtom(type.value ?? type.key)]]);
  }
}

/** Whether a value is a set. */
export function isSetValue(value: Value): value is readonly Atom[] {
  return Array.isArray(value);
}

function setsEqual(a: readonly Atom[], b: readonly Atom[]): boolean {
  if (a.length !== b.length) return false;
  // The server sorts sets, so equal ones are nearly always in the same order.
  let same = 0;
  while (same < a.length && a[same] === b[same]) same += 1;
  if (same === a.length) return true;
  const members = new Set(a);
  return b.every((atom) => members.has(atom));
}

function mapsEqual(a: ReadonlyMap<Atom, Atom>, b: ReadonlyMap<Atom, Atom>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, item] of a) {
    const other = b.get(key);
    if (other !== item) return false;
  }
  return true;
}

/** Whether two decoded values are the same; sets and maps regardless of order. Values of different kinds differ. */
export function sameValue(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (isSetValue(a)) return isSetValue(b) && setsEqual(a, b);
  return !isSetValue(b) && mapsEqual(a, b);
}

/** As `sameValue`; the type says nothing more, because decoded values are in one form only. */
export function valuesEqual(_type: ColumnType, a: Value, b: Value): boolean {
  return sameValue(a, b);
}
