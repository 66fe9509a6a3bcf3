/** JSON Schemas (2020-12) of protobuf messages in their JSON form, as `toJson` writes it. Generic; knows no message. */

import { ScalarType, type DescEnum, type DescField, type DescMessage, type DescOneof } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** 64-bit integers are texts in JSON: its numbers are not exact beyond 2^53. */
const wide: JsonSchema = { type: 'string', pattern: '^-?[0-9]+$' };
const wideTypes: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);
const unsigned: ReadonlySet<ScalarType> = new Set([ScalarType.UINT32, ScalarType.FIXED32]);

/** Messages with a JSON form of their own. */
const wellKnown: ReadonlyMap<string, JsonSchema> = new Map([
  ['google.protobuf.Timestamp', { type: 'string', format: 'date-time' }],
  ['google.protobuf.Duration', { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?s$' }],
]);

function scalarSchema(type: ScalarType): JsonSchema {
  if (wideTypes.has(type)) return wide;
  if (type === ScalarType.STRING) return { type: 'string' };
  if (type === ScalarType.BOOL) return { type: 'boolean' };
  if (type === ScalarType.BYTES) return { type: 'string', contentEncoding: 'base64' };
  if (type === ScalarType.DOUBLE || type === ScalarType.FLOAT) return { type: 'number' };
  return unsigned.has(type) ? { type: 'integer', minimum: 0 } : { type: 'integer' };
}

function enumSchema({ values }: DescEnum): JsonSchema {
  return { type: 'string', enum: values.map(({ name }) => name) };
}

/** Schemas by name, gathered from messages and all that they hold. */
export class SchemaBook {
  readonly #schemas = new Map<string, JsonSchema>();

  /** A reference to the schema of the message. */
  reference(message: DescMessage): JsonSchema {
    const known = wellKnown.get(message.typeName);
    if (known !== undefined) return known;
    const name = message.typeName.replace(/^.*\.v\d+\./, '');
    if (!this.#schemas.has(name)) {
      // Before its fields: a message may hold itself.
      this.#schemas.set(name, {});
      this.#schemas.set(name, this.#message(message));
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  /** All of them, sorted by name. */
  all(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #message(message: DescMessage): JsonSchema {
    if (isWrapperDesc(message)) return this.fieldSchema(message.fields[0]);
    const properties = Object.fromEntries(message.fields.map((field) => [field.jsonName, this.fieldSchema(field)]));
    const required = message.fields.filter(isAlwaysThere).map(({ jsonName }) => jsonName);
    const choices = message.oneofs.filter((oneof) => oneof.fields.length > 1).map(describeOneof);
    return {
      type: 'object',
      properties,
      ...(required.length === 0 ? {} : { required }),
      ...(choices.length === 0 ? {} : { description: choices.join(' ') }),
    };
  }

  /** The schema of one field. */
  fieldSchema(field: DescField): JsonSchema {
    switch (field.fieldKind) {
      case 'scalar':
        return scalarSchema(field.scalar);
      case 'enum':
        return enumSchema(field.enum);
      case 'message':
        return this.reference(field.message);
      case 'list':
        return { type: 'array', items: this.#element(field) };
      case 'map':
        return { type: 'object', additionalProperties: this.#element(field) };
    }
  }

  #element(field: Extract<DescField, { fieldKind: 'list' | 'map' }>): JsonSchema {
    const kind = field.fieldKind === 'list' ? field.listKind : field.mapKind;
    if (kind === 'message' && field.message !== undefined) return this.reference(field.message);
    if (kind === 'enum' && field.enum !== undefined) return enumSchema(field.enum);
    return scalarSchema(field.scalar ?? ScalarType.STRING);
  }
}

/** Whether `toJson` writes the field with its default value too, as it is told to here. */
function isAlwaysThere(field: DescField): boolean {
  if (field.oneof !== undefined || field.fieldKind === 'message') return false;
  return field.fieldKind === 'list' || field.fieldKind === 'map' || !field.proto.proto3Optional;
}

function describeOneof({ fields }: DescOneof): string {
  return `At most one of ${fields.map(({ jsonName }) => jsonName).join(', ')}.`;
}
