/**
 * Keeps the DPU's lease in the host cluster: ovn-kubernetes' host half lets pods start only while it is renewed, and this
 * agent plugs only while nobody else renews it. Looks every few seconds, renews while the agent is able to plug, and says
 * what it saw. The decisions are made by the lease machine; this is its shell.
 */

import { isRenewalDue, liveSibling, mayRenew, readLease, renewedLease, unreadLease } from '../agent/lease-machine.js';
import type { LeaseMemory, LeaseTiming, LeaseWriter } from '../agent/lease-machine.js';
import type { LeaseKeeper, LeaseState } from '../agent/attach-ports.js';
import type { Unsubscribe } from '../agent/ports.js';
import { backoffMs } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import { delay } from '../lib/clock.js';
import type { AgentError } from '../lib/errors.js';
import { Trigger } from '../lib/trigger.js';
import { resourcePath } from '../kube/index.js';
import type { KubeRequest, KubeResponse } from '../kube/index.js';
import { ServerClock } from './cluster-clock.js';
import { leaseReading, microTime, newLease, renewedLeaseObject, uidOf } from './cluster-lease-object.js';
import type { LeaseNode, Renewal } from './cluster-lease-object.js';
import { expectedFailure, hasCode, retryAfterMs } from './cluster-request.js';
import type { KubeRequester } from './cluster-request.js';

export interface ClusterLeaseOptions {
  readonly client: KubeRequester;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Namespace of the lease: ovn-kubernetes' own. */
  readonly namespace: string;
  /** What the host half is told who holds it; ovn-kubernetes' own constant by default. */
  readonly holderIdentity?: string;
  readonly writer: LeaseWriter;
  readonly timing: LeaseTiming;
  /** Reads only: never writes anything to the cluster. */
  readonly isReadOnly: boolean;
  /** Told what no state of the world may cause. */
  readonly onBug: (error: unknown) => void;
}

export interface LeaseStats {
  readonly reads: number;
  readonly renewals: number;
  readonly conflicts: number;
  readonly failures: number;
}

/**
 * The timing for a lease of this length. One renewal by somebody else is watched for two and a half renewals: a writer with
 * the same settings, and they come from one cluster's configuration, has come back by then even if one attempt failed.
 */
export function leaseTiming(renewMs: number, durationMs: number): LeaseTiming {
  return { durationMs, renewMs, confirmMs: Math.min(durationMs, 2.5 * renewMs) };
}

/** For a cluster without the feature (renewal every 0 seconds). */
export const disabledLease: LeaseKeeper = {
  state: () => ({ kind: 'disabled' }),
  clockSkewMs: () => undefined,
  setNodeName: () => undefined,
  setAble: () => undefined,
  onChange: () => () => undefined,
};

/** ovn-kubernetes writes this for every DPU. */
export const holderIdentityDefault = 'ovnkube-dpu-node';

/** As often as client-go's retry on conflict tries. */
const triesMax = 5;
/** Pause after a conflict, ms; grows with each. */
const conflictPauseMs = 10;
/** The Date header is read to the second and a network takes its time: a smaller difference is not corrected, ms. */
const skewMsMin = 5_000;
/** How long it is remembered that the node cannot be read, ms. */
const nodeRetryMs = 600_000;

/** The lease of one host node, and what is known of it. */
interface Target {
  readonly nodeName: string;
  memory: LeaseMemory;
  node: LeaseNode | undefined;
  /** Why the node's uid is not known. */
  nodeNote: string | undefined;
  nodeRetryAtMs: number;
}

interface Problem {
  readonly message: string;
  readonly isForbidden: boolean;
}

export class ClusterLease implements LeaseKeeper {
  readonly #options: ClusterLeaseOptions;
  readonly #serverClock = new ServerClock();
  readonly #trigger: Trigger;
  readonly #listeners = new Set<() => void>();
  #target: Target | undefined;
  #problem: Problem | undefined;
  #isAble = false;
  #shown = '';
  #failuresInRow = 0;
  #stats = { reads: 0, renewals: 0, conflicts: 0, failures: 0 };

