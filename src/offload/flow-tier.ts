/**
 * Where a datapath flow is carried out, by the words that the datapath prints about it, and no more than they prove. Pure.
 *
 * The words are those of `dpctl/dump-flows -m`. The command's own count of "offloaded flows" (upcall/show) is not used: on the
 * kernel's datapath it counts what was handed to TC, in hardware or not, and in userspace it counts marked flows too.
 */

import type { DatapathFlow } from '../model/datapath-flow.js';
import type { OffloadEngine } from './offload.js';

/**
 * - `hw`: in hardware: `offloaded:yes` by a layer that has hardware behind it.
 * - `partial`: the hardware marks packets (MARK and RSS), and software forwards each of them all the same.
 * - `tc_sw`: TC has the flow and carries it out on the CPU.
 * - `kernel`: the kernel module of Open vSwitch.
 * - `pmd`: a thread of the userspace datapath.
 * - `unknown`: the words are missing, contradict one another, or are none that the agent knows.
 */
export const flowTiers = ['hw', 'partial', 'tc_sw', 'kernel', 'pmd', 'unknown'] as const;

export type FlowTier = (typeof flowTiers)[number];

/**
 * What the kernel says of TC rules. Kernels since Linux 4.11 say of each rule whether it is in hardware (TCA_CLS_FLAGS_IN_HW,
 * NOT_IN_HW). Of one that says neither Open vSwitch prints `offloaded:yes` as well (parse_tc_flower_to_attrs of its
 * dpif-offload-tc-netdev.c), so there that word proves nothing.
 *
 * - `said`: seen of some rule (`in_hw` or `not_in_hw` of `tc -s filter show`), or the kernel is new enough.
 * - `silent`: rules were seen with neither.
 */
export type TcHardwareFlags = 'said' | 'silent';

export interface TierContext {
  /** Engine of the datapath that was dumped. */
  readonly engine: OffloadEngine;
  /** Default: `said`, as of every kernel that a BlueField is delivered with. */
  readonly tcFlags?: TcHardwareFlags | undefined;
}

/** Layers with hardware behind them. `dummy` is the simulated hardware of Open vSwitch's own tests. */
const hardwareLayers: ReadonlySet<string> = new Set(['tc', 'dpdk', 'doca', 'dummy']);

/** The tier of one flow. */
export function tierOf(
  flow: Pick<DatapathFlow, 'offloaded' | 'layer' | 'core'>,
  { engine, tcFlags = 'said' }: TierContext,
): FlowTier {
  const { offloaded, layer } = flow;
  // Without -m neither word is printed, and their absence says nothing.
  if (layer === undefined) return 'unknown';
  if (offloaded === 'partial') return 'partial';
  if (offloaded === 'yes') {
    if (layer === 'tc' && tcFlags === 'silent') return 'unknown';
    return hardwareLayers.has(layer) ? 'hw' : 'unknown';
  }
  if (layer === 'tc') return 'tc_sw';
  return layer === 'ovs' ? softwareTier(engine, flow.core) : 'unknown';
}

/** `dp:ovs` is printed by both datapaths; only the userspace one prints its threads. */
function softwareTier(engine: OffloadEngine, core: DatapathFlow['core']): FlowTier {
  switch (engine) {
    case 'tc':
      return 'kernel';
    case 'dpdk':
    case 'doca':
    case 'userspace':
      return 'pmd';
    case 'none':
    case 'unknown':
      return core === undefined ? 'unknown' : 'pmd';
  }
}

/** Whether software touches every packet of a flow in this tier; `unknown` is not proven to be software. */
export function isSoftware(tier: FlowTier): boolean {
  return tier !== 'hw' && tier !== 'unknown';
}
