/** The shape of a kind's special rules, filled in by `strategy.ts` and `pod-strategy.ts`. Types only. */

import type { JsonObject } from './json.js';
import type { FieldProblem } from './status.js';

/** The objects handed in may be changed; `old` may not. */
export interface Strategy {
  /** What does not fit the types of Go, worded as its decoder does; found before anything else is looked at. */
  readonly decodingFault?: (object: JsonObject) => string | undefined;
  readonly prepareCreate?: (object: JsonObject) => void;
  readonly prepareUpdate?: (next: JsonObject, old: JsonObject) => void;
  readonly prepareStatus?: (next: JsonObject, old: JsonObject) => void;
  readonly problems?: (object: JsonObject) => FieldProblem[];
  readonly updateProblems?: (next: JsonObject, old: JsonObject) => FieldProblem[];
}
