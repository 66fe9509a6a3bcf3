/** What the planner takes and gives, and the collector that its parts write to. Types only. */

import type { Desired } from '../intent/resolve.js';
import type { Condition, Finding } from '../model/condition.js';
import type { Observed } from '../model/observed.js';
import type { Action, Candidate } from './action.js';

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
  /** Deletions; they come after everything that makes or moves, so that what is kept is safe before. */
  readonly removals: Action[];
  readonly findings: Finding[];
  readonly candidates: Candidate[];
  readonly blocked: Condition[];
  /** Bridges on which ports can be planned: they exist or are created by this plan. */
  readonly usableBridges: Map<string, { readonly uuid: string | undefined }>;
}
