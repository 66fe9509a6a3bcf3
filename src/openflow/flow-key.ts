/**
 * Identity and equality of flows, for callers that compare what they want with what a switch has. Works on matches in
 * normal form, in which every match of this library is.
 */

import type { Flow, FlowMod } from './flow.js';
import { priorityDefault } from './flow.js';
import { matchKey } from './match.js';
import { version15 } from './version.js';
import { ByteWriter } from './wire/byte-writer.js';
import { encodeInstructions } from './wire/instructions.js';

/** Equal for two flows of which a table can hold only one: table, priority and match. */
export function flowKey(flow: Pick<FlowMod, 'table' | 'priority' | 'match'>): string {
  return `${flow.table ?? 0} ${flow.priority ?? priorityDefault} ${matchKey(flow.match ?? [])}`;
}

/** Equal for two flows with the same key that also do the same: cookie, timeouts, flags, importance, instructions. */
export function flowContentKey(flow: Partial<Flow>): string {
  const writer = new ByteWriter(128);
  encodeInstructions(writer, version15, flow.instructions ?? {});
  const { cookie = 0n, idleTimeout = 0, hardTimeout = 0, flags = 0, importance = 0 } = flow;
  // The switch reports neither of these two back: they concern the change alone.
  const kept = flags & ~(checkOverlap | resetCounts);
  const bytes = Buffer.from(writer.take()).toString('latin1');
  return `${cookie} ${idleTimeout} ${hardTimeout} ${kept} ${importance} ${bytes}`;
}

const checkOverlap = 2;
const resetCounts = 4;
