/**
 * The loop that keeps the switch as intended: observe, plan, apply in one transaction, judge. Level-triggered: events only
 * say "look again". It plans on a complete observation or not at all, and never guesses what a lost connection did.
 */

import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import { Trigger } from '../lib/trigger.js';
import type { Desired } from '../intent/resolve.js';
import { Resolver } from '../intent/resolver.js';
import { objectKey, type Condition } from '../model/condition.js';
import type { Intents } from '../model/intent.js';
import type { Observed } from '../model/observed.js';
import type { Action } from '../plan/action.js';
import { summarizeAction } from '../plan/format.js';
import { judge } from '../plan/judge.js';
import { plan, type Plan, type PlanInput } from '../plan/plan.js';
import type { GraceByCause } from '../plan/sightings.js';
import type { Journal } from './journal.js';
import { Contests, repairEveryMs } from './contests.js';
import { RoundMemory } from './memory.js';
import type { ApplyResult, DeviceSource, IntentSource, LivenessSource, SwitchStore } from './ports.js';
import type { PortsStatus } from './status.js';
import { silentRecorder, type LoopRecorder } from './telemetry-book.js';

export interface ReconcilerOptions {
  readonly owner: string;
  /** Gathering time of a burst of events, ms. */
  readonly coalesceMs: number;
  /** A look without any event, ms: something always changes unnoticed. */
  readonly fullResyncMs: number;
  /** After the start nothing is written for this long, ms: the platform's own boot scripts still build bridges. */
  readonly bootGraceMs: number;
  readonly grace: GraceByCause;
  readonly repair: 'on' | 'observe';
}

export interface ReconcilerParts {
  readonly store: SwitchStore;
  readonly devices: DeviceSource;
  readonly liveness: LivenessSource;
  readonly intents: IntentSource;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told of each new snapshot. */
  readonly onStatus: (status: PortsStatus) => void;
  /** Where each change is recorded that was tried. */
  readonly journal: Journal;
  /** Counts what the loop does; absent: nobody does. */
  readonly telemetry?: LoopRecorder;
  /** A round threw: a bug of the agent. */
  readonly onBug: (error: unknown) => void;
}

/** Everything one look yields. */
export interface Look {
  readonly intents: Intents;
  readonly input: PlanInput;
  readonly plan: Plan;
}

/** Most actions in one transaction; the rest follows in the next. */
const actionsPerTransactionMax = 2_000;
/** Between tries of a change that did not go through. */
const retryBackoff: BackoffTiming = { baseMs: 100, capMs: 10_000 };
/** How late a look can be on a busy machine, ms: a transaction at its deadline, and the round itself. */
const slownessMs = 15_000;
/** Journal entries shown in a status. */
const journalShownCount = 50;

