/**
 * The world of the loop of the attachments without any daemon: rows and links change by the model of attach-world, pods
 * are changed by the statuses that are written, and the clock stands still. Everything misbehaves on order.
 */

import type { AttachOutcome } from '../../src/agent/attach-outcome.js';
import type { ClusterState, LeaseState, StatusResult } from '../../src/agent/attach-ports.js';
import { Attacher, type AttacherOptions, type AttacherParts } from '../../src/agent/attacher.js';
import type { JournalChange } from '../../src/agent/journal.js';
import type { ApplyResult, StoreState } from '../../src/agent/ports.js';
import { TelemetryBook } from '../../src/agent/telemetry-book.js';
import type { AttachAction } from '../../src/attach/attach-action.js';
import { nothingDeclared, type DeclaredDevices } from '../../src/intent/declared.js';
import { statusPatch, type StatusPatch } from '../../src/attach/connection-status.js';
import type { AttachInput, AttachObserved } from '../../src/attach/plan-attach.js';
import type { LinkChange, Netdev } from '../../src/model/netdev.js';
import type { ObservedRoot } from '../../src/model/observed.js';
import type { PodView } from '../../src/model/pod.js';
import { ManualClock } from '../config/manual-clock.js';
import { settle } from './agent-world.js';
import { findVf, settingsOf, worldOf } from './attach-inputs.js';
import { applyAttach, applyLinks, settleSwitch } from './attach-world.js';

type Answer = ApplyResult | undefined;

/** Whether every test of the patch holds for the pod as it is now. */
function fits({ operations }: StatusPatch, { uid, resourceVersion, annotations }: PodView): boolean {
  const present: Readonly<Record<string, unknown>> = {
    '/metadata/uid': uid,
    '/metadata/resourceVersion': resourceVersion,
    '/metadata/annotations/k8s.ovn.org~1dpu.connection-details': annotations.details,
    '/metadata/annotations/k8s.ovn.org~1dpu.connection-status': annotations.status,
  };
  return operations.every(({ op, path, value }) => op !== 'test' || present[path] === value);
}

export class AttachLoopWorld {
  readonly clock = new ManualClock();
  readonly pods = new Map<string, PodView>();
  readonly deleted = new Set<string>();
  readonly bugs: unknown[] = [];
  readonly book = new TelemetryBook();
  readonly journal: JournalChange[] = [];
  readonly outcomes: AttachOutcome[] = [];
  /** What reached the outside, in order: `rows attach pf0vf1`, `link pf0vf1 up`, `status a default Ready`, … */
  readonly done: string[] = [];
  /** Every batch that reached the database. */
  readonly batches: (readonly AttachAction[])[] = [];
  readonly told = { nodeNames: new Set<string>(), leaseNames: new Set<string>(), able: [] as boolean[] };
  refreshCount = 0;
  watched: readonly string[] = [];
  observed: AttachObserved;
  store: StoreState = { kind: 'synced', endpoint: 'unix:/db.sock' };
  cluster: ClusterState = { kind: 'synced', server: 'https://host' };
  lease: LeaseState = { kind: 'held', renewedWallMs: 0, message: undefined };
  isWriter = true;
  isListed = true;
  hasDevices = true;
  /** vswitchd and ovn-controller do their part as soon as rows or links have changed. */
  isSwitchAlive = true;
  nodeName: string | undefined = 'host-a';
  clockSkewMs: number | undefined = 0;
  /** Answers instead of the database; undefined lets it carry the actions out. */
  answer: (actions: readonly AttachAction[], signal: AbortSignal) => Answer | Promise<Answer> = () => undefined;
  /** Devices whose link the kernel refuses to change, with its words. */
  readonly refusedLinks = new Map<string, string>();
  /** Answers instead of the API server; undefined lets it write. */
  answerStatus: (pod: PodView, signal: AbortSignal) => StatusResult | Promise<StatusResult> | undefined = () =>
    undefined;
  declared: DeclaredDevices = nothingDeclared;
  readonly attacher: Attacher;
  readonly #listeners = new Set<() => void>();
  #stamp = 0;

