/**
 * What each engine cannot do in hardware, as far as the text of a flow shows it. From the sources of Open vSwitch
 * (dpif-offload-tc-netdev.c, dpif-offload-dpdk-netdev.c), of mlx5 (tc_ct.c) and, for DOCA, from what NVIDIA's tests leave out.
 * Pure. A limit that is not certain is not here: a flow that no limit explains gets the reason `other`.
 */

import {
  flowActions,
  isOutput,
  isWildcard,
  matchField,
  matchFields,
  maskedValue,
  matchesOn,
  subField,
} from '../model/datapath-flow.js';
import type { DatapathFlow, FlowAction } from '../model/datapath-flow.js';
import type { OffloadEngine } from './offload.js';

/** Bits of ct_state as -m prints them (OpenFlow's, ovs-fields(7)), and as words without -m. */
const ctBits = [
  ['new', 0x01],
  ['est', 0x02],
  ['rel', 0x04],
  ['rpl', 0x08],
  ['inv', 0x10],
  ['trk', 0x20],
] as const;

type CtBit = (typeof ctBits)[number][0];

/** Whether the match asks for the bit to be set: `0x21/0x21`, `+new+trk` or `new|trk`. */
export function asksCtState(match: string, bit: CtBit): boolean {
  const inside = matchField(match, 'ct_state');
  if (inside === undefined) return false;
  const flag = ctBits.find(([name]) => name === bit)?.[1] ?? 0;
  const { value, mask } = maskedValue(inside);
  if (value !== '' && Number.isInteger(Number(value))) {
    return (Number(value) & flag) !== 0 && (mask === undefined || (Number(mask) & flag) !== 0);
  }
  return inside.includes(`+${bit}`) || inside.split('|').includes(bit);
}

/** Whether a flow has to do with connection tracking. */
export function usesConntrack({ match, actions }: Pick<DatapathFlow, 'match' | 'actions'>): boolean {
  if (matchesOn(match, 'ct_state') || matchesOn(match, 'ct_zone')) return true;
  return flowActions(actions).some(({ name }) => name === 'ct');
}

/** Whether a flow is for IPv6. */
export function isIpv6(match: string): boolean {
  return matchFields(match, 'eth_type').some((text) => Number(maskedValue(text).value) === 0x86dd);
}

/** The match that the engine refuses, for a person; undefined: none is known. */
export function refusedMatch(
  flow: Pick<DatapathFlow, 'match' | 'actions' | 'recircId'>,
  engine: OffloadEngine,
): string | undefined {
  switch (engine) {
    case 'tc':
      return refusedByTc(flow.match);
    case 'dpdk':
      return refusedByDpdk(flow);
    case 'doca':
      return refusedByDoca(flow);
    default:
      return undefined;
  }
}

/** The action that the engine refuses, for a person; undefined: none is known. */
export function refusedAction({ actions }: Pick<DatapathFlow, 'actions'>, engine: OffloadEngine): string | undefined {
  const list = flowActions(actions);
  // Nothing hands a packet to ovs-vswitchd but software.
  const upcall = list.find(({ name }) => name === 'userspace');
  if (upcall !== undefined) return 'action userspace';
  switch (engine) {
    case 'tc':
      return actionRefusedByTc(list);
    case 'dpdk':
      return actionRefusedByDpdk(list);
    case 'doca':
      return actionRefusedByDoca(list);
    default:
      return undefined;
  }
}

function firstMatched(match: string, names: readonly string[]): string | undefined {
  const name = names.find((field) => matchesOn(match, field));
  return name === undefined ? undefined : `match on ${name}`;
}

function refusedByTc(match: string): string | undefined {
  const field = firstMatched(match, ['skb_mark', 'dp_hash', 'skb_priority', 'nsh']);
  if (field !== undefined) return field;
  if (asksCtState(match, 'inv')) return 'match on ct_state +inv';
  if (asksCtState(match, 'rel')) return 'match on ct_state +rel';
  if (matchFields(match, 'packet_type').some((text) => isNotEthernet(text)))
    return 'packets without an Ethernet header';
  if ((matchField(match, 'mpls') ?? '').includes('lse1=')) return 'match on more than one MPLS label';
  const fragment = subField(matchField(match, 'ipv6') ?? '', 'frag');
  if (fragment?.value === 'first' || fragment?.value === 'later') return 'match on fragments of IPv6';
  return isProtocol(match, 'ipv4', 2) ? 'match on IGMP' : undefined;
}

