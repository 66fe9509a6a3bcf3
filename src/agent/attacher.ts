/**
 * The loop of the host cluster's pods: look at pods, rows and devices, plan, write the rows in one guarded transaction, have
 * the links set, and tell each pod on evidence. Level-triggered: events only say "look again". No pod waits for another: what
 * is waited for is looked at again, never awaited.
 */

import type { AttachSettings } from '../attach/attach-settings.js';
import { failing, waitingFor, type AttachmentVerdict } from '../attach/attachment.js';
import type { AttachmentAge, DesiredStatus } from '../attach/desire-status.js';
import { managementFunctions } from '../attach/management.js';
import { planAttachments, type AttachInput, type AttachPlan } from '../attach/plan-attach.js';
import type { Clock } from '../lib/clock.js';
import { Pace } from '../lib/pace.js';
import { Trigger } from '../lib/trigger.js';
import type { DeclaredDevices } from '../intent/declared.js';
import type { Finding } from '../model/condition.js';
import type { NetdevMap } from '../model/netdev.js';
import type { PodView } from '../model/pod.js';
import { blindVerdicts } from './attach-blind.js';
import { clusterFindings, linkFindings, macFindings, modeVerdict, paceFindings, restless } from './attach-findings.js';
import { FreshPorts } from './attach-fresh.js';
import { AttachLinks } from './attach-links.js';
import { AttachMemory } from './attach-memory.js';
import { countReasons, factsOf, failuresOf, type AttachMode, type AttachOutcome } from './attach-outcome.js';
import type {
  AttachStore,
  EventSink,
  LeaseKeeper,
  LinkSetter,
  NetworkSource,
  PodDeviceSource,
  PodSource,
  StatusWriter,
} from './attach-ports.js';
import { pacedKeys, rowsPace, withheldKeys, withoutKeys } from './attach-pace.js';
import { AttachTeller, holdMs } from './attach-teller.js';
import { AttachWriter } from './attach-writer.js';
import type { JournalChange } from './journal.js';
import { NewestReadings } from './newest-readings.js';
import type { LivenessSource, SwitchStore, Unsubscribe } from './ports.js';
import type { LoopRecorder } from './telemetry-book.js';

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
  readonly devices: PodDeviceSource;
  readonly liveness: LivenessSource;
  readonly pods: PodSource;
  readonly networks: NetworkSource;
  readonly statuses: StatusWriter;
  readonly events: EventSink;
  readonly lease: LeaseKeeper;
  readonly links: LinkSetter;
  readonly clock: Clock;
  readonly random: () => number;
  /** The devices that declared ports use or will use, of those that are looked at. */
  readonly declared: {
    devices(netdevs: NetdevMap): DeclaredDevices;
    onChange(listener: () => void): Unsubscribe;
  };
  readonly onOutcome: (outcome: AttachOutcome) => void;
  readonly onJournal: (entry: JournalChange) => void;
  /** Counts what the loop does; absent: nobody does. */
  readonly telemetry?: LoopRecorder;
  readonly onBug: (error: unknown) => void;
}

/** Key of Open_vSwitch.external_ids that names the host's node. */
const nodeNameKey = 'host-k8s-nodename';
/** No event tells that the host has given a function another address: while one is waited for, it is read so often, ms. */
const addressEveryMs = 2_000;

interface Look {
  readonly input: AttachInput;
  readonly plan: AttachPlan;
  /** Keys of attachments that were changed too often of late: they are neither made nor repaired yet. */
  readonly withheld: ReadonlySet<string>;
}

export class Attacher {
  readonly #parts: AttacherParts;
  readonly #readings: NewestReadings;
  readonly #options: AttacherOptions;
  readonly #memory = new AttachMemory(holdMs);
  readonly #fresh = new FreshPorts();
  readonly #trigger: Trigger;
  readonly #writer: AttachWriter;
  readonly #links: AttachLinks;
  readonly #pace = new Pace(rowsPace);
  readonly #teller: AttachTeller;
  readonly #startedMs: number;
  #unsubscribe: (() => void)[] = [];
  /** Seen once is enough: ovnkube-node takes name and row away for a moment when it is started anew. */
  #management: ReadonlySet<string> = new Set();
  #holders: ReadonlyMap<string, string> = new Map();
  #verdicts: readonly AttachmentVerdict[] = [];
  #dirtySinceMs: number | undefined;
  /** Whether this agent was the one that may write, when that could last be told. */
  #wasWriter = true;
  #addressReadMs = -Infinity;

