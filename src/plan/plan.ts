/**
 * The planner: desired against observed gives actions, findings and conditions of what is blocked. Pure, deterministic,
 * and total: no state of the world makes it throw. It names only rows that carry the agent's mark, or that an intent
 * explicitly adopts.
 */

import { safeText } from '../lib/text.js';
import { objectKey } from '../model/condition.js';
import type { Action } from './action.js';
import type { Plan, PlanBuilder, PlanInput } from './plan-builder.js';
import { planBridges } from './plan-bridges.js';
import { planPorts } from './plan-ports.js';
import { planRemovals } from './plan-removals.js';

export type { Plan, PlanInput } from './plan-builder.js';

/** The difference between what is wanted and what is there. */
export function plan(input: PlanInput): Plan {
  const builder: PlanBuilder = {
    input,
    actions: [],
    removals: [],
    findings: [...input.desired.findings],
    candidates: [],
    blocked: [...input.desired.waiting],
    usableBridges: new Map(),
  };
  planBridges(builder);
  planPorts(builder);
  planRemovals(builder);
  return withoutQuarantined(builder);
}

/**
 * Leaves out what the database refused lately, and what hangs on it, so that the rest goes on: the ports that were to be
 * put on a bridge that is not created, and whatever else was planned for those.
 */
function withoutQuarantined(builder: PlanBuilder): Plan {
  const { quarantined } = builder.input;
  const { findings, candidates } = builder;
  const planned = [...builder.actions, ...builder.removals];
  const refused = new Map<string, string>();
  for (const action of planned) {
    const key = objectKey(action.object);
    const words = quarantined.get(key) ?? refusedBridge(action, quarantined);
    if (words !== undefined) refused.set(key, words);
  }
  const actions = planned.filter((action) => !refused.has(objectKey(action.object)));
  const blocked = new Map(builder.blocked.map((entry) => [objectKey(entry.object), entry]));
  for (const { object } of planned) {
    const words = refused.get(objectKey(object));
    if (words === undefined) continue;
    const message = `The database refused the change: ${safeText(words)}`;
    blocked.set(objectKey(object), { object, state: 'failed', reason: 'TransactionRefused', message, evidence: {} });
  }
  return { actions, findings, candidates, blocked: [...blocked.values()] };
}

/**
 * What is said of what hangs on a bridge that the same plan would have to create, and may not: its ports; and of the bridge
 * itself where its local port was refused, because two things would then have one name.
 */
function refusedBridge(action: Action, quarantined: ReadonlyMap<string, string>): string | undefined {
  const bridge = createdBridge(action);
  if (bridge === undefined) return undefined;
  const keys = [objectKey({ kind: 'bridge', name: bridge }), objectKey({ kind: 'port', name: bridge })];
  return keys.some((key) => quarantined.has(key)) ? `bridge ${bridge} or its local port was refused` : undefined;
}

/** The bridge that the same plan creates and that the action needs. */
function createdBridge(action: Action): string | undefined {
  if (action.kind === 'createBridge') return action.object.name;
  if (action.kind === 'createPort') return action.bridgeUuid === undefined ? action.bridge : undefined;
  return action.kind === 'movePort' && action.toUuid === undefined ? action.to : undefined;
}
