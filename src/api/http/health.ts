/** Whether the agent lives and is right, on the evidence of its status. Pure but for the age of the status. */

import type { AgentStatus, AttachStatus } from '../../agent/status.js';
import { failedPods, failedPodsText } from '../../agent/failed-pods.js';
import { formatObject } from '../../model/condition.js';
import type { StatusAge } from './status-age.js';

export interface Check {
  /** Stable name. */
  readonly name: 'looked' | 'fresh' | 'ovsdb' | 'vswitchd' | 'objects' | 'pods' | 'repair';
  readonly isOk: boolean;
  /** What was seen. */
  readonly message: string;
}

/** Why something is not ready. */
export interface ReadyReason {
  readonly object: string;
  /** Stable code: of docs/errors.md, or the name of the check. */
  readonly reason: string;
  readonly message: string;
}

export interface Readiness {
  readonly isReady: boolean;
  readonly checks: readonly Check[];
  /** The first of them. */
  readonly reasons: readonly ReadyReason[];
  readonly reasonCount: number;
}

/** Reasons that are told; a switch with a thousand ports that are gone has as many. */
const reasonsMax = 20;

/** A status of this age is evidence, in words. */
function freshCheck(status: AgentStatus, age: StatusAge): Check {
  const seconds = (age.ageMs(status) / 1e3).toFixed(1);
  const message = `the last look was ${seconds} s ago, at most ${status.freshMs / 1e3} s are evidence`;
  return { name: 'fresh', isOk: age.isFresh(status), message };
}

function ovsdbCheck({ ovsdb }: AgentStatus): Check {
  const isOk = ovsdb.kind === 'synced';
  return { name: 'ovsdb', isOk, message: isOk ? `in sync with ${ovsdb.endpoint}` : ovsdb.message };
}

function objectsCheck({ conditions }: AgentStatus): Check {
  const wrong = conditions.filter(({ state }) => state !== 'ready').length;
  const isOk = wrong === 0;
  const message = isOk
    ? `${conditions.length} wanted objects, all ready`
    : `${wrong} of ${conditions.length} wanted objects are not ready`;
  return { name: 'objects', isOk, message };
}

/** Said, not judged: a pod that cannot be attached is that pod's trouble, and not the DPU's. */
function failedText({ failures }: Pick<AttachStatus, 'failures'>): string {
  const failed = failedPods(failures);
  const text = failedPodsText(failed);
  if (text === undefined) return '';
  return `; ${text}, ${failed.refusedCount} of them by what they ask for`;
}

/** A host cluster that is away for a while makes no pod's network wrong; one that was never read makes all unknown. */
function podsCheck({ attach }: AgentStatus): Check {
  if (attach === undefined) return { name: 'pods', isOk: true, message: 'pods are not looked at' };
  const { cluster, podCount } = attach;
  const failed = failedText(attach);
  if (cluster.kind === 'synced') return { name: 'pods', isOk: true, message: `${podCount} pods, in sync${failed}` };
  return { name: 'pods', isOk: cluster.kind === 'stale', message: `${cluster.kind}: ${cluster.message}${failed}` };
}

/** Every check, in the order in which one would look. */
export function checksOf(status: AgentStatus | undefined, age: StatusAge): readonly Check[] {
  if (status === undefined) return [{ name: 'looked', isOk: false, message: 'the agent has not looked yet' }];
  return [
    { name: 'looked', isOk: true, message: 'the agent has looked' },
    freshCheck(status, age),
    ovsdbCheck(status),
    { name: 'vswitchd', isOk: status.vswitchd !== 'silent', message: `ovs-vswitchd is ${status.vswitchd}` },
    objectsCheck(status),
    podsCheck(status),
    // Said, not judged: who only observes is as ready as the switch is.
    { name: 'repair', isOk: true, message: `repair is ${status.repair}` },
  ];
}

export function readiness(status: AgentStatus | undefined, age: StatusAge): Readiness {
  const checks = checksOf(status, age);
  const failed = checks.filter(({ isOk, name }) => !isOk && name !== 'objects');
  const reasons = [
    ...failed.map(({ name, message }) => ({ object: 'agent', reason: name, message })),
    ...(status?.conditions ?? [])
      .filter(({ state }) => state !== 'ready')
      .map(({ object, reason, message }) => ({ object: formatObject(object), reason, message })),
  ];
  const isReady = status?.isReady === true && checks.every(({ isOk }) => isOk);
  return { isReady, checks, reasons: reasons.slice(0, reasonsMax), reasonCount: reasons.length };
}

/** For a watchdog: whether the loops go on. Says nothing about whether all is well. */
export function isAlive(status: AgentStatus | undefined, age: StatusAge): boolean {
  return status === undefined ? age.isStarting() : age.isFresh(status);
}
