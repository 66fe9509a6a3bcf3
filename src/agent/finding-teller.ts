/**
 * Tells findings on offload when they are news: one that is new at once, one that is gone once it has stayed away, other words
 * for one that stands no more than once a minute. Their sentences have numbers in them that move all the time, and what is
 * close to a limit crosses it again and again; each telling is a change to all who watch.
 */

import type { Finding } from '../model/condition.js';
import type { OffloadFinding } from '../offload/check.js';
import { findingOf } from './offload-findings.js';

/** Between two tellings of the same findings in other words, ms. */
const wordsMs = 60_000;

/** A finding is taken back when it has been gone for so long, ms. */
const goneMs = 30_000;

interface Told {
  readonly finding: Finding;
  /** When it was found last, monotonic ms. */
  readonly foundAtMs: number;
}

export class FindingTeller {
  readonly #onFindings: (findings: readonly Finding[], wallMs: number) => void;
  #told: ReadonlyMap<string, Told> = new Map();
  #keys = '[]';
  #words = '[]';
  #toldMs = 0;

  constructor(onFindings: (findings: readonly Finding[], wallMs: number) => void) {
    this.#onFindings = onFindings;
  }

  /** @param nowMs monotonic */
  tell(found: readonly OffloadFinding[], nowMs: number, wallMs: number): void {
    const told = new Map<string, Told>();
    for (const finding of found.map(findingOf)) told.set(keyOf(finding, told), { finding, foundAtMs: nowMs });
    for (const [key, before] of this.#told) {
      if (!told.has(key) && nowMs - before.foundAtMs < goneMs) told.set(key, before);
    }
    this.#told = told;
    const findings = [...told.values()].map(({ finding }) => finding);
    // Those that are gone stand last: another order is no news.
    const keys = JSON.stringify([...told.keys()].sort());
    const words = JSON.stringify(findings.map((finding) => JSON.stringify(finding)).sort());
    const isSame = keys === this.#keys;
    if (words === this.#words || (isSame && nowMs - this.#toldMs < wordsMs)) return;
    this.#keys = keys;
    this.#words = words;
    this.#toldMs = nowMs;
    this.#onFindings(findings, wallMs);
  }
}

/** Several findings of one reason may be about the same object. */
function keyOf({ reason, object }: Finding, taken: ReadonlyMap<string, Told>): string {
  const key = (count: number): string => JSON.stringify([reason, object.kind, object.name, count]);
  let count = 0;
  while (taken.has(key(count))) count += 1;
  return key(count);
}
