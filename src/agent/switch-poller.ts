/**
 * Asks ovs-vswitchd what the plan of polling says, one thing at a time, and hands the readings on. It carries the plan out and
 * holds no rules of its own: when and what is `poll-plan.ts`'s.
 */

import type { Clock, Timer } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import type { Incarnation } from '../offload/effective-settings.js';
import { isSameIncarnation } from '../offload/effective-settings.js';
import type { TierContext } from '../offload/flow-tier.js';
import {
  expectedDumpMs,
  heavyRefusal,
  initialPoll,
  nextPoll,
  pollLimits,
  stepPoll,
  type PollAction,
  type PollEvent,
  type PollFacts,
  type PollLimits,
  type PollState,
} from '../offload/poll-plan.js';
import type { FlowsReading, SwitchQuickReading, SwitchSlowReading } from '../offload/readings.js';
import type { SoftwareContext } from '../offload/software-reason.js';
import { keepLooping } from './lasting-loop.js';
import type { SwitchInspector } from './offload-ports.js';
import type { Unsubscribe } from './ports.js';

/** `auto`: flows are dumped where they are few. `asked`: only when somebody asks or watches. `off`: never. */
export type FlowPolicy = 'auto' | 'asked' | 'off';

export interface SwitchPollerParts {
  readonly inspector: SwitchInspector;
  readonly clock: Clock;
  readonly flows: FlowPolicy;
  readonly context: (datapath: string) => SoftwareContext & TierContext;
  readonly onQuick: (reading: SwitchQuickReading) => void;
  readonly onSlow: (reading: SwitchSlowReading) => void;
  readonly onFlows: (reading: FlowsReading) => void;
  /** Another ovs-vswitchd answers than before. Comes ahead of its first reading. */
  readonly onRestart: () => void;
  /** A reading has failed, also by a bug. */
  readonly onFailed: (name: 'quick' | 'slow' | 'flows', error: unknown) => void;
  readonly onBug: (error: unknown) => void;
}

type PollRun = Extract<PollAction, { kind: 'poll' }>;
type Reading = SwitchQuickReading | SwitchSlowReading | FlowsReading;

const names = { cheap: 'quick', medium: 'slow', heavy: 'flows' } as const;

/** Who asks for a dump does not wait for a rest that is longer than this, ms. */
const restMsMax = 15_000;

/** The plan's limits, as far as the policy allows dumps. */
function limitsOf(flows: FlowPolicy): PollLimits {
  if (flows === 'auto') return pollLimits;
  // With `off` no dump is short enough.
  return { ...pollLimits, dumpsUnasked: false, dumpMsMax: flows === 'asked' ? pollLimits.dumpMsMax : -1 };
}

export class SwitchPoller {
  readonly #parts: SwitchPollerParts;
  readonly #limits: PollLimits;
  #state: PollState;
  #life: Incarnation | undefined;
  #run: AbortController | undefined;
  readonly #end = new AbortController();
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #dumpWaiters: (() => void)[] = [];

  constructor(parts: SwitchPollerParts) {
    this.#parts = parts;
    this.#limits = limitsOf(parts.flows);
    this.#state = initialPoll(parts.clock.nowMs());
  }

