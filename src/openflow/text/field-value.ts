/**
 * Values of fields as text: what stands after `=` in a match, and before `->` in a set_field. Used by the printers and
 * parsers of matches and actions.
 */

import { fields } from '../fields.js';
import type { Field, FieldValue, Subfield } from '../fields.js';
import { fieldOfText } from '../fields.js';
import { checked } from '../match.js';
import {
  altHex,
  ctStateFlags,
  formatFlags,
  formatIpv4,
  formatIpv6,
  formatMac,
  formatPort,
  fragments,
  hex,
  parseBig,
  parseFlags,
  parseIpv4,
  parseIpv6,
  parseMac,
  parsePort,
  prefixLength,
  prefixMask,
  tcpFlags,
  textError,
  tunnelFlags,
} from './notation.js';

export interface MaskedValue {
  readonly value: FieldValue;
  readonly mask?: FieldValue | undefined;
}

/** The value as Open vSwitch's set_field and learn print it. */
export function formatValue(field: Field, value: FieldValue, fieldMask?: FieldValue): string {
  if (fieldMask === 0 || fieldMask === 0n) return 'ANY';
  const mask = fieldMask === field.ones ? undefined : fieldMask;
  switch (field.format) {
    case 'mac':
      return formatMasked(formatMac(BigInt(value)), mask === undefined ? undefined : formatMac(BigInt(mask)));
    case 'ipv4':
      return formatAddress(value, mask, 32, (part) => formatIpv4(Number(part)));
    case 'ipv6':
      return formatAddress(value, mask, 128, (part) => formatIpv6(BigInt(part)));
    case 'port':
      return formatPort(field.bytes === 2 && Number(value) >= 0xff00 ? Number(value) + 0xffff_0000 : Number(value));
    case 'ctState':
      return formatFlags(ctStateFlags, Number(value), Number(mask ?? 0xffff), 0xffff);
    case 'tcpFlags':
      return formatFlags(tcpFlags, Number(value), Number(mask ?? 0xfff) & 0xfff, 0xfff);
    case 'tunFlags':
      return formatFlags(tunnelFlags, Number(value), Number(mask ?? 1) & 1, 1);
    case 'frag':
      return formatFragment(Number(value), Number(mask ?? 3));
    case 'packetType':
      return formatPacketType(Number(value));
    case 'hex':
      return formatMasked(altHex(value), mask === undefined ? undefined : altHex(mask));
    case 'dec':
      return formatMasked(value.toString(), mask === undefined ? undefined : hex(mask));
  }
}

export function formatMasked(value: string, mask: string | undefined): string {
  return mask === undefined ? value : `${value}/${mask}`;
}

function formatAddress(
  value: FieldValue,
  mask: FieldValue | undefined,
  bits: number,
  format: (part: FieldValue) => string,
): string {
  if (mask === undefined) return format(value);
  const length = prefixLength(BigInt(mask), bits);
  return formatMasked(format(value), length === undefined ? format(mask) : String(length));
}

export function formatFragment(value: number, mask: number): string {
  return fragments.find((entry) => entry.value === (value & mask) && entry.mask === mask)?.name ?? '<error>';
}

export function formatPacketType(value: number): string {
  return `(${value >>> 16},${hex(value & 0xffff)})`;
}

/** Reads a value with an optional mask. @throws AgentError OPENFLOW_TEXT_INVALID */
export function parseValue(field: Field, text: string): MaskedValue {
  switch (field.format) {
    case 'ctState':
      return parseFlags(ctStateFlags, text, 0xffff_ffff);
    case 'tcpFlags':
      return parseFlags(tcpFlags, text, 0xfff);
    case 'tunFlags':
      return parseFlags(tunnelFlags, text, 1);
    case 'frag':
      return parseFragment(text);
    case 'port': {
      const number = parsePort(text);
      return { value: field.bytes === 2 && number > 0xffff ? number - 0xffff_0000 : number };
    }
    case 'packetType':
      return parsePacketType(text);
    default:
      return parseSlashed(field, text);
  }
}

function parseFragment(text: string): MaskedValue {
  const known = fragments.find((entry) => entry.name === text);
  if (known === undefined) throw textError('a fragment state is expected', text);
  return { value: known.value, mask: known.mask };
}

function parsePacketType(text: string): MaskedValue {
  const parts = /^\((\d+),(0x[0-9a-f]+|\d+)\)$/i.exec(text);
  if (parts === null) throw textError('a packet type (namespace,type) is expected', text);
  return { value: Number(parts[1]) * 65536 + Number(parts[2]) };
}

function parseSlashed(field: Field, text: string): MaskedValue {
  const slash = text.indexOf('/');
  const valueText = slash < 0 ? text : text.slice(0, slash);
  const value = typed(field, parsePlain(field, valueText));
  if (slash < 0) return { value };
  const maskText = text.slice(slash + 1);
  const isAddress = field.format === 'ipv4' || field.format === 'ipv6';
  const mask =
    isAddress && /^\d+$/.test(maskText)
      ? prefixMask(prefixOf(maskText, field.bits), field.bits)
      : parsePlain(field, maskText);
  const known = typed(field, mask);
  // Outside the mask a value says nothing; the switch refuses set bits there.
  return { value: typed(field, BigInt(value) & BigInt(known)), mask: known };
}

function prefixOf(text: string, bits: number): number {
  const length = Number(text);
  if (length > bits) throw textError(`the prefix is longer than ${bits} bits`, text);
  return length;
}

function parsePlain(field: Field, text: string): FieldValue {
  switch (field.format) {
    case 'mac':
      return parseMac(text);
    case 'ipv4':
      return parseIpv4(text);
    case 'ipv6':
      return parseIpv6(text);
    default:
      return parseBig(text, field.name === 'vlan_vid' ? 13 : field.bytes === 2 && field.bits < 16 ? 16 : field.bits);
  }
}

function typed(field: Field, value: FieldValue): FieldValue {
  return checked(field, field.isBig ? BigInt(value) : Number(value));
}

/** `NXM_NX_REG0[]`, `NXM_NX_REG0[3]`, `NXM_NX_REG0[0..15]`. */
export function formatSubfield(part: Subfield): string {
  const field = fields[part.field];
  if (part.offset === 0 && part.bits === field.bits) return `${field.subfieldName}[]`;
  if (part.bits === 1) return `${field.subfieldName}[${part.offset}]`;
  return `${field.subfieldName}[${part.offset}..${part.offset + part.bits - 1}]`;
}

/** Reads a subfield; a field without brackets means all of it. @throws AgentError OPENFLOW_TEXT_INVALID */
export function parseSubfield(text: string): Subfield {
  const parts = /^([A-Za-z0-9_]+)(?:\[(?:(\d+)(?:\.\.(\d+))?)?\])?$/.exec(text);
  if (parts === null) throw textError('a field with bits in brackets is expected', text);
  const [, name = '', first, last] = parts;
  const field = knownField(name);
  if (first === undefined) return { field: field.name, offset: 0, bits: field.bits };
  const offset = Number(first);
  const end = Number(last ?? first);
  if (end < offset || end >= field.bits) throw textError(`the field has ${field.bits} bits`, text);
  return { field: field.name, offset, bits: end - offset + 1 };
}

/** The field with this name. @throws AgentError OPENFLOW_TEXT_INVALID */
export function knownField(name: string): Field {
  const field = fieldOfText(name);
  if (field === undefined) throw textError('a field is not known', name);
  return field;
}
