/**
 * The loop of the host cluster's pods: look at pods, rows and devices, plan, write the rows in one guarded transaction, set
 * the links, and tell each pod on evidence. Level-triggered: events only say "look again". No pod waits for another: what
 * is waited for is looked at again, never awaited.
 */

import type { AttachAction } from '../attach/attach-action.js';
import type { AttachSettings } from '../attach/attach-settings.js';
import {
  attachmentKey,
  attachmentLabel,
  failing,
  waitingFor,
  type AttachmentVerdict,
  type Verdict,
} from '../attach/attachment.js';
import { podFacts, type PodFacts, type ViewContext } from '../attach/attachment-view.js';
import { desireStatus, statusChanges, type AttachmentAge, type DesiredStatus } from '../attach/desire-status.js';
import { planAttachments, type AttachInput, type AttachPlan } from '../attach/plan-attach.js';
import { readPod } from '../attach/pod-reading.js';
import { isMacDifferent } from '../attach/judge-attachment.js';
import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import { Trigger } from '../lib/trigger.js';
import type { Finding, ObjectRef } from '../model/condition.js';
import type { LinkChange } from '../model/netdev.js';
import type { PodView } from '../model/pod.js';
import type { RemovalCause } from '../plan/action.js';
import type { Grace } from '../plan/sightings.js';
import { AttachMemory } from './attach-memory.js';
import type {
  AttachStore,
  ClusterState,
  EventSink,
  LeaseKeeper,
  LeaseState,
  LinkSetter,
  NetworkSource,
  PodSource,
  StatusWriter,
} from './attach-ports.js';
import type { JournalEntry } from './journal.js';
import { RoundMemory, type Applied } from './memory.js';
import type { ApplyResult, DeviceSource, LivenessSource, SwitchStore } from './ports.js';
import { StatusPump, type StatusChange, type StatusStats } from './status-pump.js';

export interface AttacherOptions {
  readonly settings: AttachSettings;
  /** `observe`: nothing is written, neither here nor there. */
  readonly mode: 'observe' | 'attach';
  /** Gathering time of a burst of events, ms. */
  readonly coalesceMs: number;
  /** A look without any event, ms. */
  readonly fullResyncMs: number;
  /** After the start nothing is written for this long, ms. */
  readonly bootGraceMs: number;
  /** How long a port stays whose pod is missing from a list, ms. */
  readonly goneGraceMs: number;
  /** A wait that lasts longer becomes an error, ms. */
  readonly waitMs: number;
  /** Writes of statuses at once, at most. */
  readonly statusConcurrency: number;
}

export interface AttacherParts {
  readonly store: SwitchStore & AttachStore;
  readonly devices: DeviceSource;
  readonly liveness: LivenessSource;
  readonly pods: PodSource;
  readonly networks: NetworkSource;
  readonly statuses: StatusWriter;
  readonly events: EventSink;
  readonly lease: LeaseKeeper;
  readonly links: LinkSetter;
  readonly clock: Clock;
  readonly random: () => number;
  /** Names of devices that declared ports use. */
  readonly declaredDevices: () => ReadonlySet<string>;
  readonly onOutcome: (outcome: AttachOutcome) => void;
  readonly onJournal: (entry: Omit<JournalEntry, 'sequence'>) => void;
  readonly onBug: (error: unknown) => void;
}

/** Why nothing is written now; `on`: what differs is repaired. */
export type AttachMode = 'on' | 'observe' | 'bootGrace' | 'standby' | 'leaseForeign' | 'leaseUnknown' | 'blind';

/** What the loop says after a look. */
export interface AttachOutcome {
  readonly wallMs: number;
  readonly mode: AttachMode;
  readonly cluster: ClusterState;
  readonly nodeName: string | undefined;
  readonly lease: LeaseState;
  readonly clockSkewMs: number | undefined;
  /** The pods of the node. */
  readonly podCount: number;
  /** Networks of pods, by reason. */
  readonly counts: Readonly<Record<string, number>>;
  /** The first of those that have failed. */
  readonly failures: readonly AttachFailure[];
  /** Everything about every pod: made when it is asked for, for most looks nobody does. */
  readonly podFacts: () => readonly PodFacts[];
  readonly findings: readonly Finding[];
  /** Changes of rows that the last plan still holds. */
  readonly pendingCount: number;
  readonly statuses: StatusStats;
}

