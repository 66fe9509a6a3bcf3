/**
 * Matches and single fields as TLVs: OXM, Nicira's NXM (which has the same shape), and their experimenter form. Used by
 * every message and action that carries a field. What the table of fields does not know is kept as raw bytes.
 *
 *   oxm    => class(2) field(7 bits) hasmask(1 bit) length(1) [experimenter(4)] value [mask]
 *   match  => type(2)=1 length(2) oxm* pad              OpenFlow 1.5.1 section 7.2.3
 *
 * `length` of the match does not count its padding.
 */

import { fieldOfHeader, fields } from '../fields.js';
import type { Field, FieldName, FieldValue } from '../fields.js';
import { normalMask, normalMatch } from '../match.js';
import type { KnownMatchField, Match, MatchField } from '../match.js';
import { version15 } from '../version.js';
import type { Version } from '../version.js';
import { expectWire } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { vendor } from './header.js';

const maskBit = 0x100;
const experimenterClass = 0xffff;

/** The number of a field in the ONF's experimenter class, which 1.3 and 1.4 need for what 1.5 made standard. */
const onfNumber: Partial<Record<FieldName, number>> = { actset_output: 43, tcp_flags: 42 };
const onfField = new Map<number, Field>([
  [43, fields.actset_output],
  [42, fields.tcp_flags],
]);

/** Header of a field as a given version writes it; the legacy NXM form where `version` is 0, as Nicira's actions do. */
export function fieldHeader(field: Field, version: Version | 0): number {
  const form = version === 0 ? (field.nxm ?? field.oxm) : (field.oxm ?? field.nxm);
  return form?.header ?? 0;
}

/** Writes one field with its value. */
export function encodeField(
  writer: ByteWriter,
  version: Version,
  field: Field,
  value: FieldValue,
  mask?: FieldValue,
): void {
  const size = mask === undefined ? field.bytes : field.bytes * 2;
  const maskFlag = mask === undefined ? 0 : maskBit;
  const number = version < version15 ? onfNumber[field.name] : undefined;
  if (number === undefined) {
    writer.u32(((fieldHeader(field, version) & ~0x1ff) | maskFlag | size) >>> 0);
  } else {
    writer.u32(((experimenterClass << 16) | (number << 9) | maskFlag | (size + 4)) >>> 0).u32(vendor.onf);
  }
  writer.uint(value, field.bytes);
  if (mask !== undefined) writer.uint(mask, field.bytes);
}

/** Writes `ofp_match` with its padding. The match must be in normal form. */
export function encodeMatch(writer: ByteWriter, version: Version, match: Match): void {
  const start = writer.size;
  writer.u16(1).u16(0);
  encodeFields(writer, version, match);
  writer.setU16(start + 2, writer.size - start);
  writer.padTo8(start);
}

function encodeFields(writer: ByteWriter, version: Version, match: Match): void {
  for (let index = 0; index < match.length; index += 1) {
    const entry = match[index];
    if (entry === undefined) return;
    if (entry.field === 'raw') {
      writer.bytes(entry.bytes);
    } else if (version >= version15 && isRegister(entry.field)) {
      index += encodeRegister(writer, entry, match[index + 1]);
    } else {
      encodeField(writer, version, fields[entry.field], entry.value, entry.mask);
    }
  }
}

const register0 = fields.reg0.rank;
const register15 = fields.reg15.rank;

function isRegister(name: FieldName): boolean {
  const { rank } = fields[name];
  return rank >= register0 && rank <= register15;
}

/**
 * 1.5 has 64-bit packet registers: the even register is the upper half. Open vSwitch writes matches on registers only in
 * this form there, and so do we. @returns how many of the following entries were taken in
 */
function encodeRegister(writer: ByteWriter, entry: KnownMatchField, next: MatchField | undefined): number {
  const index = fields[entry.field].rank - register0;
  const isHigh = (index & 1) === 0;
  const low = isHigh && next?.field !== 'raw' && next?.field === `reg${index + 1}` ? next : undefined;
  const high = isHigh ? entry : undefined;
  const lower = isHigh ? low : entry;
  const isExact = high !== undefined && lower !== undefined && high.mask === undefined && lower.mask === undefined;
  writer
    .u16(0x8001)
    .u8(((index >>> 1) << 1) | (isExact ? 0 : 1))
    .u8(isExact ? 8 : 16);
  writer.u32(Number(high?.value ?? 0)).u32(Number(lower?.value ?? 0));
  if (!isExact) writer.u32(registerMask(high)).u32(registerMask(lower));
  return low === undefined ? 0 : 1;
}

function registerMask(entry: KnownMatchField | undefined): number {
  return entry === undefined ? 0 : Number(entry.mask ?? 0xffff_ffff);
}

/** Reads `ofp_match` with its padding, into normal form. */
export function decodeMatch(reader: ByteReader): Match {
  const start = reader.offset;
  const type = reader.u16();
  const size = reader.u16();
  expectWire(type === 1 && size >= 4, 'a match is not of the OXM type');
  const match = decodeFields(reader.sub(size - 4));
  reader.skipPadTo8(start);
  return match;
}

/** Reads TLVs up to the end, into normal form. */
export function decodeFields(reader: ByteReader): Match {
  const entries: MatchField[] = [];
  let isNormal = true;
  let rank = -1;
  while (reader.remaining > 0) {
    const entry = decodeField(reader);
    entries.push(entry);
    if (entry.field === 'raw') continue;
    const field = fields[entry.field];
    isNormal &&= field.rank > rank && isNormalEntry(field, entry);
    rank = field.rank;
  }
  return isNormal ? entries : normalMatch(entries);
}

const aliasRankMin = fields.xreg0.rank;
const aliasRankMax = fields.xxreg3.rank;

function isNormalEntry(field: Field, entry: KnownMatchField): boolean {
  if (field.rank >= aliasRankMin && field.rank <= aliasRankMax) return false;
  if (field.name === 'vlan_tci') return false;
  return entry.mask !== 0 && entry.mask !== 0n && normalMask(field.name, entry.mask) === entry.mask;
}

/** Reads one TLV. */
export function decodeField(reader: ByteReader): MatchField {
  const start = reader.offset;
  const header = reader.u32();
  const field = fieldOfHeader(header);
  if (field !== undefined) return decodeValue(reader, field, (header & maskBit) !== 0);
  const size = header & 0xff;
  if (header >>> 16 === experimenterClass && size > 4) {
    const known = reader.u32() === vendor.onf ? onfField.get((header >>> 9) & 0x7f) : undefined;
    const isMasked = (header & maskBit) !== 0;
    if (known !== undefined && size - 4 === (isMasked ? 2 : 1) * known.bytes)
      return decodeValue(reader, known, isMasked);
    reader.skip(size - 4);
  } else {
    reader.skip(size);
  }
  return { field: 'raw', bytes: reader.since(start) };
}

function decodeValue(reader: ByteReader, field: Field, isMasked: boolean): KnownMatchField {
  const value = reader.uint(field.bytes);
  return isMasked ? { field: field.name, value, mask: reader.uint(field.bytes) } : { field: field.name, value };
}
