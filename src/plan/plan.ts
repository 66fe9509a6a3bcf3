/**
 * The planner: desired against observed gives actions, findings and conditions of what is blocked. Pure, deterministic,
 * and total: no state of the world makes it throw. It names only rows that carry the agent's mark, or that an intent
 * explicitly adopts.
 */

import type { Desired } from '../intent/resolve.js';
import { objectKey, type Condition, type Finding, type ObjectRef } from '../model/condition.js';
import type { Observed } from '../model/observed.js';
import type { Action, Candidate } from './action.js';
import { planBridges } from './plan-bridges.js';
import { planPorts } from './plan-ports.js';
import { planRemovals } from './plan-removals.js';

export interface PlanInput {
  readonly desired: Desired;
  readonly observed: Observed;
  /** Value of the owner mark of this agent. */
  readonly owner: string;
  /** Keys of candidates that have been seen long enough to be removed or re-attached. */
  readonly ripe: ReadonlySet<string>;
  /** Ports that must not be created now: Open vSwitch has yet to apply their removal. */
  readonly held: ReadonlySet<string>;
  /** Objects whose last change the database refused, by object key, with its words. */
  readonly quarantined: ReadonlyMap<string, string>;
}

export interface Plan {
  /** In the order in which they belong in the transaction. */
  readonly actions: readonly Action[];
  readonly findings: readonly Finding[];
  /** Removals that wait to be seen again. */
  readonly candidates: readonly Candidate[];
  /** Wanted objects that the planner cannot bring about now, and why. */
  readonly blocked: readonly Condition[];
}

/** Collects what the parts of the planner decide. */
export interface PlanBuilder {
  readonly input: PlanInput;
  readonly actions: Action[];
  readonly findings: Finding[];
  readonly candidates: Candidate[];
  readonly blocked: Condition[];
  /** Bridges on which ports can be planned: they exist or are created by this plan. */
  readonly usableBridges: Map<string, { readonly uuid: string | undefined }>;
}

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
