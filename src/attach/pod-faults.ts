/**
 * Which failures of attachments a pod's owner can cause: by what the pod asks for, by its annotations, by definitions of its
 * namespace. All others are of the machine, the switch or the clusters. deploy/prometheus/rules.yaml keeps the two apart.
 */

import type { AttachReason } from './reason-rungs.js';

/** Sorted. A reason that either can cause is here, so that no tenant can call an operator out of bed. */
export const podFaultReasons = [
  'DetailsInvalid',
  'IfaceIdTaken',
  'NetworkUnknown',
  'PodNetworkInvalid',
  'PodNotEligible',
  'RepresentorClaimedTwice',
  'RepresentorReserved',
  'ResourceNotRequested',
] as const satisfies readonly AttachReason[];

/** Whether a pod's owner can have caused a failure of this reason. */
export function isPodFault(reason: string): boolean {
  return podFaultReasons.some((entry) => entry === reason);
}