export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #options: ReconcilerOptions;
  readonly #memory: RoundMemory;
  readonly #contests = new Contests();
  readonly #resolver = new Resolver();
  readonly #trigger: Trigger;
  readonly #telemetry: LoopRecorder;
  readonly #startedMs: number;
  #unsubscribe: (() => void)[] = [];
  #appliedRounds = 0;
  /** Rounds in a row that a conflict or a lost connection spoilt. */
  #spoiltRounds = 0;
  /** Actions of the next transaction at most; halved to find the one to blame for a refusal that blames none. */
  #actionsMax = actionsPerTransactionMax;
  #appliedActions = 0;
  #dirtySinceMs: number | undefined;

  constructor(parts: ReconcilerParts, options: ReconcilerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#memory = new RoundMemory(options.grace);
    this.#telemetry = parts.telemetry ?? silentRecorder;
    this.#startedMs = parts.clock.nowMs();
    this.#trigger = new Trigger({
      clock: parts.clock,
      gatherMs: options.coalesceMs,
      work: (signal) => this.#round(signal),
      onError: parts.onBug,
    });
  }

  start(): void {
    const look = (): void => {
      this.#dirtySinceMs ??= this.#parts.clock.nowMs();
      this.#trigger.fire();
    };
    const { store, devices, liveness, intents } = this.#parts;
    this.#unsubscribe = [store, devices, liveness, intents].map((source) => source.onChange(look));
    look();
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#trigger.close();
  }

  /** One look at the world, without writing anything; undefined while an input has not been read completely. */
  look(): Look | undefined {
    return this.#look(false, this.#parts.intents.intents());
  }

  /** What one look would yield if this were wanted; writes nothing. Undefined while an input has not been read completely. */
  lookWith(intents: Intents): Look | undefined {
    return this.#look(false, intents, new Resolver());
  }

  /** @param isSighting whether the look counts for those that are removed once they have been seen often enough */
  #look(isSighting: boolean, intents: Intents, resolver = this.#resolver): Look | undefined {
    const { store, devices, liveness, clock } = this.#parts;
    const snapshot = store.snapshot();
    const netdevs = devices.snapshot();
    if (snapshot === undefined || netdevs === undefined || store.state().kind !== 'synced') return undefined;
    const observed: Observed = { ...snapshot, netdevs, liveness: liveness.snapshot() };
    const desired = resolver.resolve(intents, { root: snapshot.root, netdevs, find: devices.find });
    const nowMs = clock.nowMs();
    const input: PlanInput = {
      desired,
      observed,
      owner: this.#options.owner,
      ripe: new Set(),
      held: this.#memory.heldPorts(snapshot.root),
      quarantined: this.#memory.quarantined(nowMs),
    };
    const first = plan(input);
    if (isSighting) this.#memory.see(first.candidates, nowMs);
    const ripe = this.#memory.ripe(first.candidates, nowMs);
    if (ripe.size === 0) return { intents, input, plan: first };
    const ripened = { ...input, ripe };
    return { intents, input: ripened, plan: plan(ripened) };
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { clock, liveness, store } = this.#parts;
    const startMs = clock.nowMs();
    const sinceMs = this.#dirtySinceMs ?? startMs;
    this.#dirtySinceMs = undefined;
    this.#trigger.fireWithin(this.#options.fullResyncMs);
    this.#telemetry.round(startMs - sinceMs);
    const look = this.#look(true, this.#parts.intents.intents());
    this.#telemetry.took('plan', clock.nowMs() - startMs);
    if (look === undefined) {
      // A vswitchd without its database accepts a question, never answers it, and spins while it is asked.
      if (store.state().kind !== 'synced') liveness.watch([]);
      this.#publish(undefined);
      return;
    }
    liveness.watch(bridgesToAsk(look.input.desired, look.input.observed));
    const actions = this.#contests.allowed(look.plan.actions, clock.nowMs()).slice(0, this.#actionsMax);
    const isWriting = this.#mode() === 'on';
    if (actions.length > 0 && isWriting) await this.#apply(actions, sinceMs, signal);
    if (signal.aborted) return;
    this.#publish(actions.length > 0 ? (this.look() ?? look) : look);
    // Who must not write waits for nothing to ripen.
    if (isWriting) this.#lookLater(look.plan);
  }

  /** Looks again when something has ripened, or has rested. */
  #lookLater({ actions, candidates }: Plan): void {
    const nowMs = this.#parts.clock.nowMs();
    const waits = [this.#memory.nextLookMs(candidates, nowMs), this.#contests.nextLookMs(actions, nowMs)];
    for (const waitMs of waits) {
      if (waitMs !== undefined) this.#trigger.fireWithin(Math.max(waitMs, this.#options.coalesceMs + 1));
    }
  }

  #mode(): PortsStatus['repair'] {
    if (this.#options.repair === 'observe') return 'observe';
    const graceLeftMs = this.#startedMs + this.#options.bootGraceMs - this.#parts.clock.nowMs();
    if (graceLeftMs <= 0) return this.#parts.store.isWriter() ? 'on' : 'standby';
    this.#trigger.fireWithin(graceLeftMs);
    return 'bootGrace';
  }

  async #apply(actions: readonly Action[], sinceMs: number, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#parts;
    const summary = summarize(actions);
    const startMs = clock.nowMs();
    const result = await store.apply(actions, summary, signal);
    const nowMs = clock.nowMs();
    this.#telemetry.took('apply', nowMs - startMs);
    this.#telemetry.took('total', nowMs - sinceMs);
    if (result.kind === 'applied') this.#accept(actions, result.nextCfg, nowMs);
    if (result.kind === 'refused') this.#blame(actions, result, nowMs);
    this.#note(actions, summary, result, nowMs - sinceMs);
    this.#lookAgain(result);
  }

  #accept(actions: readonly Action[], nextCfg: number | undefined, nowMs: number): void {
    this.#spoiltRounds = 0;
    this.#actionsMax = Math.min(this.#actionsMax * 2, actionsPerTransactionMax);
    this.#appliedRounds += 1;
    this.#appliedActions += actions.length;
    this.#telemetry.wrote(actions.map(({ kind }) => kind));
    this.#memory.accept(actions);
    this.#memory.rest(actions, nowMs);
    this.#contests.note(actions, nowMs);
    if (nextCfg !== undefined) this.#memory.hold(actions, nextCfg);
  }

  /**
   * Leaves the refused object out for a while, so that the others go on. Errors that the database finds only at the commit
   * name no operation (RFC 7047 section 4.1.3): then half of the actions is tried next, until one alone is to blame.
   */
  #blame(
    actions: readonly Action[],
    { object, message }: Extract<ApplyResult, { kind: 'refused' }>,
    nowMs: number,
  ): void {
    const blamed = object ?? (actions.length === 1 ? actions[0]?.object : undefined);
    if (blamed === undefined) this.#actionsMax = Math.ceil(actions.length / 2);
    else this.#memory.refuse(blamed, message, nowMs, this.#parts.random());
  }

  /** Applied or not, the world is the only truth: look again; with backoff where nothing else slows a repetition down. */
  #lookAgain(result: ApplyResult): void {
    if (result.kind === 'applied' || result.kind === 'refused') {
      this.#trigger.fire();
      return;
    }
    const { coalesceMs } = this.#options;
    this.#trigger.fireWithin(coalesceMs + 1 + backoffMs(this.#spoiltRounds, retryBackoff, this.#parts.random()));
    this.#spoiltRounds += 1;
  }

  #note(actions: readonly Action[], summary: string, result: ApplyResult, tookMs: number): void {
    const lines = actions.flatMap((action) =>
      action.differences.map(
        (entry) => `${entry.table} ${action.object.name} ${entry.field}: ${entry.from} → ${entry.to}`,
      ),
    );
    const details = lines.length > 20 ? [...lines.slice(0, 20), `and ${lines.length - 20} more`] : lines;
    const message = result.kind === 'applied' ? undefined : result.message;
    const wallMs = this.#parts.clock.wallMs();
    this.#parts.journal.add({ wallMs, summary, details, outcome: result.kind, message, tookMs });
  }

  #publish(look: Look | undefined): void {
    const { store, liveness, clock, intents, onStatus } = this.#parts;
    const alive = liveness.snapshot();
    const conditions = look === undefined ? this.#unobserved() : judge(look.input, look.plan);
    const repair = this.#mode();
    onStatus({
      wallMs: clock.wallMs(),
      freshMs: this.#options.fullResyncMs * 2 + slownessMs,
      ovsdb: store.state(),
      vswitchd: alive.answering.size > 0 ? 'alive' : alive.silent.size > 0 ? 'silent' : 'unknown',
      repair,
      isReady: look !== undefined && conditions.every((entry) => entry.state === 'ready'),
      conditions: conditions.map((entry) => (repair === 'on' ? this.#explainRest(entry) : explainReadOnly(entry))),
      findings: look?.plan.findings ?? [],
      pendingCount: look?.plan.actions.length ?? 0,
      appliedRounds: this.#appliedRounds,
      appliedActions: this.#appliedActions,
      journal: this.#parts.journal.tail(journalShownCount),
      intentsRevision: (look?.intents ?? intents.intents()).revision,
    });
  }

  /** A difference that is left for a moment, because each repair of it was undone. */
  #explainRest(condition: Condition): Condition {
    const { clock } = this.#parts;
    if (condition.reason !== 'NotApplied' || this.#contests.restLeftMs(condition.object, clock.nowMs()) === 0) {
      return condition;
    }
    const message = `Somebody undoes each repair; it is made at most every ${repairEveryMs} ms.`;
    return { ...condition, state: 'failed', reason: 'Contested', message };
  }

  /** While nothing can be observed nothing is known: every declared bridge says so. */
  #unobserved(): readonly Condition[] {
    const { reason, message } = this.missingInput();
    const names = new Set(this.#parts.intents.intents().bridges.map((intent) => intent.name));
    return [...names].sort().map((name) => {
      return { object: { kind: 'bridge', name }, state: 'failed', reason, message, evidence: {} };
    });
  }

  /** While `look` gives nothing: which input has not been read, and why. */
  missingInput(): Pick<Condition, 'reason' | 'message'> {
    const { store, devices } = this.#parts;
    const state = store.state();
    if (state.kind !== 'synced') return { reason: 'OvsdbUnavailable', message: state.message };
    if (store.snapshot() === undefined) {
      const message = 'The database has no row in table Open_vSwitch: it was never initialised (ovs-vsctl init does).';
      return { reason: 'OvsdbUnavailable', message };
    }
    const why = devices.problem();
    const message = 'The network devices of this machine have not been read yet';
    return { reason: 'NetdevsUnknown', message: why === undefined ? `${message}.` : `${message}: ${why}` };
  }
}

/** In a mode that writes nothing, a difference waits for a person. */
function explainReadOnly(condition: Condition): Condition {
  if (condition.reason !== 'NotApplied') return condition;
  return { ...condition, reason: 'ReadOnly', message: `${condition.message} The agent is not to write now.` };
}

/** Bridges that should have a switch: those that are wanted and are in the database. */
function bridgesToAsk(desired: Desired, observed: Observed): readonly string[] {
  return [...desired.bridges.keys()].filter((name) => observed.bridges.has(name));
}

/** The actions in one line of bounded length: the comment in the database's log. */
function summarize(actions: readonly Action[]): string {
  const objects = new Map(actions.map((action) => [`${summarizeAction(action)}|${objectKey(action.object)}`, action]));
  const words = [...new Set([...objects.values()].map(summarizeAction))];
  const shown = words.slice(0, 4).join('; ');
  return words.length > 4 ? `${shown}; and ${words.length - 4} more` : shown;
}
