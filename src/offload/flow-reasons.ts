/**
 * The words for why a datapath flow is in software. A table only; `software-reason.ts` picks one for each flow. A code is
 * never given a second meaning; docs/errors.md lists them all (a test keeps both equal).
 */

export interface FlowReasonWords {
  /** One sentence: what is the matter. */
  readonly meaning: string;
  /** Nobody has to do anything: by design or by configuration. */
  readonly isExpected: boolean;
  /** What a person can do, one sentence, nothing that loses traffic without saying so. */
  readonly remedy: string;
}

export const offloadFlowReasons = {
  expected_control: {
    meaning: 'Traffic of the control plane (ARP, ND, LLDP, LACP, STP, BFD …), which software has to see.',
    isExpected: true,
    remedy: 'Nothing; it is left out of every ratio.',
  },
  warming_up: {
    meaning: 'The flow has carried its first packets only; it takes that long to put one into hardware.',
    isExpected: true,
    remedy: 'Nothing; it is left out of every ratio. Look again after a few seconds.',
  },
  offload_disabled: {
    meaning: 'Offload is not in effect in ovs-vswitchd, or the engine has no hardware.',
    isExpected: false,
    remedy:
      '`dpuctl offload status` tells whether offload is in effect, and what it takes with this engine: on TC `hw-offload=true` applies live, under OVS-DOCA it takes a restart, and userspace without DPDK or DOCA has no hardware.',
  },
  policy_skip_hw: {
    meaning:
      'A setting keeps the flow out of hardware: `tc-policy=skip_hw`, or `hw-offload-priority=none` of its port.',
    isExpected: true,
    remedy:
      'Nothing, or remove the setting; `tc-policy` is read when offload begins, so a restart of ovs-vswitchd is needed.',
  },
  internal_port: {
    meaning: 'The flow begins or ends at an internal port, so its packets are for the cores of the DPU.',
    isExpected: true,
    remedy: 'Nothing for management traffic; for anything else let a representor take the place of the internal port.',
  },
  port_not_offloadable: {
    meaning: 'The flow begins or ends at a port that no offload provider serves (veth, tap, a port of no eSwitch).',
    isExpected: false,
    remedy: 'Attach the peer with a representor; look that the uplink of its eSwitch is on a bridge too.',
  },
  provider_mismatch: {
    meaning: 'The two ends of the flow belong to different offload providers or eSwitches.',
    isExpected: false,
    remedy: 'Put both ports on the same eSwitch with the same type of interface.',
  },
  ct_new: {
    meaning:
      'First packets of a tracked connection (ct_state +new); the connection is offloaded once it is established.',
    isExpected: true,
    remedy: 'Nothing; a large share of such packets means that connections are short.',
  },
  ct_ipv6_disabled: {
    meaning: 'Connection tracking of IPv6 is not offloaded while hw-offload-ct-ipv6-enabled is not true.',
    isExpected: false,
    remedy: 'Set `other_config:hw-offload-ct-ipv6-enabled=true` and restart ovs-vswitchd in a maintenance window.',
  },
  ct_table_full: {
    meaning: 'The flow tracks connections, and the table of offloaded connections has no room left.',
    isExpected: false,
    remedy:
      'Raise `other_config:hw-offload-ct-size` before the next start of ovs-vswitchd; never change it while it runs.',
  },
  unsupported_match: {
    meaning: 'The flow matches on something that the engine cannot match in hardware.',
    isExpected: false,
    remedy: 'Find the OpenFlow rule (`ovs-appctl ofproto/detrace <ufid>`) and do without the match.',
  },
  unsupported_action: {
    meaning: 'The flow has an action that the engine cannot carry out in hardware.',
    isExpected: false,
    remedy: 'Find the OpenFlow rule (`ovs-appctl ofproto/detrace <ufid>`) and do without the action.',
  },
  drop_action: {
    meaning: 'The flow drops its packets, which OVS-DOCA does in software by design.',
    isExpected: true,
    remedy:
      'Nothing; if they are many, stop them where they come from. They count as software, which receives each of them.',
  },
  hw_table_full: {
    meaning: 'The hardware had no room for the flow.',
    isExpected: false,
    remedy:
      'Lower the number of flows (fewer exact matches, shorter max-idle), or enlarge the tables at the next start.',
  },
  other: {
    meaning: 'Nothing in the flow, its ports or the settings explains it.',
    isExpected: false,
    remedy: 'Look at the log of ovs-vswitchd for `failed to offload flow`, and report the flow.',
  },
} as const satisfies Record<string, FlowReasonWords>;

export type FlowReason = keyof typeof offloadFlowReasons;

/** In the order of the table. */
export const flowReasons = Object.keys(offloadFlowReasons) as readonly FlowReason[];

/** Whether packets of such flows are left out of every ratio: control traffic and warm-up. */
export function isApart(reason: FlowReason): boolean {
  return reason === 'expected_control' || reason === 'warming_up';
}

/** The others: reasons of flows whose packets count. */
export const dataReasons: readonly FlowReason[] = flowReasons.filter((reason) => !isApart(reason));
