/**
 * The world of the reconcile loop without any daemon: a store that carries out plans by the model of plan-world, devices,
 * liveness and intents that a test sets by hand, and a clock that stands still. The store misbehaves on order.
 */

import type {
  ApplyResult,
  DeviceSource,
  IntentSource,
  LivenessSource,
  StoreState,
  SwitchStore,
} from '../../src/agent/ports.js';
import { Reconciler, type ReconcilerOptions } from '../../src/agent/reconciler.js';
import { Journal, type JournalEntry } from '../../src/agent/journal.js';
import type { PortsStatus } from '../../src/agent/status.js';
import { TelemetryBook } from '../../src/agent/telemetry-book.js';
import type { Intents } from '../../src/model/intent.js';
import type { NetdevMap } from '../../src/model/netdev.js';
import type { Observed } from '../../src/model/observed.js';
import type { Action } from '../../src/plan/action.js';
import { ManualClock } from '../config/manual-clock.js';
import { findByVf, observedOf, owner } from './plan-rows.js';
import { apply } from './plan-world.js';

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

export class AgentWorld {
  readonly clock = new ManualClock();
  readonly statuses: PortsStatus[] = [];
  readonly journal: JournalEntry[] = [];
  readonly bugs: unknown[] = [];
  readonly book = new TelemetryBook();
  /** Every list of actions that reached the store. */
  readonly applied: (readonly Action[])[] = [];
  /** Which bridges the loop last asked to be probed. */
  watched: readonly string[] = [];
  observed: Observed = observedOf();
  state: StoreState = { kind: 'synced', endpoint: 'unix:/db.sock' };
  isWriter = true;
  isInitialised = true;
  netdevs: NetdevMap | undefined = new Map();
  deviceProblem: string | undefined;
  intents: Intents = { bridges: [], ports: [] };
  /** Answers instead of the model; undefined lets the model carry the actions out. */
  answer: (actions: readonly Action[]) => ApplyResult | Promise<ApplyResult> | undefined = () => undefined;
  readonly reconciler: Reconciler;
  readonly #listeners = new Set<() => void>();

  constructor(options: Partial<ReconcilerOptions> = {}) {
    const none = { sightings: 1, ms: 0 };
    this.reconciler = new Reconciler(
      {
        store: this.#store(),
        devices: this.#devices(),
        liveness: this.#liveness(),
        intents: this.#intentSource(),
        clock: this.clock,
        random: () => 0.5,
        onStatus: (status) => this.statuses.push(status),
        journal: this.#journal(),
        telemetry: this.book.recorder('ports'),
        onBug: (error) => this.bugs.push(error),
      },
      {
        owner,
        coalesceMs: 20,
        fullResyncMs: 60_000,
        bootGraceMs: 0,
        grace: { orphan: { sightings: 2, ms: 1_000 }, deviceGone: none, deviceRecreated: none, podMissing: none },
        repair: 'on',
        ...options,
      },
    );
  }

  #journal(): Journal {
    const journal = new Journal(1_000);
    journal.onEntry((entry) => this.journal.push(entry));
    return journal;
  }

  get status(): PortsStatus {
    const last = this.statuses.at(-1);
    if (last === undefined) throw new Error('there is no status yet');
    return last;
  }

  /** Something may have changed. */
  notify(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Time passes; what falls due runs to its end. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10) {
      this.clock.advance(Math.min(10, left));
      await settle();
    }
  }

  readonly #onChange = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #store(): SwitchStore {
    return {
      state: () => this.state,
      snapshot: () =>
        this.state.kind === 'synced' && this.isInitialised ? { ...this.observed, qos: new Map() } : undefined,
      isWriter: () => this.isWriter,
      onChange: this.#onChange,
      apply: async (actions) => {
        this.applied.push(actions);
        const answered = await this.answer(actions);
        if (answered !== undefined) return answered;
        this.observed = apply(this.observed, actions);
        this.notify();
        return { kind: 'applied', nextCfg: this.observed.root.nextCfg };
      },
    };
  }

  #devices(): DeviceSource {
    return {
      snapshot: () => this.netdevs,
      problem: () => this.deviceProblem,
      find: findByVf,
      onChange: this.#onChange,
    };
  }

  #liveness(): LivenessSource {
    return {
      snapshot: () => this.observed.liveness,
      watch: (bridges) => (this.watched = bridges),
      onChange: this.#onChange,
    };
  }

  #intentSource(): IntentSource {
    return { intents: () => this.intents, onChange: this.#onChange };
  }
}
