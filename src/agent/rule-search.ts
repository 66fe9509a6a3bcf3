/**
 * Searches for the OpenFlow rules of flows, for those who ask for them, as far as ovs-vswitchd can spare the time: each search is
 * carried out in its main thread, and anybody may ask again and again.
 */

import type { Clock } from '../lib/clock.js';
import { toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { pollLimits } from '../offload/poll-plan.js';
import type { FlowRules, RulesReading } from '../offload/readings.js';
import type { SwitchInspector } from './offload-ports.js';

/** Flows whose rules are asked for at most: each takes ovs-vswitchd's main thread a moment. */
const flowsMax = 16;
/** Searches are counted over so long, ms. */
const windowMs = 60_000;
/** So much of the main thread in that time, ms; the search that goes beyond it is the last for a while. */
const spentMsMax = windowMs * pollLimits.dutyMax;

export interface RuleSearchParts {
  readonly inspector: Pick<SwitchInspector, 'readRules'>;
  readonly clock: Clock;
  readonly onRead: (reading: RulesReading) => void;
  readonly onFailed: (error: unknown) => void;
}

/** What was found, by ufid, and why there is no more, one sentence. */
export interface FoundRules {
  readonly rules: ReadonlyMap<string, FlowRules['rules']>;
  readonly problem: string | undefined;
}

const nothing: FoundRules['rules'] = new Map();

export class RuleSearch {
  readonly #parts: RuleSearchParts;
  #spent: readonly { readonly atMs: number; readonly ms: number }[] = [];
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: RuleSearchParts) {
    this.#parts = parts;
  }

  /** One search after the other: each sees what those before it took. Never rejects. */
  rulesOf(ufids: readonly string[], signal: AbortSignal): Promise<FoundRules> {
    const turn = this.#running.then(() => this.#search(ufids.slice(0, flowsMax), signal));
    this.#running = turn;
    return turn;
  }

  async #search(ufids: readonly string[], signal: AbortSignal): Promise<FoundRules> {
    const { clock, inspector, onRead, onFailed } = this.#parts;
    if (ufids.length === 0) return { rules: nothing, problem: undefined };
    if (signal.aborted) return { rules: nothing, problem: 'The rules are not known: nobody waits for them any more.' };
    const startMs = clock.nowMs();
    this.#spent = this.#spent.filter(({ atMs }) => startMs - atMs < windowMs);
    if (this.#spent.reduce((sum, { ms }) => sum + ms, 0) >= spentMsMax) {
      return {
        rules: nothing,
        problem: `ovs-vswitchd is spared: searches for rules have had ${pollLimits.dutyMax * 100} % of its main thread in the last minute.`,
      };
    }
    try {
      const reading = await inspector.readRules(ufids, signal);
      this.#spend(reading.cost.mainThreadMs);
      onRead(reading);
      return { rules: new Map(reading.rules.map(({ ufid, rules }) => [ufid, rules])), problem: undefined };
    } catch (error) {
      // Unknown what it cost; it may have been at it all the time.
      this.#spend(clock.nowMs() - startMs);
      onFailed(error);
      // The flows are worth telling without their rules.
      return { rules: nothing, problem: `The rules are not known: ${safeText(toError(error).message, 300)}.` };
    }
  }

  #spend(ms: number): void {
    this.#spent = [...this.#spent, { atMs: this.#parts.clock.nowMs(), ms }];
  }
}