/** A network of a pod that is not as it should be. */
export interface AttachFailure {
  /** `ns/pod`, safe to print. */
  readonly label: string;
  readonly reason: string;
  readonly message: string;
  readonly device: string | undefined;
}

/** Failures that a status shows. */
const failuresShownMax = 50;
/** Attachments in one transaction, at most: each reconfiguration of vswitchd costs more than the last, so they go together. */
const actionsPerTransactionMax = 256;
/** Lost evidence is borne for so long before Ready is taken back, ms. */
const holdMs = 10_000;
const retryBackoff: BackoffTiming = { baseMs: 20, capMs: 5_000 };
/** A link that the kernel refused to change is left alone for so long, ms. */
const linkRestMs = 1_000;
/** A clock that differs by more makes the host's check of the lease fail before long (it allows the lease's duration). */
const skewMsMax = 10_000;
/** Key of Open_vSwitch.external_ids that names the host's node. */
const nodeNameKey = 'host-k8s-nodename';

interface Look {
  readonly input: AttachInput;
  readonly plan: AttachPlan;
}

export class Attacher {
  readonly #parts: AttacherParts;
  readonly #options: AttacherOptions;
  readonly #rounds: RoundMemory;
  readonly #memory = new AttachMemory();
  readonly #trigger: Trigger;
  readonly #pump: StatusPump;
  readonly #startedMs: number;
  #unsubscribe: (() => void)[] = [];
  #holders: ReadonlyMap<string, string> = new Map();
  /** Links that the kernel refused to change, by device. */
  readonly #linkRefusals = new Map<string, { readonly message: string; readonly untilMs: number }>();
  /** Reasons that were told by an Event, by key of the attachment. */
  #told = new Map<string, string>();
  #verdicts: readonly AttachmentVerdict[] = [];
  #actionsMax = actionsPerTransactionMax;
  #spoiltRounds = 0;
  #dirtySinceMs: number | undefined;

