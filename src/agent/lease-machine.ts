/**
 * Decides from successive readings of the DPU's lease whether somebody else renews it, as a pure machine under the adapter
 * that reads and writes it. It believes no wall clock: another writer is known by renewals that happen while the agent
 * looks, measured on the agent's own monotonic clock. It does no I/O and keeps nothing across restarts: the mark that the
 * agent leaves on the lease itself says which renewal was its own.
 *
 * Two writers are told apart. A renewer (ovn-kubernetes in DPU mode) comes back every few seconds. The host half of
 * ovn-kubernetes renews once whenever it starts (EnsureLease of its lease manager), and must not stop the agent for a whole
 * lease: after one renewal the agent waits until a renewer would have come back, after a second it waits a whole duration.
 */

import { assert } from '../lib/assert.js';

export interface LeaseTiming {
  /** How long a renewal lasts, ms; a lease that says it lasts longer is believed, up to ten times this. */
  readonly durationMs: number;
  /** Pause between two looks and between two renewals, ms. */
  readonly renewMs: number;
  /** How long one single renewal by somebody else is watched for a second one, ms; at most `durationMs`. */
  readonly confirmMs: number;
}

/** Who this agent is: every process of one owner counts as the same writer. */
export interface LeaseWriter {
  readonly owner: string;
  /** Names this process among those of its owner. */
  readonly instance: string;
}

/** What an agent leaves on the lease next to the renewal that it wrote. */
export interface LeaseMark extends LeaseWriter {
  /** The very text of `renewTime` that it wrote. */
  readonly renewTime: string;
}

/** The lease as it was read. Texts were written by others; they are compared, and shown only when safe. */
export interface LeaseReading {
  readonly uid: string;
  readonly renewTime: string | undefined;
  readonly acquireTime: string | undefined;
  /** How long it says that a renewal lasts, ms. */
  readonly durationMs: number | undefined;
  readonly mark: LeaseMark | undefined;
  /** Who wrote it last, safe to print. */
  readonly writtenBy: string;
  /** How long ago its renewal was written by the API server's own clock, ms; undefined when the server does not tell. */
  readonly writtenAgoMs: number | undefined;
}

/** Somebody else who renewed the lease. */
export interface Stranger {
  readonly name: string;
  /** When its last renewal was seen, on the monotonic clock, ms. */
  readonly seenMs: number;
  readonly seenWallMs: number;
  /** Renewals in a row; from the second on it is taken for a renewer. */
  readonly renewals: number;
  /** How long to wait for its next renewal, ms. */
  readonly windowMs: number;
}

export type Standing =
  /** Never read. Any reading leads to another state. */
  | 'unread'
  /** Somebody else renewed once. Waits for a second time (foreign) or for `confirmMs` without one (free). */
  | 'watching'
  /** Somebody else renews. Waits for a whole duration without a renewal (free). */
  | 'foreign'
  /** Nobody else renews; this agent did not yet. Its own renewal leads to held, somebody else's to watching. */
  | 'free'
  /** The agent renewed it and nobody else did since. Left for watching or foreign only. */
  | 'held';

export interface LeaseMemory {
  readonly standing: Standing;
  /** The renewal that was seen last; another one is a new renewal. */
  readonly seen: { readonly uid: string; readonly renewTime: string | undefined } | undefined;
  /** Stays after its time is over, so that a slow renewer is known again. */
  readonly stranger: Stranger | undefined;
  /** The last renewal of this process. */
  readonly own: { readonly renewTime: string; readonly nowMs: number; readonly wallMs: number } | undefined;
  /** Another process of the same owner that renewed after this one did. */
  readonly sibling: { readonly instance: string; readonly seenMs: number } | undefined;
}

/** Before the first reading. */
export const unreadLease: LeaseMemory = {
  standing: 'unread',
  seen: undefined,
  stranger: undefined,
  own: undefined,
  sibling: undefined,
};

/** A lease that claims to last longer than this many of ours is not believed. */
const scaleMax = 10;

/**
 * Takes a reading in.
 * @param reading undefined: there is no lease
 * @param nowMs when the answer was received, monotonic
 */
export function readLease(
  memory: LeaseMemory,
  reading: LeaseReading | undefined,
  now: { readonly nowMs: number; readonly wallMs: number },
  writer: LeaseWriter,
  timing: LeaseTiming,
): LeaseMemory {
  assert(timing.renewMs > 0 && timing.renewMs <= timing.confirmMs, 'a renewer must have the time to come back');
  assert(timing.confirmMs <= timing.durationMs, 'one renewal is not watched for longer than it lasts');
  const stranger = strangerAfter(memory, reading, now, writer, timing);
  const isOwn = reading !== undefined && isOwnRenewal(reading, writer);
  return {
    standing: standingAfter(memory.standing, isOwn, stranger, now.nowMs),
    seen: reading === undefined ? memory.seen : { uid: reading.uid, renewTime: reading.renewTime },
    stranger,
    own: memory.own,
    sibling: siblingAfter(memory, reading, now.nowMs, writer),
  };
}

/**
 * Takes in that this process has renewed the lease.
 * @param now when the request was sent
 */
export function renewedLease(
  memory: LeaseMemory,
  uid: string,
  renewTime: string,
  now: { readonly nowMs: number; readonly wallMs: number },
): LeaseMemory {
  assert(mayRenew(memory), 'nobody renews a lease that somebody else renews');
  return { ...memory, standing: 'held', seen: { uid, renewTime }, own: { renewTime, ...now } };
}

