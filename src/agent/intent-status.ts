/**
 * How far an owner's bundle has come, by what the loops say of its objects. Evidence counts only when the loops have looked
 * with this very bundle in force: what was ready under the last one proves nothing of the next. Pure.
 */

import { objectKey, type Condition, type Finding, type ObjectRef } from '../model/condition.js';
import type { PortIntent } from '../model/intent.js';
import type { Reason } from '../model/reasons.js';
import type { IntentPhase, IntentStatus, StoredIntent } from './intent-desk-types.js';
import type { OwnerIntents } from './intent-ports.js';
import type { AgentStatus } from './status.js';

export interface IntentStatusInput {
  readonly stored: StoredIntent;
  readonly wanted: OwnerIntents;
  /** Since which revision of what is wanted the bundle is in force. */
  readonly revision: number;
  /** Undefined: nobody has looked yet. */
  readonly status: AgentStatus | undefined;
  /** The name under which the port is judged: that of the device, where one was found. */
  readonly nameOf: (port: PortIntent) => string;
}

/** Reasons by which the switch does not have the object yet. */
const absent: ReadonlySet<Reason> = new Set<Reason>([
  'NotApplied',
  'BridgeAbsent',
  'NetdevMissing',
  'ChainFlowsPending',
  'ChainPatchPending',
]);

/** Findings whose second claimant does not get what it wants. */
const claims: ReadonlySet<Reason> = new Set<Reason>([
  'BridgeClaimedTwice',
  'PortClaimedTwice',
  'OfportClaimedTwice',
  'ChainClaimedTwice',
]);

interface ConditionIndex {
  readonly byKey: ReadonlyMap<string, Condition>;
  readonly chainPorts: ReadonlyMap<string, readonly Condition[]>;
}

/** A status is immutable, and asked about once for each owner. */
const indexes = new WeakMap<AgentStatus, ConditionIndex>();

function indexOf(status: AgentStatus): ConditionIndex {
  const known = indexes.get(status);
  if (known !== undefined) return known;
  const byKey = new Map<string, Condition>();
  const chainPorts = new Map<string, Condition[]>();
  for (const condition of status.conditions) {
    const { kind, name } = condition.object;
    byKey.set(objectKey(condition.object), condition);
    if (kind !== 'chainPort') continue;
    // Names of chains hold no slash.
    const chain = name.slice(0, Math.max(name.indexOf('/'), 0));
    const list = chainPorts.get(chain) ?? [];
    list.push(condition);
    chainPorts.set(chain, list);
  }
  const index = { byKey, chainPorts };
  indexes.set(status, index);
  return index;
}

/** The objects of a bundle, each once. */
function objectsOf({ intents, chains }: OwnerIntents, nameOf: IntentStatusInput['nameOf']): readonly ObjectRef[] {
  const objects: ObjectRef[] = [
    ...intents.bridges.map(({ name }): ObjectRef => ({ kind: 'bridge', name })),
    ...intents.ports.map((port): ObjectRef => ({ kind: 'port', name: nameOf(port), bridge: port.bridge })),
    ...chains.map(({ name, bridge }): ObjectRef => ({ kind: 'chain', name, bridge })),
  ];
  return [...new Map(objects.map((object) => [objectKey(object), object])).values()];
}

function unseen(object: ObjectRef, status: AgentStatus | undefined): Condition {
  if (status !== undefined && status.ovsdb.kind !== 'synced') {
    const { message } = status.ovsdb;
    return { object, state: 'failed', reason: 'OvsdbUnavailable', message, evidence: {} };
  }
  const message = 'Nobody has looked at it yet.';
  return { object, state: 'waiting', reason: 'NotApplied', message, evidence: {} };
}

function conditionsOf(objects: readonly ObjectRef[], status: AgentStatus | undefined): readonly Condition[] {
  const index = status === undefined ? undefined : indexOf(status);
  return objects.flatMap((object) => {
    const condition = index?.byKey.get(objectKey(object)) ?? unseen(object, status);
    const ports = object.kind === 'chain' ? (index?.chainPorts.get(object.name) ?? []) : [];
    return [condition, ...ports];
  });
}

const isOf = (owner: string, claimant: string | undefined): boolean =>
  claimant === `controller ${owner}` || claimant?.startsWith(`controller ${owner},`) === true;

function findingsOf(owner: string, objects: readonly ObjectRef[], status: AgentStatus): readonly Finding[] {
  const keys = new Set([...objects.map(objectKey), objectKey({ kind: 'intent', name: owner })]);
  return status.findings.filter(
    ({ object, claimants }) => keys.has(objectKey(object)) || claimants.some((claimant) => isOf(owner, claimant)),
  );
}

function isLoss({ reason, claimants }: Finding, owner: string): boolean {
  return reason === 'IntentContradicted' || (claims.has(reason) && isOf(owner, claimants[1]));
}

function phaseOf(owner: string, conditions: readonly Condition[], findings: readonly Finding[]): IntentPhase {
  if (conditions.some(({ state }) => state === 'failed')) return 'degraded';
  if (findings.some((finding) => isLoss(finding, owner))) return 'degraded';
  if (conditions.some(({ reason }) => absent.has(reason))) return 'accepted';
  return conditions.every(({ state }) => state === 'ready') ? 'ready' : 'applied';
}

/** The status of one bundle. */
export function judgeIntent({ stored, wanted, revision, status, nameOf }: IntentStatusInput): IntentStatus {
  const { owner, generation, acceptedWallMs } = stored;
  const isSeen = (status?.intentsRevision ?? 0) >= revision;
  const seen = isSeen ? status : undefined;
  const objects = objectsOf(wanted, nameOf);
  const conditions = conditionsOf(objects, seen);
  const findings = seen === undefined ? [] : findingsOf(owner, objects, seen);
  const phase = seen === undefined ? 'accepted' : phaseOf(owner, conditions, findings);
  return { owner, generation, phase, conditions, findings, wallMs: seen?.wallMs ?? acceptedWallMs };
}
