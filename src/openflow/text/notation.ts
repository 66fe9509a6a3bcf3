/**
 * Single values as text, in the notation of ovs-ofctl(8): addresses, ports, flag sets, numbers. Used by the printers and
 * parsers of matches and actions.
 */

import { isIPv4, isIPv6 } from 'node:net';
import { port } from '../actions.js';
import { AgentError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';

/** The error of a text that is not in the notation, or asks for what this library does not know. */
export function textError(reason: string, text: string): AgentError {
  return new AgentError('OPENFLOW_TEXT_INVALID', 'the text of a flow cannot be read', {
    facts: { reason, text: safeText(text) },
    remedy: 'Write it as ovs-ofctl(8) and ovs-actions(7) describe; the library README lists what is not supported.',
  });
}

/** C's `%#x`: zero has no prefix. */
export function altHex(value: number | bigint): string {
  return value === 0 || value === 0n ? '0' : hex(value);
}

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** `0x` and at least `digits` digits. */
export function paddedHex(value: number | bigint, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** A number in decimal, or in hexadecimal or octal with a prefix, at most `max`. */
export function parseNumber(text: string, max: number): number {
  const value = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? numberOf(text) : Number.NaN;
  if (!(value <= max)) throw textError(`a number of at most ${max} is expected`, text);
  return value;
}

/** As C reads it: a leading zero means octal. */
function numberOf(text: string): number {
  return /^0\d+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
}

/** A number of at most `bits` bits. */
export function parseBig(text: string, bits: number): bigint {
  // ovs-ofctl reads -1 as all ones, which is how people write "every bit" in cookie masks.
  if (text === '-1') return (1n << BigInt(bits)) - 1n;
  if (!/^(0[xX][0-9a-fA-F]+|\d+)$/.test(text)) throw textError('a number is expected', text);
  const value = BigInt(text);
  if (value >> BigInt(bits) !== 0n) throw textError(`the number has more than ${bits} bits`, text);
  return value;
}

const portNames: readonly (readonly [string, number])[] = [
  ['IN_PORT', port.inPort],
  ['TABLE', port.table],
  ['NORMAL', port.normal],
  ['FLOOD', port.flood],
  ['ALL', port.all],
  ['CONTROLLER', port.controller],
  ['LOCAL', port.local],
  ['ANY', port.any],
  ['UNSET', port.unset],
];
const portByName = new Map(portNames);
const nameByPort = new Map(portNames.map(([name, number]) => [number, name]));

export function formatPort(number: number): string {
  return nameByPort.get(number) ?? String(number);
}

/** A number or a reserved name. Names of real ports are not known here. */
export function parsePort(text: string): number {
  const known = portByName.get(text.toUpperCase()) ?? (text.toUpperCase() === 'NONE' ? port.any : undefined);
  if (known !== undefined) return known;
  const value = parseNumber(text, 0xffff_ffff);
  // Reserved ports may be written as the 16-bit numbers of OpenFlow 1.0.
  return value >= 0xfff7 && value <= 0xffff ? value + 0xffff_0000 : value;
}

export function formatMac(value: bigint): string {
  return value
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?!$)/g, '$&:');
}

export function parseMac(text: string): bigint {
  const parts = text.split(':');
  if (parts.length !== 6 || !parts.every((part) => /^[0-9a-fA-F]{1,2}$/.test(part))) {
    throw textError('an Ethernet address is expected', text);
  }
  return BigInt(`0x${parts.map((part) => part.padStart(2, '0')).join('')}`);
}

export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

export function parseIpv4(text: string): number {
  if (!isIPv4(text)) throw textError('an IPv4 address is expected', text);
  return text.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}

/** RFC 5952, and the last 32 bits as IPv4 where the C library writes them so. */
export function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  const zeros = longestZeros(groups);
  const tail = formatIpv4(Number(value & 0xffff_ffffn));
  if (zeros.start === 0 && (zeros.count === 6 || (zeros.count === 5 && groups[5] === 0xffff))) {
    return zeros.count === 6 ? `::${tail}` : `::ffff:${tail}`;
  }
  const text = groups.map((group) => group.toString(16));
  if (zeros.count < 2) return text.join(':');
  return `${text.slice(0, zeros.start).join(':')}::${text.slice(zeros.start + zeros.count).join(':')}`;
}

