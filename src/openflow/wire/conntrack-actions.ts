/**
 * Nicira's connection tracking: `ct` with its nested actions, and `nat` inside it. Used by the codec of Nicira's actions.
 *
 *   ct  => flags(2) zone_src(4) zone(2: number or ofs_nbits) table(1) pad3 alg(2) action*
 *   nat => pad2 flags(2) range_present(2) [ipv4_min(4)] [ipv4_max(4)] [ipv6_min(16)] [ipv6_max(16)] [port_min(2)] [port_max(2)] pad
 */

import type { Action, CtAction, NatAction } from '../actions.js';
import type { Version } from '../version.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { decodeFieldRef, encodeFieldRef, packBits, UnknownField, unpackBits } from './subfield.js';

const ctFlag = { commit: 1, force: 2 } as const;
/** `table` of a ct without recirculation. */
const tableNone = 0xff;

const natFlag = { src: 1, dst: 2, persistent: 4, hash: 8, random: 16 } as const;
const range = { ipv4Min: 1, ipv4Max: 2, ipv6Min: 4, ipv6Max: 8, portMin: 16, portMax: 32 } as const;

/** Writes the body after the subtype. */
export function encodeCt(
  writer: ByteWriter,
  version: Version,
  action: CtAction,
  encodeList: (writer: ByteWriter, version: Version, actions: readonly Action[]) => void,
): void {
  const { zone = 0 } = action;
  writer.u16((action.commit === true ? ctFlag.commit : 0) | (action.force === true ? ctFlag.force : 0));
  if (typeof zone === 'number') {
    writer.u32(0).u16(zone);
  } else {
    encodeFieldRef(writer, zone.field, 0);
    writer.u16(packBits(zone));
  }
  writer
    .u8(action.table ?? tableNone)
    .zeros(3)
    .u16(action.alg ?? 0);
  encodeList(writer, version, action.actions);
}

/** Reads the body after the subtype. @throws UnknownField */
export function decodeCt(
  body: ByteReader,
  depth: number,
  decodeList: (reader: ByteReader, depth: number) => readonly Action[],
): CtAction {
  const flags = body.u16();
  if ((flags & ~(ctFlag.commit | ctFlag.force)) !== 0) throw new UnknownField();
  const hasSource = body.peekU16() !== 0;
  const field = hasSource ? decodeFieldRef(body) : undefined;
  if (field === undefined && body.u32() !== 0) throw new UnknownField();
  const packed = body.u16();
  const zone = field === undefined ? packed : unpackBits(field, packed);
  const table = body.u8();
  body.skip(3);
  const alg = body.u16();
  return {
    kind: 'ct',
    ...((flags & ctFlag.commit) === 0 ? {} : { commit: true }),
    ...((flags & ctFlag.force) === 0 ? {} : { force: true }),
    ...(zone === 0 ? {} : { zone }),
    ...(table === tableNone ? {} : { table }),
    ...(alg === 0 ? {} : { alg }),
    actions: decodeList(body, depth),
  };
}

/** Writes the body after the subtype. */
export function encodeNat(writer: ByteWriter, action: NatAction): void {
  const { ipv4, ipv6, ports } = action;
  writer.u16(0).u16(natFlags(action)).u16(rangePresent(action));
  if (ipv4 !== undefined) writer.u32(ipv4.min);
  if (ipv4?.max !== undefined) writer.u32(ipv4.max);
  if (ipv6 !== undefined) writer.uint(ipv6.min, 16);
  if (ipv6?.max !== undefined) writer.uint(ipv6.max, 16);
  if (ports !== undefined) writer.u16(ports.min);
  if (ports?.max !== undefined) writer.u16(ports.max);
}

function natFlags(action: NatAction): number {
  return (
    (action.type === undefined ? 0 : natFlag[action.type]) |
    (action.persistent === true ? natFlag.persistent : 0) |
    (action.hash === true ? natFlag.hash : 0) |
    (action.random === true ? natFlag.random : 0)
  );
}

function rangePresent({ ipv4, ipv6, ports }: NatAction): number {
  return (
    (ipv4 === undefined ? 0 : range.ipv4Min) |
    (ipv4?.max === undefined ? 0 : range.ipv4Max) |
    (ipv6 === undefined ? 0 : range.ipv6Min) |
    (ipv6?.max === undefined ? 0 : range.ipv6Max) |
    (ports === undefined ? 0 : range.portMin) |
    (ports?.max === undefined ? 0 : range.portMax)
  );
}

/** Reads the body after the subtype. @throws UnknownField for a combination that Open vSwitch does not write */
export function decodeNat(body: ByteReader): NatAction {
  body.skip(2);
  const flags = body.u16();
  const present = body.u16();
  if (flags > 31 || present > 63 || (flags & 3) === 3 || !isPaired(present)) throw new UnknownField();
  const has = (bit: number): boolean => (present & bit) !== 0;
  const type = (flags & natFlag.src) !== 0 ? 'src' : (flags & natFlag.dst) !== 0 ? 'dst' : undefined;
  return {
    kind: 'nat',
    ...(type === undefined ? {} : { type }),
    ...((flags & natFlag.persistent) === 0 ? {} : { persistent: true }),
    ...((flags & natFlag.hash) === 0 ? {} : { hash: true }),
    ...((flags & natFlag.random) === 0 ? {} : { random: true }),
    ...(has(range.ipv4Min) ? { ipv4: decodeRange(() => body.u32(), has(range.ipv4Max)) } : {}),
    ...(has(range.ipv6Min) ? { ipv6: decodeRange(() => BigInt(body.uint(16)), has(range.ipv6Max)) } : {}),
    ...(has(range.portMin) ? { ports: decodeRange(() => body.u16(), has(range.portMax)) } : {}),
  };
}

/** Whether every upper end has its lower end. */
function isPaired(present: number): boolean {
  return ((present >>> 1) & 0b010101 & ~present) === 0;
}

function decodeRange<T>(read: () => T, hasMax: boolean): { readonly min: T; readonly max?: T } {
  const min = read();
  return hasMax ? { min, max: read() } : { min };
}
