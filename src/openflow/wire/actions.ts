/**
 * Lists of actions, and the actions of the OpenFlow standard. Used by instructions, groups and packet-outs. Nicira's
 * actions have their own file; what neither knows is kept as raw bytes and written back unchanged.
 *
 *   action    => type(2) len(2) body, len a multiple of 8                OpenFlow 1.5.1 section 7.2.6
 *   output    => 0 16 port(4) max_len(2) pad6      group     => 22 8 group(4)      set_queue => 21 8 queue(4)
 *   push_vlan => 17 8 ethertype(2) pad2            pop_vlan  => 18 8 pad4          push/pop_mpls => 19/20 8 ethertype(2) pad2
 *   mpls ttl  => 15 8 ttl(1) pad3, dec 16 8 pad4   nw ttl    => 23 8 ttl(1) pad3, dec 24 8 pad4
 *   set_field => 25 len oxm pad                    meter     => 29 8 meter(4) (1.5)
 *   copy_field=> 28 len n_bits(2) src_ofs(2) dst_ofs(2) pad2 oxm_header oxm_header pad (1.5)
 */

import type { Action, LoadAction, MoveAction, SetFieldAction } from '../actions.js';
import { port } from '../actions.js';
import { fields } from '../fields.js';
import { invalid } from '../match.js';
import { version15 } from '../version.js';
import type { Version } from '../version.js';
import { expectWire, malformed } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { vendor } from './header.js';
import { decodeNicira, encodeNicira } from './nicira-actions.js';
import { decodeField, encodeField } from './oxm.js';
import { decodeFieldRef, encodeFieldRef, subfield, UnknownField } from './subfield.js';

/** Writes the actions one after the other. @throws AgentError OPENFLOW_VALUE_INVALID */
export function encodeActions(writer: ByteWriter, version: Version, actions: readonly Action[]): void {
  for (const action of actions) encodeAction(writer, version, action);
}

function encodeAction(writer: ByteWriter, version: Version, action: Action): void {
  switch (action.kind) {
    case 'output':
      writer
        .u32(0x10)
        .u32(action.port)
        .u16(action.maxLength ?? 0)
        .u16(0)
        .u32(0);
      return;
    case 'set_field':
      encodeSetField(writer, version, action);
      return;
    case 'group':
      writer.u32(0x0016_0008).u32(action.group);
      return;
    case 'set_queue':
      writer.u32(0x0015_0008).u32(action.queue);
      return;
    case 'push_vlan':
      writer.u32(0x0011_0008).u16(action.ethertype).u16(0);
      return;
    case 'pop_vlan':
      writer.u32(0x0012_0008).u32(0);
      return;
    case 'push_mpls':
      writer.u32(0x0013_0008).u16(action.ethertype).u16(0);
      return;
    case 'pop_mpls':
      writer.u32(0x0014_0008).u16(action.ethertype).u16(0);
      return;
    case 'set_mpls_ttl':
      writer.u32(0x000f_0008).u8(action.ttl).zeros(3);
      return;
    case 'dec_mpls_ttl':
      writer.u32(0x0010_0008).u32(0);
      return;
    case 'set_nw_ttl':
      writer.u32(0x0017_0008).u8(action.ttl).zeros(3);
      return;
    case 'meter':
      if (version < version15) throw invalid('meter', 'below OpenFlow 1.5 a meter is an instruction');
      writer.u32(0x001d_0008).u32(action.meter);
      return;
    case 'raw':
      writer.bytes(action.bytes);
      return;
    default:
      encodeExtension(writer, version, action);
  }
}

type Extension = Parameters<typeof encodeNicira>[2] | LoadAction | MoveAction;

/** What has a standard form in some versions, or for some values, and Nicira's form in the others. */
function encodeExtension(writer: ByteWriter, version: Version, action: Extension): void {
  if (action.kind === 'dec_ttl' && action.controllerIds === undefined) {
    writer.u32(0x0018_0008).u32(0);
  } else if (action.kind === 'move' && version >= version15) {
    encodeCopyField(writer, version, action);
  } else if (action.kind === 'load' && version >= version15) {
    encodeSetField(writer, version, setFieldOfLoad(action));
  } else {
    encodeNicira(writer, version, action, encodeActions);
  }
}

function encodeSetField(writer: ByteWriter, version: Version, action: SetFieldAction): void {
  const field = fields[action.field];
  const mask = action.mask === field.ones ? undefined : action.mask;
  if (mask !== undefined && version < version15) {
    for (const load of loadsOfSetField(action)) encodeNicira(writer, version, load, encodeActions);
    return;
  }
  const start = writer.size;
  writer.u16(25).u16(0);
  encodeField(writer, version, field, action.value, mask);
  writer.padTo8(start);
  writer.setU16(start + 2, writer.size - start);
}

