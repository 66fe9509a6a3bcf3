/**
 * What the agent shows of the host cluster's pods: plain data, from which `why`, tables and metrics are made. Foreign text
 * in it is escaped and bounded.
 */

import { safeText } from '../lib/text.js';
import type { ConditionState } from '../model/condition.js';
import type { PodView } from '../model/pod.js';
import type { Reason } from '../model/reasons.js';
import { attachmentLabel, type AttachmentVerdict } from './attachment.js';
import type { AttachmentAge, DesiredStatus } from './desire-status.js';
import { readPod, type PodReading } from './pod-reading.js';

/** One network of one pod. */
export interface AttachmentView {
  readonly nadKey: string;
  readonly state: ConditionState;
  readonly reason: Reason;
  readonly message: string;
  readonly pf: number | undefined;
  readonly vf: number | undefined;
  readonly sandboxId: string | undefined;
  readonly ifaceId: string | undefined;
  /** Name of the representor. */
  readonly device: string | undefined;
  /** `ns/pod` of the one that holds the representor, when it is another. */
  readonly heldBy: string | undefined;
  readonly isPlugged: boolean;
  readonly evidence: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 UTC: since when the details are what they are, as far as this process knows. */
  readonly sinceWallMs: number;
  /** Milliseconds since 1970 UTC at which all evidence for these details began to be there, for the last time. */
  readonly readyWallMs: number | undefined;
  /** Milliseconds since 1970 UTC at which some of it was seen to be missing after that; undefined: it is all there. */
  readonly lostWallMs: number | undefined;
  /** What the pod's annotation says now, and what it shall say. */
  readonly shown: string | undefined;
  readonly wanted: string | undefined;
}

/** One pod of the host node. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string;
  readonly isHostNetwork: boolean;
  readonly isTerminal: boolean;
  readonly isDeleting: boolean;
  readonly details: 'absent' | 'unparsable' | 'read';
  /** Why the details cannot be used at all; and keys of them that name no network. */
  readonly detailsProblem: string | undefined;
  /** nadKeys to which the host cluster gave an address. */
  readonly addressed: readonly string[];
  /** Annotations of the bandwidth that cannot be used. */
  readonly bandwidthProblems: readonly string[];
  readonly attachments: readonly AttachmentView[];
}

export interface ViewContext {
  readonly ages: ReadonlyMap<string, AttachmentAge>;
  readonly desired: ReadonlyMap<string, DesiredStatus>;
  readonly nowWallMs: number;
  readonly pods: ReadonlyMap<string, PodView>;
}

function holderLabel(heldBy: string | undefined, pods: ReadonlyMap<string, PodView>): string | undefined {
  if (heldBy === undefined) return undefined;
  const split = heldBy.indexOf('|');
  const pod = pods.get(heldBy.slice(0, split));
  return pod === undefined ? 'a pod that is not listed' : attachmentLabel(pod, heldBy.slice(split + 1));
}

function shownStatus({ status }: PodReading, nadKey: string): string | undefined {
  const shown = status.kind === 'read' ? status.networks.get(nadKey) : undefined;
  if (shown === undefined) return undefined;
  return shown.reason === undefined ? shown.status : `${shown.status}: ${shown.reason}`;
}

function wantedStatus(desired: DesiredStatus | undefined, shown: string | undefined): string | undefined {
  if (desired === undefined || desired === 'none') return undefined;
  if (desired === 'same') return shown;
  return desired.reason === undefined ? desired.status : `${desired.status}: ${desired.reason}`;
}

function attachmentView(entry: AttachmentVerdict, context: ViewContext): AttachmentView {
  const { verdict, request, key, nadKey } = entry;
  const times = context.ages.get(key)?.times;
  const shown = shownStatus(readPod(entry.pod), nadKey);
  return {
    nadKey: safeText(nadKey, 512),
    state: verdict.state,
    reason: verdict.reason,
    message: verdict.message,
    pf: request?.pf,
    vf: request?.vf,
    sandboxId: request?.identity.sandboxId,
    ifaceId: request?.identity.ifaceId,
    device: entry.device,
    heldBy: holderLabel(entry.heldBy, context.pods),
    isPlugged: entry.isPlugged,
    evidence: entry.evidence,
    sinceWallMs: times?.sinceWallMs ?? context.nowWallMs,
    readyWallMs: times?.readyWallMs,
    lostWallMs: times?.lostWallMs,
    shown,
    wanted: wantedStatus(context.desired.get(key), shown),
  };
}

function detailsProblem({ details }: PodReading): string | undefined {
  if (details.kind === 'unparsable') return details.problem;
  if (details.kind !== 'read' || details.ignored.length === 0) return undefined;
  return `ignored, for they name no network: ${details.ignored.slice(0, 4).join(', ')}`;
}

/** What is shown of a pod. @param entries the verdicts on its networks */
export function podFacts(pod: PodView, entries: readonly AttachmentVerdict[], context: ViewContext): PodFacts {
  const reading = readPod(pod);
  return {
    namespace: safeText(pod.namespace, 63),
    name: safeText(pod.name, 253),
    uid: safeText(pod.uid, 64),
    nodeName: safeText(pod.nodeName, 253),
    isHostNetwork: pod.isHostNetwork,
    isTerminal: pod.isTerminal,
    isDeleting: pod.isDeleting,
    details: reading.details.kind,
    detailsProblem: detailsProblem(reading),
    addressed:
      reading.networks.kind === 'read' ? [...reading.networks.networks.keys()].map((key) => safeText(key, 512)) : [],
    bandwidthProblems: reading.bandwidth.problems,
    attachments: entries.map((entry) => attachmentView(entry, context)),
  };
}
