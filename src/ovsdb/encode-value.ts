/**
 * Values from TypeScript to the wire (RFC 7047 section 5.1), checked against the schema first: what the server would
 * refuse is refused here, with the column and the rule named, and what would make it drop the connection never leaves.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { BaseType, ColumnType } from './column-type.js';
import { RowHandle } from './row-handle.js';
import type { Atom, Json, OvsdbInteger } from './types.js';
import { integerMax, integerMin, isUuid } from './value-model.js';
import { isStorableReal, isStorableText, writeJson } from './wire/json-exact.js';

/** Where a value is meant to go; only for errors. */
export interface ValuePlace {
  readonly table?: string;
  readonly column?: string;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return safeText(JSON.stringify(value), 64);
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof RowHandle) return `a new row of ${value.table}`;
  return Array.isArray(value) ? 'an array' : value === null ? 'null' : typeof value;
}

function refuse(rule: string, value: unknown, place: ValuePlace): never {
  const column = `${place.table ?? '?'}.${place.column ?? '?'}`;
  throw new AgentError('OVSDB_VALUE_INVALID', `value not allowed in ${column}: ${rule}`, {
    facts: { table: place.table, column: place.column, rule, value: describe(value) },
  });
}

function checkRange(
  value: OvsdbInteger,
  low: OvsdbInteger | undefined,
  high: OvsdbInteger | undefined,
  place: ValuePlace,
): void {
  if (low !== undefined && value < low) refuse(`at least ${String(low)}`, value, place);
  if (high !== undefined && value > high) refuse(`at most ${String(high)}`, value, place);
}

function encodeInteger(base: BaseType, value: unknown, place: ValuePlace): Json {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value))) {
    return refuse('a safe integer or a bigint', value, place);
  }
  checkRange(value, integerMin, integerMax, place);
  checkRange(value, base.minInteger, base.maxInteger, place);
  return value;
}

function encodeReal(base: BaseType, value: unknown, place: ValuePlace): Json {
  if (typeof value !== 'number' || !Number.isFinite(value)) return refuse('a finite number', value, place);
  if (!isStorableReal(value))
    return refuse('zero, or from 2.2250738585072014e-308 to 1.79769313486231e308', value, place);
  checkRange(value, base.minReal, base.maxReal, place);
  return value;
}

function encodeString(base: BaseType, value: unknown, place: ValuePlace): Json {
  if (typeof value !== 'string') return refuse('a string', value, place);
  if (!isStorableText(value)) return refuse('no U+0000 and no lone surrogates', value, place);
  if (base.minLength === undefined && base.maxLength === undefined) return value;
  // The server counts characters, not UTF-16 units (ovsdb-types.c, check_string_constraints).
  const length = Array.from(value).length;
  if (length < (base.minLength ?? 0)) refuse(`at least ${base.minLength ?? 0} characters`, value, place);
  if (length > (base.maxLength ?? Infinity)) refuse(`at most ${base.maxLength ?? 0} characters`, value, place);
  return value;
}

function encodeReference(base: BaseType, value: unknown, place: ValuePlace): Json {
  if (value instanceof RowHandle) {
    if (base.refTable !== undefined && value.table !== base.refTable) {
      return refuse(`a row of ${base.refTable}`, value, place);
    }
    return value.toJson();
  }
  if (typeof value === 'string' && isUuid(value)) return ['uuid', value];
  return refuse('a uuid or the handle of a new row', value, place);
}

function encodeChecked(base: BaseType, value: unknown, place: ValuePlace): Json {
  switch (base.type) {
    case 'integer':
      return encodeInteger(base, value, place);
    case 'real':
      return encodeReal(base, value, place);
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse('a boolean', value, place);
    case 'string':
      return encodeString(base, value, place);
    case 'uuid':
      return encodeReference(base, value, place);
  }
}

/** Encodes one atom. Throws AgentError OVSDB_VALUE_INVALID that names place, value and rule. */
export function encodeAtom(base: BaseType, value: unknown, place: ValuePlace = {}): Json {
  const json = encodeChecked(base, value, place);
  if (base.enum !== undefined && !base.enum.some((allowed) => isSameAtom(allowed, json))) {
    return refuse(`one of ${base.enum.map(String).join(', ')}`, value, place);
  }
  return json;
}

