/**
 * The message that changes flows. Used by the client, alone or inside bundles, and by the text form.
 *
 *   ofp_flow_mod => cookie(8) cookie_mask(8) table(1) command(1) idle(2) hard(2) priority(2) buffer_id(4) out_port(4)
 *                   out_group(4) flags(2) importance(2, zero in 1.3) match instruction*      OpenFlow 1.5.1 section 7.3.4.1
 */

import { groupAny, port, tableAll } from '../actions.js';
import { priorityDefault } from '../flow.js';
import type { FlowCommand, FlowMod } from '../flow.js';
import { version13 } from '../version.js';
import type { Version } from '../version.js';
import type { ByteReader } from './byte-reader.js';
import { malformed } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { beginMessage, endMessage, messageType } from './header.js';
import { decodeInstructions, encodeInstructions } from './instructions.js';
import { decodeMatch, encodeMatch } from './oxm.js';

const commands: readonly FlowCommand[] = ['add', 'modify', 'modify_strict', 'delete', 'delete_strict'];
const commandNumber: Readonly<Record<FlowCommand, number>> = {
  add: 0,
  modify: 1,
  modify_strict: 2,
  delete: 3,
  delete_strict: 4,
};
const bufferNone = 0xffff_ffff;

/** Writes the whole message. @throws AgentError OPENFLOW_VALUE_INVALID, LIMIT_EXCEEDED */
export function encodeFlowMod(writer: ByteWriter, version: Version, xid: number, mod: FlowMod): void {
  const start = beginMessage(writer, version, messageType.flowMod, xid);
  writer.u64(mod.cookie ?? 0n).u64(mod.cookieMask ?? 0n);
  writer.u8(mod.table ?? tableDefault(mod.command)).u8(commandNumber[mod.command]);
  writer.u16(mod.idleTimeout ?? 0).u16(mod.hardTimeout ?? 0);
  writer.u16(mod.priority ?? priorityDefault).u32(mod.bufferId ?? bufferNone);
  writer.u32(mod.outPort ?? port.any).u32(mod.outGroup ?? groupAny);
  writer.u16(mod.flags ?? 0).u16(version === version13 ? 0 : (mod.importance ?? 0));
  encodeMatch(writer, version, mod.match ?? []);
  encodeInstructions(writer, version, mod.instructions ?? {});
  endMessage(writer, start);
}

/** Deletions without a table mean every table, as with `ovs-ofctl del-flows`. */
function tableDefault(command: FlowCommand): number {
  return command === 'delete' || command === 'delete_strict' ? tableAll : 0;
}

/** Reads the body after the header. @throws AgentError PEER_PROTOCOL */
export function decodeFlowMod(body: ByteReader): FlowMod {
  const cookie = body.u64();
  const cookieMask = body.u64();
  const table = body.u8();
  const command = commands[body.u8()];
  if (command === undefined) throw malformed('a flow-mod has no known command');
  const idleTimeout = body.u16();
  const hardTimeout = body.u16();
  const priority = body.u16();
  const bufferId = body.u32();
  const outPort = body.u32();
  const outGroup = body.u32();
  const flags = body.u16();
  const importance = body.u16();
  const match = decodeMatch(body);
  const what = { table, priority, match, cookie, idleTimeout, hardTimeout, flags, importance };
  return {
    kind: 'flowMod',
    command,
    ...what,
    ...(cookieMask === 0n ? {} : { cookieMask }),
    ...(outPort === port.any ? {} : { outPort }),
    ...(outGroup === groupAny ? {} : { outGroup }),
    ...(bufferId === bufferNone ? {} : { bufferId }),
    instructions: decodeInstructions(body),
  };
}
