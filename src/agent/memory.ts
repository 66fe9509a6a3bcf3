/**
 * What one round of reconciliation hands to the next: sightings of candidates, ports that wait for their removal to be
 * carried out, ports that were re-attached lately, and objects that the database refused. Losing it (a restart) costs
 * time, never correctness.
 */

import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import type { ObservedRoot } from '../model/observed.js';
import { objectKey, type ObjectRef } from '../model/condition.js';
import type { Candidate } from '../plan/action.js';
import { countSightings, nextLookMs, ripeCandidates, type GraceByCause, type Sightings } from '../plan/sightings.js';

/** A change that went through, of whatever loop. */
export interface Applied {
  readonly object: ObjectRef;
  /** `deletePort`: the port was taken out. */
  readonly kind: string;
  readonly cause?: string;
}

interface Refusal {
  readonly message: string;
  readonly attempt: number;
  readonly untilMs: number;
}

interface Reattachment {
  readonly attempt: number;
  readonly untilMs: number;
}

const refusalBackoff: BackoffTiming = { baseMs: 1_000, capMs: 60_000 };
/** A refusal is forgotten so long after its object might have been tried again, ms. */
const refusalForgetMs = 600_000;

/**
 * The wait after re-attachment number `attempt` of one port, ms. A device that looks re-created however often its port is
 * taken out and put back must not be taken out at full speed for ever: each time costs the switch a reconfiguration.
 */
function reattachRestMs(attempt: number): number {
  return Math.min(1_000 * 2 ** Math.min(attempt, 30), 300_000);
}
/** A port that was left in peace for so long after its rest starts over, ms. */
const reattachForgetMs = 600_000;

export class RoundMemory {
  readonly #grace: GraceByCause;
  #sightings: Sightings = new Map();
  #held = new Map<string, number>();
  #refusals = new Map<string, Refusal>();
  #reattached = new Map<string, Reattachment>();

  constructor(grace: GraceByCause) {
    this.#grace = grace;
  }

  /** Counts this look's candidates. One look is one sighting, however often its outcome is asked for. */
  see(candidates: readonly Candidate[], nowMs: number): void {
    this.#sightings = countSightings(this.#sightings, candidates, nowMs);
  }

  /** The keys of the candidates that have been seen long enough. */
  ripe(candidates: readonly Candidate[], nowMs: number): ReadonlySet<string> {
    const rested = candidates.filter((candidate) => this.#restLeftMs(candidate, nowMs) <= 0);
    return ripeCandidates(this.#sightings, rested, this.#grace, nowMs);
  }

  /** Ports that must not be created yet, given how far vswitchd has come. */
  heldPorts({ curCfg, nextCfg }: Pick<ObservedRoot, 'curCfg' | 'nextCfg'>): ReadonlySet<string> {
    for (const [name, awaitedCfg] of this.#held) {
      // A counter below the awaited one is that of another database, which knows nothing of the removal.
      if (curCfg >= awaitedCfg || nextCfg < awaitedCfg) this.#held.delete(name);
    }
    return new Set(this.#held.keys());
  }

  /**
   * Notes the ports that were just removed: a device that comes back in the same reconfiguration of vswitchd would stay
   * unattached, so the port is created only after the removal has been carried out.
   */
  hold(applied: readonly Applied[], nextCfg: number): void {
    for (const action of applied) if (action.kind === 'deletePort') this.#held.set(action.object.name, nextCfg);
  }

  /** Notes the ports that were just taken out because their device was created anew: the next time they rest longer. */
  rest(applied: readonly Applied[], nowMs: number): void {
    for (const [name, { untilMs }] of this.#reattached) {
      if (nowMs > untilMs + reattachForgetMs) this.#reattached.delete(name);
    }
    for (const action of applied) {
      if (action.kind !== 'deletePort' || action.cause !== 'deviceRecreated') continue;
      const attempt = (this.#reattached.get(action.object.name)?.attempt ?? -1) + 1;
      this.#reattached.set(action.object.name, { attempt, untilMs: nowMs + reattachRestMs(attempt) });
    }
  }

  #restLeftMs({ object, cause }: Candidate, nowMs: number): number {
    if (cause !== 'deviceRecreated') return 0;
    return (this.#reattached.get(object.name)?.untilMs ?? nowMs) - nowMs;
  }

  /** Objects that are left out for now, with the words of the database. */
  quarantined(nowMs: number): ReadonlyMap<string, string> {
    for (const [key, { untilMs }] of this.#refusals) {
      // Nobody has tried it since: it is no longer wanted.
      if (nowMs > untilMs + refusalForgetMs) this.#refusals.delete(key);
    }
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
  accept(applied: readonly Applied[]): void {
    for (const action of applied) this.#refusals.delete(objectKey(action.object));
  }

  /** When to look again although nothing happens, ms from now; undefined when nothing is waited for. */
  nextLookMs(candidates: readonly Candidate[], nowMs: number): number | undefined {
    const waits = [...this.#refusals.values()].map(({ untilMs }) => untilMs - nowMs).filter((wait) => wait > 0);
    for (const candidate of candidates) {
      const look = nextLookMs(this.#sightings, [candidate], this.#grace, nowMs);
      if (look !== undefined) waits.push(Math.max(look, this.#restLeftMs(candidate, nowMs)));
    }
    return waits.length === 0 ? undefined : Math.min(...waits);
  }
}
