/**
 * The messages that change a switch, as one union. Used by the client's changes and bundles.
 */

import type { FlowMod } from '../flow.js';
import type { Version } from '../version.js';
import type { ByteWriter } from './byte-writer.js';
import { encodeFlowMod } from './flow-mod.js';
import { encodeGroupMod } from './groups.js';
import type { GroupMod } from './groups.js';
import { encodeMeterMod } from './meters.js';
import type { MeterMod } from './meters.js';
import { encodePacketOut } from './packets.js';
import type { PacketOut } from './packets.js';

/** What can be part of a bundle: flows, groups and packets, but no meters. */
export type BundleMessage = FlowMod | GroupMod | PacketOut;
export type ChangeMessage = BundleMessage | MeterMod;

/** Writes the whole message. @throws AgentError OPENFLOW_VALUE_INVALID, LIMIT_EXCEEDED */
export function encodeChange(writer: ByteWriter, version: Version, xid: number, message: ChangeMessage): void {
  switch (message.kind) {
    case 'groupMod':
      encodeGroupMod(writer, version, xid, message);
      return;
    case 'meterMod':
      encodeMeterMod(writer, version, xid, message);
      return;
    case 'packetOut':
      encodePacketOut(writer, version, xid, message);
      return;
    default:
      encodeFlowMod(writer, version, xid, message);
  }
}
