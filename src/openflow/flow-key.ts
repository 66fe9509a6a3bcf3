/**
 * Identity and equality of flows, for callers that compare what they want with what a switch has. Works on matches in
 * normal form, in which every match of this library is.
 */

import type { Flow, FlowMod } from './flow.js';
import { flowFlag, priorityDefault } from './flow.js';
import { version15 } from './version.js';
import { ByteWriter } from './wire/byte-writer.js';
import { encodeInstructions } from './wire/instructions.js';
import { encodeMatch } from './wire/oxm.js';

/** Reused: both keys are made for every flow of a table, and nothing is kept in it from one call to the next. */
const writer = new ByteWriter(1024);

/** Equal for two flows of which a table can hold only one: table, priority and match. Not meant for people. */
export function flowKey(flow: Pick<FlowMod, 'table' | 'priority' | 'match'>): string {
  writer.truncate(0);
  writer.u8(flow.table ?? 0).u16(flow.priority ?? priorityDefault);
  encodeMatch(writer, version15, flow.match ?? []);
  return writer.asKey();
}

/**
 * Equal for two flows that, having the same key, are also the same in all else: cookie, timeouts, flags, importance,
 * instructions. Not meant for people.
 * @throws AgentError OPENFLOW_VALUE_INVALID for instructions that cannot be written
 */
export function flowContentKey(flow: Partial<Flow>): string {
  const { cookie = 0n, idleTimeout = 0, hardTimeout = 0, flags = 0, importance = 0 } = flow;
  writer.truncate(0);
  // The switch reports neither of the two flags back: they concern the change alone.
  writer
    .u64(cookie)
    .u16(idleTimeout)
    .u16(hardTimeout)
    .u16(flags & ~(flowFlag.checkOverlap | flowFlag.resetCounts));
  writer.u16(importance);
  encodeInstructions(writer, version15, flow.instructions ?? {});
  return writer.asKey();
}
