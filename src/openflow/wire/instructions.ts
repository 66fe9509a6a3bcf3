/**
 * The instructions of a flow. Used by flow-mods, flow statistics and the flow monitor.
 *
 *   instruction => type(2) len(2) body                                   OpenFlow 1.5.1 section 7.2.5
 *   goto => 1 8 table(1) pad3        metadata => 2 24 pad4 value(8) mask(8)       write/apply => 3/4 len pad4 action*
 *   clear => 5 8 pad4                meter => 6 8 meter(4), below 1.5
 *
 * Written in the order of Open vSwitch: meter, apply, clear, write, metadata, goto.
 */

import type { Action, Instructions } from '../actions.js';
import { version15 } from '../version.js';
import type { Version } from '../version.js';
import { decodeActions, encodeActions } from './actions.js';
import { expectWire } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';

const instruction = { goto: 1, metadata: 2, write: 3, apply: 4, clear: 5, meter: 6 } as const;
const maskAll = 0xffff_ffff_ffff_ffffn;

/** Writes the instructions. @throws AgentError OPENFLOW_VALUE_INVALID */
export function encodeInstructions(writer: ByteWriter, version: Version, list: Instructions): void {
  const { meter, metadata } = list;
  if (meter !== undefined && version < version15) writer.u16(instruction.meter).u16(8).u32(meter);
  const first = version < version15 ? undefined : meter;
  if (list.apply !== undefined || first !== undefined) {
    encodeActionList(writer, version, instruction.apply, first, list.apply ?? []);
  }
  if (list.clear === true) writer.u16(instruction.clear).u16(8).u32(0);
  if (list.write !== undefined) encodeActionList(writer, version, instruction.write, undefined, list.write);
  if (metadata !== undefined) {
    writer
      .u16(instruction.metadata)
      .u16(24)
      .u32(0)
      .u64(metadata.value)
      .u64(metadata.mask ?? maskAll);
  }
  if (list.goto !== undefined) writer.u16(instruction.goto).u16(8).u8(list.goto).zeros(3);
  for (const raw of list.raw ?? []) writer.bytes(raw);
}

function encodeActionList(
  writer: ByteWriter,
  version: Version,
  type: number,
  meter: number | undefined,
  actions: readonly Action[],
): void {
  const start = writer.size;
  writer.u16(type).u16(0).u32(0);
  if (meter !== undefined) encodeActions(writer, version, [{ kind: 'meter', meter }]);
  encodeActions(writer, version, actions);
  writer.setU16(start + 2, writer.size - start);
}

/** A plain object that is filled in while reading. */
type Draft = { -readonly [K in keyof Instructions]: Instructions[K] };

/** Reads instructions up to the end. @throws AgentError PEER_PROTOCOL */
export function decodeInstructions(reader: ByteReader): Instructions {
  const draft: Draft = {};
  while (reader.remaining > 0) {
    const start = reader.offset;
    const type = reader.u16();
    const size = reader.u16();
    expectWire(size >= 8 && (size & 7) === 0, 'the length of an instruction is not a multiple of eight');
    const body = reader.sub(size - 4);
    if (!decodeInstruction(draft, type, body)) draft.raw = [...(draft.raw ?? []), reader.since(start)];
  }
  return liftMeter(draft);
}

/** @returns whether the type is known */
function decodeInstruction(draft: Draft, type: number, body: ByteReader): boolean {
  switch (type) {
    case instruction.goto:
      draft.goto = body.u8();
      return true;
    case instruction.metadata:
      body.skip(4);
      draft.metadata = decodeMetadata(body.u64(), body.u64());
      return true;
    case instruction.write:
      body.skip(4);
      draft.write = decodeActions(body);
      return true;
    case instruction.apply:
      body.skip(4);
      draft.apply = decodeActions(body);
      return true;
    case instruction.clear:
      draft.clear = true;
      return true;
    case instruction.meter:
      draft.meter = body.u32();
      return true;
    default:
      return false;
  }
}

function decodeMetadata(value: bigint, mask: bigint): { readonly value: bigint; readonly mask?: bigint } {
  return mask === maskAll ? { value } : { value, mask };
}

/** 1.5 has the meter as an action; in front of all others it means what the instruction meant. */
function liftMeter(draft: Draft): Instructions {
  const first = draft.apply?.[0];
  if (draft.apply === undefined || first?.kind !== 'meter' || draft.meter !== undefined) return draft;
  draft.meter = first.meter;
  if (draft.apply.length > 1) draft.apply = draft.apply.slice(1);
  else delete draft.apply;
  return draft;
}
