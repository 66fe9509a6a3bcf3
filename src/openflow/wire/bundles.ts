/**
 * Bundles: messages that the switch carries out together or not at all. Used by the client's bundle. 1.3 has them as the
 * ONF's extension 230, with the same body inside an experimenter message.
 *
 *   control => bundle(4) type(2) flags(2)               add => bundle(4) pad2 flags(2) message
 *   1.3     => experimenter 0x4f4e4600, 2300 control, 2301 add           OpenFlow 1.5.1 section 7.3.9
 */

import { version13 } from '../version.js';
import type { Version } from '../version.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { beginMessage, encodeMessage, endMessage, messageType, vendor } from './header.js';

/** `ofp_bundle_ctrl_type`; the reply's number is one higher. */
export const bundleControl = { open: 0, close: 2, commit: 4, discard: 6 } as const;
export type BundleControl = keyof typeof bundleControl;

/** Atomic for packets, and carried out in the order of adding. */
export const bundleFlags = 3;

/** Numbers of the ONF's extension in 1.3. */
export const onfBundle = { control: 2300, add: 2301 } as const;

/** Writes a control message. */
export function encodeBundleControl(
  writer: ByteWriter,
  version: Version,
  xid: number,
  bundle: number,
  control: BundleControl,
): void {
  const type = version === version13 ? messageType.experimenter : messageType.bundleControl;
  encodeMessage(writer, version, type, xid, () => {
    if (version === version13) writer.u32(vendor.onf).u32(onfBundle.control);
    writer.u32(bundle).u16(bundleControl[control]).u16(bundleFlags);
  });
}

/**
 * Writes an add message around the message that `encodeInner` writes. The inner message must carry the same xid.
 * @throws AgentError LIMIT_EXCEEDED when the whole does not fit one message
 */
export function encodeBundleAdd(
  writer: ByteWriter,
  version: Version,
  xid: number,
  bundle: number,
  encodeInner: () => void,
): void {
  const type = version === version13 ? messageType.experimenter : messageType.bundleAdd;
  const start = beginMessage(writer, version, type, xid);
  if (version === version13) writer.u32(vendor.onf).u32(onfBundle.add);
  writer.u32(bundle).u16(0).u16(bundleFlags);
  encodeInner();
  endMessage(writer, start);
}

/** What a control reply says. */
export interface BundleReply {
  readonly bundle: number;
  readonly type: number;
}

/** Reads the body of a control reply, after the experimenter header in 1.3. */
export function decodeBundleReply(body: ByteReader): BundleReply {
  return { bundle: body.u32(), type: body.u16() };
}
