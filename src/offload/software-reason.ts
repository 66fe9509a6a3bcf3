/**
 * Why a flow is in software: one reason for each, from what the datapath itself says, the flow's texts, its ports and the
 * settings in effect. Pure; never throws. The order of the questions is part of it: what is certain of the flow comes before
 * what is only likely, and what holds for all flows before what holds for one.
 */

import { safeText } from '../lib/text.js';
import { outputPorts } from '../model/datapath-flow.js';
import type { DatapathFlow } from '../model/datapath-flow.js';
import { controlProtocol } from './control-traffic.js';
import { asksCtState, drops, isIpv6, refusedAction, refusedMatch, usesConntrack } from './flow-limits.js';
import type { FlowReason } from './flow-reasons.js';
import type { FlowTier } from './flow-tier.js';
import type { OffloadEngine } from './offload.js';

/** What is known of a port of the datapath. */
export interface OffloadPort {
  /**
   * - `offloadable`: a representor or an uplink that an offload provider serves.
   * - `internal`: an internal port, with the DPU's own stack behind it.
   * - `tunnel`: a tunnel's port; says nothing for or against.
   * - `other`: everything else: veth, tap, a device of no eSwitch.
   */
  readonly kind: 'offloadable' | 'internal' | 'tunnel' | 'other';
  /** Name of its provider (`tc`, `dpdk`, `doca`), where dpif/offload/show or the type of the interface says it. */
  readonly provider?: string | undefined;
  /** phys_switch_id of its device. */
  readonly eswitch?: string | undefined;
  /** other_config:hw-offload-priority=none: left out on purpose. */
  readonly isExempt?: boolean | undefined;
}

/** What holds for all flows of a datapath. What is not known stays undefined and explains nothing. */
export interface SoftwareContext {
  readonly engine: OffloadEngine;
  /** Whether offload is in effect in the running ovs-vswitchd, which the database does not tell. */
  readonly isInEffect?: boolean | undefined;
  /** tc-policy as it was when offload began. */
  readonly tcPolicy?: 'none' | 'skip_sw' | 'skip_hw' | undefined;
  /** hw-offload-ct-ipv6-enabled in effect. */
  readonly isCtIpv6InEffect?: boolean | undefined;
  /** Offloaded connections by their limit, 0 to 1; 1 where the limit is 0. */
  readonly ctFill?: number | undefined;
  /** ENOSPC was seen, or the engine's own count is at its limit. */
  readonly isHardwareFull?: boolean | undefined;
  readonly port: (name: string) => OffloadPort | undefined;
  /** A flow with at most this many packets may be on its way into hardware. Default 3. */
  readonly warmUpPackets?: number | undefined;
  /** … unless its last packet is longer ago than this, ms: it would have arrived. Default 2000, as offloaded-stats-delay. */
  readonly insertionDelayMs?: number | undefined;
}

/** Why, and what it was seen by. */
export interface SoftwareReason {
  readonly reason: FlowReason;
  /** A few words: `match on dp_hash`, `port br-ovn is internal`. Safe to print. */
  readonly evidence: string;
}

/** At this fill new connections no longer find room: hardware tables do not fill to the last entry. */
const ctFullFill = 0.98;

function because(reason: FlowReason, evidence: string): SoftwareReason {
  return { reason, evidence };
}

/** @param tier of the flow; `hw` and `unknown` have no reason */
export function softwareReason(
  flow: DatapathFlow,
  tier: FlowTier,
  context: SoftwareContext,
): SoftwareReason | undefined {
  if (tier === 'hw' || tier === 'unknown') return undefined;
  const protocol = controlProtocol(flow);
  if (protocol !== undefined) return because('expected_control', protocol);
  return (
    bySettings(tier, context) ??
    byOffloadInfo(flow, context) ??
    byPorts(flow, context) ??
    byDrop(flow, context) ??
    byConntrack(flow, context) ??
    byLimits(flow, tier, context) ??
    byRoom(context) ??
    byAge(flow, context) ??
    because('other', describeOther(flow))
  );
}

function bySettings(tier: FlowTier, { engine, isInEffect, tcPolicy }: SoftwareContext): SoftwareReason | undefined {
  if (engine === 'userspace') return because('offload_disabled', 'the userspace datapath has neither DPDK nor DOCA');
  // A partial flow and one in TC are proof that offload is in effect, whatever the context says.
  const isProven = tier === 'partial' || tier === 'tc_sw';
  if (isInEffect === false && !isProven) return because('offload_disabled', 'hw-offload is not in effect');
  if (engine === 'tc' && tcPolicy === 'skip_hw') return because('policy_skip_hw', 'tc-policy=skip_hw');
  return undefined;
}

/**
 * One text is documented (`match unsupported: br-ovn: unable to get eswitch mgr port id`); the others are recognised by
 * their words, and what is not recognised is left to the other questions.
 */
const infoWords: readonly (readonly [RegExp, FlowReason])[] = [
  [/eswitch|port.?id|no such device|not (?:an? )?offload/, 'port_not_offloadable'],
  [/\b(?:ct|conntrack)\b.*(?:full|no space|no room|exhaust|limit)/, 'ct_table_full'],
  [/\bct\b.*ipv6|ipv6.*\bct\b/, 'ct_ipv6_disabled'],
  [/enospc|no space|table.*full|out of resources/, 'hw_table_full'],
  [/match|pattern/, 'unsupported_match'],
  [/action/, 'unsupported_action'],
];

