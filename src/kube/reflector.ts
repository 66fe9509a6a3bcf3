/**
 * A narrow copy of one collection of the API server, kept current for ever: the shell around reflector-machine.ts, which
 * decides, and object-cache.ts, which holds. Used by whoever reads objects of the cluster. There are no callbacks per
 * object: a listener is told to look again.
 */

import { AgentError } from '../lib/errors.js';
import type { Timer } from '../lib/clock.js';
import type { ObjectIdentity } from './json-value.js';
import { ObjectCache } from './object-cache.js';
import type { ObjectView } from './object-cache.js';
import { publish } from './events.js';
import { initialReflector, reflectorDeadlineMs, stepReflector } from './reflector-machine.js';
import type {
  ReflectorEffect,
  ReflectorEvent,
  ReflectorState as MachineState,
  ReflectorTiming,
} from './reflector-machine.js';
import { reflectorLimitDefaults, reflectorTimingDefaults, zeroReflectorStats } from './reflector-options.js';
import type { ReflectorLimits, ReflectorOptions, ReflectorState, ReflectorStats } from './reflector-options.js';
import { parseListPage, parseWatchEvent } from './watch-event.js';
import { WatchLines } from './watch-lines.js';

export class Reflector<View> {
  readonly #options: ReflectorOptions<View>;
  readonly #timing: ReflectorTiming;
  readonly #limits: ReflectorLimits;
  readonly #cache: ObjectCache<View>;
  readonly #stats = zeroReflectorStats();
  readonly #listeners = new Set<() => void>();
  /** Calls that have not ended, given up or not. */
  readonly #running = new Set<Promise<void>>();
  #machine: MachineState;
  #timer: Timer | undefined;
  /** The request or watch that is under way; what comes of an older one is not believed. */
  #call: AbortController | undefined;
  #gathered = new Map<string, ObjectView<View>>();
  #listBeganMs = 0;
  #state: ReflectorState;
  #isStarted = false;
  #isClosed = false;

  constructor(options: ReflectorOptions<View>) {
    this.#options = options;
    this.#timing = { ...reflectorTimingDefaults, ...options.timing };
    this.#limits = { ...reflectorLimitDefaults, ...options.limits };
    this.#cache = new ObjectCache(this.#limits);
    this.#machine = initialReflector(options.clock.nowMs(), this.#timing);
    this.#state = { kind: 'connecting', sinceWallMs: options.clock.wallMs(), lastError: undefined };
  }

  /** Begins; once. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#step({ kind: 'tick' });
  }

  /** Ends everything. What is held stays readable. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#timer?.cancel();
    this.#hangUp();
    await Promise.all(this.#running);
  }

  /**
   * The views by uid. The same map changes with each event, and gives way to another with each list: take what is needed
   * between two awaits.
   */
  items(): ReadonlyMap<string, View> {
    return this.#cache.items;
  }

  /** Uids that a DELETED event named, newest last, bounded. An object that is merely missing from a list is not among them. */
  get deleted(): ReadonlySet<string> {
    return this.#cache.deleted;
  }

  /** Whether everything was listed completely once. */
  get isListed(): boolean {
    return this.#stats.lists > 0;
  }

  state(): ReflectorState {
    return this.#state;
  }

  stats(): Readonly<ReflectorStats> {
    return this.#stats;
  }

