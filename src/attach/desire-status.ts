/**
 * What the pod's connection-status shall say of each of its networks. The host's CNI polls it: `Ready` lets the pod start,
 * any other word makes it fail at once, and nothing makes it wait. So nothing is written before there is evidence, `Error`
 * is written when waiting is of no use, and what was said of a former sandbox is taken back. Pure.
 */

import type { ConnectionStatus } from './connection-status.js';
import type { AttachmentVerdict } from './attachment.js';
import { readPod } from './pod-reading.js';
import type { PodView } from '../model/pod.js';

/** Milliseconds since 1970 UTC, by which a person is told; they stay the same while nothing changes. */
export interface AttachmentTimes {
  /** These very details were first seen. */
  readonly sinceWallMs: number;
  /** All evidence for them began to be there, for the last time; undefined: it never was. */
  readonly readyWallMs: number | undefined;
  /** Evidence was first seen to be missing after that; undefined: it is not. */
  readonly lostWallMs: number | undefined;
}

/** How long the present details of an attachment have been what they are. */
export interface AttachmentAge {
  /** Since these very details were first seen, ms. */
  readonly ageMs: number;
  /** Since all evidence was last seen for these details, ms; undefined: never. */
  readonly sinceReadyMs: number | undefined;
  /**
   * Since evidence was first seen to be missing, ms, without the time when nothing could be observed. Absent: since all of
   * it was last seen, or since these details are there.
   */
  readonly missedMs?: number;
  /** Nothing has been seen of it by this process, or only just now: what its pod was told by a former one may be true. */
  readonly isUncertain?: boolean;
  /** Since it has been said for this reason, ms; absent: for long. */
  readonly reasonMs?: number;
  readonly times?: AttachmentTimes;
}

export interface StatusTiming {
  /** A wait that lasts longer becomes an error, ms. Below the two minutes after which the host's runtime gives up. */
  readonly waitMs: number;
  /** Lost evidence is borne for so long before Ready is taken back, ms: a restart of Open vSwitch is no news to a pod. */
  readonly holdMs: number;
}

/** `same`: leave whatever is there. */
export type DesiredStatus = ConnectionStatus | 'none' | 'same';

const ready: ConnectionStatus = { status: 'Ready', reason: undefined };

function error(reason: string): ConnectionStatus {
  return { status: 'Error', reason };
}

/** What is wrong with the switch as a whole. The lease tells the host of it: it is not renewed meanwhile. */
const switchReasons: ReadonlySet<string> = new Set(['VswitchdSilent', 'VswitchdDenied', 'VswitchdUnasked']);

/** Whether what is shown was said of these details: they were ready before, or their rows are there. */
function isOfThese({ isPlugged }: AttachmentVerdict, { sinceReadyMs }: AttachmentAge): boolean {
  return isPlugged || sinceReadyMs !== undefined;
}

/** The status of one network. @param shown the word that the annotation holds now */
export function desireStatus(
  entry: AttachmentVerdict,
  age: AttachmentAge,
  shown: string | undefined,
  timing: StatusTiming,
): DesiredStatus {
  const { verdict } = entry;
  if (verdict.state === 'ready') return ready;
  const said = verdict.publicReason ?? 'the attachment is not ready';
  // Details that cannot be read say nothing about a port that is attached.
  if (verdict.reason === 'DetailsInvalid' && isOfThese(entry, age)) return 'same';
  if (verdict.isFinal) return error(said);
  if (shown === 'Ready' && age.isUncertain === true) return 'same';
  // A switch that is down is no news to each of its pods, and proves nothing against what they were told.
  const isOfSwitch = switchReasons.has(verdict.reason);
  if (isOfSwitch && shown === 'Ready' && isOfThese(entry, age)) return 'same';
  if (shown === 'Ready' && isOfThese(entry, age)) {
    return (age.missedMs ?? age.sinceReadyMs ?? age.ageMs) > timing.holdMs ? error(said) : 'same';
  }
  // What is wrong may have been so for a moment; what is merely waited for has longer.
  const boundMs = verdict.state === 'failed' && !isOfSwitch ? timing.holdMs : timing.waitMs;
  // Another reason is news only when it lasts: on its way to Ready an attachment that is late passes through many.
  if (age.ageMs >= boundMs)
    return shown === 'Error' && (age.reasonMs ?? Infinity) < timing.holdMs ? 'same' : error(said);
  return age.sinceReadyMs === undefined ? 'none' : 'same';
}

/** What has to be changed in the pod's annotation: nadKey to the status, or undefined to remove it. */
export function statusChanges(
  pod: PodView,
  desired: ReadonlyMap<string, DesiredStatus>,
): ReadonlyMap<string, ConnectionStatus | undefined> {
  const { status, details } = readPod(pod);
  const shown = status.kind === 'read' ? status.networks : new Map<string, { status: string; reason?: string }>();
  const changes = new Map<string, ConnectionStatus | undefined>();
  for (const [nadKey, wanted] of desired) {
    const present = shown.get(nadKey);
    if (wanted === 'same') continue;
    if (wanted === 'none') {
      if (present !== undefined) changes.set(nadKey, undefined);
    } else if (present?.status !== wanted.status || present.reason !== wanted.reason) changes.set(nadKey, wanted);
  }
  // A status without details is left from a sandbox that is gone, or forged.
  if (details.kind !== 'unparsable') {
    for (const nadKey of shown.keys()) if (!desired.has(nadKey)) changes.set(nadKey, undefined);
  }
  return changes;
}
