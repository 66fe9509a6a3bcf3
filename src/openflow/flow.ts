/**
 * Flows as they are changed, reported and removed. Used by the codec, the client and everybody who handles flows; holds
 * types, names and defaults only.
 */

import type { Instructions } from './actions.js';
import type { Match } from './match.js';

/** Bits of `flags`, OpenFlow 1.5.1 section 7.3.4.4. */
export const flowFlag = {
  sendFlowRemoved: 1,
  checkOverlap: 2,
  resetCounts: 4,
  noPacketCounts: 8,
  noByteCounts: 16,
} as const;

/** The priority of a flow whose text names none, and the one that non-strict commands carry. */
export const priorityDefault = 0x8000;

/** What a flow is and does, without its counters. */
export interface Flow {
  readonly table: number;
  readonly priority: number;
  readonly match: Match;
  readonly cookie: bigint;
  /** Seconds without a packet after which the flow goes; 0 is never. */
  readonly idleTimeout: number;
  /** Seconds after which the flow goes; 0 is never. */
  readonly hardTimeout: number;
  readonly flags: number;
  /** Who is evicted first when a table is full, from 1.4 on. */
  readonly importance: number;
  readonly instructions: Instructions;
}

/**
 * How a change selects flows. `add` replaces the flow with the same match and priority. The strict forms select exactly
 * that flow; the others every flow whose match is at least as narrow, whatever its priority.
 */
export type FlowCommand = 'add' | 'modify' | 'modify_strict' | 'delete' | 'delete_strict';

/** A change of flows. What is left out has the default of `ovs-ofctl`. */
export interface FlowMod extends Partial<Flow> {
  readonly kind?: 'flowMod';
  readonly command: FlowCommand;
  /**
   * Modify and delete only flows whose cookie is equal under this mask. A modify with a mask never adds a flow; an add
   * ignores it (ovs-fields(7), "Cookie").
   */
  readonly cookieMask?: bigint | undefined;
  /** Delete only flows that output to this port. */
  readonly outPort?: number | undefined;
  /** Delete only flows that output to this group. */
  readonly outGroup?: number | undefined;
  /** A packet that the switch holds to which the new flow is applied. */
  readonly bufferId?: number | undefined;
}

/** A flow with its counters. A counter that the switch does not keep is undefined. */
export interface FlowStats extends Flow {
  /** How long the flow has been in the table, ns resolution. */
  readonly duration: Duration;
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
  /** Seconds since the last packet; only OpenFlow 1.5 tells. */
  readonly idleAge?: number | undefined;
}

export interface Duration {
  readonly s: number;
  readonly ns: number;
}

/** Which flows a dump or a monitor is about. */
export interface FlowFilter {
  /** Default: all tables. */
  readonly table?: number | undefined;
  readonly outPort?: number | undefined;
  readonly outGroup?: number | undefined;
  /** With `cookieMask` (default: all bits), only flows whose cookie is equal under the mask. */
  readonly cookie?: bigint | undefined;
  readonly cookieMask?: bigint | undefined;
  /** Only flows whose match is at least as narrow. Default: every flow. */
  readonly match?: Match | undefined;
}

/** Sums over the flows of a filter. */
export interface AggregateStats {
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
  readonly flows: number;
}

/** Why a flow went, OpenFlow 1.5.1 section 7.4.2. */
export type FlowRemovedReason =
  'idleTimeout' | 'hardTimeout' | 'delete' | 'groupDelete' | 'meterDelete' | 'eviction' | 'unknown';

/** A flow that asked for it (`sendFlowRemoved`) is gone. */
export interface FlowRemoved {
  readonly table: number;
  readonly priority: number;
  readonly match: Match;
  readonly cookie: bigint;
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly reason: FlowRemovedReason;
  readonly duration: Duration;
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
}