  /** Calls `listener` after items, deleted or state changed; gives how to end that. */
  onChange(listener: () => void): () => void {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /**
   * Takes over a newer version of one object that a write returned, so that nobody acts on the old one until the watch
   * brings it. Without effect for an object that is not held.
   */
  accept(object: unknown): void {
    const view = this.#options.view(object);
    if (view !== undefined && this.#cache.accept(view, this.#options.clock.nowMs())) this.#tell();
  }

  #step(event: ReflectorEvent): void {
    if (this.#isClosed) return;
    const { clock, random } = this.#options;
    const [state, effects] = stepReflector(this.#machine, event, clock.nowMs(), this.#timing, random());
    this.#machine = state;
    const kindBefore = this.#state.kind;
    const codeBefore = this.#state.lastError?.code;
    for (const effect of effects) this.#perform(effect);
    this.#updateState();
    const isNews = effects.some(({ kind }) => kind === 'commit') || this.#state.lastError?.code !== codeBefore;
    if (isNews || kindBefore !== this.#state.kind) this.#tell();
    // What is heard only moves the deadline away; a timer that fires early finds that out.
    const isHearing = event.kind === 'heard' || event.kind === 'advanced';
    if (!isHearing || state.kind !== 'watching') this.#arm();
  }

  #arm(): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    const waitMs = Math.max(0, reflectorDeadlineMs(this.#machine, this.#timing) - clock.nowMs());
    this.#timer = clock.after(waitMs, () => this.#step({ kind: 'tick' }));
  }

  #perform(effect: ReflectorEffect): void {
    switch (effect.kind) {
      case 'list': {
        this.#begin((signal) => this.#list(effect.limit, effect.continueToken, signal));
        return;
      }
      case 'watch': {
        this.#begin((signal) => this.#watch(effect.version, effect.timeoutMs, signal));
        return;
      }
      case 'commit': {
        this.#commit();
        return;
      }
      case 'hangUp': {
        this.#hangUp();
        return;
      }
      case 'report':
        this.#report(effect.error);
    }
  }

  #hangUp(): void {
    this.#call?.abort();
    this.#call = undefined;
  }

  #begin(work: (signal: AbortSignal) => Promise<void>): void {
    const call = new AbortController();
    this.#call = call;
    const running: Promise<void> = work(call.signal)
      .catch((error: unknown) => {
        // One that was given up has been accounted for by whoever gave it up.
        if (call.signal.aborted) return;
        if (!(error instanceof AgentError)) throw error;
        this.#step({ kind: 'failed', error });
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #list(limit: number, continueToken: string | undefined, signal: AbortSignal): Promise<void> {
    const { client, path, query } = this.#options;
    if (continueToken === undefined) this.#beginList();
    const paging = { limit: String(limit), ...(continueToken === undefined ? {} : { continue: continueToken }) };
    const response = await client.request({
      method: 'GET',
      path,
      query: { ...query, ...paging },
      responseSizeMax: this.#limits.pageSizeBytesMax,
      signal,
    });
    if (signal.aborted) return;
    const page = parseListPage(response.body);
    for (const item of page.items) this.#gather(item);
    this.#step({ kind: 'page', version: page.resourceVersion, continueToken: page.continueToken });
  }

  #beginList(): void {
    this.#gathered = new Map();
    this.#listBeganMs = this.#options.clock.nowMs();
    this.#cache.beginList();
  }

  #gather(item: unknown): void {
    const view = this.#options.view(item);
    if (view === undefined) return;
    this.#gathered.set(view.uid, view);
    if (this.#gathered.size > this.#limits.itemsMax) throw this.#tooMany();
  }

  #tooMany(): AgentError {
    const { itemsMax } = this.#limits;
    return new AgentError('LIMIT_EXCEEDED', 'the server has more objects than are accepted', {
      facts: { path: this.#options.path, itemsMax },
      remedy: 'Narrow the selection.',
    });
  }

  #commit(): void {
    const { client, path, clock } = this.#options;
    this.#cache.replace(this.#gathered.values());
    this.#gathered = new Map();
    const isRelist = this.isListed;
    this.#stats.lists += 1;
    if (isRelist) this.#stats.relists += 1;
    const durationMs = clock.nowMs() - this.#listBeganMs;
    const objectCount = this.#cache.items.size;
    publish({ kind: 'listed', server: client.server, path, objectCount, durationMs, isRelist });
  }

