/**
 * What is said of the pods' networks while nothing can be observed: what was known is not known to be true any more, and
 * who waits waits on. Used by the loop of the attachments. It claims nothing that was not seen.
 */

import { attachmentKey, type AttachmentVerdict, type AttachRequest, type Verdict } from '../attach/attachment.js';
import { ifaceId } from '../attach/nad-key.js';
import { readPod } from '../attach/pod-reading.js';
import type { PodView } from '../model/pod.js';

/** One verdict for each network for which a pod has connection details. @param before the verdicts of the last look */
export function blindVerdicts(
  pods: ReadonlyMap<string, PodView>,
  before: readonly AttachmentVerdict[],
  verdict: Verdict,
): readonly AttachmentVerdict[] {
  const known = new Map(before.map((entry) => [entry.key, entry]));
  return [...pods.values()].flatMap((pod) => {
    const { details } = readPod(pod);
    if (pod.isTerminal || details.kind !== 'read') return [];
    return [...details.networks.keys()].map((nadKey) => blindVerdict(pod, nadKey, known, verdict));
  });
}

function blindVerdict(
  pod: PodView,
  nadKey: string,
  known: ReadonlyMap<string, AttachmentVerdict>,
  verdict: Verdict,
): AttachmentVerdict {
  const key = attachmentKey(pod.uid, nadKey);
  const request = requestOf(pod, nadKey);
  const former = known.get(key);
  if (former !== undefined && (request === undefined || isSame(request, former.request))) {
    return { ...former, pod, verdict };
  }
  // What was seen was seen of other details.
  return { key, pod, nadKey, verdict, request, device: undefined, heldBy: undefined, isPlugged: false, evidence: {} };
}

/** What the pod asks for; whether it may have it is for those who see. */
function requestOf(pod: PodView, nadKey: string): AttachRequest | undefined {
  const { details } = readPod(pod);
  const entry = details.kind === 'read' ? details.networks.get(nadKey) : undefined;
  if (entry?.kind !== 'ok') return undefined;
  const { pf, vf, sandboxId } = entry;
  const identity = { ifaceId: ifaceId(nadKey, pod.namespace, pod.name), uid: pod.uid, sandboxId, nadKey };
  return { key: attachmentKey(pod.uid, nadKey), pod, nadKey, pf, vf, identity };
}

function isSame(now: AttachRequest, before: AttachRequest | undefined): boolean {
  return before?.pf === now.pf && before.vf === now.vf && before.identity.sandboxId === now.identity.sandboxId;
}
