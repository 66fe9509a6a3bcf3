/**
 * Flows and changes of flows as Open vSwitch prints them: the lines of `ovs-ofctl dump-flows` and the text of
 * `ovs-ofctl ofp-print`. Used by callers that show flows to people and compare them as text.
 */

import { flowFlag, priorityDefault } from '../flow.js';
import type { Duration, Flow, FlowCommand, FlowMod, FlowStats } from '../flow.js';
import { formatInstructions } from './print-actions.js';
import { formatMatch } from './print-match.js';
import { formatPort, hex } from './notation.js';

const flagNames: readonly (readonly [string, number])[] = [
  ['send_flow_rem', flowFlag.sendFlowRemoved],
  ['check_overlap', flowFlag.checkOverlap],
  ['reset_counts', flowFlag.resetCounts],
  ['no_packet_counts', flowFlag.noPacketCounts],
  ['no_byte_counts', flowFlag.noByteCounts],
];

/** A line of `ovs-ofctl dump-flows`, without its leading space. Counters that are not kept are left out. */
export function formatFlowStats(flow: FlowStats): string {
  const head = [
    `cookie=${hex(flow.cookie)}`,
    `duration=${formatDuration(flow.duration)}`,
    `table=${flow.table}`,
    ...(flow.packets === undefined ? [] : [`n_packets=${flow.packets}`]),
    ...(flow.bytes === undefined ? [] : [`n_bytes=${flow.bytes}`]),
  ];
  const age = flow.idleAge === undefined ? '' : `idle_age=${flow.idleAge}, `;
  return `${commaed(head)}${lifetime(flow)}${age}${formatRule(flow)}`;
}

/** A line of `ovs-ofctl --no-stats dump-flows`, without its leading space; it can be parsed again. */
export function formatFlow(flow: Flow): string {
  const head = [
    ...(flow.cookie === 0n ? [] : [`cookie=${hex(flow.cookie)}`]),
    ...(flow.table === 0 ? [] : [`table=${flow.table}`]),
  ];
  return `${commaed(head)}${lifetime(flow)}${formatRule(flow)}`;
}

function commaed(parts: readonly string[]): string {
  return parts.map((part) => `${part}, `).join('');
}

/** Timeouts and flags. Open vSwitch puts a comma after each but the flags. */
function lifetime(flow: Flow): string {
  const timeouts = [
    ...(flow.idleTimeout === 0 ? [] : [`idle_timeout=${flow.idleTimeout}`]),
    ...(flow.hardTimeout === 0 ? [] : [`hard_timeout=${flow.hardTimeout}`]),
  ];
  const flags = flow.flags === 0 ? '' : `${formatFlags(flow.flags)} `;
  return `${commaed(timeouts)}${flags}${flow.importance === 0 ? '' : `importance=${flow.importance}, `}`;
}

function formatRule(flow: Flow): string {
  const match = formatMatch(flow.match, flow.priority);
  const actions = `actions=${formatInstructions(flow.instructions)}`;
  return match === '' ? actions : `${match} ${actions}`;
}

function formatFlags(flags: number): string {
  return flagNames
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .join(' ');
}

/** Seconds with as many decimals as are not zero, at most nine, in steps of three as Open vSwitch does. */
export function formatDuration({ s, ns }: Duration): string {
  if (ns === 0) return `${s}s`;
  const digits = ns % 1_000_000 === 0 ? 3 : ns % 1000 === 0 ? 6 : 9;
  return `${s}.${String(ns).padStart(9, '0').slice(0, digits)}s`;
}

const commandNames: Readonly<Record<FlowCommand, string>> = {
  add: 'ADD',
  modify: 'MOD',
  modify_strict: 'MOD_STRICT',
  delete: 'DEL',
  delete_strict: 'DEL_STRICT',
};

/** A change as `ovs-ofctl ofp-print` shows it, after the name of the message. */
export function formatFlowMod(mod: FlowMod): string {
  const { command, match = [], priority = priorityDefault, cookie = 0n, cookieMask = 0n } = mod;
  const isDelete = command === 'delete' || command === 'delete_strict';
  const table = mod.table ?? (isDelete ? 255 : 0);
  const matchText = formatMatch(match, priority);
  const newCookie = command === 'add' || (cookieMask === 0n && !isDelete) ? cookie : 0n;
  const parts = [
    `${commandNames[command]}${table === 0 ? '' : ` table:${table}`}`,
    ...(matchText === '' ? [] : [matchText]),
    ...(newCookie === 0n || newCookie === cookieNone ? [] : [`cookie:${hex(newCookie)}`]),
    ...(cookieMask === 0n ? [] : [`cookie:${hex(cookie)}/${hex(cookieMask)}`]),
    ...(mod.idleTimeout === undefined || mod.idleTimeout === 0 ? [] : [`idle:${mod.idleTimeout}`]),
    ...(mod.hardTimeout === undefined || mod.hardTimeout === 0 ? [] : [`hard:${mod.hardTimeout}`]),
    ...(mod.importance === undefined || mod.importance === 0 ? [] : [`importance:${mod.importance}`]),
    ...(mod.bufferId === undefined ? [] : [`buf:${hex(mod.bufferId)}`]),
    ...(mod.outPort === undefined || !isDelete ? [] : [`out_port:${formatPort(mod.outPort)}`]),
    ...((mod.flags ?? 0) === 0 ? [] : [formatFlags(mod.flags ?? 0)]),
    `actions=${formatInstructions(mod.instructions ?? {})}`,
  ];
  return parts.join(' ');
}

const cookieNone = 0xffff_ffff_ffff_ffffn;
