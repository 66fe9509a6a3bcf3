/**
 * What one look at the attachments hands to the next: since when each asks for what it asks, when its evidence was last
 * complete, and how long nothing could be observed. Losing it (a restart) costs time, never correctness.
 */

import type { AttachmentVerdict } from '../attach/attachment.js';
import type { AttachmentAge, AttachmentTimes } from '../attach/desire-status.js';

interface Past {
  /** What the details were: another text is another wait. */
  readonly details: string;
  readonly sinceMs: number;
  times: AttachmentTimes;
  readyMs: number | undefined;
  /** When evidence was first seen to be missing; undefined: it is complete. */
  lostMs: number | undefined;
  /** Of the time since then: nothing could be observed. */
  unseenMs: number;
  /** What was said of it last, and since when. */
  reason: { readonly text: string; readonly sinceMs: number };
  /** Until when it is not known whether a former process has told the pod what is true. */
  uncertainUntilMs: number;
}

/** When a look was taken: by the clock that never jumps, and by the one that a person reads. */
export interface LookTime {
  /** ms. */
  readonly nowMs: number;
  /** Milliseconds since 1970 UTC. */
  readonly wallMs: number;
}

function detailsOf({ request, verdict }: AttachmentVerdict): string {
  if (request === undefined) return verdict.reason;
  return `${request.pf}/${request.vf}/${request.identity.sandboxId}`;
}

export class AttachMemory {
  readonly #settleMs: number;
  #past = new Map<string, Past>();
  #before: { readonly nowMs: number; readonly isBlind: boolean } | undefined;

  /** @param settleMs how long after the first sight of an attachment it is uncertain what its pod was told before */
  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /**
   * Takes in this look; what is missing from it is forgotten. The ages by key of the attachment.
   * @param isBlind nothing could be observed
   */
  see(verdicts: readonly AttachmentVerdict[], time: LookTime, isBlind = false): ReadonlyMap<string, AttachmentAge> {
    const { nowMs } = time;
    const isUnseen = isBlind || this.#before?.isBlind === true;
    const unseenMs = isUnseen ? nowMs - (this.#before?.nowMs ?? nowMs) : 0;
    this.#before = { nowMs, isBlind };
    const next = new Map<string, Past>();
    const ages = new Map<string, AttachmentAge>();
    for (const entry of verdicts) {
      const past = this.#pastOf(entry, time, isBlind, unseenMs);
      next.set(entry.key, past);
      ages.set(entry.key, ageOf(past, nowMs));
    }
    this.#past = next;
    return ages;
  }

  #pastOf(entry: AttachmentVerdict, { nowMs, wallMs }: LookTime, isBlind: boolean, unseenMs: number): Past {
    const details = detailsOf(entry);
    const before = this.#past.get(entry.key);
    const uncertainUntilMs = isBlind && before === undefined ? Infinity : -Infinity;
    const reason = { text: entry.verdict.reason, sinceMs: nowMs };
    const fresh = {
      details,
      sinceMs: nowMs,
      times: { sinceWallMs: wallMs, readyWallMs: undefined, lostWallMs: undefined },
      readyMs: undefined,
      lostMs: undefined,
      unseenMs: 0,
      reason,
      uncertainUntilMs,
    };
    const past: Past = before?.details === details ? before : fresh;
    if (past.lostMs !== undefined) past.unseenMs += unseenMs;
    if (past.reason.text !== reason.text) past.reason = reason;
    if (!isBlind) past.uncertainUntilMs = Math.min(past.uncertainUntilMs, nowMs + this.#settleMs);
    past.times = timesAfter(past.times, entry.verdict.state === 'ready', wallMs);
    if (entry.verdict.state === 'ready') Object.assign(past, { readyMs: nowMs, lostMs: undefined, unseenMs: 0 });
    else past.lostMs ??= nowMs;
    return past;
  }
}

/** Only what changed gets another time: what is made of them is written to a file whenever it differs. */
function timesAfter(times: AttachmentTimes, isReady: boolean, wallMs: number): AttachmentTimes {
  const { readyWallMs, lostWallMs } = times;
  if (isReady) {
    const isUnbroken = readyWallMs !== undefined && lostWallMs === undefined;
    return isUnbroken ? times : { ...times, readyWallMs: wallMs, lostWallMs: undefined };
  }
  return readyWallMs === undefined || lostWallMs !== undefined ? times : { ...times, lostWallMs: wallMs };
}

function ageOf(
  { sinceMs, times, readyMs, lostMs, unseenMs, reason, uncertainUntilMs }: Past,
  nowMs: number,
): AttachmentAge {
  return {
    ageMs: nowMs - sinceMs,
    sinceReadyMs: readyMs === undefined ? undefined : nowMs - readyMs,
    missedMs: lostMs === undefined ? 0 : nowMs - lostMs - unseenMs,
    reasonMs: nowMs - reason.sinceMs,
    isUncertain: nowMs <= uncertainUntilMs,
    times,
  };
}