function isNotEthernet(inside: string): boolean {
  const space = subField(inside, 'ns');
  return space !== undefined && !isWildcard(space) && Number(space.value) !== 0;
}

function isProtocol(match: string, field: 'ipv4' | 'ipv6', protocol: number): boolean {
  const found = subField(matchField(match, field) ?? '', 'proto');
  return found !== undefined && !isWildcard(found) && Number(found.value) === protocol;
}

/** Any recirculation and any connection tracking keep a flow of rte_flow from being complete in hardware. */
function refusedByDpdk({ match, recircId }: Pick<DatapathFlow, 'match' | 'recircId'>): string | undefined {
  if (recircId !== 0) return 'match on recirc_id';
  return firstMatched(match, [
    'ct_state',
    'ct_zone',
    'ct_mark',
    'ct_label',
    'skb_mark',
    'dp_hash',
    'skb_priority',
    'mpls',
    'nsh',
  ]);
}

function refusedByDoca(flow: Pick<DatapathFlow, 'match' | 'actions'>): string | undefined {
  if (!usesConntrack(flow)) return undefined;
  if (isProtocol(flow.match, 'ipv4', 1)) return 'connection tracking of ICMP';
  if (isProtocol(flow.match, 'ipv6', 58)) return 'connection tracking of ICMPv6';
  return firstMatched(flow.match, ['dp_hash']);
}

/** TCA_ACT_MAX_NUM of Open vSwitch's tc.h: each of its own actions takes one of TC's at least. */
const tcActionsMax = 16;

const notOnTc: ReadonlySet<string> = new Set([
  'sample',
  'psample',
  'hash',
  'trunc',
  'dec_ttl',
  'push_eth',
  'pop_eth',
  'push_nsh',
  'pop_nsh',
  'clone',
  'lb_output',
]);

function hasHelper(list: readonly FlowAction[]): boolean {
  return list.some(
    ({ name, inside }) => name === 'ct' && inside !== undefined && subField(inside, 'helper') !== undefined,
  );
}

/** `hash_l4(0)` is printed for the action hash. */
function actionName(name: string): string {
  return name.startsWith('hash') ? 'hash' : name;
}

function actionRefusedByTc(list: readonly FlowAction[]): string | undefined {
  const refused = list.find((action) => !isOutput(action) && notOnTc.has(actionName(action.name)));
  if (refused !== undefined) return `action ${actionName(refused.name)}`;
  if (hasHelper(list)) return 'action ct with a helper';
  return list.length > tcActionsMax ? `more than ${tcActionsMax} actions` : undefined;
}

/** What rte_flow carries out besides output; everything else makes it try to mark packets only. */
const onDpdk: ReadonlySet<string> = new Set(['drop', 'set', 'push_vlan', 'pop_vlan', 'tnl_push', 'clone']);

const setOnDpdk: readonly string[] = ['eth(', 'ipv4(', 'ipv6(', 'tcp(', 'udp('];

function actionRefusedByDpdk(list: readonly FlowAction[]): string | undefined {
  for (const action of list) {
    if (isOutput(action)) continue;
    if (!onDpdk.has(action.name)) return `action ${word(action.name)}`;
    const inside = action.inside ?? '';
    if (action.name === 'set' && !setOnDpdk.some((start) => inside.startsWith(start))) {
      return `action set of ${word(inside)}`;
    }
  }
  return undefined;
}

function actionRefusedByDoca(list: readonly FlowAction[]): string | undefined {
  const refused = list.find(({ name }) => name === 'sample' || name === 'psample');
  if (refused !== undefined) return `action ${refused.name}`;
  return hasHelper(list) ? 'action ct with a helper' : undefined;
}

/** Whether packets are dropped, on the way or at once. */
export function drops({ actions }: Pick<DatapathFlow, 'actions'>): boolean {
  return flowActions(actions).some(({ name }) => name === 'drop');
}

/** The word that a foreign text begins with. */
function word(text: string): string {
  return /^[a-z0-9_]{1,32}/.exec(text)?.[0] ?? 'that is not known';
}