/** 1n and 1 are one integer, however the caller or the schema spells it. */
function isSameAtom(allowed: Atom, json: Json): boolean {
  if (typeof allowed === 'bigint' || typeof json === 'bigint') return identityOf(allowed) === identityOf(json);
  return allowed === json;
}

/** What tells two encoded atoms of one type apart. */
function identityOf(json: Json): string {
  return typeof json === 'bigint' ? String(json) : writeJson(json);
}

function checkCount(count: number, min: number, max: number, value: unknown, place: ValuePlace): void {
  if (count < min) refuse(`at least ${min} member${min === 1 ? '' : 's'}`, value, place);
  if (count > max) refuse(`at most ${max} member${max === 1 ? '' : 's'}`, value, place);
}

function checkDistinct(atoms: readonly Json[], value: unknown, place: ValuePlace): void {
  if (atoms.length < 2) return;
  if (new Set(atoms.map(identityOf)).size !== atoms.length) refuse('no member twice', value, place);
}

/** Encodes the members of a set, given as an array or a Set. */
function encodeMembers(type: ColumnType, value: unknown, place: ValuePlace): readonly Json[] {
  if (!Array.isArray(value) && !(value instanceof Set)) return refuse('an array or a Set', value, place);
  const atoms = Array.from(value as Iterable<unknown>, (member) => encodeAtom(type.key, member, place));
  checkDistinct(atoms, value, place);
  return atoms;
}

/** The entries of a Map or a plain record. Keys of records are text: integer keys are read from it. */
function entriesOf(key: BaseType, value: unknown, place: ValuePlace): (readonly [unknown, unknown])[] {
  if (value instanceof Map) return [...(value as ReadonlyMap<unknown, unknown>)];
  if (
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    value instanceof Set ||
    value instanceof RowHandle
  ) {
    return refuse('a Map or a plain object', value, place);
  }
  const entries: [string, unknown][] = Object.entries(value);
  if (key.type === 'integer') return entries.map(([name, item]) => [integerKey(name, place), item]);
  if (key.type === 'string' || key.type === 'uuid') return entries;
  return refuse(`a Map, because its keys are of type ${key.type}`, value, place);
}

function integerKey(name: string, place: ValuePlace): OvsdbInteger {
  if (!/^-?\d{1,19}$/.test(name)) return refuse('an integer as key', name, place);
  const exact = BigInt(name);
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}

function encodePairs(type: ColumnType, value: unknown, place: ValuePlace): readonly Json[] {
  const item = type.value ?? type.key;
  const pairs = entriesOf(type.key, value, place).map(([key, of]) => {
    return [encodeAtom(type.key, key, place), encodeAtom(item, of, place)] as const;
  });
  checkDistinct(
    pairs.map(([key]) => key),
    value,
    place,
  );
  return pairs;
}

/**
 * Encodes a value of a column: `number | bigint` for integers, arrays or Sets for sets, Maps or plain records for maps,
 * RowHandles for rows that the same transaction inserts, `undefined` for an absent optional. Throws AgentError
 * OVSDB_VALUE_INVALID that names table, column, value and rule for everything that the server would refuse.
 */
export function encodeValue(type: ColumnType, value: unknown, place: ValuePlace = {}): Json {
  switch (type.kind) {
    case 'scalar':
      return encodeAtom(type.key, value, place);
    case 'optional':
      return value === undefined ? ['set', []] : encodeAtom(type.key, value, place);
    case 'set': {
      const members = encodeMembers(type, value, place);
      checkCount(members.length, type.min, type.max, value, place);
      return ['set', members];
    }
    case 'map': {
      const pairs = encodePairs(type, value, place);
      checkCount(pairs.length, type.min, type.max, value, place);
      return ['map', pairs];
    }
  }
}

/**
 * Encodes a part of a set or map, as mutations and the conditions `includes` and `excludes` take it: any number of
 * members, none doubled. Throws as `encodeValue`.
 */
export function encodePart(type: ColumnType, value: unknown, place: ValuePlace = {}): Json {
  if (type.kind === 'map') return ['map', encodePairs(type, value, place)];
  if (type.kind === 'set') return ['set', encodeMembers(type, value, place)];
  return encodeValue(type, value, place);
}
