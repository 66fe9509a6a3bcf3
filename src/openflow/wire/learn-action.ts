/**
 * Nicira's `learn` action: a flow that installs flows. Used by the codec of Nicira's actions.
 *
 *   learn  => idle(2) hard(2) priority(2) cookie(8) flags(2) table(1) pad1 fin_idle(2) fin_hard(2) spec* pad
 *   learn2 => as learn, then limit(4) result_ofs(2) pad2 [oxm_header if flags & 4] spec* pad
 *   spec   => header(2) src dst, header = src_immediate << 13 | dst << 11 | n_bits; zero ends the list
 *   src    => oxm_header ofs(2), or the immediate in whole 16-bit words;  dst => oxm_header ofs(2), none for output
 */

import type { LearnAction, LearnImmediate, LearnSpec } from '../actions.js';
import type { Subfield } from '../fields.js';
import type { ByteReader } from './byte-reader.js';
import { expectWire } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { decodeFieldRef, encodeFieldRef, subfield, UnknownField } from './subfield.js';

const immediateBit = 1 << 13;
const destination = { match: 0, load: 1 << 11, output: 2 << 11 } as const;
const destinationMask = 3 << 11;
const bitsMask = 0x7ff;
const flagWriteResult = 4;

/** Writes the body after the subtype. */
export function encodeLearn(writer: ByteWriter, action: LearnAction): void {
  writer.u16(action.idleTimeout).u16(action.hardTimeout).u16(action.priority).u64(action.cookie);
  writer.u16(action.flags).u8(action.table).u8(0).u16(action.finIdleTimeout).u16(action.finHardTimeout);
  if (action.limit !== 0 || (action.flags & flagWriteResult) !== 0) {
    writer
      .u32(action.limit)
      .u16(action.resultDst?.offset ?? 0)
      .u16(0);
    if (action.resultDst !== undefined) encodeFieldRef(writer, action.resultDst.field, 0);
  }
  for (const spec of action.specs) encodeSpec(writer, spec);
}

function encodeSpec(writer: ByteWriter, spec: LearnSpec): void {
  const { bits } = spec.kind === 'output' ? spec.src : spec.dst;
  const isImmediate = 'value' in spec.src;
  writer.u16(bits | destination[spec.kind] | (isImmediate ? immediateBit : 0));
  if ('value' in spec.src) writer.uint(spec.src.value, 2 * Math.ceil(bits / 16));
  else encodePart(writer, spec.src);
  if (spec.kind !== 'output') encodePart(writer, spec.dst);
}

function encodePart(writer: ByteWriter, part: Subfield): void {
  encodeFieldRef(writer, part.field, 0);
  writer.u16(part.offset);
}

/** Reads the body after the subtype. @throws UnknownField */
export function decodeLearn(body: ByteReader, isSecondForm: boolean): LearnAction {
  const idleTimeout = body.u16();
  const hardTimeout = body.u16();
  const priority = body.u16();
  const cookie = body.u64();
  const flags = body.u16();
  const table = body.u8();
  body.skip(1);
  const finIdleTimeout = body.u16();
  const finHardTimeout = body.u16();
  const rest = isSecondForm ? decodeSecond(body, flags) : { limit: 0 };
  const timeouts = { idleTimeout, hardTimeout, finIdleTimeout, finHardTimeout };
  return { kind: 'learn', table, ...timeouts, priority, cookie, flags, ...rest, specs: decodeSpecs(body) };
}

function decodeSecond(body: ByteReader, flags: number): Pick<LearnAction, 'limit' | 'resultDst'> {
  const limit = body.u32();
  const offset = body.u16();
  body.skip(2);
  if ((flags & flagWriteResult) !== 0) return { limit, resultDst: subfield(decodeFieldRef(body), offset, 1) };
  // Written back, such an action would take the first form.
  if (limit === 0) throw new UnknownField();
  return { limit };
}

function decodeSpecs(body: ByteReader): readonly LearnSpec[] {
  const specs: LearnSpec[] = [];
  while (body.remaining >= 2) {
    const header = body.u16();
    if (header === 0) break;
    specs.push(decodeSpec(body, header));
  }
  return specs;
}

function decodeSpec(body: ByteReader, header: number): LearnSpec {
  const bits = header & bitsMask;
  const to = header & destinationMask;
  const isImmediate = (header & immediateBit) !== 0;
  expectWire(bits > 0, 'a part of learn has no bits');
  const src = isImmediate ? decodeImmediate(body, bits) : decodePart(body, bits);
  if (to === destination.output) {
    if ('value' in src) throw new UnknownField();
    return { kind: 'output', src };
  }
  if (to !== destination.match && to !== destination.load) throw new UnknownField();
  return { kind: to === destination.load ? 'load' : 'match', src, dst: decodePart(body, bits) };
}

function decodeImmediate(body: ByteReader, bits: number): LearnImmediate {
  const bytes = 2 * Math.ceil(bits / 16);
  return { value: BigInt(body.uint(bytes)) };
}

function decodePart(body: ByteReader, bits: number): Subfield {
  const field = decodeFieldRef(body);
  return subfield(field, body.u16(), bits);
}