  /** Looks at nothing before the name of the node is set. */
  constructor(options: ClusterLeaseOptions) {
    this.#options = options;
    this.#trigger = new Trigger({
      clock: options.clock,
      gatherMs: 0,
      work: (signal) => this.#round(signal),
      onError: options.onBug,
    });
  }

  /** The host node whose DPU this is. Another name stands for another lease; what is known of the former is forgotten. */
  setNodeName(nodeName: string): void {
    if (this.#target?.nodeName === nodeName) return;
    this.#target = { nodeName, memory: unreadLease, node: undefined, nodeNote: undefined, nodeRetryAtMs: 0 };
    this.#problem = undefined;
    this.#publish();
    this.#trigger.fire();
  }

  setAble(isAble: boolean): void {
    if (this.#isAble === isAble) return;
    this.#isAble = isAble;
    if (isAble && this.#target !== undefined) this.#trigger.fire();
  }

  state(): LeaseState {
    const { clock, timing, isReadOnly } = this.#options;
    const target = this.#target;
    if (target === undefined) return unknown('The name of the host node is not known yet.');
    if (this.#problem?.isForbidden) return unknown(this.#problem.message);
    const { memory } = target;
    switch (memory.standing) {
      case 'unread':
        return unknown(this.#problem?.message ?? 'The lease has not been read yet.');
      case 'watching':
        return unknown(`${watchingText(memory)}${this.#problem === undefined ? '' : ` ${this.#problem.message}`}`);
      case 'foreign':
        return { kind: 'foreign', holder: memory.stranger?.name ?? '', seenWallMs: memory.stranger?.seenWallMs ?? 0 };
      case 'free':
        return isReadOnly ? held(memory, observesText) : unknown(this.#freeText());
      case 'held':
        return held(
          memory,
          isReadOnly ? observesText : this.#heldText(target, liveSibling(memory, clock.nowMs(), timing)),
        );
    }
  }

  clockSkewMs(): number | undefined {
    return this.#serverClock.skewMs();
  }

  stats(): LeaseStats {
    return { ...this.#stats };
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Looks no more. The lease stays as it is: the next start of the agent finds its mark and goes on. */
  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#trigger.close();
  }

  #freeText(): string {
    if (this.#problem !== undefined) return this.#problem.message;
    return this.#isAble
      ? 'Nobody renews the lease; it is not taken yet.'
      : 'Nobody renews the lease; it is taken as soon as the agent is able to plug.';
  }

  #heldText(target: Target, sibling: string | undefined): string | undefined {
    if (this.#problem !== undefined) return this.#problem.message;
    if (!this.#isAble) return 'It is not renewed, for the agent is not able to plug.';
    if (sibling === undefined) return target.nodeNote;
    return 'Another process of this agent renews it too; see whether two DPUs are configured for the same host node.';
  }

  async #round(signal: AbortSignal): Promise<void> {
    const target = this.#target;
    if (target === undefined) return;
    const { timing } = this.#options;
    let waitMs = timing.renewMs;
    try {
      await this.#tend(target, signal);
      this.#failuresInRow = 0;
      if (target === this.#target) this.#problem = undefined;
    } catch (thrown) {
      if (signal.aborted) return;
      waitMs = this.#fail(target, expectedFailure(thrown));
    }
    this.#publish();
    this.#trigger.fireWithin(waitMs);
  }

  /** Notes the failure; gives the time until the next try, ms. */
  #fail(target: Target, error: AgentError): number {
    const { timing, random, namespace } = this.#options;
    this.#stats.failures += 1;
    const isForbidden = error.code === 'KUBE_FORBIDDEN';
    const remedy = isForbidden
      ? `Allow the agent to get, create and update the lease ${leaseName(target.nodeName)} in the namespace ${namespace}.`
      : error.remedy;
    const message = [`The lease cannot be kept: ${error.message}.`, remedy].filter(Boolean).join(' ');
    if (target === this.#target) this.#problem = { message, isForbidden };
    // Soon, for a lease runs out within a few renewals; but not sooner than asked.
    const pauseMs = backoffMs(this.#failuresInRow, { baseMs: timing.renewMs / 4, capMs: timing.renewMs }, random());
    this.#failuresInRow += 1;
    return Math.min(Math.max(pauseMs, timing.renewMs / 10, retryAfterMs(error) ?? 0), timing.durationMs);
  }

  /** One look, and one renewal where it is due; again from the start when somebody else wrote in between. */
  async #tend(target: Target, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const lease = await this.#read(target, signal);
      if (!this.#isToRenew(target)) return;
      try {
        await this.#renew(target, lease, signal);
        return;
      } catch (thrown) {
        const isRace = hasCode(thrown, 'KUBE_CONFLICT') || (lease !== undefined && hasCode(thrown, 'KUBE_NOT_FOUND'));
        if (!isRace || attempt >= triesMax) throw thrown;
        this.#stats.conflicts += 1;
      }
      await delay(clock, conflictPauseMs * attempt * (1 + random()), signal);
    }
  }

  #isToRenew(target: Target): boolean {
    const { clock, timing, isReadOnly } = this.#options;
    if (isReadOnly || !this.#isAble || target !== this.#target) return false;
    return mayRenew(target.memory) && isRenewalDue(target.memory, clock.nowMs(), timing);
  }

  /** The lease as it is; undefined when there is none. */
  async #read(target: Target, signal: AbortSignal): Promise<unknown> {
    const { clock, namespace, writer, timing } = this.#options;
    const path = leasePath(namespace, leaseName(target.nodeName));
    const response = await this.#send({ method: 'GET', path, signal }).catch((thrown: unknown) => {
      if (hasCode(thrown, 'KUBE_NOT_FOUND')) return undefined;
      throw thrown;
    });
    this.#stats.reads += 1;
    const reading = response === undefined ? undefined : leaseReading(response.body, response.dateMs);
    const now = { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
    target.memory = readLease(target.memory, reading, now, writer, timing);
    // A lease that is gone went with its node, perhaps: the next one belongs to the new node.
    if (response === undefined) target.node = undefined;
    return response?.body;
  }

  async #renew(target: Target, lease: unknown, signal: AbortSignal): Promise<void> {
    const { clock, namespace, holderIdentity, writer, timing } = this.#options;
    const node = await this.#node(target, signal);
    const now = { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
    const renewal: Renewal = {
      holderIdentity: holderIdentity ?? holderIdentityDefault,
      durationSeconds: Math.ceil(timing.durationMs / 1000),
      renewTime: microTime(now.wallMs + this.#correctionMs()),
      writer,
      node,
    };
    const name = leaseName(target.nodeName);
    const response =
      lease === undefined
        ? await this.#send({
            method: 'POST',
            path: leasePath(namespace),
            body: newLease(namespace, name, renewal),
            signal,
          })
        : await this.#send({
            method: 'PUT',
            path: leasePath(namespace, name),
            body: renewedLeaseObject(lease, renewal),
            signal,
          });
    target.memory = renewedLease(target.memory, uidOf(response.body) ?? '', renewal.renewTime, now);
    this.#stats.renewals += 1;
  }

  /** The host judges by its own clock: what is written is the cluster's time, should this machine's be far from it. */
  #correctionMs(): number {
    const skewMs = this.#serverClock.skewMs() ?? 0;
    return Math.abs(skewMs) < skewMsMin ? 0 : skewMs;
  }

  /** The node that owns the lease; undefined when its uid cannot be had, which is no reason not to renew. */
  async #node(target: Target, signal: AbortSignal): Promise<LeaseNode | undefined> {
    const { clock } = this.#options;
    if (target.node !== undefined || clock.nowMs() < target.nodeRetryAtMs) return target.node;
    try {
      const response = await this.#send({
        method: 'GET',
        path: resourcePath({ api: 'v1', resource: 'nodes', name: target.nodeName }),
        signal,
      });
      const uid = uidOf(response.body);
      target.node = uid === undefined ? undefined : { name: target.nodeName, uid };
      target.nodeNote = undefined;
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const error = expectedFailure(thrown);
      if (hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_NOT_FOUND')) target.nodeRetryAtMs = clock.nowMs() + nodeRetryMs;
      target.nodeNote = `It has no reference to its node, which cannot be read: ${error.message}.`;
    }
    return target.node;
  }

  async #send(request: Omit<KubeRequest, 'deadlineMs'>): Promise<KubeResponse> {
    const { client, clock, timing } = this.#options;
    const sentWallMs = clock.wallMs();
    const response = await client.request({ ...request, deadlineMs: timing.renewMs / 2 });
    this.#serverClock.observe(sentWallMs, clock.wallMs(), response.dateMs);
    return response;
  }

  /** Tells the listeners when there is news; that it was renewed once more is none. */
  #publish(): void {
    const shown = JSON.stringify({ ...this.state(), renewedWallMs: undefined, seenWallMs: undefined });
    if (shown === this.#shown) return;
    this.#shown = shown;
    for (const listener of this.#listeners) listener();
  }
}

const observesText = 'Nobody else renews it; the agent only observes.';

function leasePath(namespace: string, name?: string): string {
  return resourcePath({ api: 'coordination.k8s.io/v1', resource: 'leases', namespace, name });
}

function leaseName(nodeName: string): string {
  return `ovn-dpu-${nodeName}`;
}

function unknown(message: string): LeaseState {
  return { kind: 'unknown', message };
}

function held(memory: LeaseMemory, message: string | undefined): LeaseState {
  return { kind: 'held', renewedWallMs: memory.own?.wallMs, message };
}

function watchingText({ stranger }: LeaseMemory): string {
  const at = stranger === undefined ? '' : ` at ${new Date(stranger.seenWallMs).toISOString()}`;
  return `${stranger?.name ?? 'Somebody else'} renewed the lease once${at}, as the host half does when it starts; waiting whether it does so again.`;
}
