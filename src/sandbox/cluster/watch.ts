/**
 * Watches: the changes after a resource version as events, narrowed by selectors, with bookmarks, and ended when the
 * client reads too slowly. Sits between the store and a sink that writes lines; knows nothing of HTTP.
 */

import type { Clock, Timer } from '../../lib/clock.js';
import type { JsonObject } from './json.js';
import { parseVersion, scopeTest } from './listing.js';
import type { ListOptions } from './listing.js';
import type { ObjectTest } from './label-selector.js';
import { apiVersionOf } from './resource-type.js';
import { badRequest, expired } from './status.js';
import type { Change, Store } from './store.js';
import { toWire } from './target.js';
import type { ListTarget, Target } from './target.js';

export type EventKind = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** Where a watch writes. The object of a bookmark carries nothing but its version. */
export interface WatchSink {
  send(kind: EventKind, object: JsonObject): void;
  /** Ends the stream in order. */
  end(): void;
}

export interface WatchOptions extends ListOptions {
  readonly isBookmarked: boolean;
  readonly timeoutSeconds: number;
  /** Send the present state first, then a bookmark that says so. */
  readonly sendsInitial: boolean;
}

export class WatchHub {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #bookmarkMs: number;
  readonly #open = new Set<Watch>();

  constructor(store: Store, clock: Clock, bookmarkMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#bookmarkMs = bookmarkMs;
    store.onChange((change) => {
      for (const watch of this.#open) watch.onChange(change);
    });
  }

  /** How many watches are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Sends a bookmark to every watch that takes them, as the timer does. */
  bookmarkAll(): void {
    for (const watch of this.#open) watch.bookmark(this.#store.revision);
  }

  /** Throws StatusError for selectors and options that cannot be served, before anything is sent. */
  check(target: ListTarget | Target, options: WatchOptions): void {
    if (options.sendsInitial && !options.isBookmarked) throw badRequest('sendInitialEvents needs allowWatchBookmarks');
    parseVersion(options.resourceVersion);
    scopeTest(target, options);
  }

  /** Starts a watch. Returns how to end it from outside (nothing more is sent then). Throws StatusError. */
  open(target: ListTarget | Target, options: WatchOptions, sink: WatchSink): () => void {
    const watch = new Watch(target, options, sink, this.#store.revision);
    if (!this.#catchUp(watch, target, options, sink)) return () => undefined;
    this.#open.add(watch);
    const timers: Timer[] = [];
    const close = (): void => {
      this.#open.delete(watch);
      for (const timer of timers) timer.cancel();
    };
    timers.push(
      this.#clock.after(
        options.timeoutSeconds * 1000,
        () => {
          // Real servers send a last bookmark shortly before the end, so that the next watch need not go far back.
          watch.bookmark(this.#store.revision);
          close();
          sink.end();
        },
        true,
      ),
    );
    this.#scheduleBookmarks(watch, timers);
    return close;
  }

  #scheduleBookmarks(watch: Watch, timers: Timer[]): void {
    if (!watch.isBookmarked) return;
    timers[1] = this.#clock.after(
      this.#bookmarkMs,
      () => {
        watch.bookmark(this.#store.revision);
        this.#scheduleBookmarks(watch, timers);
      },
      true,
    );
  }

  /** Sends what is there or what happened since. False when the start is too far back: the sink has been told. */
  #catchUp(watch: Watch, target: ListTarget, options: WatchOptions, sink: WatchSink): boolean {
    const start = parseVersion(options.resourceVersion);
    if (start === undefined || start === 0 || options.sendsInitial) {
      for (const [, object] of this.#store.list(target.type.storedIn)) watch.sendPresent(object);
      if (options.sendsInitial) watch.endInitial(this.#store.revision);
      return true;
    }
    const changes = this.#store.changesSince(target.type.storedIn, start);
    if (changes === undefined) {
      const why = `too old resource version: ${start} (${this.#store.compactedRevision})`;
      sink.send('ERROR', expired(why).status);
      sink.end();
      return false;
    }
    watch.startAt(start);
    for (const change of changes) watch.onChange(change);
    return true;
  }
}

class Watch {
  readonly isBookmarked: boolean;
  readonly #target: ListTarget;
  readonly #test: ObjectTest;
  readonly #sink: WatchSink;
  #after: number;

  constructor(target: ListTarget | Target, options: WatchOptions, sink: WatchSink, revision: number) {
    this.isBookmarked = options.isBookmarked;
    this.#target = target;
    this.#test = scopeTest(target, options);
    this.#sink = sink;
    this.#after = revision;
  }

  /**
   * Nothing up to this revision is sent. It may lie in the future, when the server lost data: then the watch is silent
   * until the counter has caught up, as on real servers.
   */
  startAt(revision: number): void {
    this.#after = revision;
  }

  sendPresent(object: JsonObject): void {
    if (this.#test(object)) this.#sink.send('ADDED', toWire(this.#target.type, object));
  }

  /** An object that comes to fit the selectors is ADDED, one that ceases to is DELETED. */
  onChange(change: Change): void {
    if (change.place !== this.#target.type.storedIn || change.revision <= this.#after) return;
    this.#after = change.revision;
    const isIn = change.kind !== 'DELETED' && this.#test(change.object);
    const wasIn = change.previous !== undefined && this.#test(change.previous);
    if (isIn) this.#send(wasIn ? 'MODIFIED' : 'ADDED', change.object);
    else if (wasIn) this.#send('DELETED', lastSeen(change));
  }

  bookmark(revision: number): void {
    if (!this.isBookmarked || revision < this.#after) return;
    this.#after = revision;
    this.#sink.send('BOOKMARK', this.#bookmarkObject(revision, {}));
  }

  endInitial(revision: number): void {
    this.#after = revision;
    this.#sink.send(
      'BOOKMARK',
      this.#bookmarkObject(revision, { annotations: { 'k8s.io/initial-events-end': 'true' } }),
    );
  }

  #bookmarkObject(revision: number, extra: JsonObject): JsonObject {
    const { type } = this.#target;
    return {
      kind: type.kind,
      apiVersion: apiVersionOf(type),
      metadata: { resourceVersion: String(revision), creationTimestamp: null, ...extra },
    };
  }

  #send(kind: EventKind, stored: JsonObject): void {
    this.#sink.send(kind, toWire(this.#target.type, stored));
  }
}

/** What the client saw last, under the version of the change (apiserver, cacheWatcher.convertToWatchEvent). */
function lastSeen(change: Change): JsonObject {
  const { previous } = change;
  if (previous === undefined) return change.object;
  const metadata = { ...(previous['metadata'] as JsonObject), resourceVersion: String(change.revision) };
  return { ...previous, metadata };
}
