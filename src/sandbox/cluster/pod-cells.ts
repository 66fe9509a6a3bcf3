/** The cells of a pod's row in `kubectl get pods`: what its containers' states add up to. Pure. */

import { isObject, listAt, objectAt, textAt, valueAt } from './json.js';
import type { JsonObject } from './json.js';

function containerStatuses(pod: JsonObject): JsonObject[] {
  return listAt(pod, 'status', 'containerStatuses').filter(isObject);
}

/** `1/2`: ready containers of all. */
export function podReady(pod: JsonObject): string {
  const ready = containerStatuses(pod).filter((status) => valueAt(status, 'ready') === true).length;
  return `${ready}/${listAt(pod, 'spec', 'containers').length}`;
}

export function podRestarts(pod: JsonObject): string {
  const counts = containerStatuses(pod).map((status) => Number(valueAt(status, 'restartCount') ?? 0));
  return String(counts.reduce((sum, count) => sum + count, 0));
}

/** The most telling word: Terminating, a container's reason, the pod's reason, or its phase. */
export function podStatus(pod: JsonObject): string {
  const phase = textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase');
  const isDone = ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));
  if (textAt(pod, 'metadata', 'deletionTimestamp') !== '' && !isDone) return 'Terminating';
  const reasons = containerStatuses(pod).map((status) => {
    const state = objectAt(status, 'state');
    return textAt(state, 'waiting', 'reason') || textAt(state, 'terminated', 'reason');
  });
  return reasons.find((reason) => reason !== '') ?? (isGated(pod) ? 'SchedulingGated' : phase);
}

function isGated(pod: JsonObject): boolean {
  return listAt(pod, 'status', 'conditions').some(
    (entry) => isObject(entry) && textAt(entry, 'reason') === 'SchedulingGated',
  );
}
