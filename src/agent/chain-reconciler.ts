/**
 * The loop that keeps the chains' flows as intended: which versions are in force, which ports they mean now, which flows
 * follow, what differs in the switches; one bundle per bridge. Level-triggered as the loop of the ports is. The two meet in
 * the database only: patch pairs that chains need are intents for that loop, and port numbers come back from it.
 */

import { allocateChainIds, defaultCookieTag, isOwnCookie } from '../chain/chain-id.js';
import { viewChain, type ChainView } from '../chain/chain-view.js';
import { desireFlows } from '../chain/desired-flows.js';
import { judgeChains } from '../chain/judge-chain.js';
import { planFlows, type FlowChange, type FlowPlan } from '../chain/plan-flows.js';
import { portsOf } from '../chain/resolved.js';
import { restoreWaitFindings, withRestoreWait } from '../chain/restore-wait.js';
import { ofctlCommand } from '../chain/describe-flows.js';
import type { ChainState } from '../chain/chain-state.js';
import { chainFingerprint, validateChains, type ChainsVerdict } from '../chain/validate-chain.js';
import { defaultLegBridges, indexWorld, type DeclaredPatch } from '../chain/world-index.js';
import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import { Trigger } from '../lib/trigger.js';
import type { ChainIntent } from '../model/chain.js';
import type { Condition, Finding } from '../model/condition.js';
import type { Intents, PortIntent } from '../model/intent.js';
import { withUnstored } from './chain-unstored.js';
import type { ChainSource, ChainStateStore, FlowApplyResult, FlowSwitches } from './chain-ports.js';
import type { JournalChange } from './journal.js';
import type { DeviceSource, IntentSource, SwitchStore, Unsubscribe } from './ports.js';
import { silentRecorder, type LoopRecorder } from './telemetry-book.js';

export interface ChainReconcilerOptions {
  readonly owner: string;
  /** Gathering time of a burst of events, ms. Short: a port with another number carries nothing until its flows follow. */
  readonly coalesceMs: number;
  readonly fullResyncMs: number;
  readonly repair: 'on' | 'observe';
  /** Bridges on which the agent may program flows. */
  readonly bridges: () => ReadonlySet<string>;
}

export interface ChainReconcilerParts {
  readonly store: SwitchStore;
  readonly devices: DeviceSource;
  readonly switches: FlowSwitches;
  readonly chains: ChainSource;
  /** What is wanted apart from chains. */
  readonly ports: IntentSource;
  readonly state: ChainStateStore;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told of each new outcome. */
  readonly onOutcome: (outcome: ChainOutcome) => void;
  readonly onJournal: (entry: JournalChange) => void;
  /** Counts what the loop does; absent: nobody does. */
  readonly telemetry?: LoopRecorder;
  readonly onBug: (error: unknown) => void;
}

/** What the loop says of the chains. */
export interface ChainOutcome {
  readonly conditions: readonly Condition[];
  readonly findings: readonly Finding[];
  /** Patch ports that the chains need, for the loop of the ports. */
  readonly patches: readonly PortIntent[];
  /** The chains in force, sorted by name. */
  readonly views: readonly ChainView[];
  /** Newest revision of what is wanted that this has seen. */
  readonly intentsRevision?: number | undefined;
}

/** Everything one look yields. */
export interface ChainLook {
  readonly verdict: ChainsVerdict;
  readonly plan: FlowPlan;
  readonly conditions: readonly Condition[];
}

/** What is in force, resolved, and why the newest is not. */
interface Decision {
  readonly verdict: ChainsVerdict;
  readonly next: ChainState;
  readonly unstored: string | undefined;
  readonly intentsRevision: number | undefined;
}

const retryBackoff: BackoffTiming = { baseMs: 50, capMs: 10_000 };
/** ovs-ctl restores some hundred thousand flows in this time. */
export const restoreMsMax = 60_000;
const noChains: ReadonlySet<string> = new Set();
/** What a change of a flow is called where changes are counted. */
const flowAction: Readonly<Record<FlowChange['kind'], string>> = {
  add: 'addFlow',
  modify: 'modifyFlow',
  replace: 'replaceFlow',
  delete: 'deleteFlow',
  deleteCookie: 'deleteFlows',
};
/** Lines of one journal entry. */
const detailCountMax = 20;

