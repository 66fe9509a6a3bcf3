/** What a service manager is told of the agent: whether its start is complete, and one line on how things are. Pure. */

import type { AgentStatus } from '../agent/status.js';
import { formatObject, type Condition } from '../model/condition.js';
import { safeText } from '../lib/text.js';

/**
 * Whether the start is complete: the database is in sync, ovs-vswitchd answers, every bridge stands as it was asked for, and
 * nothing is left that the agent could do. What only others can bring does not count, because a card boots before its host and a
 * boot must not wait for that: a device that the host has not made yet, a link without a cable, a bridge that is somebody else's
 * to make, the host cluster and its pods.
 * Whoever wants to know that every object is ready asks /readyz, which is stricter.
 */
export function isStarted(status: AgentStatus): boolean {
  const { ovsdb, vswitchd, repair, pendingCount, conditions } = status;
  const isDone = repair !== 'on' || pendingCount === 0;
  return ovsdb.kind === 'synced' && vswitchd !== 'silent' && isDone && conditions.every(isBridgeRight);
}

/** Ports that are not ready are judged for themselves, and a bridge that the agent may not make is not waited for. */
const rightReasons: ReadonlySet<Condition['reason']> = new Set(['PortsNotReady', 'BridgeAbsent']);

function isBridgeRight({ object, state, reason }: Condition): boolean {
  return object.kind !== 'bridge' || state === 'ready' || rightReasons.has(reason);
}

/** Longest name of an object in the line, characters. */
const nameMax = 80;

/** One line for `systemctl status`, without control characters. */
export function statusLine(status: AgentStatus | undefined): string {
  if (status === undefined) return 'Nothing has been looked at yet.';
  const { ovsdb, conditions, isReady } = status;
  if (ovsdb.kind !== 'synced') return `Open vSwitch's database cannot be used (${ovsdb.code ?? ovsdb.kind}).`;
  const wrong = conditions.filter(({ state }) => state !== 'ready');
  const count = `${conditions.length - wrong.length} of ${conditions.length} objects ready`;
  const [first] = [...wrong.filter(({ state }) => state === 'failed'), ...wrong];
  if (first !== undefined) return `${count}; ${safeText(formatObject(first.object), nameMax)}: ${first.reason}.`;
  return isReady ? `Ready: ${count}.` : `${count}; the host cluster has not been seen yet.`;
}