function byOffloadInfo(
  { offloadInfo, inPort, actions }: DatapathFlow,
  context: SoftwareContext,
): SoftwareReason | undefined {
  if (offloadInfo === undefined) return undefined;
  const text = offloadInfo.slice(0, 256).toLowerCase();
  const reason = infoWords.find(([pattern]) => pattern.test(text))?.[1];
  if (reason === undefined) return undefined;
  const evidence = `dp-offload-info: ${safeText(offloadInfo, 200)}`;
  if (reason !== 'port_not_offloadable') return because(reason, evidence);
  // The datapath does not say that the port without an eSwitch is an internal one; the database does.
  const named = [inPort ?? '', ...outputPorts(actions)].filter((name) => name !== '' && offloadInfo.includes(name));
  const isInternal = named.some((name) => context.port(name)?.kind === 'internal');
  return because(isInternal ? 'internal_port' : reason, evidence);
}

function byPorts({ inPort, actions }: DatapathFlow, context: SoftwareContext): SoftwareReason | undefined {
  const names = [...(inPort === undefined ? [] : [inPort]), ...outputPorts(actions)];
  const known = names.flatMap((name) => {
    const port = context.port(name);
    return port === undefined ? [] : [{ name, port }];
  });
  const exempt = known.find(({ port }) => port.isExempt === true);
  if (exempt !== undefined)
    return because('policy_skip_hw', `hw-offload-priority=none of ${safeText(exempt.name, 32)}`);
  const internal = known.find(({ port }) => port.kind === 'internal');
  if (internal !== undefined) return because('internal_port', `port ${safeText(internal.name, 32)} is internal`);
  const other = known.find(({ port }) => port.kind === 'other');
  if (other !== undefined)
    return because('port_not_offloadable', `port ${safeText(other.name, 32)} is served by no provider`);
  return byProviders(
    known.filter(({ port }) => port.kind === 'offloadable'),
    context.engine,
  );
}

function byProviders(
  known: readonly { readonly name: string; readonly port: OffloadPort }[],
  engine: OffloadEngine,
): SoftwareReason | undefined {
  const [first, ...others] = known;
  if (first === undefined) return undefined;
  const differs = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && a !== b;
  const far = others.find(
    ({ port }) =>
      differs(port.provider, first.port.provider) ||
      // Only rte_flow is known to refuse an output to another eSwitch; mlx5 under TC merges those of one card.
      (engine === 'dpdk' && differs(port.eswitch, first.port.eswitch)),
  );
  if (far === undefined) return undefined;
  return because('provider_mismatch', `${safeText(first.name, 32)} and ${safeText(far.name, 32)} differ`);
}

/**
 * NVIDIA's own tests of OVS-DOCA leave dropped packets out of what has to be in hardware. TC and rte_flow take the action, so
 * there it explains nothing. It comes before connection tracking: no later packet of a dropped connection is offloaded either.
 */
function byDrop(flow: DatapathFlow, { engine }: SoftwareContext): SoftwareReason | undefined {
  return engine === 'doca' && drops(flow) ? because('drop_action', 'action drop') : undefined;
}

function byConntrack(flow: DatapathFlow, context: SoftwareContext): SoftwareReason | undefined {
  const { engine, isCtIpv6InEffect, ctFill } = context;
  if ((engine !== 'tc' && engine !== 'doca') || !usesConntrack(flow)) return undefined;
  if (engine === 'doca' && isCtIpv6InEffect === false && isIpv6(flow.match)) {
    return because('ct_ipv6_disabled', 'connection tracking of IPv6');
  }
  if (asksCtState(flow.match, 'new')) return because('ct_new', 'match on ct_state +new');
  if (ctFill !== undefined && ctFill >= ctFullFill) {
    return because('ct_table_full', `${Math.round(ctFill * 100)} % of the connections are taken`);
  }
  return undefined;
}

function byLimits(flow: DatapathFlow, tier: FlowTier, { engine }: SoftwareContext): SoftwareReason | undefined {
  // What is marked was matched in hardware; its actions are what was refused (dpdk_netdev_flow_put tries marks last).
  const match = tier === 'partial' ? undefined : refusedMatch(flow, engine);
  if (match !== undefined) return because('unsupported_match', match);
  const action = refusedAction(flow, engine);
  if (action !== undefined) return because('unsupported_action', action);
  return tier === 'partial' ? because('unsupported_action', 'the hardware only marks its packets') : undefined;
}

function byRoom({ isHardwareFull }: SoftwareContext): SoftwareReason | undefined {
  return isHardwareFull === true ? because('hw_table_full', 'the hardware refused flows for want of room') : undefined;
}

/**
 * A dump does not tell the age of a flow. What has carried a few packets, the last of them just now, may be new; a flow whose
 * last packet is older than an insertion takes has had its time. A guess, and a
 * harmless one: it leaves at most `warmUpPackets` packets of a flow out of ratios.
 */
function byAge(
  { packets, usedMs }: DatapathFlow,
  { warmUpPackets = 3, insertionDelayMs = 2000 }: SoftwareContext,
): SoftwareReason | undefined {
  if (packets > warmUpPackets || (usedMs !== undefined && usedMs >= insertionDelayMs)) return undefined;
  return because('warming_up', `${packets} packets so far`);
}

function describeOther({ offloadInfo }: DatapathFlow): string {
  return offloadInfo === undefined ? 'no cause found' : `dp-offload-info: ${safeText(offloadInfo, 200)}`;
}
