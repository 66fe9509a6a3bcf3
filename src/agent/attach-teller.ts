/**
 * Tells the pods of the host cluster what became of them: which status each network shall have, the writes that are due,
 * and Events for what is news. Used by the loop of the attachments, which decides whether anything may be told now.
 */

import type { AttachmentVerdict } from '../attach/attachment.js';
import { desireStatus, statusChanges, type AttachmentAge, type DesiredStatus } from '../attach/desire-status.js';
import { readPod } from '../attach/pod-reading.js';
import type { PodView } from '../model/pod.js';
import type { EventSink } from './attach-ports.js';
import { StatusPump, type StatusChange, type StatusPumpOptions } from './status-pump.js';

/** Lost evidence, and a fault that may pass, are borne for so long before the pod is told, ms. */
export const holdMs = 10_000;

export class AttachTeller {
  readonly pump: StatusPump;
  readonly #events: EventSink;
  readonly #waitMs: number;
  /** Reasons that were told by an Event, by key of the attachment. */
  #told = new Map<string, string>();

  /** @param waitMs a wait that lasts longer becomes an error */
  constructor(pump: StatusPumpOptions, events: EventSink, waitMs: number) {
    this.pump = new StatusPump(pump);
    this.#events = events;
    this.#waitMs = waitMs;
  }

  /** What each network's status shall be. @param isBlind nothing could be observed: nothing is taken back */
  desire(
    verdicts: readonly AttachmentVerdict[],
    ages: ReadonlyMap<string, AttachmentAge>,
    isBlind: boolean,
  ): ReadonlyMap<string, DesiredStatus> {
    const timing = { waitMs: this.#waitMs, holdMs: isBlind ? Infinity : holdMs };
    const desired = new Map<string, DesiredStatus>();
    for (const entry of verdicts) {
      const { status } = readPod(entry.pod);
      const shown = status.kind === 'read' ? status.networks.get(entry.nadKey)?.status : undefined;
      const age = ages.get(entry.key) ?? { ageMs: 0, sinceReadyMs: undefined };
      desired.set(entry.key, desireStatus(entry, age, shown, timing));
    }
    return desired;
  }

  /** Hands over what differs to the pump, and reports what is news. */
  tell(
    pods: ReadonlyMap<string, PodView>,
    verdicts: readonly AttachmentVerdict[],
    desired: ReadonlyMap<string, DesiredStatus>,
  ): void {
    const byPod = new Map<string, Map<string, DesiredStatus>>();
    for (const { pod, nadKey, key } of verdicts) {
      const wanted = byPod.get(pod.uid) ?? new Map<string, DesiredStatus>();
      wanted.set(nadKey, desired.get(key) ?? 'same');
      byPod.set(pod.uid, wanted);
    }
    const wanted = new Map<string, StatusChange>();
    for (const [uid, pod] of pods) {
      if (pod.isTerminal) continue;
      const changes = statusChanges(pod, byPod.get(uid) ?? new Map());
      if (changes.size > 0) wanted.set(uid, { pod, changes });
    }
    this.pump.want(wanted);
    this.#reportEvents(verdicts, desired);
  }

  /** One Event for each new reason that keeps a pod from its network, and one when it has passed or Ready is written. */
  #reportEvents(verdicts: readonly AttachmentVerdict[], desired: ReadonlyMap<string, DesiredStatus>): void {
    const told = new Map<string, string>();
    for (const entry of verdicts) {
      const { key, pod, nadKey, verdict, device } = entry;
      const before = this.#told.get(key);
      const wanted = desired.get(key);
      const isTold = (typeof wanted === 'object' && wanted.status === 'Error') || verdict.reason === 'DetailsInvalid';
      const isNews = isTold || verdict.state === 'ready';
      told.set(key, isNews ? verdict.reason : (before ?? ''));
      if (!isNews || before === verdict.reason) continue;
      const network = nadKey === 'default' ? '' : ` (network ${nadKey})`;
      if (isTold) {
        this.#events.report(pod, 'Warning', verdict.reason, `${verdict.publicReason ?? verdict.reason}${network}`);
      } else if (isDue(entry) || (before !== undefined && before !== '')) {
        this.#events.report(pod, 'Normal', 'Attached', `attached by ${device ?? 'its representor'}${network}`);
      }
    }
    this.#told = told;
  }
}

/** Whether Ready has yet to be written: where it is there, a former process attached the pod and said so. */
function isDue({ pod, nadKey }: AttachmentVerdict): boolean {
  const { status } = readPod(pod);
  return status.kind !== 'read' || status.networks.get(nadKey)?.status !== 'Ready';
}