  start(): void {
    const { clock, onBug } = this.#parts;
    this.#running = keepLooping({
      ...{ clock, onBug, signal: this.#end.signal },
      loop: () => this.#loop(),
      // Nobody knows when the next dump will be.
      onCrash: () => this.#endDump(),
    });
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#run?.abort(new AgentError('CLIENT_CLOSED', 'the supervisor of offload ends'));
    this.#wake();
    await this.#running;
    this.#endDump();
  }

  get #isClosed(): boolean {
    return this.#end.signal.aborted;
  }

  /** How much longer than usual everything waits; 1: not longer. */
  get slowdown(): number {
    return this.#state.slowdown;
  }

  /** Why no dump is made by itself, one sentence; undefined: one is. */
  get refusal(): string | undefined {
    return this.#refusalText(this.#state);
  }

  /** Something happened after which the cheap questions are worth asking at once: the daemon may be another. */
  hurry(): void {
    const { dueMs } = this.#state;
    this.#state = { ...this.#state, dueMs: { ...dueMs, cheap: Math.min(dueMs.cheap, this.#parts.clock.nowMs()) } };
    this.#wake();
  }

  /** Somebody watches, until the returned function is called. */
  watch(): Unsubscribe {
    let isWatching = true;
    this.#step({ kind: 'watched', watchers: this.#state.watchers + 1 });
    return () => {
      if (isWatching) this.#step({ kind: 'watched', watchers: this.#state.watchers - 1 });
      isWatching = false;
    };
  }

  /**
   * Asks for a dump, and resolves when one has ended, well or not.
   * @returns why none is made now, one sentence; undefined: one was tried
   */
  async requestFlows(signal: AbortSignal): Promise<string | undefined> {
    const asked: PollState = { ...this.#state, isAsked: true };
    const refusal = this.#refusalText(asked);
    if (refusal !== undefined) return refusal;
    this.#step({ kind: 'asked' });
    const waitMs = this.#state.dueMs.heavy - this.#parts.clock.nowMs();
    if (waitMs > restMsMax) {
      return `ovs-vswitchd is spared: the next dump of its flows is made in ${Math.ceil(waitMs / 1_000)} s.`;
    }
    await this.#untilDumped(signal);
    return undefined;
  }

  #untilDumped(signal: AbortSignal): Promise<void> {
    if (this.#isClosed || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        this.#dumpWaiters = this.#dumpWaiters.filter((waiter) => waiter !== end);
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
      this.#dumpWaiters.push(end);
    });
  }

  #refusalText(state: PollState): string | undefined {
    if (this.#parts.flows === 'off') return 'offload.flows is off: flows are never dumped.';
    switch (heavyRefusal(state, this.#limits)) {
      case undefined:
        return undefined;
      case 'sizeUnknown':
        return 'It is not known how many flows there are, so they are not dumped.';
      case 'tooLarge':
        return `A dump of ${state.facts.flows ?? 0} flows is expected to hold the main thread of ovs-vswitchd for ${Math.round(expectedDumpMs(state) ?? 0)} ms, more than ${this.#limits.dumpMsMax} ms: it is not made.`;
      case 'notAsked':
        return 'offload.flows is asked: flows are dumped only when somebody asks.';
      case 'notSmall':
        return `There are ${state.facts.flows ?? 0} flows: they are dumped only when somebody asks.`;
    }
  }

  #step(event: PollEvent): void {
    this.#state = stepPoll(this.#state, event, this.#parts.clock.nowMs(), this.#limits);
    this.#wake();
  }

  async #loop(): Promise<void> {
    while (!this.#isClosed) {
      const nowMs = this.#parts.clock.nowMs();
      const action = nextPoll(this.#state, nowMs, this.#limits);
      if (action.kind === 'poll') await this.#poll(action);
      else if (action.kind === 'wait') await this.#sleep(action.untilMs - nowMs);
      // A run that takes too long is ended by its own timer, before the plan could see it.
      else this.#step({ kind: 'failed', tookMs: this.#limits.runMsMax });
    }
  }

  /** Until the time is over or something happens. */
  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer: Timer = this.#parts.clock.after(delayMs, () => this.#wake());
      this.#wake = () => {
        timer.cancel();
        this.#wake = () => undefined;
        resolve();
      };
    });
  }

  async #poll(action: PollRun): Promise<void> {
    const { clock, onFailed } = this.#parts;
    this.#step({ kind: 'started', tier: action.tier });
    const startMs = clock.nowMs();
    const run = new AbortController();
    this.#run = run;
    const timer = clock.after(this.#limits.runMsMax, () =>
      run.abort(new AgentError('DEADLINE_EXCEEDED', 'ovs-vswitchd took too long', { facts: { tier: action.tier } })),
    );
    try {
      const reading = await this.#read(action, run.signal);
      this.#step({ kind: 'finished', tookMs: reading.cost.mainThreadMs, facts: factsOf(reading) });
    } catch (error) {
      const isBug = !(error instanceof AgentError);
      if (this.#isClosed && !isBug) return;
      // Nobody is there to be spared; and the one who comes is to be seen soon.
      const isNobody = !isBug && error.code === 'NOT_CONNECTED' && action.tier !== 'heavy';
      this.#step(isNobody ? { kind: 'finished', tookMs: 0 } : { kind: 'failed', tookMs: clock.nowMs() - startMs });
      onFailed(names[action.tier], error);
      if (isBug) throw error;
    } finally {
      timer.cancel();
      this.#run = undefined;
      if (action.tier === 'heavy') this.#endDump();
    }
  }

  async #read(action: PollRun, signal: AbortSignal): Promise<Reading> {
    const { inspector, context, onQuick, onSlow, onFlows } = this.#parts;
    switch (action.tier) {
      case 'cheap': {
        const reading = await inspector.readQuick(signal);
        this.#meet(reading.life);
        onQuick(reading);
        return reading;
      }
      case 'medium': {
        const reading = await inspector.readSlow(signal);
        this.#meet(reading.life);
        onSlow(reading);
        return reading;
      }
      case 'heavy': {
        const reading = await inspector.readFlows(action.scope, context, signal);
        this.#meet(reading.life);
        onFlows(reading);
        return reading;
      }
    }
  }

  #meet(life: Incarnation): void {
    const before = this.#life;
    this.#life = life;
    if (before === undefined || isSameIncarnation(before, life)) return;
    this.#state = stepPoll(this.#state, { kind: 'restarted' }, this.#parts.clock.nowMs(), this.#limits);
    this.#parts.onRestart();
  }

  #endDump(): void {
    const waiters = this.#dumpWaiters;
    this.#dumpWaiters = [];
    for (const end of waiters) end();
  }
}

/** What the plan learns of a reading. */
function factsOf(reading: Reading): PollFacts {
  if (!('upcalls' in reading)) return {};
  const { upcalls, coverage, cost } = reading;
  const datapaths = upcalls.kind === 'known' ? upcalls.value : undefined;
  const dumps = datapaths?.flatMap(({ dumpMs }) => (dumpMs === undefined ? [] : [dumpMs])) ?? [];
  return {
    flows: datapaths?.reduce((sum, { flows }) => sum + flows, 0),
    revalidateMs: dumps.length === 0 ? undefined : Math.max(...dumps),
    longPolls: coverage.kind === 'known' ? (coverage.value.get('long_poll_interval') ?? 0) : undefined,
    roundTripMs: cost.roundTripMs,
  };
}
