/** What the agent says about itself and its objects: one immutable snapshot that all views are made from. Types only. */

import type { ChainView } from '../chain/chain-view.js';
import type { Condition, Finding } from '../model/condition.js';
import type { AttachOutcome } from './attach-outcome.js';
import type { JournalEntry } from './journal.js';
import type { StoreState } from './ports.js';

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
  /** Newest revision of what is wanted that this has seen; undefined: none, or nobody counts. */
  readonly intentsRevision?: number | undefined;
}

/** What the loop of the host cluster's pods says, in sum: its findings are among the others, its pods in the topology. */
export type AttachStatus = Omit<AttachOutcome, 'findings' | 'podFacts'>;

/** What the agent says. */
export interface AgentStatus extends PortsStatus {
  /**
   * Milliseconds since 1970 UTC: the look of that loop which has looked longest ago. A loop that hangs must not pass for alive
   * because the others go on: what is older than `freshMs` by this time is no evidence.
   */
  readonly oldestLookWallMs: number;
  /** The chains in force, sorted by name; those that are refused and have no earlier version are in the conditions only. */
  readonly chains: readonly ChainView[];
  /** Undefined while pods are not looked at (`attach.mode: off`). */
  readonly attach: AttachStatus | undefined;
  /** Directory of Open vSwitch's sockets, where a tool can ask what the status does not say. */
  readonly ovsRunDir: string;
}
