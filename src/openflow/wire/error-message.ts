/**
 * Error messages: numbers into names, and whose request it was. Used by the client, which ties each error to the message
 * that caused it.
 *
 *   error => type(2) code(2) data, or 0xffff(2) exp_type(2) experimenter(4) data         OpenFlow 1.5.1 section 7.5.4
 *
 * Open vSwitch echoes the whole request as data and writes the xid of the request, inside bundles that of the inner one.
 */

import { errorCodeNames, errorTypeNames, niciraErrorNames, onfErrorNames } from './error-names.js';
import type { ByteReader } from './byte-reader.js';
import { vendor } from './header.js';

export interface ErrorMessage {
  readonly type: number;
  readonly code: number;
  /** `OFPBMC_BAD_PREREQ`, or the numbers for what has no known name. */
  readonly name: string;
  /** What the switch echoes of the message that it refused. */
  readonly data: Uint8Array;
}

const typeExperimenter = 0xffff;

/** Reads the body after the header. */
export function decodeError(body: ByteReader): ErrorMessage {
  const type = body.u16();
  const code = body.u16();
  if (type !== typeExperimenter || body.remaining < 4) {
    return { type, code, name: nameOf(type, code), data: body.bytes(body.remaining) };
  }
  const experimenter = body.u32();
  const known = experimenter === vendor.onf ? onfErrorNames[code] : niciraErrorNames[code];
  const name = known ?? `experimenter 0x${experimenter.toString(16)} type ${code}`;
  return { type, code, name, data: body.bytes(body.remaining) };
}

function nameOf(type: number, code: number): string {
  const names = errorCodeNames[type];
  return names?.[code] ?? `${errorTypeNames[type] ?? `type ${type}`} code ${code}`;
}

/** Whether the error is the second one of a failed bundle, which only says that an inner message failed. */
export function isBundleMessageFailed(error: ErrorMessage): boolean {
  return error.name === 'OFPBFC_MSG_FAILED';
}
