/**
 * Reports what happens to pods as Kubernetes Events, for people who look at the pod and not at the DPU. Best effort:
 * reporting never waits and never fails; what repeats is counted and sent once a minute; queue and rate are bounded, so that
 * neither a storm nor an API server that is away costs more than some events.
 */

import type { EventSink } from '../agent/attach-ports.js';
import { isJsonObject } from '../attach/parse-object.js';
import { assert } from '../lib/assert.js';
import { backoffMs } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import type { AgentError } from '../lib/errors.js';
import { Trigger } from '../lib/trigger.js';
import type { PodView } from '../model/pod.js';
import { resourcePath } from '../kube/index.js';
import type { KubeRequest } from '../kube/index.js';
import { eventMessage, eventName, eventObject, repetition } from './cluster-event-object.js';
import type { EventFacts, EventReporter } from './cluster-event-object.js';
import { expectedFailure, hasCode, retryAfterMs } from './cluster-request.js';
import type { KubeRequester } from './cluster-request.js';
import { TokenBucket } from './token-bucket.js';

export interface ClusterEventsOptions {
  readonly client: KubeRequester;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly reporter: EventReporter;
  /** Told what no state of the world may cause. */
  readonly onBug: (error: unknown) => void;
}

export interface EventStats {
  /** Requests that created or counted an event. */
  readonly sent: number;
  readonly failed: number;
  /** Occurrences that nobody will read of: the queue was full, or the server refuses them. */
  readonly dropped: number;
  readonly waiting: number;
  /** Why the last request failed; undefined when it did not. */
  readonly problem: string | undefined;
}

/** Kinds of events, of all pods, that wait to be sent. */
const waitingMax = 500;
/** Kinds of events that are remembered, so that a repetition is counted. */
const knownMax = 2_000;
/** A repetition is sent at most this often, ms. */
const repeatMs = 60_000;
/** Of one pod: several networks, each with a few reasons; then one per minute. */
const podTiming = { burst: 10, refillMs: 60_000 };
/** Of all pods: a node full of them; then ten in a second. */
const totalTiming = { burst: 100, refillMs: 100 };
const failureTiming = { baseMs: 2_000, capMs: 60_000 };
/** Rights do not change from one second to the next, ms. */
const forbiddenPauseMs = 60_000;
const deadlineMs = 5_000;
/** A burst is sent together, ms. */
const gatherMs = 20;
/** For what waits when the agent ends, ms: it has two seconds for everything, and who reads its calls slowly needs one of them. */
const flushMsDefault = 500;

/** One reason of one pod. */
interface Known {
  facts: EventFacts;
  /** Occurrences that the server does not know of. */
  unsent: number;
  sentMs: number | undefined;
  /** How the server has it: not at all, from before this process with a count that is not known, or with this count. */
  stored: 'none' | 'unknown' | number;
}

export class ClusterEvents implements EventSink {
  readonly #options: ClusterEventsOptions;
  readonly #trigger: Trigger;
  readonly #stop = new AbortController();
  /** By pod and reason; what was reported last is last. */
  readonly #known = new Map<string, Known>();
  /** The known ones with something unsent, oldest first. */
  readonly #waiting = new Map<string, Known>();
  readonly #podBuckets = new Map<string, TokenBucket>();
  readonly #totalBucket: TokenBucket;
  #pausedUntilMs = -Infinity;
  #failuresInRow = 0;
  #isClosed = false;
  #stats = { sent: 0, failed: 0, dropped: 0 };
  #problem: string | undefined;

