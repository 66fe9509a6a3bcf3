/**
 * Requests whose answer can come in parts. Used by everything that reads statistics or descriptions. Each part of a
 * reply ends between two entries, so that parts can be decoded one at a time.
 *
 *   multipart => type(2) flags(2: 1 is more) pad4 body                   OpenFlow 1.5.1 section 7.3.5
 */

import type { Version } from '../version.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { encodeMessage, messageType } from './header.js';

/** `ofp_multipart_type`. */
export const multipartType = {
  desc: 0,
  flow: 1,
  aggregate: 2,
  table: 3,
  portStats: 4,
  group: 6,
  groupDesc: 7,
  groupFeatures: 8,
  meter: 9,
  meterConfig: 10,
  meterFeatures: 11,
  portDesc: 13,
  tableDesc: 14,
  flowMonitor: 16,
  experimenter: 0xffff,
} as const;

/** Writes a request. */
export function encodeMultipartRequest(
  writer: ByteWriter,
  version: Version,
  xid: number,
  type: number,
  body?: () => void,
): void {
  encodeMessage(writer, version, messageType.multipartRequest, xid, () => {
    writer.u16(type).u16(0).u32(0);
    body?.();
  });
}

export interface MultipartHeader {
  readonly type: number;
  /** Whether another part follows. */
  readonly hasMore: boolean;
}

/** Reads what follows the message header. */
export function decodeMultipartHeader(body: ByteReader): MultipartHeader {
  const type = body.u16();
  const hasMore = (body.u16() & 1) !== 0;
  body.skip(4);
  return { type, hasMore };
}
