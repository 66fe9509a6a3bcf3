/**
 * The planner: desired against observed gives actions, findings and conditions of what is blocked. Pure, deterministic,
 * and total: no state of the world makes it throw. It names only rows that carry the agent's mark, or that an intent
 * explicitly adopts.
 */

import { objectKey, type ObjectRef } from '../model/condition.js';
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

/** Leaves out what the database refused lately, and what hangs on it, so that the rest goes on. */
function withoutQuarantined(builder: PlanBuilder): Plan {
  const { quarantined } = builder.input;
  const { findings, candidates } = builder;
  const isRefused = (object: ObjectRef): boolean => quarantined.has(objectKey(object));
  const uncreated = new Set(
    builder.actions.filter((a) => a.kind === 'createBridge' && isRefused(a.object)).map((a) => a.object.name),
  );
  const actions: Action[] = [];
  const blocked = [...builder.blocked];
  for (const action of builder.actions) {
    const hangsOnRefused = action.kind === 'createPort' && uncreated.has(action.bridge);
    if (!isRefused(action.object) && !hangsOnRefused) {
      actions.push(action);
      continue;
    }
    const words = quarantined.get(objectKey(action.object)) ?? 'its bridge was refused';
    const message = `The database refused the change: ${words}`;
    blocked.push({ object: action.object, state: 'failed', reason: 'TransactionRefused', message, evidence: {} });
  }
  return { actions, findings, candidates, blocked };
}
