/**
 * Tells findings on offload when they are news: one that is new or gone at once, other words for one that stands no more than
 * once a minute. Their sentences have numbers in them that move all the time, and each telling is a change to all who watch.
 */

import type { Finding } from '../model/condition.js';
import type { OffloadFinding } from '../offload/check.js';
import { findingOf } from './offload-findings.js';

/** Between two tellings of the same findings in other words, ms. */
const wordsMs = 60_000;

export class FindingTeller {
  readonly #onFindings: (findings: readonly Finding[], wallMs: number) => void;
  #keys = '[]';
  #words = '[]';
  #toldMs = 0;

  constructor(onFindings: (findings: readonly Finding[], wallMs: number) => void) {
    this.#onFindings = onFindings;
  }

  /** @param nowMs monotonic */
  tell(findings: readonly OffloadFinding[], nowMs: number, wallMs: number): void {
    const told = findings.map(findingOf);
    const keys = JSON.stringify(told.map(({ reason, object }) => [reason, object.kind, object.name]));
    const words = JSON.stringify(told);
    const isSame = keys === this.#keys;
    if (words === this.#words || (isSame && nowMs - this.#toldMs < wordsMs)) return;
    this.#keys = keys;
    this.#words = words;
    this.#toldMs = nowMs;
    this.#onFindings(told, wallMs);
  }
}
