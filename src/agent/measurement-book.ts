/** Counts measurements of offload, what they cost and how the newest try went, for those who show it. Decides nothing. */

import { safeText } from '../lib/text.js';
import { toError } from '../lib/errors.js';
import type { ReadingCost } from '../offload/readings.js';
import type { MeasurementState } from './api-view.js';

export type MeasurementName = MeasurementState['name'];

/** In the order in which they are shown. */
const names: readonly MeasurementName[] = ['quick', 'slow', 'flows', 'machine', 'tools'];

const unread: Omit<MeasurementState, 'name'> = {
  wallMs: undefined,
  cost: undefined,
  readings: 0,
  failures: 0,
  mainThreadMs: 0,
  problem: undefined,
};

export class MeasurementBook {
  readonly #states = new Map<MeasurementName, Omit<MeasurementState, 'name'>>(names.map((name) => [name, unread]));

  read(name: MeasurementName, { wallMs, cost }: { readonly wallMs: number; readonly cost: ReadingCost }): void {
    const { readings, failures, mainThreadMs } = this.#of(name);
    const spentMs = mainThreadMs + cost.mainThreadMs;
    this.#states.set(name, {
      wallMs,
      cost,
      readings: readings + 1,
      failures,
      mainThreadMs: spentMs,
      problem: undefined,
    });
  }

  failed(name: MeasurementName, error: unknown): void {
    const before = this.#of(name);
    const problem = safeText(toError(error).message, 300);
    this.#states.set(name, { ...before, failures: before.failures + 1, problem });
  }

  states(): readonly MeasurementState[] {
    return names.map((name) => ({ name, ...this.#of(name) }));
  }

  #of(name: MeasurementName): Omit<MeasurementState, 'name'> {
    return this.#states.get(name) ?? unread;
  }
}
