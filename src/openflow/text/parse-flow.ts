/**
 * The text of a flow into a change of flows, in the notation of `ovs-ofctl add-flow`. Used by callers that keep flows as
 * text, and by tests. Names of ports and tables are not known here: write numbers.
 */

import type { FlowCommand, FlowMod } from '../flow.js';
import { flowFlag } from '../flow.js';
import { matchEntry } from '../match.js';
import type { Match } from '../match.js';
import { parseInstructions } from './parse-actions.js';
import { MatchBuilder } from './match-builder.js';
import { parseBig, parseNumber, parsePort, textError } from './notation.js';
import { splitKeys } from './split.js';

type Draft = { -readonly [K in keyof FlowMod]: FlowMod[K] };

const flags: ReadonlyMap<string, number> = new Map([
  ['send_flow_rem', flowFlag.sendFlowRemoved],
  ['check_overlap', flowFlag.checkOverlap],
  ['reset_counts', flowFlag.resetCounts],
  ['no_packet_counts', flowFlag.noPacketCounts],
  ['no_byte_counts', flowFlag.noByteCounts],
]);

/** What dump-flows prints and a change ignores. */
const counters = new Set(['duration', 'n_packets', 'n_bytes', 'idle_age', 'hard_age']);

/**
 * Reads a flow. Deletions need no actions.
 * @throws AgentError OPENFLOW_TEXT_INVALID, also for a field whose prerequisite is not matched
 */
export function parseFlow(text: string, command: FlowCommand = 'add'): FlowMod {
  const actionsAt = text.search(/(^|[,\s])actions\s*=/);
  const isDelete = command === 'delete' || command === 'delete_strict';
  if (actionsAt < 0 && !isDelete) throw textError('actions are missing', text);
  const builder = new MatchBuilder();
  const draft: Draft = { command };
  const head = actionsAt < 0 ? text : text.slice(0, actionsAt);
  for (const { key, value } of splitKeys(head)) {
    if (!parseOption(draft, key, value) && !builder.add(key, value)) throw textError('a field is not known', key);
  }
  draft.match = builder.build();
  if (isDelete) return draft;
  const actions = text.slice(actionsAt).replace(/^[,\s]*actions\s*=/, '');
  draft.instructions = parseInstructions(actions.trim(), contextOf(draft.match, builder.hasVlan));
  // Not a copy by spreading: V8 gives such objects a shape that makes encoding them five times slower.
  return draft;
}

function contextOf(match: Match, hasVlan: boolean): Parameters<typeof parseInstructions>[1] {
  const protocol = matchEntry(match, 'nw_proto')?.value;
  return {
    hasVlan,
    protocol: protocol === undefined ? undefined : Number(protocol),
  };
}

/** Reads a match alone, for filters. @throws AgentError OPENFLOW_TEXT_INVALID */
export function parseMatch(text: string): Match {
  const builder = new MatchBuilder();
  for (const { key, value } of splitKeys(text)) {
    if (!builder.add(key, value)) throw textError('a field is not known', key);
  }
  return builder.build();
}

/** @returns whether the key is one of the flow and not of its match */
function parseOption(draft: Draft, key: string, value: string | undefined): boolean {
  const flag = value === undefined ? flags.get(key) : undefined;
  if (flag !== undefined) {
    draft.flags = (draft.flags ?? 0) | flag;
    return true;
  }
  if (value === undefined) return false;
  if (counters.has(key)) return true;
  return parseNumberOption(draft, key, value);
}

function parseNumberOption(draft: Draft, key: string, value: string): boolean {
  switch (key) {
    case 'table':
      draft.table = parseNumber(value, 255);
      return true;
    case 'priority':
      draft.priority = parseNumber(value, 0xffff);
      return true;
    case 'idle_timeout':
      draft.idleTimeout = parseNumber(value, 0xffff);
      return true;
    case 'hard_timeout':
      draft.hardTimeout = parseNumber(value, 0xffff);
      return true;
    case 'importance':
      draft.importance = parseNumber(value, 0xffff);
      return true;
    case 'cookie':
      parseCookie(draft, value);
      return true;
    case 'out_port':
      draft.outPort = parsePort(value);
      return true;
    case 'out_group':
      draft.outGroup = parseNumber(value, 0xffff_ffff);
      return true;
    default:
      return false;
  }
}

/** `cookie=value` gives a flow its cookie, `cookie=value/mask` selects flows by it. */
function parseCookie(draft: Draft, text: string): void {
  const [value = '', mask] = text.split('/');
  draft.cookie = parseBig(value, 64);
  if (mask !== undefined) draft.cookieMask = parseBig(mask, 64);
}
