/**
 * The words of hardware offload: engines, verdicts, and why a verdict is what it is. Types and tables only; `judge-offload.ts`
 * gives the verdicts.
 */

/**
 * What moves the packets of a bridge.
 *
 * - `unknown`: the database is not readable, or the datapath is of a kind that the agent does not know.
 * - `none`: there is no bridge, or there are bridges of several kinds.
 * - `tc`: the kernel; flows are offloaded by TC flower.
 * - `dpdk`, `doca`: userspace with DPDK (rte_flow) or with DOCA (DOCA Flow).
 * - `userspace`: userspace with neither: software only.
 */
export type OffloadEngine = 'unknown' | 'none' | 'tc' | 'dpdk' | 'doca' | 'userspace';

/** Where the packets of an object are processed; `hardware` and `partial` have to be proven by the flows themselves. */
export type OffloadVerdict = 'unknown' | 'software' | 'hardware' | 'partial';

/** Every reason of a verdict. A code is never given a second meaning; docs/errors.md lists them all (a test keeps both equal). */
export const offloadReasons = {
  EngineIsSoftware: 'The bridge uses the userspace datapath, and neither DPDK nor DOCA is initialised.',
  EngineUnknown: 'What moves the packets of the bridge is not known.',
  HwOffloadOff: 'other_config:hw-offload is not true; whether ovs-vswitchd once saw it true is not known.',
  NotOnSwitch: 'The object has no port on the switch, so there are no packets to speak of.',
  NotMeasured: 'Offload is possible and the flows were not looked at.',
} as const;

export type OffloadReason = keyof typeof offloadReasons;

/** What is said of one object. */
export interface OffloadJudgement {
  readonly verdict: OffloadVerdict;
  readonly reason: OffloadReason;
  /** One sentence for a person. */
  readonly message: string;
}

/** Engine and settings, as the database tells them. */
export interface OffloadStatus {
  readonly engine: OffloadEngine;
  /** other_config:hw-offload, as it stands in the database. */
  readonly isConfigured: boolean;
  readonly settings: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/**
 * The keys of Open_vSwitch:other_config that concern offload: ovs-vswitchd.conf.db(5), its chapters on DPDK, and what
 * NVIDIA's build adds for DOCA.
 */
export const offloadKeys: readonly string[] = [
  'hw-offload',
  'tc-policy',
  'hw-offload-priority',
  'n-offload-threads',
  'offload-rebalance',
  'offloaded-stats-delay',
  'flow-limit',
  'max-idle',
  'max-revalidator',
  'min-revalidate-pps',
  'flow-restore-wait',
  'explicit-sampled-drops',
  'n-handler-threads',
  'n-revalidator-threads',
  'pmd-cpu-mask',
  'pmd-auto-lb',
  'pmd-sleep-max',
  'emc-insert-inv-prob',
  'smc-enable',
  'userspace-tso-enable',
  'per-port-memory',
  'shared-mempool-config',
  'dpdk-init',
  'dpdk-extra',
  'dpdk-lcore-mask',
  'dpdk-socket-mem',
  'dpdk-alloc-mem',
  'dpdk-socket-limit',
  'dpdk-hugepage-dir',
  'dpdk-probe-at-init',
  'dpdk-max-memzones',
  'doca-init',
  'doca-eswitch-max',
  'doca-async',
  'ctl-pipe-size',
  'ctl-pipe-infra-size',
  'doca-congestion-threshold',
  'hw-offload-ct-size',
  'hw-offload-ct-ipv6-enabled',
  'hw-offload-ct-unidir-udp-enabled',
  'doca-ct',
  'doca-ct-ipv6',
  'ct-action-on-nat-conns',
  'ct-labels-mapping',
  'e2e-enable',
  'pmd-quiet-idle',
  'default-datapath-type',
];