export class ChainReconciler {
  readonly #parts: ChainReconcilerParts;
  readonly #options: ChainReconcilerOptions;
  readonly #trigger: Trigger;
  readonly #telemetry: LoopRecorder;
  #state: ChainState;
  #unsubscribe: Unsubscribe[] = [];
  /** What was said when everything could last be observed. */
  #last: ChainOutcome = { conditions: [], findings: [], patches: [], views: [] };
  #failedRounds = 0;
  #dirtySinceMs: number | undefined;
  #wasWriting = false;
  #restoreSinceMs: number | undefined;

  constructor(parts: ChainReconcilerParts, options: ChainReconcilerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#state = parts.state.load();
    this.#telemetry = parts.telemetry ?? silentRecorder;
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
    const { store, devices, switches, chains } = this.#parts;
    this.#unsubscribe = [store, devices, switches, chains].map((source) => source.onChange(look));
    look();
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#trigger.close();
  }

  /** One look, without writing anything; undefined while an input has not been read completely. */
  look(): ChainLook | undefined {
    return this.lookWith(this.#parts.chains.chains(), this.#parts.ports.intents());
  }

  /** What one look would yield if this were wanted; writes nothing. Undefined while an input has not been read completely. */
  lookWith(chains: readonly ChainIntent[], intents: Intents): ChainLook | undefined {
    const verdict = this.#verdict(chains, intents);
    if (verdict === undefined) return undefined;
    const ids = allocateChainIds(this.#state.ids, verdict.accepted.keys());
    const look = this.#judge(verdict, { ids, accepted: verdict.accepted });
    // Bridges that no chain wants now may hold flows of former ones.
    const observed = this.#parts.switches.snapshot();
    const unread = this.#bridgesToFollow(verdict).filter((bridge) => !observed.has(bridge));
    return { ...look, plan: { ...look.plan, unread: [...new Set([...look.plan.unread, ...unread])].sort() } };
  }

  #verdict(wanted = this.#parts.chains.chains(), intents = this.#parts.ports.intents()): ChainsVerdict | undefined {
    const { store, devices } = this.#parts;
    const snapshot = store.snapshot();
    const netdevs = devices.snapshot();
    if (snapshot === undefined || netdevs === undefined) return undefined;
    const { owner } = this.#options;
    const observed = { ...snapshot, netdevs };
    const declared = declaredPatches(intents);
    const index = indexWorld({ observed, find: devices.find, owner, declared, legBridges: defaultLegBridges });
    return validateChains({ wanted, accepted: this.#state.accepted, index });
  }

  #judge(verdict: ChainsVerdict, { ids }: ChainState): ChainLook {
    const observed = this.#parts.switches.snapshot();
    const closed = this.#closed(verdict);
    const desired = desireFlows(verdict.chains, ids, { tag: defaultCookieTag, closed });
    const plan = planFlows(desired, observed);
    const conditions = judgeChains({ verdict, plan, observed, ids, tag: defaultCookieTag, closed });
    return { verdict, plan, conditions };
  }

  /** Chains in force that are to carry nothing while their controller is lost. What the configuration wants has none. */
  #closed({ chains }: ChainsVerdict): ReadonlySet<string> {
    const unattended = this.#parts.chains.unattended?.() ?? noChains;
    if (unattended.size === 0) return noChains;
    const closed = chains.filter(({ intent }) => intent.onControllerLoss === 'close' && intent.source.rank > 0);
    return new Set(closed.map(({ intent }) => intent.name).filter((name) => unattended.has(name)));
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { clock, switches, onOutcome } = this.#parts;
    const startMs = clock.nowMs();
    const sinceMs = this.#dirtySinceMs ?? startMs;
    this.#dirtySinceMs = undefined;
    this.#trigger.fireWithin(this.#options.fullResyncMs);
    this.#telemetry.round(startMs - sinceMs);
    const isWriting = this.#takeTurn();
    const decision = await this.#decide(isWriting, sinceMs);
    if (decision === undefined) {
      if (this.#parts.store.state().kind !== 'synced') switches.watch([]);
      const intentsRevision = this.#parts.ports.intents().revision;
      onOutcome({ ...this.#last, conditions: this.#unobserved(), findings: [], intentsRevision });
      return;
    }
    const { verdict, next, unstored, intentsRevision } = decision;
    switches.watch(this.#bridgesToFollow(verdict));
    const look = this.#judge(verdict, next);
    this.#telemetry.took('plan', clock.nowMs() - startMs);
    const hasWork = look.plan.changes.length > 0;
    const changes = this.#allowed(look.plan);
    const isApplied = isWriting ? await this.#apply(changes, sinceMs, signal) : true;
    if (signal.aborted) return;
    const { conditions: seen, plan } = hasWork ? this.#judge(verdict, next) : look;
    if (isWriting) this.#rest(isApplied && this.#allowed(plan).length === 0 && unstored === undefined);
    const told =
      unstored === undefined ? seen : withUnstored(seen, this.#parts.chains.chains(), next.accepted, unstored);
    const { conditions, waiting } = this.#whileRestoring(told);
    const views = verdict.chains.map((chain) => viewChain(chain, next.ids, defaultCookieTag));
    const findings = [...verdict.findings, ...plan.findings, ...waiting];
    this.#last = { conditions, findings, patches: verdict.patches, views, intentsRevision };
    onOutcome(this.#last);
  }

  /** While an input is missing nothing is known of the chains, and none is ready. */
  #unobserved(): readonly Condition[] {
    const state = this.#parts.store.state();
    const isSynced = state.kind === 'synced';
    const message = isSynced ? 'The network devices have not been read yet.' : state.message;
    const chains = new Map([...this.#parts.chains.chains(), ...this.#state.accepted.values()].map((c) => [c.name, c]));
    return [...chains.values()].map(({ name, bridge }) => {
      const reason = isSynced ? 'NetdevsUnknown' : 'OvsdbUnavailable';
      return { object: { kind: 'chain', name, bridge }, state: 'failed', reason, message, evidence: {} };
    });
  }

  /** Whether this agent writes. When its turn begins, what another one has stored meanwhile is what is in force. */
  #takeTurn(): boolean {
    const isWriting = this.#options.repair === 'on' && this.#parts.store.isWriter();
    if (isWriting && !this.#wasWriting) {
      const stored = this.#parts.state.load();
      const isEmpty = stored.accepted.size === 0 && stored.ids.chains.size === 0 && stored.ids.retired.size === 0;
      if (!isEmpty) this.#state = stored;
    }
    this.#wasWriting = isWriting;
    return isWriting;
  }

  /** What is in force from now on: the newest that could be stored. One who writes no flows stores nothing either. */
  async #decide(isWriting: boolean, sinceMs: number): Promise<Decision | undefined> {
    const verdict = this.#verdict();
    if (verdict === undefined) return undefined;
    const intentsRevision = this.#parts.ports.intents().revision;
    const ids = allocateChainIds(this.#state.ids, verdict.accepted.keys());
    const next: ChainState = { ids, accepted: verdict.accepted };
    if (!isWriting) return { verdict, next, unstored: undefined, intentsRevision };
    const unstored = await this.#remember(next, sinceMs);
    if (unstored === undefined) return { verdict, next, unstored, intentsRevision };
    // The chains that are in force must not suffer: they are kept as they are, and repaired.
    const earlier = this.#verdict([...this.#state.accepted.values()]);
    return earlier === undefined ? undefined : { verdict: earlier, next: this.#state, unstored, intentsRevision };
  }

  /** Stores what is in force before it is acted upon. @returns why that failed */
  async #remember(next: ChainState, sinceMs: number): Promise<string | undefined> {
    if (!isSameState(this.#state, next)) {
      try {
        await this.#parts.state.save(next);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#note('store the chains in force', [], { kind: 'refused', message }, sinceMs);
        return message;
      }
    }
    this.#state = next;
    return undefined;
  }

  /** Bridges that chains have flows on, and, as long as there ever were any, all that may hold flows of former ones. */
  #bridgesToFollow(verdict: ChainsVerdict): readonly string[] {
    const snapshot = this.#parts.store.snapshot();
    const { ids } = this.#state;
    const hadChains = ids.chains.size > 0 || ids.retired.size > 0;
    const programmable = hadChains ? [...this.#options.bridges()] : [];
    const named = verdict.chains.flatMap((chain) => [
      chain.intent.bridge,
      ...portsOf(chain).flatMap(({ leg }) => leg?.bridge ?? []),
    ]);
    // What is left there of chains whose bridge is no longer configured goes before the bridge is let go.
    const held = [...this.#parts.switches.snapshot()]
      .filter(([, flows]) => flows.some(({ cookie }) => isOwnCookie(cookie, defaultCookieTag)))
      .map(([bridge]) => bridge);
    const all = new Set([...programmable, ...named, ...held]);
    return [...all].filter((bridge) => snapshot?.bridges.has(bridge) === true).sort();
  }

  /** What may be said while ovs-ctl restores flows, and what has to be said when that does not end. */
  #whileRestoring(conditions: readonly Condition[]): Pick<ChainLook, 'conditions'> & { waiting: readonly Finding[] } {
    const { store, clock } = this.#parts;
    if (store.snapshot()?.root.isRestoreAwaited !== true) {
      this.#restoreSinceMs = undefined;
      return { conditions, waiting: [] };
    }
    this.#restoreSinceMs ??= clock.nowMs();
    const leftMs = this.#restoreSinceMs + restoreMsMax - clock.nowMs();
    if (leftMs > 0) this.#trigger.fireWithin(leftMs);
    return { conditions: withRestoreWait(conditions), waiting: leftMs > 0 ? [] : restoreWaitFindings(conditions) };
  }

  /** A bridge that is only observed gets no flows and loses none, whatever chains reach it. */
  #allowed({ changes }: FlowPlan): readonly FlowChange[] {
    const { bridges } = this.#parts.ports.intents();
    const observed = new Set(bridges.filter(({ mode }) => mode === 'observe').map(({ name }) => name));
    return observed.size === 0 ? changes : changes.filter(({ bridge }) => !observed.has(bridge));
  }

  /** True when the switches took all of it. */
  async #apply(all: readonly FlowChange[], sinceMs: number, signal: AbortSignal): Promise<boolean> {
    const byBridge = new Map<string, FlowChange[]>();
    for (const change of all) {
      const list = byBridge.get(change.bridge);
      if (list === undefined) byBridge.set(change.bridge, [change]);
      else list.push(change);
    }
    let isDone = true;
    for (const [bridge, changes] of byBridge) {
      const startMs = this.#parts.clock.nowMs();
      const result = await this.#parts.switches.apply(bridge, changes, signal);
      this.#telemetry.took('apply', this.#parts.clock.nowMs() - startMs);
      this.#telemetry.took('total', this.#parts.clock.nowMs() - sinceMs);
      if (result.kind !== 'applied') isDone = false;
      else this.#telemetry.wrote(changes.map(({ kind }) => flowAction[kind]));
      this.#note(summarize(bridge, changes), changes, result, sinceMs);
    }
    return isDone;
  }

  /** A switch that takes a change and shows another one is asked again with backoff, like one that refuses it. */
  #rest(isSettled: boolean): void {
    if (isSettled) this.#failedRounds = 0;
    else this.#lookAgain();
  }

  #lookAgain(): void {
    const waitMs = backoffMs(this.#failedRounds, retryBackoff, this.#parts.random());
    this.#trigger.fireWithin(this.#options.coalesceMs + 1 + waitMs);
    this.#failedRounds += 1;
  }

  #note(summary: string, changes: readonly FlowChange[], result: FlowApplyResult, sinceMs: number): void {
    const { clock, onJournal } = this.#parts;
    const lines = changes.slice(0, detailCountMax).map(ofctlCommand);
    const more = changes.length > detailCountMax ? [`and ${changes.length - detailCountMax} more`] : [];
    onJournal({
      wallMs: clock.wallMs(),
      summary,
      details: [...lines, ...more],
      outcome: result.kind,
      message: result.kind === 'applied' ? undefined : result.message,
      tookMs: clock.nowMs() - sinceMs,
    });
  }
}

function declaredPatches({ ports }: Intents): ReadonlyMap<string, DeclaredPatch> {
  const declared = new Map<string, DeclaredPatch>();
  for (const { name, bridge, attachment } of ports) {
    if (name === undefined || attachment.kind !== 'patch') continue;
    declared.set(name, { bridge, peerBridge: attachment.peerBridge });
  }
  return declared;
}

function isSameState(a: ChainState, b: ChainState): boolean {
  if (a.accepted.size !== b.accepted.size || a.ids.chains.size !== b.ids.chains.size) return false;
  for (const [name, intent] of b.accepted) {
    const before = a.accepted.get(name);
    if (before === undefined || chainFingerprint(before) !== chainFingerprint(intent)) return false;
  }
  for (const [name, { id, generation }] of b.ids.chains) {
    const before = a.ids.chains.get(name);
    if (before?.id !== id || before.generation !== generation) return false;
  }
  return true;
}

/** `program chain fw on br-sfc: 4 flows added, 2 removed`. */
function summarize(bridge: string, changes: readonly FlowChange[]): string {
  const names = new Set(changes.map((change) => ('chain' in change ? (change.chain ?? '') : '')));
  names.delete('');
  const shown = [...names].sort().slice(0, 3).join(', ');
  const removed = changes.filter(({ kind }) => kind === 'delete' || kind === 'deleteCookie').length;
  const whose = names.size === 0 ? 'flows' : `chain ${shown}${names.size > 3 ? ' …' : ''}`;
  return `program ${whose} on ${bridge}: ${changes.length - removed} set, ${removed} removed`;
}
