/** What the agent says about itself and its objects: one immutable snapshot that all views are made from. Types only. */

import type { Condition, Finding } from '../model/condition.js';
import type { JournalEntry } from './journal.js';
import type { StoreState } from './ports.js';

export interface AgentStatus {
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