  constructor(options: ClusterEventsOptions) {
    this.#options = options;
    this.#totalBucket = new TokenBucket(totalTiming, options.clock.nowMs());
    this.#trigger = new Trigger({
      clock: options.clock,
      gatherMs,
      work: () => this.#drain(),
      onError: options.onBug,
    });
  }

  report(pod: PodView, type: 'Normal' | 'Warning', reason: string, message: string): void {
    assert(/^[A-Z][A-Za-z0-9]{0,127}$/.test(reason), 'the reason of an event must be one CamelCase word');
    if (this.#isClosed) return;
    const key = `${pod.uid}|${reason}`;
    const wallMs = this.#options.clock.wallMs();
    const before = this.#known.get(key);
    const { uid, namespace, name } = pod;
    const facts = {
      pod: { uid, namespace, name },
      type,
      reason,
      message: eventMessage(message),
      count: (before?.facts.count ?? 0) + 1,
      firstWallMs: before?.facts.firstWallMs ?? wallMs,
      lastWallMs: wallMs,
    };
    const known = before ?? { facts, unsent: 0, sentMs: undefined, stored: 'none' as const };
    known.facts = facts;
    known.unsent += 1;
    this.#known.delete(key);
    this.#known.set(key, known);
    if (!this.#waiting.has(key)) this.#waiting.set(key, known);
    this.#bound();
    this.#trigger.fire();
  }

  stats(): EventStats {
    return { ...this.#stats, waiting: this.#waiting.size, problem: this.#problem };
  }

  /** Takes no more, and sends what may be sent at once, for at most `flushMs`. */
  async close(flushMs = flushMsDefault): Promise<void> {
    this.#isClosed = true;
    const timer = this.#options.clock.after(flushMs, () => this.#stop.abort());
    await this.#trigger.close();
    await this.#drain();
    timer.cancel();
  }

  #bound(): void {
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined && this.#waiting.size > waitingMax) this.#drop(oldest);
    const [forgotten] = this.#known.keys();
    if (forgotten !== undefined && this.#known.size > knownMax) this.#drop(forgotten);
  }

  /** Forgets the event, and what of it was not sent. */
  #drop(key: string): void {
    this.#stats.dropped += this.#known.get(key)?.unsent ?? 0;
    this.#known.delete(key);
    this.#waiting.delete(key);
  }

  /** Sends what may be sent now, one after the other; looks again when more may be. */
  async #drain(): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      if (this.#stop.signal.aborted || this.#waiting.size === 0) return;
      const nowMs = clock.nowMs();
      const [key, waitMs] = this.#next(nowMs);
      const known = key === undefined ? undefined : this.#waiting.get(key);
      if (key === undefined || known === undefined) {
        if (!this.#isClosed) this.#trigger.fireWithin(Math.max(waitMs, gatherMs + 1));
        return;
      }
      this.#totalBucket.take(nowMs);
      this.#podBucket(known.facts.pod.uid, nowMs).take(nowMs);
      await this.#send(key, known);
    }
  }

  /** The next to send, or how long until there is one, ms. */
  #next(nowMs: number): readonly [string | undefined, number] {
    const pauseMs = Math.max(this.#pausedUntilMs - nowMs, this.#totalBucket.waitMs(nowMs));
    if (pauseMs > 0) return [undefined, pauseMs];
    let soonestMs = Infinity;
    for (const [key, { facts, sentMs }] of this.#waiting) {
      const restMs = sentMs === undefined ? 0 : sentMs + repeatMs - nowMs;
      const waitMs = Math.max(restMs, this.#podBuckets.get(facts.pod.uid)?.waitMs(nowMs) ?? 0);
      if (waitMs <= 0) return [key, 0];
      soonestMs = Math.min(soonestMs, waitMs);
    }
    return [undefined, soonestMs];
  }

  #podBucket(uid: string, nowMs: number): TokenBucket {
    if (this.#podBuckets.size >= knownMax) this.#forgetBuckets(nowMs);
    const bucket = this.#podBuckets.get(uid) ?? new TokenBucket(podTiming, nowMs);
    this.#podBuckets.set(uid, bucket);
    return bucket;
  }

  #forgetBuckets(nowMs: number): void {
    for (const [uid, bucket] of this.#podBuckets) if (bucket.isFull(nowMs)) this.#podBuckets.delete(uid);
    const [oldest] = this.#podBuckets.keys();
    if (oldest !== undefined && this.#podBuckets.size >= knownMax) this.#podBuckets.delete(oldest);
  }

  async #send(key: string, known: Known): Promise<void> {
    const { facts, unsent, stored } = known;
    try {
      if (stored === 'none') await this.#create(known);
      else await this.#count(known, stored);
      this.#stats.sent += 1;
      this.#failuresInRow = 0;
      this.#problem = undefined;
    } catch (thrown) {
      if (!this.#stop.signal.aborted) this.#fail(key, known, expectedFailure(thrown));
      return;
    }
    // How often it happened before this process is known now, and the repetition is still to be counted.
    if (stored === 'unknown') return;
    known.sentMs = this.#options.clock.nowMs();
    known.stored = stored === 'none' ? facts.count : stored + unsent;
    known.unsent -= unsent;
    // It may have been dropped meanwhile, and reported again as another one.
    if (this.#waiting.get(key) !== known) return;
    this.#waiting.delete(key);
    if (known.unsent > 0) this.#waiting.set(key, known);
  }

  async #create({ facts }: Known): Promise<void> {
    const { namespace } = facts.pod;
    const path = resourcePath({ api: 'v1', resource: 'events', namespace });
    await this.#request({ method: 'POST', path, body: eventObject(facts, this.#options.reporter) });
  }

  async #count(known: Known, stored: 'unknown' | number): Promise<void> {
    const { facts, unsent } = known;
    const { namespace } = facts.pod;
    const name = eventName(facts.pod, facts.reason, this.#options.reporter);
    const body = await this.#request({
      method: 'PATCH',
      path: resourcePath({ api: 'v1', resource: 'events', namespace, name }),
      contentType: 'application/merge-patch+json',
      body: repetition(facts, stored === 'unknown' ? undefined : stored + unsent),
    });
    const count = isJsonObject(body) ? body['count'] : undefined;
    if (stored === 'unknown') known.stored = typeof count === 'number' && Number.isSafeInteger(count) ? count : 0;
  }

  async #request(request: KubeRequest): Promise<unknown> {
    const response = await this.#options.client.request({ ...request, deadlineMs, signal: this.#stop.signal });
    return response.body;
  }

  #fail(key: string, known: Known, error: AgentError): void {
    // The one from before this process: count on.
    if (hasCode(error, 'KUBE_CONFLICT') && known.stored === 'none') {
      known.stored = 'unknown';
      return;
    }
    // The API server deletes events after an hour (--event-ttl).
    if (hasCode(error, 'KUBE_NOT_FOUND') && known.stored !== 'none') {
      this.#beginAnew(known);
      return;
    }
    this.#stats.failed += 1;
    this.#problem = error.message;
    if (isHopeless(error)) this.#drop(key);
    else this.#pause(error);
  }

  #beginAnew(known: Known): void {
    known.stored = 'none';
    known.facts = { ...known.facts, count: known.unsent, firstWallMs: known.facts.lastWallMs };
  }

  #pause(error: AgentError): void {
    const { clock, random } = this.#options;
    const isForbidden = error.code === 'KUBE_FORBIDDEN';
    const pauseMs = isForbidden ? forbiddenPauseMs : backoffMs(this.#failuresInRow, failureTiming, random());
    this.#failuresInRow += 1;
    this.#pausedUntilMs = clock.nowMs() + Math.max(pauseMs, retryAfterMs(error) ?? 0, gatherMs);
  }
}

/** Whether the server will never take this event: it is refused, or its namespace is gone or going. */
function isHopeless(error: AgentError): boolean {
  if (hasCode(error, 'KUBE_INVALID', 'KUBE_REFUSED', 'KUBE_NOT_FOUND', 'KUBE_CONFLICT', 'LIMIT_EXCEEDED')) return true;
  return error.code === 'KUBE_FORBIDDEN' && String(error.facts['causes']).startsWith('NamespaceTerminating');
}
