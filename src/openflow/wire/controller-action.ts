/**
 * The two forms of Nicira's `controller` action: a fixed record, and a list of properties for what does not fit it.
 * Used by the codec of Nicira's actions.
 *
 *   controller  => max_len(2) controller_id(2) reason(1) zero(1)
 *   controller2 => pad6 property*, property => type(2) len(2) value pad8      ofp-actions.c, NXAC2PT_*
 */

import type { ControllerAction } from '../actions.js';
import { expectWire } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { UnknownField } from './subfield.js';

const property = { maxLength: 0, controllerId: 1, reason: 2, userdata: 3, pause: 4, meter: 5 } as const;

/** OFPR_ACTION: an action of a flow sent the packet. */
const reasonAction = 1;

/** Whether the fixed record says all of it. */
export function isPlainController(action: ControllerAction): boolean {
  return action.userdata === undefined && action.pause !== true && action.meter === undefined;
}

/** Writes the body of the form that `isPlainController` chooses. */
export function encodeController(writer: ByteWriter, action: ControllerAction): void {
  const { maxLength = 0xffff, controllerId = 0, reason = reasonAction, userdata, pause, meter } = action;
  if (isPlainController(action)) {
    writer.u16(maxLength).u16(controllerId).u8(reason).u8(0);
    return;
  }
  writer.zeros(6);
  if (maxLength !== 0xffff) writer.u16(property.maxLength).u16(8).u16(maxLength).zeros(2);
  if (controllerId !== 0) writer.u16(property.controllerId).u16(8).u16(controllerId).zeros(2);
  if (reason !== reasonAction) writer.u16(property.reason).u16(8).u8(reason).zeros(3);
  if (userdata !== undefined) encodeUserdata(writer, userdata);
  if (pause === true) writer.u16(property.pause).u16(4).zeros(4);
  if (meter !== undefined) writer.u16(property.meter).u16(8).u32(meter);
}

function encodeUserdata(writer: ByteWriter, userdata: Uint8Array): void {
  const start = writer.size;
  writer
    .u16(property.userdata)
    .u16(userdata.length + 4)
    .bytes(userdata);
  writer.padTo8(start);
}

/** Reads the properties. @throws UnknownField when one is not known, so that the action is kept as it came */
export function decodeController2(body: ByteReader): ControllerAction {
  body.skip(6);
  let action: ControllerAction = { kind: 'controller', maxLength: 0xffff, controllerId: 0, reason: reasonAction };
  while (body.remaining > 0) {
    const start = body.offset;
    const type = body.u16();
    const size = body.u16();
    expectWire(size >= 4, 'a property is shorter than its header');
    action = { ...action, ...decodeProperty(type, body.sub(size - 4)) };
    body.skipPadTo8(start);
  }
  return action;
}

function decodeProperty(type: number, value: ByteReader): Partial<ControllerAction> {
  switch (type) {
    case property.maxLength:
      return { maxLength: value.u16() };
    case property.controllerId:
      return { controllerId: value.u16() };
    case property.reason:
      return { reason: value.u8() };
    case property.userdata:
      return { userdata: value.bytes(value.remaining) };
    case property.pause:
      return { pause: true };
    case property.meter:
      return { meter: value.u32() };
    default:
      throw new UnknownField();
  }
}
