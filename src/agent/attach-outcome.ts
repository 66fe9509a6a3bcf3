/** What the loop of the attachments says after a look, for those who show it. */

import { attachmentLabel, type AttachmentVerdict } from '../attach/attachment.js';
import { podFacts, type PodFacts, type ViewContext } from '../attach/attachment-view.js';
import type { Finding } from '../model/condition.js';
import type { ClusterState, LeaseState } from './attach-ports.js';
import type { StatusStats } from './status-pump.js';

/** Why nothing is written now; `on`: what differs is repaired. */
export type AttachMode = 'on' | 'observe' | 'bootGrace' | 'standby' | 'leaseForeign' | 'leaseUnknown' | 'blind';

/** What the loop says after a look. */
export interface AttachOutcome {
  readonly wallMs: number;
  readonly mode: AttachMode;
  /** The bridge that pods are plugged into. */
  readonly bridge: string;
  readonly cluster: ClusterState;
  readonly nodeName: string | undefined;
  readonly lease: LeaseState;
  readonly clockSkewMs: number | undefined;
  /** The pods of the node. */
  readonly podCount: number;
  /** Networks of pods, by reason. */
  readonly counts: Readonly<Record<string, number>>;
  /** The first of those that have failed. */
  readonly failures: readonly AttachFailure[];
  /** Everything about every pod: made when it is asked for, for most looks nobody does. */
  readonly podFacts: () => readonly PodFacts[];
  readonly findings: readonly Finding[];
  /** Changes of rows that the last plan still holds. */
  readonly pendingCount: number;
  readonly statuses: StatusStats;
}

/** A network of a pod that is not as it should be. */
export interface AttachFailure {
  /** `ns/pod`, safe to print. */
  readonly label: string;
  readonly reason: string;
  readonly message: string;
  readonly device: string | undefined;
}

/** Failures that a status shows. */
export const failuresShownMax = 50;
/** Of one pod, so that one with many networks does not hide the others. */
const failuresOfPodMax = 3;

/** How many networks of pods have which reason. */
export function countReasons(verdicts: readonly AttachmentVerdict[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verdict } of verdicts) counts[verdict.reason] = (counts[verdict.reason] ?? 0) + 1;
  return counts;
}

/** The first of those that have failed, of each pod only a few. */
export function failuresOf(verdicts: readonly AttachmentVerdict[]): readonly AttachFailure[] {
  const counts = new Map<string, number>();
  const isShown = ({ pod }: AttachmentVerdict): boolean => {
    const count = (counts.get(pod.uid) ?? 0) + 1;
    counts.set(pod.uid, count);
    return count <= failuresOfPodMax;
  };
  return verdicts
    .filter(({ verdict }) => verdict.state === 'failed')
    .filter(isShown)
    .slice(0, failuresShownMax)
    .map(({ pod, nadKey, verdict, device }) => {
      return { label: attachmentLabel(pod, nadKey), reason: verdict.reason, message: verdict.message, device };
    });
}

/** Everything about every pod. */
export function factsOf(verdicts: readonly AttachmentVerdict[], context: ViewContext): readonly PodFacts[] {
  const byPod = new Map<string, AttachmentVerdict[]>();
  for (const entry of verdicts) {
    const entries = byPod.get(entry.pod.uid);
    if (entries === undefined) byPod.set(entry.pod.uid, [entry]);
    else entries.push(entry);
  }
  return [...context.pods.values()].map((pod) => podFacts(pod, byPod.get(pod.uid) ?? [], context));
}
