/**
 * Flows in the words of ovs-ofctl(8): what `add-flow` takes and what `--no-stats --no-names dump-flows` prints in OpenFlow
 * 1.5, character by character. Used to compare flows, to key them, and to show plans. It does not parse.
 */

import { unreachable } from '../lib/assert.js';
import type { FieldPart, Flow, FlowAction, FlowKey, FlowMatch, LearnAction, LearnPart, VlanMatch } from './flow.js';

// As printf's %#x does, which writes zero as it is.
const hex = (value: bigint | number): string => (Number(value) === 0 ? '0' : `0x${value.toString(16)}`);

/** `0x` and 16 digits less the leading zeros, as ovs-ofctl writes cookies. */
export function formatCookie(cookie: bigint): string {
  return `0x${cookie.toString(16)}`;
}

function formatVlan(vlan: VlanMatch): string {
  switch (vlan.kind) {
    // CFI, bit 12, is set exactly in tagged frames (ovs-fields(7), vlan_tci).
    case 'untagged':
      return 'vlan_tci=0x0000/0x1000';
    case 'tag':
      return `dl_vlan=${vlan.vid}`;
    case 'vidBits':
      return `vlan_tci=0x${vlan.vid.toString(16).padStart(4, '0')}/0x0fff`;
    default:
      return unreachable(vlan);
  }
}

function formatMasked(name: string, field: { readonly value: string; readonly mask?: string | undefined }): string {
  return field.mask === undefined ? `${name}=${field.value}` : `${name}=${field.value}/${field.mask}`;
}

/** The match, without priority; empty when it matches everything. */
export function formatMatch(match: FlowMatch): string {
  const parts: string[] = [];
  if (match.reg0 !== undefined) parts.push(`reg0=${hex(match.reg0)}`);
  if (match.reg1 !== undefined) parts.push(`reg1=${hex(match.reg1)}`);
  if (match.metadata !== undefined) parts.push(`metadata=${hex(match.metadata)}`);
  if (match.inPort !== undefined) parts.push(`in_port=${match.inPort}`);
  if (match.vlan !== undefined) parts.push(formatVlan(match.vlan));
  if (match.ethSrc !== undefined) parts.push(formatMasked('dl_src', match.ethSrc));
  if (match.ethDst !== undefined) parts.push(formatMasked('dl_dst', match.ethDst));
  if (match.other !== undefined) parts.push(match.other);
  return parts.join(',');
}

/** Names and widths of the fields in the sources and destinations of `learn` (ovs-fields(7)). */
const learnFields: Readonly<Record<FieldPart['field'], { readonly name: string; readonly bits: number }>> = {
  inPort: { name: 'NXM_OF_IN_PORT', bits: 16 },
  metadata: { name: 'OXM_OF_METADATA', bits: 64 },
  ethSrc: { name: 'NXM_OF_ETH_SRC', bits: 48 },
  ethDst: { name: 'NXM_OF_ETH_DST', bits: 48 },
  vlanTci: { name: 'NXM_OF_VLAN_TCI', bits: 16 },
  reg0: { name: 'NXM_NX_REG0', bits: 32 },
  reg1: { name: 'NXM_NX_REG1', bits: 32 },
};

function formatPart(part: FieldPart): string {
  const { name, bits } = learnFields[part.field];
  const isWhole = part.offset === 0 && part.bits === bits;
  return isWhole ? `${name}[]` : `${name}[${part.offset}..${part.offset + part.bits - 1}]`;
}

function formatLearnPart({ kind, src, dst }: LearnPart): string {
  if (kind === 'load') return `load:${formatPart(src)}->${formatPart(dst)}`;
  const [from, to] = [formatPart(src), formatPart(dst)];
  return from === to ? to : `${to}=${from}`;
}

function formatLearn(action: LearnAction): string {
  const parts = [`table=${action.table}`];
  if (action.hardTimeout !== 0) parts.push(`hard_timeout=${action.hardTimeout}`);
  parts.push(`priority=${action.priority}`);
  if (action.cookie !== 0n) parts.push(`cookie=${formatCookie(action.cookie)}`);
  if (action.limit !== 0) parts.push(`limit=${action.limit}`);
  return `learn(${[...parts, ...action.parts.map(formatLearnPart)].join(',')})`;
}

/** One action. */
export function formatFlowAction(action: FlowAction): string {
  switch (action.kind) {
    case 'output':
      return `output:${action.port}`;
    case 'pushVlan':
      return 'push_vlan:0x8100';
    case 'popVlan':
      return 'pop_vlan';
    case 'setVlan':
      // OpenFlow sets the number together with the bit that says that there is a tag (1.5.1 section 7.2.3.8).
      return `set_field:${0x1000 | action.vid}->vlan_vid`;
    case 'resubmit':
      return `resubmit(,${action.table})`;
    case 'loadRegister':
      return `set_field:${hex(action.value)}/0xffff->${action.register}`;
    case 'learn':
      return formatLearn(action);
    case 'writeMetadata':
      return `write_metadata:${hex(action.value)}`;
    case 'goto':
      return `goto_table:${action.table}`;
    case 'other':
      return action.text;
    default:
      return unreachable(action);
  }
}

/** The actions; `drop` for none. */
export function formatFlowActions(actions: readonly FlowAction[]): string {
  return actions.length === 0 ? 'drop' : actions.map(formatFlowAction).join(',');
}

/** Flows with the same key take the place of one another. */
export function flowKey(flow: Pick<Flow, 'table' | 'priority' | 'match'>): FlowKey {
  return `table=${flow.table},priority=${flow.priority},${formatMatch(flow.match)}`;
}

/** The match with its table and priority, as `--strict` forms of ovs-ofctl take it. */
export function formatFlowSelector(flow: Pick<Flow, 'table' | 'priority' | 'match'>): string {
  const match = formatMatch(flow.match);
  return `table=${flow.table},priority=${flow.priority}${match === '' ? '' : `,${match}`}`;
}

/** The whole flow on one line. */
export function formatFlow(flow: Flow): string {
  const parts = [`cookie=${formatCookie(flow.cookie)}`];
  // What ovs-ofctl leaves out when it prints, table 0 among it, it takes as the default when it reads.
  if (flow.table !== 0) parts.push(`table=${flow.table}`);
  if (flow.idleTimeout !== 0) parts.push(`idle_timeout=${flow.idleTimeout}`);
  if (flow.hardTimeout !== 0) parts.push(`hard_timeout=${flow.hardTimeout}`);
  const match = formatMatch(flow.match);
  const last = `priority=${flow.priority}${match === '' ? '' : `,${match}`}`;
  return `${[...parts, last].join(', ')} actions=${formatFlowActions(flow.actions)}`;
}

/** Whether two flows of one key do the same, timeouts included; whose they are does not count. */
export function doTheSame(a: Flow, b: Flow): boolean {
  const isSameTime = a.idleTimeout === b.idleTimeout && a.hardTimeout === b.hardTimeout;
  return isSameTime && formatFlowActions(a.actions) === formatFlowActions(b.actions);
}
