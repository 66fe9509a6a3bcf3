/** What the agent says about itself and its objects: one immutable snapshot that all views are made from. Types only. */

import type { ChainView } from '../chain/chain-view.js';
import type { Condition, Finding } from '../model/condition.js';
import type { AttachFailure, AttachMode } from './attach-outcome.js';
import type { ClusterState, LeaseState } from './attach-ports.js';
import type { JournalEntry } from './journal.js';
import type { StoreState } from './ports.js';
import type { StatusStats } from './status-pump.js';

/** What the loop of the ports says. */
export interface PortsStatus {
  /** Milliseconds since 1970 UTC at which the snapshot was made. */
  readonly wallMs: number;
  /** A living agent shows a newer snapshot within this time, ms; one that is older is no evidence of anything. */
  readonly freshMs: number;
  readonly ovsdb: StoreState;
  /** `alive`: it answered on a socket. `unknown`: there is no bridge to ask at. */
  readonly vswitchd: 'alive' | 'silent' | 'unknown';
  /** `standby`: another agent of the same owner holds the writer's lock. */
  readonly repair: 'on' | 'observe' | 'bootGrace' | 'standby';
  /** Every wanted object is ready. */
  readonly isReady: boolean;
  readonly conditions: readonly Condition[];
  readonly findings: readonly Finding[];
  /** Changes that the last plan still holds. */
  readonly pendingCount: number;
  /** Rounds that wrote something, and changes written, since the start. */
  readonly appliedRounds: number;
  readonly appliedActions: number;
  readonly journal: readonly JournalEntry[];
}

/** What the loop of the host cluster's pods says, in sum. */
export interface AttachStatus {
  /** Milliseconds since 1970 UTC of the look. */
  readonly wallMs: number;
  readonly mode: AttachMode;
  /** The bridge that pods are plugged into. */
  readonly bridge: string;
  readonly cluster: ClusterState;
  readonly nodeName: string | undefined;
  readonly lease: LeaseState;
  readonly clockSkewMs: number | undefined;
  /** The pods of the node. */
  readonly podCount: number;
  /** Networks of pods, by reason. */
  readonly counts: Readonly<Record<string, number>>;
  /** The first of those that have failed. */
  readonly failures: readonly AttachFailure[];
  readonly pendingCount: number;
  readonly statuses: StatusStats;
}

/** What the agent says. */
export interface AgentStatus extends PortsStatus {
  /** The chains in force, sorted by name; those that are refused and have no earlier version are in the conditions only. */
  readonly chains: readonly ChainView[];
  /** Undefined while pods are not looked at (`attach.mode: off`). */
  readonly attach: AttachStatus | undefined;
  /** Directory of Open vSwitch's sockets, where a tool can ask what the status does not say. */
  readonly ovsRunDir: string;
}
