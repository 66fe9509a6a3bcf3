/**
 * The header that every message begins with, and the numbers of the message types. Used by all encoders, the framer and
 * the decoder.
 *
 *   ofp_header => version(1) type(1) length(2) xid(4)          OpenFlow 1.5.1 section 7.1.1
 */

import { AgentError } from '../../lib/errors.js';
import type { Version } from '../version.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';

/** `ofp_type`; the numbers are those of 1.3, 1.4 and 1.5 alike. */
export const messageType = {
  hello: 0,
  error: 1,
  echoRequest: 2,
  echoReply: 3,
  experimenter: 4,
  featuresRequest: 5,
  featuresReply: 6,
  getConfigRequest: 7,
  getConfigReply: 8,
  setConfig: 9,
  packetIn: 10,
  flowRemoved: 11,
  portStatus: 12,
  packetOut: 13,
  flowMod: 14,
  groupMod: 15,
  portMod: 16,
  multipartRequest: 18,
  multipartReply: 19,
  barrierRequest: 20,
  barrierReply: 21,
  roleRequest: 24,
  roleReply: 25,
  setAsync: 28,
  meterMod: 29,
  roleStatus: 30,
  tableStatus: 31,
  requestForward: 32,
  bundleControl: 33,
  bundleAdd: 34,
} as const;

/** Bytes of the header. */
export const headerSize = 8;
/** The length field has 16 bits. */
export const messageSizeMax = 65_535;

/** Experimenter ids: Nicira's (Open vSwitch's own) and that of the Open Networking Foundation. */
export const vendor = { nicira: 0x0000_2320, onf: 0x4f4e_4600 } as const;

export interface Header {
  readonly version: number;
  readonly type: number;
  /** Bytes of the whole message. */
  readonly size: number;
  readonly xid: number;
}

/** The header of a whole message. */
export function decodeHeader(reader: ByteReader): Header {
  return { version: reader.u8(), type: reader.u8(), size: reader.u16(), xid: reader.u32() };
}

/**
 * Writes one message: the header, whatever `body` writes, and then the length.
 * @throws AgentError LIMIT_EXCEEDED when the message grew past 65535 bytes; nothing of it stays in the writer
 */
export function encodeMessage(
  writer: ByteWriter,
  version: Version,
  type: number,
  xid: number,
  body?: () => void,
): void {
  const start = beginMessage(writer, version, type, xid);
  body?.();
  endMessage(writer, start);
}

/** Writes the header with an open length; `endMessage` fills it in. @returns where the message starts */
export function beginMessage(writer: ByteWriter, version: Version, type: number, xid: number): number {
  const start = writer.size;
  writer.u8(version).u8(type).u16(0).u32(xid);
  return start;
}

/** @throws AgentError LIMIT_EXCEEDED; the message is then taken out of the writer */
export function endMessage(writer: ByteWriter, start: number): void {
  const size = writer.size - start;
  if (size > messageSizeMax) {
    writer.truncate(start);
    throw new AgentError('LIMIT_EXCEEDED', 'an OpenFlow message is longer than its length field can say', {
      facts: { size, sizeMax: messageSizeMax },
      remedy: 'Split it: a group into a group-mod and inserted buckets, a flow into several tables.',
    });
  }
  writer.setU16(start + 2, size);
}
