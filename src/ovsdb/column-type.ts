/**
 * The types that a column can have (RFC 7047 section 3.2), parsed from a schema. Everything that decodes, encodes,
 * compares or generates goes by this model. It holds no values.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { Atom, Json, JsonObject, OvsdbInteger } from './types.js';

export type AtomicType = 'integer' | 'real' | 'boolean' | 'string' | 'uuid';

/** The type of one atom with its constraints. A constraint that is absent does not exist. */
export interface BaseType {
  readonly type: AtomicType;
  /** The only values allowed, in the order of the schema. */
  readonly enum?: readonly Atom[];
  readonly minInteger?: OvsdbInteger;
  readonly maxInteger?: OvsdbInteger;
  readonly minReal?: number;
  readonly maxReal?: number;
  /** Characters (code points), not bytes. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /** For uuids: the table whose rows are meant. */
  readonly refTable?: string;
  readonly refType?: 'strong' | 'weak';
}

/** How the value of a column looks in TypeScript; see types.ts. */
export type ColumnKind = 'scalar' | 'optional' | 'set' | 'map';

export interface ColumnType {
  readonly kind: ColumnKind;
  readonly key: BaseType;
  /** Only maps have one. */
  readonly value?: BaseType;
  /** 0 or 1. */
  readonly min: number;
  /** Infinity when unlimited. */
  readonly max: number;
}

const atomicTypes: readonly string[] = ['integer', 'real', 'boolean', 'string', 'uuid'] satisfies AtomicType[];

/** Whether a JSON value is an object. */
export function isJsonObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** `Array.isArray` for JSON, which TypeScript does not narrow for readonly arrays. */
export function isJsonArray(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

/** The error for a schema that is none. */
export function badSchema(what: string, where: string): AgentError {
  return new AgentError('PEER_PROTOCOL', 'the server sent an invalid schema', {
    facts: { what, where: safeText(where, 128) },
  });
}

function isAtomicType(json: Json | undefined): json is AtomicType {
  return typeof json === 'string' && atomicTypes.includes(json);
}

function parseEnum(json: Json, where: string): readonly Atom[] {
  const atoms = isJsonArray(json) && json[0] === 'set' && isJsonArray(json[1]) ? json[1] : [json];
  return atoms.map((atom) => {
    if (atom === null || typeof atom === 'object') throw badSchema('an enum of other than atoms', where);
    return atom;
  });
}

function integerOf(json: Json | undefined, name: string, where: string): OvsdbInteger | undefined {
  if (json === undefined || typeof json === 'bigint') return json;
  if (typeof json !== 'number' || !Number.isInteger(json)) throw badSchema(`${name} is no integer`, where);
  return json;
}

function numberOf(json: Json | undefined, name: string, where: string): number | undefined {
  if (json === undefined) return undefined;
  if (typeof json !== 'number' && typeof json !== 'bigint') throw badSchema(`${name} is no number`, where);
  return Number(json);
}

function refTypeOf(json: Json | undefined, where: string): 'strong' | 'weak' {
  if (json === undefined || json === 'strong') return 'strong';
  if (json === 'weak') return 'weak';
  throw badSchema('refType is neither strong nor weak', where);
}

function referenceOf(json: JsonObject, where: string): Pick<BaseType, 'refTable' | 'refType'> {
  const refTable = json['refTable'];
  if (refTable === undefined) return {};
  if (typeof refTable !== 'string') throw badSchema('refTable is no string', where);
  return { refTable, refType: refTypeOf(json['refType'], where) };
}

/** Members without a value are left out, as exactOptionalPropertyTypes wants it. */
function withoutAbsent<T extends object>(object: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function parseBaseType(json: Json | undefined, where: string): BaseType {
  if (isAtomicType(json)) return { type: json };
  if (!isJsonObject(json) || !isAtomicType(json['type'])) throw badSchema('an unknown atomic type', where);
  return {
    type: json['type'],
    ...(json['enum'] === undefined ? {} : { enum: parseEnum(json['enum'], where) }),
    ...withoutAbsent<Pick<BaseType, 'minInteger' | 'maxInteger'>>({
      minInteger: integerOf(json['minInteger'], 'minInteger', where),
      maxInteger: integerOf(json['maxInteger'], 'maxInteger', where),
    }),
    ...withoutAbsent<Pick<BaseType, 'minReal' | 'maxReal' | 'minLength' | 'maxLength'>>({
      minReal: numberOf(json['minReal'], 'minReal', where),
      maxReal: numberOf(json['maxReal'], 'maxReal', where),
      minLength: numberOf(json['minLength'], 'minLength', where),
      maxLength: numberOf(json['maxLength'], 'maxLength', where),
    }),
    ...referenceOf(json, where),
  };
}

function kindOf(isMap: boolean, min: number, max: number): ColumnKind {
  if (isMap) return 'map';
  if (max > 1) return 'set';
  return min === 0 ? 'optional' : 'scalar';
}

/** A column type from its parts; `kind` follows from them. */
export function columnType(parts: Omit<ColumnType, 'kind'>): ColumnType {
  return { kind: kindOf(parts.value !== undefined, parts.min, parts.max), ...parts };
}

/** Parses a `<type>` of RFC 7047 section 3.2. `where` names the column in errors. Throws PEER_PROTOCOL. */
export function parseColumnType(json: Json | undefined, where: string): ColumnType {
  if (!isJsonObject(json)) return { kind: 'scalar', key: parseBaseType(json, where), min: 1, max: 1 };
  const min = numberOf(json['min'], 'min', where) ?? 1;
  const max = json['max'] === 'unlimited' ? Infinity : (numberOf(json['max'], 'max', where) ?? 1);
  if ((min !== 0 && min !== 1) || !(max >= 1)) throw badSchema('min or max out of range', where);
  const value = json['value'] === undefined ? undefined : parseBaseType(json['value'], where);
  const key = parseBaseType(json['key'], where);
  return columnType({ key, ...(value === undefined ? {} : { value }), min, max });
}
