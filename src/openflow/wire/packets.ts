/**
 * Packets to and from the controller. Used by the client.
 *
 *   packet_out 1.3 => buffer_id(4) in_port(4) actions_len(2) pad6 action* data
 *   packet_out 1.5 => buffer_id(4) actions_len(2) pad2 match action* data
 *   packet_in      => buffer_id(4) total_len(2) reason(1) table(1) cookie(8) match pad2 data
 */

import type { Action } from '../actions.js';
import { port } from '../actions.js';
import type { Match } from '../match.js';
import { version15 } from '../version.js';
import type { Version } from '../version.js';
import { encodeActions } from './actions.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { encodeMessage, messageType } from './header.js';
import { decodeMatch, encodeMatch } from './oxm.js';

export interface PacketOut {
  readonly kind: 'packetOut';
  /** The port that the packet seems to have come in by. Default: the controller. */
  readonly inPort?: number | undefined;
  readonly actions: readonly Action[];
  /** The packet from its Ethernet header on. */
  readonly data: Uint8Array;
}

export interface PacketIn {
  /** `ofp_packet_in_reason`: 0 no match, 1 action, 2 invalid ttl, 3 action set, 4 group, 5 packet out. */
  readonly reason: number;
  readonly table: number;
  /** Cookie of the flow that sent it; undefined when the switch does not know. */
  readonly cookie: bigint | undefined;
  /** What is known besides the packet: in_port, metadata, registers. */
  readonly match: Match;
  /** Bytes of the packet on the wire; `data` can hold fewer. */
  readonly size: number;
  readonly data: Uint8Array;
}

const bufferNone = 0xffff_ffff;

/** Writes the whole message. @throws AgentError OPENFLOW_VALUE_INVALID, LIMIT_EXCEEDED */
export function encodePacketOut(writer: ByteWriter, version: Version, xid: number, packet: PacketOut): void {
  const { inPort = port.controller } = packet;
  encodeMessage(writer, version, messageType.packetOut, xid, () => {
    writer.u32(bufferNone);
    if (version < version15) writer.u32(inPort);
    const lengthAt = writer.size;
    writer.u16(0).zeros(version < version15 ? 6 : 2);
    if (version >= version15) encodeMatch(writer, version, [{ field: 'in_port', value: inPort }]);
    const start = writer.size;
    encodeActions(writer, version, packet.actions);
    writer.setU16(lengthAt, writer.size - start);
    writer.bytes(packet.data);
  });
}

/** Reads the body after the header. */
export function decodePacketIn(body: ByteReader): PacketIn {
  body.skip(4);
  const size = body.u16();
  const reason = body.u8();
  const table = body.u8();
  const cookie = body.counter();
  const match = decodeMatch(body);
  body.skip(2);
  return { reason, table, cookie, match, size, data: body.bytes(body.remaining) };
}