  constructor(parts: AttacherParts, options: AttacherOptions) {
    this.#parts = parts;
    this.#options = options;
    const { clock, random, statuses: writer, onBug } = parts;
    this.#startedMs = clock.nowMs();
    this.#rounds = new RoundMemory(graceOf(options.goneGraceMs));
    this.#pump = new StatusPump({
      writer,
      clock,
      random,
      concurrency: options.statusConcurrency,
      onDone: () => this.#trigger.fire(),
      onBug,
    });
    this.#trigger = new Trigger({
      clock,
      gatherMs: options.coalesceMs,
      work: (signal) => this.#round(signal),
      onError: onBug,
    });
  }

  start(): void {
    const look = (): void => {
      this.#dirtySinceMs ??= this.#parts.clock.nowMs();
      this.#trigger.fire();
    };
    const { store, devices, liveness, pods, networks, lease } = this.#parts;
    this.#unsubscribe = [store, devices, liveness, pods, networks, lease].map((source) => source.onChange(look));
    look();
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all([this.#trigger.close(), this.#pump.close()]);
  }

  /** Undefined while an input has not been read completely. @param isSighting whether it counts for removals */
  #look(isSighting: boolean): Look | undefined {
    const { store, devices, liveness, pods, networks, clock, declaredDevices } = this.#parts;
    const [snapshot, netdevs, listed] = [store.snapshot(), devices.snapshot(), pods.snapshot()];
    if (snapshot === undefined || netdevs === undefined || listed === undefined) return undefined;
    if (store.state().kind !== 'synced') return undefined;
    const nowMs = clock.nowMs();
    const input: AttachInput = {
      pods: listed.pods,
      deleted: listed.deleted,
      observed: { ...snapshot, netdevs, liveness: liveness.snapshot() },
      find: devices.find,
      findNetwork: (namespace, name) => networks.find(namespace, name),
      settings: this.#options.settings,
      declaredDevices: declaredDevices(),
      holders: this.#holders,
      ripe: new Set(),
      held: this.#rounds.heldPorts(snapshot.root),
      quarantined: this.#rounds.quarantined(nowMs),
    };
    const first = planAttachments(input);
    if (isSighting) this.#rounds.see(first.candidates, nowMs);
    const ripe = this.#rounds.ripe(first.candidates, nowMs);
    if (ripe.size === 0) return { input, plan: first };
    const ripened = { ...input, ripe };
    return { input: ripened, plan: planAttachments(ripened) };
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { clock, lease } = this.#parts;
    const sinceMs = this.#dirtySinceMs ?? clock.nowMs();
    this.#dirtySinceMs = undefined;
    this.#trigger.fireWithin(this.#options.fullResyncMs);
    this.#nameNode();
    const look = this.#look(true);
    this.#askBridge(look);
    lease.setAble(look !== undefined && this.#isAble(look));
    const mode = look === undefined ? 'blind' : this.#mode();
    const isChanged = look !== undefined && mode === 'on' && (await this.#carryOut(look.plan, sinceMs, signal));
    if (signal.aborted) return;
    const latest = isChanged ? (this.#look(false) ?? look) : look;
    // A port that has just been made is switched on at once, not at the next event.
    if (isChanged && latest !== undefined) await this.#setLinks(latest.plan.linksUp, signal);
    this.#conclude(latest, mode);
  }

  /** The name of the host's node, as the platform notes it in the database, where the configuration does not say it. */
  #nameNode(): void {
    const { store, pods, lease } = this.#parts;
    const noted = store.snapshot()?.root.externalIds.get(nodeNameKey);
    if (noted !== undefined && noted !== '') pods.setNodeName(noted);
    const nodeName = pods.nodeName();
    if (nodeName !== undefined) lease.setNodeName(nodeName);
  }

  /** A vswitchd without its database accepts a question, never answers it, and spins while it is asked. */
  #askBridge(look: Look | undefined): void {
    const { bridge } = this.#options.settings;
    this.#parts.liveness.watch(look?.input.observed.bridges.has(bridge) === true ? [bridge] : []);
  }

  /** The host trusts a lease that is renewed: so only while a pod could be plugged. */
  #isAble({ input }: Look): boolean {
    const { bridge } = this.#options.settings;
    const { bridges, liveness } = input.observed;
    return this.#options.mode === 'attach' && bridges.has(bridge) && liveness.answering.has(bridge);
  }

  #mode(): AttachMode {
    const { store, clock, lease } = this.#parts;
    if (this.#options.mode === 'observe') return 'observe';
    const graceLeftMs = this.#startedMs + this.#options.bootGraceMs - clock.nowMs();
    if (graceLeftMs > 0) {
      this.#trigger.fireWithin(graceLeftMs);
      return 'bootGrace';
    }
    if (!store.isWriter()) return 'standby';
    const { kind } = lease.state();
    if (kind === 'foreign') return 'leaseForeign';
    return kind === 'unknown' ? 'leaseUnknown' : 'on';
  }

  /** Links down, rows, links up. True when rows were written. */
  async #carryOut(plan: AttachPlan, sinceMs: number, signal: AbortSignal): Promise<boolean> {
    const actions = plan.actions.slice(0, this.#actionsMax);
    const leaving = new Set(actions.filter(({ kind }) => kind === 'detach').map(({ port }) => port));
    await this.#setLinks(
      plan.linksDown.filter(({ name }) => leaving.has(name)),
      signal,
    );
    const isApplied = actions.length > 0 && !signal.aborted && (await this.#apply(actions, sinceMs, signal));
    if (!signal.aborted) await this.#setLinks(plan.linksUp, signal);
    return isApplied;
  }

  async #setLinks(changes: readonly LinkChange[], signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    const due = changes.filter(({ name }) => (this.#linkRefusals.get(name)?.untilMs ?? 0) <= nowMs);
    if (due.length === 0) return;
    const refused = await this.#parts.links.apply(due, signal);
    for (const { name } of due) {
      const message = refused.get(name);
      if (message === undefined) this.#linkRefusals.delete(name);
      else this.#linkRefusals.set(name, { message, untilMs: nowMs + linkRestMs });
    }
    if (refused.size > 0) this.#trigger.fireWithin(linkRestMs + this.#options.coalesceMs);
  }

  async #apply(actions: readonly AttachAction[], sinceMs: number, signal: AbortSignal): Promise<boolean> {
    const { store, clock } = this.#parts;
    const summary = summarize(actions);
    const result = await store.applyAttach(actions, summary, signal);
    const nowMs = clock.nowMs();
    if (result.kind === 'applied') this.#accept(actions, result.nextCfg, nowMs);
    if (result.kind === 'refused') this.#blame(actions, result, nowMs);
    this.#note(actions, summary, result, nowMs - sinceMs);
    if (result.kind === 'applied' || result.kind === 'refused') this.#trigger.fire();
    else {
      const { coalesceMs } = this.#options;
      this.#trigger.fireWithin(coalesceMs + 1 + backoffMs(this.#spoiltRounds, retryBackoff, this.#parts.random()));
      this.#spoiltRounds += 1;
      // One that is always in conflict must not hold up the others.
      this.#actionsMax = Math.max(1, Math.ceil(actions.length / 2));
    }
    return result.kind === 'applied';
  }

  #accept(actions: readonly AttachAction[], nextCfg: number | undefined, nowMs: number): void {
    this.#spoiltRounds = 0;
    this.#actionsMax = Math.min(this.#actionsMax * 2, actionsPerTransactionMax);
    const applied = actions.map(appliedOf);
    this.#rounds.accept(applied);
    this.#rounds.rest(applied, nowMs);
    if (nextCfg !== undefined) this.#rounds.hold(applied, nextCfg);
  }

  #blame(
    actions: readonly AttachAction[],
    { object, message }: Extract<ApplyResult, { kind: 'refused' }>,
    nowMs: number,
  ): void {
    const alone = actions.length === 1 ? actions[0] : undefined;
    const blamed = object ?? (alone === undefined ? undefined : portObject(alone));
    // Errors that the database finds only at the commit name no operation (RFC 7047 section 4.1.3).
    if (blamed === undefined) this.#actionsMax = Math.ceil(actions.length / 2);
    else this.#rounds.refuse(blamed, message, nowMs, this.#parts.random());
  }

  #note(actions: readonly AttachAction[], summary: string, result: ApplyResult, tookMs: number): void {
    const lines = actions.map((action) => `${action.kind} ${action.label} ${action.port}${causeOf(action)}`);
    const details = lines.length > 20 ? [...lines.slice(0, 20), `and ${lines.length - 20} more`] : lines;
    const message = result.kind === 'applied' ? undefined : result.message;
    this.#parts.onJournal({
      wallMs: this.#parts.clock.wallMs(),
      summary,
      details,
      outcome: result.kind,
      message,
      tookMs,
    });
  }

  /** Statuses, Events, and what is shown. */
  #conclude(look: Look | undefined, mode: AttachMode): void {
    const nowMs = this.#parts.clock.nowMs();
    if (look !== undefined) this.#holders = look.plan.holders;
    const listed = this.#parts.pods.snapshot();
    const pods = listed?.pods ?? new Map<string, PodView>();
    this.#verdicts = look === undefined ? this.#verdicts : this.#refine(look.plan.verdicts, mode, nowMs);
    const verdicts = look === undefined ? this.#blindVerdicts(pods) : this.#verdicts;
    const ages = this.#memory.see(verdicts, nowMs);
    const desired = this.#desire(verdicts, ages, look === undefined);
    if (this.#mayTell(mode, listed !== undefined)) this.#tell(pods, verdicts, desired);
    else this.#pump.want(new Map());
    this.#show(pods, verdicts, ages, desired, mode, look);
    this.#lookLater(look, verdicts, ages);
  }

  /** While another writer may be at work, or in mode observe, nothing is told to anybody. */
  #mayTell(mode: AttachMode, isListed: boolean): boolean {
    const isBlind = mode === 'blind' && this.#options.mode === 'attach' && this.#mode() === 'on';
    return isListed && (mode === 'on' || isBlind);
  }

  /** Adds to the planner's verdicts what only the loop knows: links that were refused, and why nothing is written. */
  #refine(verdicts: readonly AttachmentVerdict[], mode: AttachMode, nowMs: number): readonly AttachmentVerdict[] {
    const reason = modeVerdict(mode, this.#parts.lease.state());
    return verdicts.map((entry) => {
      const refusal = entry.device === undefined ? undefined : this.#linkRefusals.get(entry.device);
      if (entry.verdict.reason === 'LinkDown' && refusal !== undefined && nowMs < refusal.untilMs + linkRestMs) {
        return { ...entry, verdict: failing('LinkRefused', refusal.message, 'the link cannot be switched on') };
      }
      return entry.verdict.reason === 'NotApplied' && reason !== undefined ? { ...entry, verdict: reason } : entry;
    });
  }

  /** While nothing can be observed, what was said before is not known to be true, and who waits waits on. */
  #blindVerdicts(pods: ReadonlyMap<string, PodView>): readonly AttachmentVerdict[] {
    const { store, devices } = this.#parts;
    const state = store.state();
    const [reason, message] =
      state.kind !== 'synced'
        ? (['OvsdbUnavailable', state.message] as const)
        : (['NetdevsUnknown', devices.problem() ?? 'The network devices have not been read yet.'] as const);
    const verdict = waitingFor(reason, message, 'the virtual switch cannot be reached');
    const before = new Map(this.#verdicts.map((entry) => [entry.key, entry]));
    return [...pods.values()].flatMap((pod) =>
      wantedKeys(pod).map((nadKey) => blindVerdict(pod, nadKey, before, verdict)),
    );
  }

  #desire(
    verdicts: readonly AttachmentVerdict[],
    ages: ReadonlyMap<string, AttachmentAge>,
    isBlind: boolean,
  ): ReadonlyMap<string, DesiredStatus> {
    const timing = { waitMs: this.#options.waitMs, holdMs: isBlind ? Infinity : holdMs };
    const desired = new Map<string, DesiredStatus>();
    for (const entry of verdicts) {
      const { status } = readPod(entry.pod);
      const shown = status.kind === 'read' ? status.networks.get(entry.nadKey)?.status : undefined;
      const age = ages.get(entry.key) ?? { ageMs: 0, sinceReadyMs: undefined };
      desired.set(entry.key, desireStatus(entry, age, shown, timing));
    }
    return desired;
  }

  #tell(
    pods: ReadonlyMap<string, PodView>,
    verdicts: readonly AttachmentVerdict[],
    desired: ReadonlyMap<string, DesiredStatus>,
  ): void {
    const byPod = new Map<string, Map<string, DesiredStatus>>();
    for (const { pod, nadKey, key } of verdicts) {
      const wanted = byPod.get(pod.uid) ?? new Map<string, DesiredStatus>();
      wanted.set(nadKey, desired.get(key) ?? 'same');
      byPod.set(pod.uid, wanted);
    }
    const wanted = new Map<string, StatusChange>();
    for (const [uid, pod] of pods) {
      if (pod.isTerminal) continue;
      const changes = statusChanges(pod, byPod.get(uid) ?? new Map());
      if (changes.size > 0) wanted.set(uid, { pod, changes });
    }
    this.#pump.want(wanted);
    this.#reportEvents(verdicts, desired);
  }

  /** One Event for each new reason that keeps a pod from its network, and one when it has passed. */
  #reportEvents(verdicts: readonly AttachmentVerdict[], desired: ReadonlyMap<string, DesiredStatus>): void {
    const told = new Map<string, string>();
    for (const { key, pod, nadKey, verdict, device } of verdicts) {
      const before = this.#told.get(key);
      const wanted = desired.get(key);
      const isTold = (typeof wanted === 'object' && wanted.status === 'Error') || verdict.reason === 'DetailsInvalid';
      const isNews = isTold || verdict.state === 'ready';
      told.set(key, isNews ? verdict.reason : (before ?? ''));
      if (!isNews || before === verdict.reason) continue;
      const network = nadKey === 'default' ? '' : ` (network ${nadKey})`;
      if (isTold) {
        this.#parts.events.report(
          pod,
          'Warning',
          verdict.reason,
          `${verdict.publicReason ?? verdict.reason}${network}`,
        );
      } else if (before !== undefined) {
        this.#parts.events.report(pod, 'Normal', 'Attached', `attached by ${device ?? 'its representor'}${network}`);
      }
    }
    this.#told = told;
  }

  #show(
    pods: ReadonlyMap<string, PodView>,
    verdicts: readonly AttachmentVerdict[],
    ages: ReadonlyMap<string, AttachmentAge>,
    desired: ReadonlyMap<string, DesiredStatus>,
    mode: AttachMode,
    look: Look | undefined,
  ): void {
    const { clock, pods: source, lease, onOutcome } = this.#parts;
    const context = { ages, desired, nowWallMs: clock.wallMs(), pods };
    onOutcome({
      wallMs: clock.wallMs(),
      mode,
      cluster: source.state(),
      nodeName: source.nodeName(),
      lease: lease.state(),
      clockSkewMs: lease.clockSkewMs(),
      podCount: pods.size,
      counts: countReasons(verdicts),
      failures: failuresOf(verdicts),
      podFacts: () => factsOf(verdicts, context),
      findings: [...macFindings(look), ...this.#clusterFindings(mode)],
      pendingCount: look?.plan.actions.length ?? 0,
      statuses: this.#pump.stats(),
    });
  }

  #clusterFindings(mode: AttachMode): readonly Finding[] {
    const { lease, pods } = this.#parts;
    const findings: Finding[] = [];
    const object: ObjectRef = { kind: 'bridge', name: this.#options.settings.bridge };
    const state = lease.state();
    if (mode === 'leaseForeign' && state.kind === 'foreign') {
      const message = `The lease of ${pods.nodeName() ?? 'this DPU'} is renewed by another writer (${state.holder}).`;
      const remedy = 'Stop the other writer (ovnkube-node in mode dpu), or set attach.mode to observe.';
      findings.push({ reason: 'LeaseForeign', object, message, claimants: [state.holder], remedy });
    }
    if (mode === 'leaseUnknown' && state.kind === 'unknown') {
      const remedy = 'Allow get, create and update of the lease, or set attach.lease.renewMs to 0.';
      findings.push({ reason: 'LeaseUnknown', object, message: state.message, claimants: [], remedy });
    }
    const cluster = pods.state();
    if (cluster.kind !== 'synced') {
      const remedy = 'Look at the network to the API server and at the credentials in hostCluster.';
      findings.push({ reason: 'ClusterUnavailable', object, message: cluster.message, claimants: [], remedy });
    }
    const skewMs = lease.clockSkewMs();
    if (skewMs !== undefined && Math.abs(skewMs) > skewMsMax) {
      const message = `The API server's clock is ${Math.round(skewMs / 1000)} s ahead of this machine's.`;
      const remedy = 'Set the clocks by NTP: the host refuses pods when the lease looks too old to it.';
      findings.push({ reason: 'ClockSkewed', object, message, claimants: [], remedy });
    }
    return findings;
  }

  /** The next look without an event: when something ripens, a status may be tried again, or a wait becomes an error. */
  #lookLater(
    look: Look | undefined,
    verdicts: readonly AttachmentVerdict[],
    ages: ReadonlyMap<string, AttachmentAge>,
  ): void {
    const nowMs = this.#parts.clock.nowMs();
    const waits = [this.#pump.nextLookMs()];
    if (look !== undefined) waits.push(this.#rounds.nextLookMs(look.plan.candidates, nowMs));
    for (const { key, verdict } of verdicts) {
      const age = ages.get(key);
      if (verdict.state === 'ready' || verdict.isFinal || age === undefined) continue;
      for (const leftMs of [this.#options.waitMs - age.ageMs, holdMs - (age.sinceReadyMs ?? age.ageMs)]) {
        if (leftMs > 0) waits.push(leftMs);
      }
    }
    for (const waitMs of waits) {
      if (waitMs !== undefined) this.#trigger.fireWithin(Math.max(waitMs, this.#options.coalesceMs + 1) + 1);
    }
  }
}

function graceOf(goneGraceMs: number): Readonly<Record<RemovalCause, Grace>> {
  return {
    orphan: { sightings: 2, ms: goneGraceMs },
    podMissing: { sightings: 2, ms: goneGraceMs },
    deviceGone: { sightings: 2, ms: 500 },
    deviceRecreated: { sightings: 2, ms: 300 },
  };
}

function modeVerdict(mode: AttachMode, lease: LeaseState): Verdict | undefined {
  const base = { state: 'waiting', isFinal: false, publicReason: 'the DPU does not attach pods now' } as const;
  switch (mode) {
    case 'observe':
      return { ...base, reason: 'ReadOnly', message: 'The agent is told to observe only; it plugs nothing.' };
    case 'leaseForeign':
      return { ...base, reason: 'LeaseForeign', message: "Another writer renews this DPU's lease." };
    case 'leaseUnknown':
      return { ...base, reason: 'LeaseUnknown', message: lease.kind === 'unknown' ? lease.message : 'Not read yet.' };
    case 'standby':
      return {
        ...base,
        reason: 'ReadOnly',
        message: 'Another agent of the same owner holds the lock of the database.',
      };
    case 'bootGrace':
      return {
        ...base,
        reason: 'ReadOnly',
        message: 'Nothing is written so soon after the start (agent.bootGraceMs).',
      };
    case 'on':
    case 'blind':
      return undefined;
  }
}

/** A function whose address is not the pod's, where that does not keep the pod from being ready. */
function macFindings(look: Look | undefined): readonly Finding[] {
  if (look?.input.settings.functionMac !== 'report') return [];
  const { netdevs } = look.input.observed;
  return look.plan.verdicts.flatMap(({ device, evidence, pod, nadKey }) => {
    const netdev = device === undefined ? undefined : netdevs.get(device);
    const mac = evidence['attached_mac'];
    if (netdev === undefined || mac === undefined || !isMacDifferent({ netdev, mac })) return [];
    const message = `The function behind ${netdev.name} has address ${netdev.functionMac ?? ''}, its pod ${mac}.`;
    const object: ObjectRef = { kind: 'attachment', name: `${pod.namespace}/${pod.name} ${nadKey}` };
    const remedy = 'Have the function take the address of the pod.';
    return [{ reason: 'FunctionMacDiffers', object, message, claimants: [], remedy }];
  });
}

function portObject({ port, key }: AttachAction): ObjectRef {
  return { kind: 'port', name: port === '' ? key : port };
}

/** In the words of the memory that both loops of ports share. */
function appliedOf(action: AttachAction): Applied {
  const object = portObject(action);
  if (action.kind !== 'detach') return { object, kind: action.kind };
  const isRecreated = action.cause === 'its device was created anew';
  return { object, kind: 'deletePort', ...(isRecreated ? { cause: 'deviceRecreated' } : {}) };
}

function causeOf(action: AttachAction): string {
  return action.kind === 'detach' ? `: ${action.cause}` : '';
}

/** The actions in one line of bounded length: the comment in the database's log. */
function summarize(actions: readonly AttachAction[]): string {
  const words = actions.map(({ kind, label, port }) => `${kind} ${label}${port === '' ? '' : ` by ${port}`}`);
  const shown = words.slice(0, 3).join('; ');
  return words.length > 3 ? `${shown}; and ${words.length - 3} more` : shown;
}

function countReasons(verdicts: readonly AttachmentVerdict[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verdict } of verdicts) counts[verdict.reason] = (counts[verdict.reason] ?? 0) + 1;
  return counts;
}

function failuresOf(verdicts: readonly AttachmentVerdict[]): readonly AttachFailure[] {
  return verdicts
    .filter(({ verdict }) => verdict.state === 'failed')
    .slice(0, failuresShownMax)
    .map(({ pod, nadKey, verdict, device }) => {
      return { label: attachmentLabel(pod, nadKey), reason: verdict.reason, message: verdict.message, device };
    });
}

function factsOf(verdicts: readonly AttachmentVerdict[], context: ViewContext): readonly PodFacts[] {
  const byPod = new Map<string, AttachmentVerdict[]>();
  for (const entry of verdicts) {
    const entries = byPod.get(entry.pod.uid);
    if (entries === undefined) byPod.set(entry.pod.uid, [entry]);
    else entries.push(entry);
  }
  return [...context.pods.values()].map((pod) => podFacts(pod, byPod.get(pod.uid) ?? [], context));
}

/** The networks for which the pod has connection details. */
function wantedKeys(pod: PodView): readonly string[] {
  const { details } = readPod(pod);
  return pod.isTerminal || details.kind !== 'read' ? [] : [...details.networks.keys()];
}

function blindVerdict(
  pod: PodView,
  nadKey: string,
  before: ReadonlyMap<string, AttachmentVerdict>,
  verdict: Verdict,
): AttachmentVerdict {
  const key = attachmentKey(pod.uid, nadKey);
  const known = before.get(key);
  if (known !== undefined) return { ...known, pod, verdict };
  const unknown = { request: undefined, device: undefined, heldBy: undefined, isPlugged: false, evidence: {} };
  return { key, pod, nadKey, verdict, ...unknown };
}
