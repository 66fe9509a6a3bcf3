/**
 * What one round of reconciliation hands to the next: sightings of candidates, ports that wait for their removal to be
 * carried out, and objects that the database refused. Losing it (a restart) costs time, never correctness.
 */

import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import { objectKey, type ObjectRef } from '../model/condition.js';
import type { Action, Candidate } from '../plan/action.js';
import { countSightings, nextLookMs, ripeCandidates, type GraceByCause, type Sightings } from '../plan/sightings.js';

interface Refusal {
  readonly message: string;
  readonly attempt: number;
  readonly untilMs: number;
}

const refusalBackoff: BackoffTiming = { baseMs: 1_000, capMs: 60_000 };

export class RoundMemory {
  readonly #grace: GraceByCause;
  #sightings: Sightings = new Map();
  #held = new Map<string, number>();
  #refusals = new Map<string, Refusal>();

  constructor(grace: GraceByCause) {
    this.#grace = grace;
  }

  /** Counts this look's candidates, and returns the keys of the ripe ones. */
  see(candidates: readonly Candidate[], nowMs: number): ReadonlySet<string> {
    this.#sightings = countSightings(this.#sightings, candidates, nowMs);
    return ripeCandidates(this.#sightings, candidates, this.#grace, nowMs);
  }

  /** Ports that must not be created yet, given how far vswitchd has come. */
  heldPorts(curCfg: number): ReadonlySet<string> {
    for (const [name, nextCfg] of this.#held) if (curCfg >= nextCfg) this.#held.delete(name);
    return new Set(this.#held.keys());
  }

  /**
   * Notes the ports that were just removed: a device that comes back in the same reconfiguration of vswitchd would stay
   * unattached, so the port is created only after the removal has been carried out.
   */
  hold(applied: readonly Action[], nextCfg: number): void {
    for (const action of applied) if (action.kind === 'deletePort') this.#held.set(action.object.name, nextCfg);
  }

  /** Objects that are left out for now, with the words of the database. */
  quarantined(nowMs: number): ReadonlyMap<string, string> {
    const active = [...this.#refusals].filter(([, refusal]) => nowMs < refusal.untilMs);
    return new Map(active.map(([key, refusal]) => [key, refusal.message]));
  }

  refuse(object: ObjectRef, message: string, nowMs: number, random: number): void {
    const key = objectKey(object);
    const attempt = (this.#refusals.get(key)?.attempt ?? -1) + 1;
    // Half of the wait is fixed: a refused change that is tried again at once is refused again at once.
    const waitMs = refusalBackoff.baseMs / 2 + backoffMs(attempt, refusalBackoff, random);
    this.#refusals.set(key, { message, attempt, untilMs: nowMs + waitMs });
  }

  /** Forgets the refusals of objects whose change went through. */
  accept(applied: readonly Action[]): void {
    for (const action of applied) this.#refusals.delete(objectKey(action.object));
  }

  /** When to look again although nothing happens, ms from now; undefined when nothing is waited for. */
  nextLookMs(candidates: readonly Candidate[], nowMs: number): number | undefined {
    const waits = [...this.#refusals.values()].map(({ untilMs }) => untilMs - nowMs).filter((wait) => wait > 0);
    const look = nextLookMs(this.#sightings, candidates, this.#grace, nowMs);
    if (look !== undefined) waits.push(look);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }
}
