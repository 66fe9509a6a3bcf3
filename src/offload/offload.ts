/**
 * The words of hardware offload: engines, verdicts, and why a verdict is what it is. Types and tables only; `judge-offload.ts`
 * gives the verdicts.
 */

import { settingRules } from './setting-rules.js';

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
  OffloadNotInEffect: 'Offload is not in effect in the ovs-vswitchd that runs, so it can put nothing into hardware.',
  NotOnSwitch: 'The object has no port on the switch, so there are no packets to speak of.',
  NotMeasured: 'Offload is possible and the flows were not looked at.',
  InHardware: 'Nearly all packets were carried by hardware.',
  InPart: 'Hardware carried some of the packets, and software the others.',
  InSoftware: 'Nearly all packets were carried by software.',
  NoTraffic: 'Nothing passed, or too little to say anything.',
  WatchedTooShort: 'It was not watched for long enough: counters of hardware lag.',
  TierUnknown: 'The flows do not say where they are carried out.',
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

/** The keys of Open_vSwitch:other_config that concern offload. */
export const offloadKeys: readonly string[] = settingRules
  .filter(({ place }) => place === 'root')
  .map(({ key }) => key);
