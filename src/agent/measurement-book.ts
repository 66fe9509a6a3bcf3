/** Counts measurements of offload, what they cost and how the newest try went, for those who show it. Decides nothing. */

import { safeText } from '../lib/text.js';
import { toError } from '../lib/errors.js';
import type { ReadingCost } from '../offload/readings.js';
import type { MeasurementState } from './api-view.js';

export type MeasurementName = MeasurementState['name'];

/** In the order in which they are shown. */
const names: readonly MeasurementName[] = ['quick', 'slow', 'flows', 'machine', 'tools', 'rules'];

const unread: Omit<MeasurementState, 'name'> = {
  wallMs: undefined,
  cost: undefined,
  readings: 0,
  failures: 0,
  mainThreadMs: 0,
  problem: undefined,
};

/** A command that takes longer than this is worth telling before it ends, ms. */
const silentMs = 5_000;

function silence(busyMs: number): string {
  return `ovs-vswitchd has had a question for ${Math.round(busyMs / 1_000)} s and has not answered.`;
}

/** Why the reading tells nothing: its first fact's words, where no fact of it is known. Undefined: it tells something. */
function whyNothing(reading: object): string | undefined {
  const facts = Object.values(reading).filter(isFact);
  return facts.some(({ kind }) => kind === 'known') ? undefined : facts.find(({ kind }) => kind === 'unknown')?.why;
}

function isFact(value: unknown): value is { readonly kind: 'known' | 'unknown'; readonly why?: string } {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

export class MeasurementBook {
  readonly #states = new Map<MeasurementName, Omit<MeasurementState, 'name'>>(names.map((name) => [name, unread]));

  /** @param reading one whose facts are all unknown counts as a failure */
  read(name: MeasurementName, reading: { readonly wallMs: number; readonly cost: ReadingCost }): void {
    const { wallMs, cost } = reading;
    const why = whyNothing(reading);
    if (why !== undefined) {
      this.#empty(name, cost, why);
      return;
    }
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

  /** A reading came, and every fact in it is unknown: it cost what it cost, and it tells nothing. */
  #empty(name: MeasurementName, cost: ReadingCost, why: string): void {
    const before = this.#of(name);
    const mainThreadMs = before.mainThreadMs + cost.mainThreadMs;
    const problem = safeText(`Nothing can be read: ${why}.`, 300);
    this.#states.set(name, { ...before, mainThreadMs, failures: before.failures + 1, problem });
  }

  failed(name: MeasurementName, error: unknown): void {
    const before = this.#of(name);
    const problem = safeText(toError(error).message, 300);
    this.#states.set(name, { ...before, failures: before.failures + 1, problem });
  }

  /** @param busyMs for how long ovs-vswitchd has had a question and not answered; undefined: it has none */
  states(busyMs?: number): readonly MeasurementState[] {
    const silent = busyMs === undefined || busyMs < silentMs ? undefined : silence(busyMs);
    return names.map((name) => {
      const state = this.#of(name);
      const isOfSwitch = name === 'quick' || name === 'slow' || name === 'flows';
      return { name, ...state, problem: state.problem ?? (isOfSwitch ? silent : undefined) };
    });
  }

  #of(name: MeasurementName): Omit<MeasurementState, 'name'> {
    return this.#states.get(name) ?? unread;
  }
}