  constructor(observed: AttachObserved = worldOf(), options: Partial<AttacherOptions> = {}) {
    this.observed = observed;
    this.attacher = new Attacher(this.#parts(), {
      settings: settingsOf(),
      mode: 'attach',
      coalesceMs: 2,
      fullResyncMs: 60_000,
      bootGraceMs: 0,
      goneGraceMs: 30_000,
      waitMs: 110_000,
      statusConcurrency: 4,
      ...options,
    });
  }

  /** Adds the pods, or another reading of them. */
  put(...pods: readonly PodView[]): this {
    for (const pod of pods) this.pods.set(pod.uid, pod);
    this.notify();
    return this;
  }

  /** The pod is gone, and its DELETED event was seen. */
  remove(uid: string): void {
    this.deleted.add(uid);
    this.miss(uid);
  }

  /** The pod is in the list no more. */
  miss(uid: string): void {
    this.pods.delete(uid);
    this.notify();
  }

  setNetdev(netdev: Netdev): void {
    this.observed = { ...this.observed, netdevs: new Map([...this.observed.netdevs, [netdev.name, netdev]]) };
    this.notify();
  }

  /** Somebody changes the root row. */
  setRoot(fields: Partial<ObservedRoot>): void {
    this.observed = { ...this.observed, root: { ...this.observed.root, ...fields } };
    this.notify();
  }

  /** The database is gone. */
  lose(): void {
    this.store = { kind: 'connecting', message: 'nobody listens', code: 'CONNECT_FAILED' };
    // The lock belongs to the connection.
    this.isWriter = false;
    this.notify();
  }

  /** The database is back, and the lock with it. */
  regain(): void {
    this.store = { kind: 'synced', endpoint: 'unix:/db.sock' };
    this.isWriter = true;
    this.notify();
  }

  /** Something may have changed. */
  notify(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Starts the loop and lets it come to rest. */
  async start(ms = 200): Promise<this> {
    this.attacher.start();
    await this.pass(ms);
    return this;
  }

  /** Time passes; what falls due runs to its end. @param stepMs how long the world takes to react */
  async pass(ms: number, stepMs = ms > 20_000 ? 500 : 10): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left));
      await settle();
    }
  }

  get outcome(): AttachOutcome {
    const last = this.outcomes.at(-1);
    if (last === undefined) throw new Error('there is no outcome yet');
    return last;
  }

  /** Reason of the pod's network, as the loop says. */
  reason(name: string, nadKey = 'default'): string | undefined {
    const facts = this.outcome.podFacts().find((entry) => entry.name === name);
    return facts?.attachments.find((entry) => entry.nadKey === nadKey)?.reason;
  }

  /** The pod's annotation, read. */
  status(name: string): unknown {
    const text = this.pods.get(`u-${name}`)?.annotations.status;
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  }

  /** What was done since the last call. */
  take(): readonly string[] {
    return this.done.splice(0);
  }

  readonly #onChange = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #parts(): AttacherParts {
    const { clock } = this;
    return {
      clock,
      random: () => 0.5,
      ...this.#switchParts(),
      ...this.#clusterParts(),
      declared: { devices: () => this.declared, onChange: this.#onChange },
      onOutcome: (outcome) => this.outcomes.push(outcome),
      onJournal: (entry) => this.journal.push(entry),
      telemetry: this.book.recorder('attach'),
      onBug: (error) => this.bugs.push(error),
    };
  }

  #switchParts(): Pick<AttacherParts, 'store' | 'devices' | 'liveness' | 'links'> {
    const onChange = this.#onChange;
    return {
      store: {
        state: () => this.store,
        snapshot: () => (this.store.kind === 'synced' ? this.observed : undefined),
        isWriter: () => this.isWriter,
        apply: () => Promise.reject(new Error('not for this loop')),
        applyAttach: (actions, _comment, signal) => this.#applyAttach(actions, signal),
        onChange,
      },
      devices: {
        snapshot: () => (this.hasDevices ? this.observed.netdevs : undefined),
        problem: () => undefined,
        find: findVf,
        refresh: () => (this.refreshCount += 1),
        onChange,
      },
      liveness: {
        snapshot: () => this.observed.liveness,
        watch: (bridges) => (this.watched = bridges),
        onChange,
      },
      links: { apply: (changes) => this.#applyLinks(changes) },
    };
  }

  #clusterParts(): Pick<AttacherParts, 'pods' | 'networks' | 'statuses' | 'events' | 'lease'> {
    const onChange = this.#onChange;
    const find: AttachInput['findNetwork'] = (namespace, name) => {
      return { networkName: `${namespace}.${name}`, mtu: undefined };
    };
    return {
      pods: {
        state: () => this.cluster,
        snapshot: () => (this.isListed ? { pods: new Map(this.pods), deleted: new Set(this.deleted) } : undefined),
        nodeName: () => this.nodeName,
        setNodeName: (name) => {
          this.told.nodeNames.add(name);
          this.nodeName = name;
        },
        onChange,
      },
      networks: { find, onChange },
      statuses: { write: (...args) => this.#writeStatus(...args) },
      events: {
        report: (pod, type, reason, message) => {
          this.done.push(`event ${pod.name} ${type} ${reason}: ${message}`);
        },
      },
      lease: {
        state: () => this.lease,
        clockSkewMs: () => this.clockSkewMs,
        setNodeName: (name) => void this.told.leaseNames.add(name),
        setAble: (isAble) => {
          if (this.told.able.at(-1) !== isAble) this.told.able.push(isAble);
        },
        onChange,
      },
    };
  }

  async #applyAttach(actions: readonly AttachAction[], signal: AbortSignal): Promise<ApplyResult> {
    this.batches.push(actions);
    const answered = await this.answer(actions, signal);
    if (answered !== undefined) return answered;
    return { kind: 'applied', nextCfg: this.commit(actions) };
  }

  /** The database carries the actions out; `next_cfg` after them. */
  commit(actions: readonly AttachAction[]): number {
    for (const { kind, port } of actions) this.done.push(`rows ${kind} ${port}`);
    this.#stamp += 1;
    const nextCfg = this.observed.root.nextCfg + 1;
    this.observed = applyAttach(this.observed, actions, this.#stamp);
    this.observed = { ...this.observed, root: { ...this.observed.root, nextCfg } };
    this.#react();
    return nextCfg;
  }

  #applyLinks(changes: readonly LinkChange[]): Promise<ReadonlyMap<string, string>> {
    const refused = new Map<string, string>();
    for (const change of changes) {
      const words = this.refusedLinks.get(change.name);
      this.done.push(
        `link ${change.name} ${change.isUp === true ? 'up' : 'down'}${words === undefined ? '' : ' refused'}`,
      );
      if (words === undefined) this.observed = applyLinks(this.observed, [change]);
      else refused.set(change.name, words);
    }
    this.#react();
    return Promise.resolve(refused);
  }

  /** vswitchd and ovn-controller do their part. */
  #react(): void {
    if (!this.isSwitchAlive) return;
    const settled = settleSwitch(this.observed);
    this.observed = { ...settled, root: { ...settled.root, curCfg: settled.root.nextCfg } };
    this.notify();
  }

  async #writeStatus(
    pod: PodView,
    changes: Parameters<typeof statusPatch>[1],
    signal: AbortSignal,
  ): Promise<StatusResult> {
    for (const [nadKey, status] of changes) {
      const reason = status?.reason === undefined ? '' : `: ${status.reason}`;
      this.done.push(`status ${pod.name} ${nadKey} ${status?.status ?? 'removed'}${reason}`);
    }
    const answered = await this.answerStatus(pod, signal);
    if (answered !== undefined) return answered;
    const now = this.pods.get(pod.uid);
    if (now === undefined) return { kind: 'gone' };
    const patch = statusPatch(pod, changes);
    if (patch === undefined) return { kind: 'written' };
    if (!fits(patch, now)) return { kind: 'conflict' };
    const resourceVersion = String(Number(now.resourceVersion) + 1);
    this.put({ ...now, resourceVersion, annotations: { ...now.annotations, status: patch.text } });
    return { kind: 'written' };
  }
}
