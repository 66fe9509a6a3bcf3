/**
 * How the planner takes a port out: never at first sight, but as a candidate that somebody else counts, and once it is ripe
 * as an action. Shared by what removes orphans and what re-attaches devices.
 */

import { objectKey, type ObjectRef } from '../model/condition.js';
import type { ObservedPort } from '../model/observed.js';
import type { RemovalCause } from './action.js';
import type { PlanBuilder } from './plan-builder.js';

/** What traffic a removal costs. */
export const lossOfRemoval: Readonly<Record<RemovalCause, string>> = {
  orphan: 'all traffic of the object, which no intent wants',
  deviceGone: 'none: its device is gone',
  deviceRecreated: 'none: it carries no traffic until it is re-attached',
  podMissing: 'all traffic of a pod that the host cluster no longer lists',
};

/** Identifies a candidate: the same object for another cause is another candidate. */
export function candidateKey(object: ObjectRef, cause: RemovalCause): string {
  return `${cause} ${objectKey(object)}`;
}

/** Notes the candidate; true when it has been seen long enough to act upon. */
export function noteCandidate(builder: PlanBuilder, object: ObjectRef, cause: RemovalCause): boolean {
  const key = candidateKey(object, cause);
  builder.candidates.push({ key, object, cause });
  return builder.input.ripe.has(key);
}

/** Plans the removal of the port's row. */
export function removePort(builder: PlanBuilder, port: ObservedPort, cause: RemovalCause): void {
  const bridge = builder.input.observed.bridges.get(port.bridge);
  if (bridge === undefined) return;
  builder.removals.push({
    kind: 'deletePort',
    object: { kind: 'port', name: port.name, bridge: port.bridge },
    loss: lossOfRemoval[cause],
    differences: [{ table: 'Bridge', field: 'ports', from: port.name, to: '(removed)' }],
    uuid: port.uuid,
    bridgeUuid: bridge.uuid,
    cause,
  });
}