  constructor(parts: AttacherParts, options: AttacherOptions) {
    this.#readings = new NewestReadings(parts.pods, parts.clock, options.goneGraceMs);
    this.#parts = { ...parts, pods: this.#readings };
    this.#options = options;
    const { clock, random, statuses, events, onBug } = parts;
    const look = (): void => this.#trigger.fire();
    const { statusConcurrency: concurrency, waitMs } = options;
    this.#startedMs = clock.nowMs();
    const lookWithin = (delayMs: number): void => this.#trigger.fireWithin(delayMs);
    this.#writer = new AttachWriter({ ...parts, lookWithin }, options);
    this.#links = new AttachLinks({ ...parts, lookWithin });
    const pump = { writer: statuses, clock, random, concurrency, onDone: look, onBug };
    this.#teller = new AttachTeller(pump, events, waitMs);
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
    const { store, devices, liveness, pods, networks, lease, declared } = this.#parts;
    this.#unsubscribe = [store, devices, liveness, pods, networks, lease, declared].map((source) =>
      source.onChange(look),
    );
    look();
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all([this.#trigger.close(), this.#links.close(), this.#teller.pump.close()]);
  }

  /** Undefined while an input has not been read completely. */
  #look(): Look | undefined {
    const { store, devices, liveness, pods, networks, clock, declared } = this.#parts;
    const [snapshot, netdevs, listed] = [store.snapshot(), devices.snapshot(), pods.snapshot()];
    if (snapshot === undefined || netdevs === undefined || listed === undefined) return undefined;
    if (store.state().kind !== 'synced') return undefined;
    const nowMs = clock.nowMs();
    this.#management = managementFunctions(this.#management, snapshot.ports, netdevs);
    const input: AttachInput = {
      pods: listed.pods,
      deleted: listed.deleted,
      observed: { ...snapshot, netdevs: this.#links.observe(netdevs), liveness: liveness.snapshot() },
      find: devices.find,
      findNetwork: (namespace, name) => networks.find(namespace, name),
      settings: this.#options.settings,
      declared: declared.devices(netdevs),
      management: this.#management,
      holders: this.#holders,
      ripe: new Set(),
      fresh: this.#fresh.see(snapshot.ports, nowMs),
      held: this.#writer.rounds.heldPorts(snapshot.root),
      quarantined: this.#writer.rounds.quarantined(nowMs),
    };
    const first = planAttachments(input);
    this.#writer.rounds.see(first.candidates, nowMs);
    const ripe = this.#writer.rounds.ripe(this.#ripening(first), nowMs);
    const ripened = { ...input, ripe };
    const plan = ripe.size === 0 ? first : planAttachments(ripened);
    return { input: ripened, plan, withheld: withheldKeys(plan.actions, this.#pace, nowMs) };
  }

  /**
   * The removals that may come of age. A list that is not current says nothing of who is missing now: the time of those
   * goes on, but what they have is taken away only once a current list misses them too.
   */
  #ripening({ candidates }: AttachPlan): AttachPlan['candidates'] {
    const isCurrent = this.#parts.pods.state().kind === 'synced';
    return isCurrent ? candidates : candidates.filter(({ cause }) => cause !== 'podMissing');
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { clock, lease, telemetry } = this.#parts;
    const startMs = clock.nowMs();
    const sinceMs = this.#dirtySinceMs ?? startMs;
    this.#dirtySinceMs = undefined;
    this.#trigger.fireWithin(this.#options.fullResyncMs);
    telemetry?.round(startMs - sinceMs);
    this.#wasWriter = this.#isWriter();
    this.#nameNode();
    const look = this.#look();
    telemetry?.took('plan', clock.nowMs() - startMs);
    this.#askBridge(look);
    lease.setAble(look !== undefined && this.#isAble(look));
    const mode = look === undefined ? 'blind' : this.#mode();
    // Before anything is awaited: what is told is of this very look, and no status waits for the database.
    this.#conclude(look, mode);
    if (look !== undefined && mode === 'on') await this.#carryOut(look, sinceMs, signal);
    else this.#links.want([]);
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
    const isAnswering = bridges.has(bridge) && liveness.answering.has(bridge);
    return this.#options.mode === 'attach' && isAnswering && this.#isWriter();
  }

  /** The writer's lock belongs to the connection: while there is none, who had it last counts. */
  #isWriter(): boolean {
    const { store } = this.#parts;
    return store.state().kind === 'synced' ? store.isWriter() : this.#wasWriter;
  }

  #mode(): AttachMode {
    const { clock, lease } = this.#parts;
    if (this.#options.mode === 'observe') return 'observe';
    const graceLeftMs = this.#startedMs + this.#options.bootGraceMs - clock.nowMs();
    if (graceLeftMs > 0) {
      this.#trigger.fireWithin(graceLeftMs);
      return 'bootGrace';
    }
    if (!this.#isWriter()) return 'standby';
    const { kind } = lease.state();
    if (kind === 'foreign') return 'leaseForeign';
    return kind === 'unknown' ? 'leaseUnknown' : 'on';
  }

  /** Rows and links. A port is taken out once its link is down, or the kernel has refused that; no other waits for it. */
  async #carryOut({ input, plan, withheld }: Look, sinceMs: number, signal: AbortSignal): Promise<void> {
    const { actions, linksDown, linksUp } = plan;
    const goingDown = new Set(linksDown.map(({ name }) => name));
    const due = actions.filter(
      ({ kind, port }) => kind !== 'detach' || !goingDown.has(port) || this.#links.refusal(port, false) !== undefined,
    );
    const batch = withoutKeys(due, withheld).slice(0, this.#writer.actionsMax);
    const known = { sinceMs, nextCfg: input.observed.root.nextCfg };
    const applying = batch.length === 0 ? undefined : this.#writer.apply(batch, known, signal);
    // Starting a process holds up the event loop for milliseconds: the transaction is on its way before that.
    this.#links.want([...linksDown, ...linksUp]);
    if ((await applying) !== true) return;
    this.#pace.note(pacedKeys(batch), this.#parts.clock.nowMs());
    this.#fresh.note(batch.filter(({ kind }) => kind === 'attach').map(({ port }) => port));
  }

  /** Statuses, Events, and what is shown. */
  #conclude(look: Look | undefined, mode: AttachMode): void {
    const nowMs = this.#parts.clock.nowMs();
    if (look !== undefined) this.#holders = look.plan.holders;
    const listed = look?.input ?? this.#parts.pods.snapshot();
    const pods = listed?.pods ?? new Map<string, PodView>();
    this.#verdicts = look === undefined ? this.#verdicts : this.#refine(look, mode);
    const verdicts = look === undefined ? this.#blindVerdicts(pods) : this.#verdicts;
    const ages = this.#memory.see(verdicts, { nowMs, wallMs: this.#parts.clock.wallMs() }, look === undefined);
    const desired = this.#teller.desire(verdicts, ages, look === undefined);
    if (this.#mayTell(mode, listed !== undefined)) this.#teller.tell(pods, verdicts, desired);
    else this.#teller.pump.want(new Map());
    this.#readAddresses(verdicts, ages);
    this.#show(pods, verdicts, ages, desired, mode, look);
    this.#lookLater(look, mode, verdicts, ages);
  }

  /** While another writer may be at work, or in mode observe, nothing is told to anybody. */
  #mayTell(mode: AttachMode, isListed: boolean): boolean {
    return isListed && (mode === 'on' || (mode === 'blind' && this.#mode() === 'on'));
  }

  /** Adds to the planner's verdicts what only the loop knows: links that were refused, and why nothing is written. */
  #refine({ plan, withheld }: Look, mode: AttachMode): readonly AttachmentVerdict[] {
    const reason = modeVerdict(mode, this.#parts.lease.state());
    return plan.verdicts.map((entry) => {
      const refusal = entry.device === undefined ? undefined : this.#links.refusal(entry.device, true);
      if (entry.verdict.reason === 'LinkDown' && refusal !== undefined) {
        return { ...entry, verdict: failing('LinkRefused', refusal, 'the link cannot be switched on') };
      }
      const isPlanned = entry.verdict.reason === 'NotApplied' || entry.verdict.reason === 'DetachPending';
      if (!isPlanned) return entry;
      if (reason !== undefined) return { ...entry, verdict: reason };
      return withheld.has(entry.key) ? { ...entry, verdict: restless } : entry;
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
    return blindVerdicts(pods, this.#verdicts, verdict);
  }

  /** Has the devices read anew while all that is missing is an address, for as long as it is waited for. */
  #readAddresses(verdicts: readonly AttachmentVerdict[], ages: ReadonlyMap<string, AttachmentAge>): void {
    const { waitMs } = this.#options;
    const isMissing = verdicts.some(
      ({ key, verdict }) => verdict.reason === 'FunctionMacDiffers' && (ages.get(key)?.ageMs ?? 0) < waitMs,
    );
    if (!isMissing) return;
    const nowMs = this.#parts.clock.nowMs();
    const leftMs = this.#addressReadMs + addressEveryMs - nowMs;
    if (leftMs <= 0) {
      this.#addressReadMs = nowMs;
      this.#parts.devices.refresh();
    }
    this.#trigger.fireWithin(leftMs <= 0 ? addressEveryMs : leftMs);
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
      bridge: this.#options.settings.bridge,
      cluster: source.state(),
      nodeName: source.nodeName(),
      lease: lease.state(),
      clockSkewMs: lease.clockSkewMs(),
      podCount: pods.size,
      counts: countReasons(verdicts),
      failures: failuresOf(verdicts),
      podFacts: () => factsOf(verdicts, context),
      findings: [
        ...(look === undefined ? [] : macFindings(look.input, look.plan.verdicts)),
        ...(look === undefined || mode !== 'on' ? [] : this.#ownFindings(look)),
        ...clusterFindings(this.#options.settings.bridge, mode, this.#parts),
      ],
      pendingCount: look?.plan.actions.length ?? 0,
      statuses: this.#teller.pump.stats(),
    });
  }

  #ownFindings(look: Look): readonly Finding[] {
    const links = linkFindings(look, (device, isUp) => this.#links.refusal(device, isUp));
    return [...links, ...paceFindings(look.plan.verdicts, look.withheld)];
  }

  /** The next look without an event: when something ripens, a status may be tried again, or a wait becomes an error. */
  #lookLater(
    look: Look | undefined,
    mode: AttachMode,
    verdicts: readonly AttachmentVerdict[],
    ages: ReadonlyMap<string, AttachmentAge>,
  ): void {
    const nowMs = this.#parts.clock.nowMs();
    const waits = [this.#teller.pump.nextLookMs(), this.#links.nextLookMs(), this.#fresh.nextLookMs(nowMs)];
    waits.push(this.#readings.nextLookMs(nowMs));
    // What ripens is taken away only by one that writes: for another it would ripen at each look anew.
    if (look !== undefined && mode === 'on') {
      waits.push(this.#writer.rounds.nextLookMs(this.#ripening(look.plan), nowMs));
      waits.push(this.#pace.nextLookMs(look.withheld, nowMs));
    }
    for (const { key, verdict } of verdicts) {
      const age = ages.get(key);
      if (verdict.state === 'ready' || verdict.isFinal || age === undefined) continue;
      const held = [age.ageMs, age.missedMs ?? 0, age.reasonMs ?? 0].map((heldMs) => holdMs - heldMs);
      const lefts = [this.#options.waitMs - age.ageMs, ...held];
      waits.push(...lefts.filter((leftMs) => leftMs >= 0));
      if (age.isUncertain === true) waits.push(holdMs);
    }
    for (const waitMs of waits) {
      if (waitMs !== undefined) this.#trigger.fireWithin(Math.max(waitMs, this.#options.coalesceMs + 1) + 1);
    }
  }
}
