/**
 * Bodies in Kubernetes' protobuf envelope (k8s.io/apimachinery, runtime.Unknown behind the bytes "k8s\0"), as JSON.
 * kubectl from 1.32 on sends a few small kinds only in this form. Answers are always JSON. Pure.
 */

import { put } from './json.js';
import type { Json, JsonObject } from './json.js';
import { messages } from './protobuf-messages.js';
import type { Field, FieldType, Message } from './protobuf-messages.js';
import { badRequest, unsupportedMediaType } from './status.js';

export const protobufType = 'application/vnd.kubernetes.protobuf';

const magic = Buffer.from('k8s\0');

/** One field as it comes: a number, or bytes. */
interface RawField {
  readonly number: number;
  readonly value: bigint | Buffer;
}

/** Throws StatusError 400 for what is malformed, 415 for kinds that are not known in this form. */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(magic)) throw badRequest('the body is no Kubernetes protobuf object');
  const unknown = fieldsByNumber(body.subarray(4));
  const typeMeta = fieldsByNumber(bytesOf(unknown.get(1)));
  const apiVersion = bytesOf(typeMeta.get(1)).toString();
  const kind = bytesOf(typeMeta.get(2)).toString();
  const message = messages.get(kind);
  if (message === undefined) throw unsupportedMediaType(['application/json', 'application/yaml']);
  return { apiVersion, kind, ...decodeMessage(bytesOf(unknown.get(2)), message) };
}

function fieldsByNumber(bytes: Buffer): ReadonlyMap<number, bigint | Buffer> {
  return new Map(readFields(bytes).map(({ number, value }) => [number, value]));
}

function bytesOf(value: bigint | Buffer | undefined): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

/** The fields of a message in the order of the wire (protobuf encoding: tag, then varint, bytes, or fixed width). */
function readFields(bytes: Buffer): RawField[] {
  const fields: RawField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw badRequest('the protobuf body is cut short');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw badRequest('the protobuf body holds an overlong number');
  };
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw badRequest('the protobuf body is cut short');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    if (wire === 0) fields.push({ number: tag >>> 3, value: varint() });
    else if (wire === 2) fields.push({ number: tag >>> 3, value: take(Number(varint())) });
    else if (wire === 1 || wire === 5) take(wire === 1 ? 8 : 4);
    else throw badRequest('the protobuf body holds an unknown wire type');
  }
  return fields;
}

function decodeMessage(bytes: Buffer, message: Message): JsonObject {
  const object: JsonObject = {};
  for (const { number, value } of readFields(bytes)) {
    const field = message.get(number);
    if (field !== undefined) addField(object, field, value);
  }
  return object;
}

function addField(object: JsonObject, field: Field, value: bigint | Buffer): void {
  const { name, type } = field;
  const before = object[name];
  if (type === 'textMap' || type === 'bytesMap') {
    const map = (before ?? {}) as JsonObject;
    const entry = fieldsByNumber(bytesOf(value));
    put(
      map,
      bytesOf(entry.get(1)).toString(),
      decodeValue(bytesOf(entry.get(2)), type === 'textMap' ? 'string' : 'bytes'),
    );
    object[name] = map;
    return;
  }
  const decoded = decodeValue(value, type);
  if (field.isList === true) object[name] = [...((before ?? []) as Json[]), decoded];
  // Empty texts are the absence of a value: Go's encoder writes every text field.
  else if (decoded !== '') object[name] = decoded;
}

function decodeValue(value: bigint | Buffer, type: FieldType): Json {
  if (typeof type === 'object') return decodeMessage(bytesOf(value), type.message);
  switch (type) {
    case 'number':
      return Number(BigInt.asIntN(64, typeof value === 'bigint' ? value : 0n));
    case 'bool':
      return value === 1n;
    case 'bytes':
      return bytesOf(value).toString('base64');
    case 'time':
    case 'microTime':
      return decodeTime(bytesOf(value), type);
    default:
      return bytesOf(value).toString();
  }
}

function decodeTime(bytes: Buffer, type: 'time' | 'microTime'): Json {
  const fields = fieldsByNumber(bytes);
  const seconds = BigInt.asIntN(64, numberOf(fields.get(1)));
  // Go's zero time, the year 1, stands for "no time".
  if (bytes.length === 0 || seconds < 0n) return null;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  if (type === 'time') return `${text}Z`;
  const micros = numberOf(fields.get(2)) / 1000n;
  return `${text}.${String(micros).padStart(6, '0')}Z`;
}

function numberOf(value: bigint | Buffer | undefined): bigint {
  return typeof value === 'bigint' ? value : 0n;
}
