/**
 * The words of values in one place: column types, uuids, defaults, equality, decoding and encoding. What lies behind is
 * in a file per concern; the rest of the library imports from here.
 */

export type { AtomicType, BaseType, ColumnKind, ColumnType } from './column-type.js';
export { columnType, isJsonArray, isJsonObject, parseColumnType } from './column-type.js';
export type { DecodePools, ValueDecoder } from './decode-value.js';
export { createDecoder, decodeValue } from './decode-value.js';
export type { ValuePlace } from './encode-value.js';
export { encodeAtom, encodePart, encodeValue } from './encode-value.js';
export { StringPool } from './string-pool.js';
export {
  defaultValue,
  emptyMap,
  emptySet,
  integerMax,
  integerMin,
  isSetValue,
  isUuid,
  sameValue,
  toUuid,
  valuesEqual,
} from './value-model.js';