  async #watch(version: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { client, path, query } = this.#options;
    const lines = new WatchLines(this.#limits.eventSizeMax);
    const watching = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      timeoutSeconds: String(Math.ceil(timeoutMs / 1000)),
    };
    await client.stream(
      { method: 'GET', path, query: { ...query, ...watching }, signal },
      {
        onOpen: () => {
          this.#stats.watches += 1;
          this.#step({ kind: 'opened' });
        },
        onData: (chunk) => this.#hear(lines, chunk, signal),
      },
    );
    if (signal.aborted) return;
    if (lines.pendingSize > 0) throw new AgentError('PEER_PROTOCOL', 'a watch ended within an event');
    this.#step({ kind: 'ended' });
  }

  /** Takes in what came, event by event, for as long as the watch is wanted, and tells of it once. */
  #hear(lines: WatchLines, chunk: Buffer, signal: AbortSignal): void {
    this.#stats.lastHeardMs = this.#options.clock.nowMs();
    this.#step({ kind: 'heard' });
    const eventsBefore = this.#stats.events;
    try {
      for (const line of lines.push(chunk)) {
        this.#take(line);
        if (signal.aborted) return;
      }
    } catch (error) {
      if (error instanceof AgentError && error.code === 'PEER_PROTOCOL') this.#stats.malformed += 1;
      throw error;
    } finally {
      if (this.#stats.events > eventsBefore) this.#tell();
    }
  }

  #take(line: string): void {
    const event = parseWatchEvent(line, this.#options.path);
    const nowMs = this.#options.clock.nowMs();
    this.#stats.lastEventMs = nowMs;
    switch (event.kind) {
      case 'error': {
        this.#step({ kind: 'failed', error: event.error });
        return;
      }
      case 'bookmark': {
        this.#stats.bookmarks += 1;
        this.#step({ kind: 'advanced', version: event.resourceVersion });
        return;
      }
      case 'deleted': {
        this.#takeIn(event.identity.resourceVersion, () => this.#cache.delete(event.identity.uid));
        return;
      }
      case 'present':
        this.#takePresent(event.identity, event.object, nowMs);
    }
  }

  #takePresent({ uid, resourceVersion }: ObjectIdentity, object: unknown, nowMs: number): void {
    const view = this.#options.view(object);
    if (view !== undefined) this.#checkRoom(view.uid);
    this.#takeIn(resourceVersion, () => {
      if (view === undefined) this.#cache.drop(uid, resourceVersion, nowMs);
      else this.#cache.put(view, nowMs);
    });
  }

  #checkRoom(uid: string): void {
    const { items } = this.#cache;
    if (items.size >= this.#limits.itemsMax && !items.has(uid)) throw this.#tooMany();
  }

  /** Carries out what an event says, unless its version ended the watch. */
  #takeIn(version: string, apply: () => void): void {
    this.#step({ kind: 'advanced', version });
    if (this.#machine.kind !== 'watching') return;
    this.#stats.events += 1;
    apply();
  }

  #report(error: AgentError): void {
    const { client, path, clock } = this.#options;
    const { errors } = this.#stats;
    errors.set(error.code, (errors.get(error.code) ?? 0) + 1);
    this.#state = { ...this.#state, lastError: error };
    const retryMs = Math.max(0, reflectorDeadlineMs(this.#machine, this.#timing) - clock.nowMs());
    publish({ kind: 'failed', server: client.server, path, error, retryMs });
  }

  /** From the machine's state to the one that people see. */
  #updateState(): void {
    const { clock, client, path } = this.#options;
    const before = this.#state;
    const kind = this.#machine.isStale ? (this.isListed ? 'stale' : 'connecting') : 'synced';
    if (kind === before.kind) return;
    const heardMs = kind === 'stale' ? (this.#stats.lastHeardMs ?? clock.nowMs()) : clock.nowMs();
    const sinceWallMs = clock.wallMs() - (clock.nowMs() - heardMs);
    this.#state = { kind, sinceWallMs, lastError: kind === 'synced' ? undefined : before.lastError };
    if (kind === 'synced') publish({ kind: 'synced', server: client.server, path });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