/** Whether nobody else renews the lease, as of the last reading. */
export function mayRenew(memory: LeaseMemory): boolean {
  return memory.standing === 'free' || memory.standing === 'held';
}

/** Whether it is time to renew: an agent that becomes able again and again does not write each time. */
export function isRenewalDue(memory: LeaseMemory, nowMs: number, timing: LeaseTiming): boolean {
  return memory.standing === 'free' || memory.own === undefined || nowMs - memory.own.nowMs >= timing.renewMs / 2;
}

/** Whether the other process of the same owner was seen within a whole duration. */
export function liveSibling(memory: LeaseMemory, nowMs: number, timing: LeaseTiming): string | undefined {
  const { sibling } = memory;
  return sibling !== undefined && nowMs - sibling.seenMs < timing.durationMs ? sibling.instance : undefined;
}

function isOwnRenewal(reading: LeaseReading, writer: LeaseWriter): boolean {
  const { mark, renewTime } = reading;
  return mark !== undefined && mark.renewTime === renewTime && mark.owner === writer.owner;
}

function standingAfter(before: Standing, isOwn: boolean, stranger: Stranger | undefined, nowMs: number): Standing {
  if (stranger !== undefined && nowMs - stranger.seenMs < stranger.windowMs) {
    return stranger.renewals > 1 ? 'foreign' : 'watching';
  }
  return isOwn || before === 'held' ? 'held' : 'free';
}

/** Who else renews, after this reading; what was known of it when the reading shows no new renewal of somebody else. */
function strangerAfter(
  memory: LeaseMemory,
  reading: LeaseReading | undefined,
  now: { readonly nowMs: number; readonly wallMs: number },
  writer: LeaseWriter,
  timing: LeaseTiming,
): Stranger | undefined {
  if (reading === undefined || !isStrangersRenewal(memory, reading, writer)) return memory.stranger;
  const scale = Math.min(Math.max((reading.durationMs ?? 0) / timing.durationMs, 1), scaleMax);
  const durationMs = timing.durationMs * scale;
  const confirmMs = timing.confirmMs * scale;
  const sinceMs = memory.seen === undefined ? ageAtFirstSight(reading, durationMs, confirmMs, timing.renewMs) : 0;
  if (sinceMs === undefined) return memory.stranger;
  const renewals = renewalsInRow(memory.stranger, reading, now.nowMs, durationMs);
  return {
    name: reading.writtenBy,
    seenMs: now.nowMs - sinceMs,
    seenWallMs: now.wallMs - sinceMs,
    renewals,
    windowMs: renewals > 1 ? durationMs : confirmMs,
  };
}

/** Whether the reading shows a renewal that was not seen before and that is not the agent's own. */
function isStrangersRenewal(memory: LeaseMemory, reading: LeaseReading, writer: LeaseWriter): boolean {
  const { seen } = memory;
  const { uid, renewTime, acquireTime, mark } = reading;
  if (renewTime === undefined || (seen?.uid === uid && seen.renewTime === renewTime)) return false;
  if (mark?.renewTime === renewTime) return mark.owner !== writer.owner;
  // Whoever creates the lease gives it one renewal; that is the host's grace period for a DPU that is still starting. The
  // same lease with another time is renewed, whatever it says of its acquisition.
  return !(renewTime === acquireTime && seen?.uid !== uid);
}

/**
 * How old a renewal is that was there before the agent looked; undefined when it is so old that nobody renews. Only the
 * server's clock counts: the time in the lease is the writer's, and a clock that is hours behind must not hide a renewer.
 * However old: a renewer gets the time to come back once more.
 */
function ageAtFirstSight(
  reading: LeaseReading,
  durationMs: number,
  confirmMs: number,
  renewMs: number,
): number | undefined {
  const ageMs = reading.writtenAgoMs ?? 0;
  if (ageMs >= durationMs + slackMs) return undefined;
  return Math.min(Math.max(ageMs, 0), confirmMs - renewMs);
}

/** The server's clock is read to the second, and several servers of one cluster differ a little, ms. */
const slackMs = 5_000;

function renewalsInRow(
  stranger: Stranger | undefined,
  reading: LeaseReading,
  nowMs: number,
  durationMs: number,
): number {
  // The mark of another owner was left by an agent, and an agent renews.
  if (reading.mark?.renewTime === reading.renewTime) return 2;
  // A renewer comes back within a duration; twice that, because one of its renewals may have been lost.
  return stranger !== undefined && nowMs - stranger.seenMs < 2 * durationMs ? stranger.renewals + 1 : 1;
}

function siblingAfter(
  memory: LeaseMemory,
  reading: LeaseReading | undefined,
  nowMs: number,
  writer: LeaseWriter,
): LeaseMemory['sibling'] {
  const { mark } = reading ?? {};
  if (reading === undefined || mark === undefined || !isOwnRenewal(reading, writer)) return memory.sibling;
  // What another process wrote before this one's first renewal was its predecessor's.
  const isNews = memory.own !== undefined && memory.seen?.renewTime !== reading.renewTime;
  return isNews && mark.instance !== writer.instance ? { instance: mark.instance, seenMs: nowMs } : memory.sibling;
}