function setFieldOfLoad(action: LoadAction): SetFieldAction {
  const field = fields[action.dst.field];
  const shift = BigInt(action.dst.offset);
  const value = action.value << shift;
  const mask = ((1n << BigInt(action.dst.bits)) - 1n) << shift;
  if (field.isBig) return { kind: 'set_field', field: field.name, value, mask };
  return { kind: 'set_field', field: field.name, value: Number(value), mask: Number(mask) };
}

/** One `load` for each run of bits in the mask, from the least significant on, none longer than its 64 bits. */
function loadsOfSetField(action: SetFieldAction): readonly LoadAction[] {
  const loads: LoadAction[] = [];
  const mask = BigInt(action.mask ?? 0);
  const value = BigInt(action.value);
  const { bits } = fields[action.field];
  const isSet = (bit: number): boolean => ((mask >> BigInt(bit)) & 1n) === 1n;
  for (let offset = 0; offset < bits; offset += 1) {
    if (!isSet(offset)) continue;
    let end = offset + 1;
    while (end < bits && end < offset + 64 && isSet(end)) end += 1;
    const part = (value >> BigInt(offset)) & ((1n << BigInt(end - offset)) - 1n);
    loads.push({ kind: 'load', value: part, dst: { field: action.field, offset, bits: end - offset } });
    offset = end - 1;
  }
  return loads;
}

function encodeCopyField(writer: ByteWriter, version: Version, action: MoveAction): void {
  const start = writer.size;
  writer.u16(28).u16(0).u16(action.dst.bits).u16(action.src.offset).u16(action.dst.offset).u16(0);
  encodeFieldRef(writer, action.src.field, version);
  encodeFieldRef(writer, action.dst.field, version);
  writer.padTo8(start);
  writer.setU16(start + 2, writer.size - start);
}

/** Reads actions up to the end. @throws AgentError PEER_PROTOCOL */
export function decodeActions(reader: ByteReader, depth = 0): readonly Action[] {
  // Open vSwitch limits nesting as well; without a limit a hostile peer could exhaust the stack.
  if (depth > depthMax) throw malformed('actions are nested too deeply');
  const actions: Action[] = [];
  while (reader.remaining > 0) actions.push(decodeAction(reader, depth));
  return actions;
}

const depthMax = 32;

function decodeAction(reader: ByteReader, depth: number): Action {
  const start = reader.offset;
  const type = reader.u16();
  const size = reader.u16();
  expectWire(size >= 8 && (size & 7) === 0, 'the length of an action is not a multiple of eight');
  const body = reader.sub(size - 4);
  try {
    return decodeBody(type, body, depth) ?? { kind: 'raw', bytes: reader.since(start) };
  } catch (error) {
    if (error instanceof UnknownField) return { kind: 'raw', bytes: reader.since(start) };
    throw error;
  }
}

const decodeNested = (reader: ByteReader, depth: number): readonly Action[] => decodeActions(reader, depth + 1);

/** The action, or undefined when nothing is known about its type. */
function decodeBody(type: number, body: ByteReader, depth: number): Action | undefined {
  switch (type) {
    case 0:
      return decodeOutput(body);
    case 15:
      return { kind: 'set_mpls_ttl', ttl: body.u8() };
    case 16:
      return { kind: 'dec_mpls_ttl' };
    case 17:
      return { kind: 'push_vlan', ethertype: body.u16() };
    case 18:
      return { kind: 'pop_vlan' };
    case 19:
      return { kind: 'push_mpls', ethertype: body.u16() };
    case 20:
      return { kind: 'pop_mpls', ethertype: body.u16() };
    case 21:
      return { kind: 'set_queue', queue: body.u32() };
    case 22:
      return { kind: 'group', group: body.u32() };
    case 23:
      return { kind: 'set_nw_ttl', ttl: body.u8() };
    case 24:
      return { kind: 'dec_ttl' };
    case 25:
      return decodeSetField(body);
    case 28:
      return decodeCopyField(body);
    case 29:
      return { kind: 'meter', meter: body.u32() };
    case 0xffff:
      return body.u32() === vendor.nicira ? decodeNicira(body, depth, decodeNested) : undefined;
    default:
      return undefined;
  }
}

function decodeOutput(body: ByteReader): Action {
  const number = body.u32();
  const maxLength = body.u16();
  return number === port.controller || maxLength !== 0
    ? { kind: 'output', port: number, maxLength }
    : { kind: 'output', port: number };
}

function decodeSetField(body: ByteReader): SetFieldAction {
  const entry = decodeField(body);
  if (entry.field === 'raw') throw new UnknownField();
  const { field, value, mask } = entry;
  return mask === undefined ? { kind: 'set_field', field, value } : { kind: 'set_field', field, value, mask };
}

function decodeCopyField(body: ByteReader): MoveAction {
  const bits = body.u16();
  const srcOffset = body.u16();
  const dstOffset = body.u16();
  body.skip(2);
  const src = subfield(decodeFieldRef(body), srcOffset, bits);
  return { kind: 'move', src, dst: subfield(decodeFieldRef(body), dstOffset, bits) };
}
