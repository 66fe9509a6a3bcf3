/**
 * References to bits of fields inside actions: a bare TLV header for the field, and offset and width in one of two
 * packings. Used by the codecs of Nicira's actions. A field that the table does not know makes the whole action raw.
 *
 *   ofs_nbits(2) = offset << 6 | (bits - 1)             nx_action_reg_load, nx_action_output_reg, nx_action_conntrack
 */

import { fieldOfHeader, fields } from '../fields.js';
import type { Field, Subfield } from '../fields.js';
import type { Version } from '../version.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { fieldHeader } from './oxm.js';

/** Thrown by a decoder that met a field it does not know; the action is then kept as raw bytes. */
export class UnknownField extends Error {
  override readonly name = 'UnknownField';
}

/** Reads the bare header of a field. @throws UnknownField */
export function decodeFieldRef(reader: ByteReader): Field {
  const header = reader.u32();
  const field = fieldOfHeader(header);
  if (field === undefined || (header & 0x100) !== 0) throw new UnknownField();
  return field;
}

/** Writes the bare header of a field, in the legacy form for version 0. */
export function encodeFieldRef(writer: ByteWriter, name: Subfield['field'], version: Version | 0): void {
  writer.u32(fieldHeader(fields[name], version));
}

/** A subfield, if its bits lie inside the field. @throws UnknownField, so that nonsense is kept as it came */
export function subfield(field: Field, offset: number, bits: number): Subfield {
  if (bits < 1 || offset + bits > field.bytes * 8) throw new UnknownField();
  return { field: field.name, offset, bits };
}

export function packBits(part: Subfield): number {
  return (part.offset << 6) | (part.bits - 1);
}

/** The subfield of a packed offset and width. @throws UnknownField */
export function unpackBits(field: Field, packed: number): Subfield {
  return subfield(field, packed >>> 6, (packed & 0x3f) + 1);
}