function longestZeros(groups: readonly number[]): { readonly start: number; readonly count: number } {
  let best = { start: 0, count: 0 };
  let count = 0;
  groups.forEach((group, index) => {
    count = group === 0 ? count + 1 : 0;
    if (count > best.count) best = { start: index - count + 1, count };
  });
  return best;
}

export function parseIpv6(text: string): bigint {
  if (!isIPv6(text) || text.includes('%')) throw textError('an IPv6 address is expected', text);
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (dotted) => {
    const value = parseIpv4(dotted);
    return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/** The prefix length of a mask of ones followed by zeros, or undefined. */
export function prefixLength(mask: bigint, bits: number): number | undefined {
  const inverted = mask ^ ((1n << BigInt(bits)) - 1n);
  if ((inverted & (inverted + 1n)) !== 0n) return undefined;
  return inverted === 0n ? bits : bits - inverted.toString(2).length;
}

/** The mask of a prefix length. */
export function prefixMask(length: number, bits: number): bigint {
  return ((1n << BigInt(length)) - 1n) << BigInt(bits - length);
}

/** Names of single bits. */
export type FlagNames = readonly (readonly [string, number])[];

export const ctStateFlags: FlagNames = [
  ['new', 0x01],
  ['est', 0x02],
  ['rel', 0x04],
  ['rpl', 0x08],
  ['inv', 0x10],
  ['trk', 0x20],
  ['snat', 0x40],
  ['dnat', 0x80],
];

export const tcpFlags: FlagNames = [
  ['fin', 0x001],
  ['syn', 0x002],
  ['rst', 0x004],
  ['psh', 0x008],
  ['ack', 0x010],
  ['urg', 0x020],
  ['ece', 0x040],
  ['cwr', 0x080],
  ['ns', 0x100],
  ['[200]', 0x200],
  ['[400]', 0x400],
  ['[800]', 0x800],
];

export const tunnelFlags: FlagNames = [['oam', 1]];

/** `+new-est` for some bits, `new|est` when the mask is all of them. */
export function formatFlags(names: FlagNames, value: number, mask: number, maskAll: number): string {
  if (mask === maskAll) {
    const set = names.filter(([, bit]) => (value & bit) !== 0).map(([name]) => name);
    return set.length === 0 ? '0' : set.join('|');
  }
  const parts = names
    .filter(([, bit]) => (mask & bit) !== 0)
    .map(([name, bit]) => `${(value & bit) === 0 ? '-' : '+'}${name}`);
  return parts.length === 0 ? '0/0' : parts.join('');
}

/** The inverse of `formatFlags`; a number with an optional mask is accepted too. */
export function parseFlags(
  names: FlagNames,
  text: string,
  max: number,
): { readonly value: number; readonly mask: number | undefined } {
  if (/^\d/.test(text)) {
    const [value = '', mask] = text.split('/');
    return { value: parseNumber(value, max), mask: mask === undefined ? undefined : parseNumber(mask, max) };
  }
  const isMasked = /^[+-]/.test(text);
  const parts = isMasked ? (text.match(/[+-][^+-]*/g) ?? []) : text.split('|').map((name) => `+${name}`);
  let value = 0;
  let mask = 0;
  for (const part of parts) {
    const bit = names.find(([name]) => name === part.slice(1))?.[1];
    if (bit === undefined) throw textError('a flag is not known', text);
    mask |= bit;
    if (part.startsWith('+')) value |= bit;
  }
  return { value, mask: isMasked ? mask : undefined };
}

/** The fragment states of ovs-fields(7). */
export const fragments: readonly { readonly name: string; readonly value: number; readonly mask: number }[] = [
  { name: 'no', value: 0, mask: 3 },
  { name: 'first', value: 1, mask: 3 },
  { name: 'later', value: 3, mask: 3 },
  { name: 'yes', value: 1, mask: 1 },
  { name: 'no', value: 0, mask: 1 },
  { name: 'not_later', value: 0, mask: 2 },
  { name: 'later', value: 2, mask: 2 },
];

/** Bytes as `00.11.22`. */
export function formatDotted(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('.');
}

export function parseDotted(text: string): Uint8Array {
  if (text === '') return new Uint8Array();
  const digits = text.replaceAll('.', '');
  if (!/^([0-9a-fA-F]{2})+$/.test(digits)) throw textError('bytes in hexadecimal are expected', text);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}
