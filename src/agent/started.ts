/** Whether the start of the agent is complete: for service managers, and for whoever starts containers. Pure. */

import type { Condition } from '../model/condition.js';
import type { AgentStatus } from './status.js';

/**
 * Whether the start is complete: the database is in sync, ovs-vswitchd answers, every bridge stands as it was asked for, and
 * nothing is left that the agent could do. What only others can bring does not count, because a card boots before its host and a
 * boot must not wait for that: a device that the host has not made yet, a link without a cable, a bridge that is somebody else's
 * to make, the host cluster and its pods. Nor does a difference that the agent is told to look at only: it would wait for ever. What
 * is repaired after the grace of a boot, or by the writer of a pair (which this one may be in a moment), does count.
 * Whoever wants to know that every object is ready asks /readyz, which is stricter.
 */
export function isStarted(status: AgentStatus): boolean {
  const { ovsdb, vswitchd, repair, pendingCount, conditions } = status;
  const isDone = repair !== 'on' || pendingCount === 0;
  return (
    ovsdb.kind === 'synced' &&
    vswitchd !== 'silent' &&
    isDone &&
    conditions.every((condition) => isBridgeRight(condition, repair))
  );
}

/** Ports that are not ready are judged for themselves, and a bridge that the agent may not make is not waited for. */
const rightReasons: ReadonlySet<Condition['reason']> = new Set(['PortsNotReady', 'BridgeAbsent']);

function isBridgeRight({ object, state, reason }: Condition, repair: AgentStatus['repair']): boolean {
  if (object.kind !== 'bridge' || state === 'ready' || rightReasons.has(reason)) return true;
  return reason === 'ReadOnly' && repair === 'observe';
}
