/** How many pods have no network, out of the failures that a status tells. Pure. */

import { isPodFault } from '../attach/pod-faults.js';
import { failuresShownMax, type AttachFailure } from './attach-outcome.js';

export interface FailedPods {
  readonly count: number;
  /** Those of them whose owners can have caused it. */
  readonly refusedCount: number;
  /** A status tells a bounded number of failures: there may be more. */
  readonly isAtLeast: boolean;
}

/** A label is `namespace/name`, or that with ` network NAME` behind it. */
const podOf = ({ label }: AttachFailure): string => label.split(' ', 1)[0] ?? '';

/** @param failures as a status tells them */
export function failedPods(failures: readonly AttachFailure[]): FailedPods {
  const all = new Set(failures.map(podOf));
  const others = new Set(failures.filter(({ reason }) => !isPodFault(reason)).map(podOf));
  return { count: all.size, refusedCount: all.size - others.size, isAtLeast: failures.length >= failuresShownMax };
}

/** `1 pod without network`, `at least 50 pods without network`; undefined: none. */
export function failedPodsText({ count, isAtLeast }: FailedPods): string | undefined {
  if (count === 0) return undefined;
  return `${isAtLeast ? 'at least ' : ''}${count} ${count === 1 ? 'pod' : 'pods'} without network`;
}
