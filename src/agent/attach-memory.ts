/**
 * What one look at the attachments hands to the next: since when each asks for what it asks, and when its evidence was
 * last complete. Losing it (a restart) costs time, never correctness.
 */

import type { AttachmentVerdict } from '../attach/attachment.js';
import type { AttachmentAge } from '../attach/desire-status.js';

interface Past {
  /** What the details were: another text is another wait. */
  readonly details: string;
  readonly sinceMs: number;
  readyMs: number | undefined;
}

function detailsOf({ request, verdict }: AttachmentVerdict): string {
  if (request === undefined) return verdict.reason;
  return `${request.pf}/${request.vf}/${request.identity.sandboxId}`;
}

export class AttachMemory {
  #past = new Map<string, Past>();

  /** Takes in this look; what is missing from it is forgotten. The ages by key of the attachment. */
  see(verdicts: readonly AttachmentVerdict[], nowMs: number): ReadonlyMap<string, AttachmentAge> {
    const next = new Map<string, Past>();
    const ages = new Map<string, AttachmentAge>();
    for (const entry of verdicts) {
      const details = detailsOf(entry);
      const before = this.#past.get(entry.key);
      const past = before?.details === details ? before : { details, sinceMs: nowMs, readyMs: undefined };
      if (entry.verdict.state === 'ready') past.readyMs = nowMs;
      next.set(entry.key, past);
      const sinceReadyMs = past.readyMs === undefined ? undefined : nowMs - past.readyMs;
      ages.set(entry.key, { ageMs: nowMs - past.sinceMs, sinceReadyMs });
    }
    this.#past = next;
    return ages;
  }
}
