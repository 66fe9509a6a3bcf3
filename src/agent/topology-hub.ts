/**
 * Keeps the topology: looks at what the sources have whenever one of them says that something may have changed, gives a new
 * version to what differs, and remembers the newest steps for those who watch. Nothing is kept for a watcher: each is a cursor
 * in the ring, so any number of them, fast or slow, costs the agent the same. Serialises nothing, and decides nothing.
 */

import type { PodFacts } from '../attach/attachment-view.js';
import type { Clock } from '../lib/clock.js';
import { Trigger } from '../lib/trigger.js';
import type { StatusSource } from './api-view.js';
import type { DeviceSource, IntentSource, SwitchStore, Unsubscribe } from './ports.js';
import { draftTopology, type TopologyDraft, type TopologyInput } from './topology-drafts.js';
import { type RingLimits, TopologyRing } from './topology-ring.js';
import { isSameObject } from './topology-same.js';
import { approximateBytes } from './topology-size.js';
import type {
  TopologyEvent,
  TopologyKind,
  TopologyObject,
  TopologyRef,
  TopologySnapshot,
  TopologySource,
} from './topology.js';

export interface TopologyHubParts {
  readonly store: Pick<SwitchStore, 'snapshot' | 'onChange'>;
  readonly devices: Pick<DeviceSource, 'snapshot' | 'problem' | 'onChange'>;
  /** What is wanted: who wants a bridge, and how. */
  readonly intents: IntentSource;
  /** Conditions, chains and pods. */
  readonly status: StatusSource;
  readonly clock: Clock;
  readonly onBug: (error: unknown) => void;
}

export interface TopologyHubOptions {
  /** Gathering time of a burst of events, ms. */
  readonly gatherMs: number;
  /** Pods are asked for at most this often, ms: what is shown of them is made anew each time. */
  readonly podsMs: number;
  /** A watcher is told that nothing has changed after this time, ms. */
  readonly bookmarkMs: number;
  readonly ring: RingLimits;
  /** A step with more objects becomes several, each with its own version, so that a message of any client holds it. */
  readonly stepObjectCountMax: number;
  /** The same by approximate size. */
  readonly stepBytesMax: number;
}

/**
 * The ring holds ten times a thousand ports that all change, or about 20 s of a hundred changes a second in steps of 20 ms, and
 * at most 16 MiB of objects that are no longer current. A delta stays far below the 4 MiB that gRPC clients accept.
 */
export const defaultHubOptions: TopologyHubOptions = {
  gatherMs: 20,
  podsMs: 500,
  bookmarkMs: 30_000,
  ring: { stepCountMax: 1024, objectCountMax: 4_000, sizeBytesMax: 6 * 2 ** 20 },
  stepObjectCountMax: 500,
  stepBytesMax: 2 ** 20,
};

/** In this order in a snapshot. */
const kinds: readonly TopologyKind[] = ['bridge', 'port', 'representor', 'attachment', 'chain'];

/** What was changed or removed, until it is cut into steps. */
interface Difference {
  readonly changed: TopologyDraft[];
  readonly removed: TopologyRef[];
}

export class TopologyHub implements TopologySource {
  readonly #parts: TopologyHubParts;
  readonly #options: TopologyHubOptions;
  readonly #trigger: Trigger;
  readonly #offs: readonly Unsubscribe[];
  readonly #ring: TopologyRing;
  readonly #objects: Readonly<Record<TopologyKind, Map<string, TopologyObject>>> = {
    bridge: new Map(),
    port: new Map(),
    representor: new Map(),
    attachment: new Map(),
    chain: new Map(),
  };
  readonly #waiting = new Set<() => void>();
  #input: TopologyInput | undefined;
  #pods: { readonly readMs: number; readonly facts: readonly PodFacts[] } = {
    readMs: -Infinity,
    facts: [],
  };
  #version = 0n;
  #snapshot: TopologySnapshot = { version: 0n, objects: [] };
  #isClosed = false;

  /** Subscribes to all sources and looks for the first time soon. */
  constructor(parts: TopologyHubParts, options: TopologyHubOptions = defaultHubOptions) {
    this.#parts = parts;
    this.#options = options;
    const { gatherMs, stepObjectCountMax, stepBytesMax } = options;
    this.#ring = new TopologyRing(options.ring, { objectCountMax: stepObjectCountMax, sizeBytesMax: stepBytesMax });
    const work = async (): Promise<void> => {
      await Promise.resolve();
      this.look();
    };
    this.#trigger = new Trigger({ clock: parts.clock, gatherMs, work, onError: parts.onBug });
    const fire = (): void => this.#trigger.fire();
    this.#offs = [parts.store, parts.devices, parts.intents, parts.status].map((source) => source.onChange(fire));
    fire();
  }

  /** Version 0 until database and devices have been read once; made when it is asked for. */
  snapshot(): TopologySnapshot {
    if (this.#snapshot.version !== this.#version) {
      const objects = kinds.flatMap((kind) => {
        const byName = this.#objects[kind];
        return [...byName.keys()].sort().flatMap((name) => byName.get(name) ?? []);
      });
      this.#snapshot = { version: this.#version, objects };
    }
    return this.#snapshot;
  }

  async *watch(after: bigint, signal: AbortSignal): AsyncGenerator<TopologyEvent, void, undefined> {
    let cursor = after;
    while (!signal.aborted && !this.#isClosed) {
      const next = this.#ring.after(cursor);
      if (next === 'expired' || cursor > this.#version) {
        yield { kind: 'startOver' };
        return;
      }
      if (next !== 'upToDate') {
        cursor = next.version;
        yield next;
      } else if ((await this.#changeOrRest(cursor, signal)) === 'rest') {
        yield { kind: 'bookmark', version: cursor };
      }
    }
  }

  /** Looks at all sources now, without gathering. Ready-made for the trigger; a test may call it. */
  look(): void {
    const input = this.#read();
    if (input === undefined || (this.#input !== undefined && isSameInput(this.#input, input))) return;
    this.#input = input;
    this.#store(this.#differ(input));
  }

  /** What is kept for watchers. */
  stats(): ReturnType<TopologyRing['stats']> & { readonly version: bigint; readonly waitingCount: number } {
    return { ...this.#ring.stats(), version: this.#version, waitingCount: this.#waiting.size };
  }

  /** Ends it, and every watch. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const off of this.#offs) off();
    this.#wake();
    await this.#trigger.close();
  }

  /** What the sources have; what one has lost is as it was. Undefined until there is something to show. */
  #read(): TopologyInput | undefined {
    const { store, devices, intents, status } = this.#parts;
    const rows = store.snapshot() ?? this.#input;
    const netdevs = devices.snapshot() ?? this.#input?.netdevs;
    // An agent that has just started must not look like a switch without ports.
    if (rows === undefined || (netdevs === undefined && devices.problem() === undefined)) return undefined;
    const current = status.current();
    return {
      bridges: rows.bridges,
      ports: rows.ports,
      netdevs: netdevs ?? noNetdevs,
      wanted: intents.intents().bridges,
      conditions: current?.conditions ?? noConditions,
      chains: current?.chains ?? noChains,
      pods: this.#readPods(),
    };
  }

  /** As long as the loop of the pods has not looked again, these are the same: no time tells that as surely. */
  #readPods(): readonly PodFacts[] {
    const nowMs = this.#parts.clock.nowMs();
    const waitMs = this.#pods.readMs + this.#options.podsMs - nowMs;
    if (waitMs > 0) this.#trigger.fireWithin(Math.max(waitMs, this.#options.gatherMs + 1));
    else this.#pods = { readMs: nowMs, facts: this.#parts.status.pods() };
    return this.#pods.facts;
  }

  #differ(input: TopologyInput): Difference {
    const drafts = draftTopology(input);
    const difference: Difference = { changed: [], removed: [] };
    for (const kind of kinds) {
      const objects = this.#objects[kind];
      for (const [name, draft] of drafts[kind]) {
        const before = objects.get(name);
        if (before === undefined || !isSameObject(before, draft)) difference.changed.push(draft);
      }
      for (const [name, { ref }] of objects) if (!drafts[kind].has(name)) difference.removed.push(ref);
    }
    return difference;
  }

  /** Carries the difference out, in steps of bounded size, the removals first. */
  #store({ changed, removed }: Difference): void {
    const { stepObjectCountMax, stepBytesMax } = this.#options;
    // The first look makes a version even of nothing: 0 means that nobody has looked.
    let isDue = this.#version === 0n && changed.length + removed.length === 0;
    for (let at = 0; at < removed.length; at += stepObjectCountMax) {
      this.#step([], removed.slice(at, at + stepObjectCountMax));
    }
    let objects: TopologyObject[] = [];
    let sizeBytes = 0;
    for (const { ref, conditions, facts } of changed) {
      // Written out: V8 gives each copy that is made by spreading a hidden class of its own here, and thousands are kept.
      const object = { ref, conditions, facts, version: this.#version + 1n };
      objects.push(object);
      sizeBytes += approximateBytes(object);
      isDue = true;
      if (objects.length < stepObjectCountMax && sizeBytes < stepBytesMax) continue;
      this.#step(objects, []);
      objects = [];
      sizeBytes = 0;
      isDue = false;
    }
    if (isDue) this.#step(objects, []);
    this.#wake();
  }

  #step(changed: readonly TopologyObject[], removed: readonly TopologyRef[]): void {
    this.#version += 1n;
    for (const { kind, name } of removed) this.#objects[kind].delete(name);
    for (const object of changed) this.#objects[object.ref.kind].set(object.ref.name, object);
    this.#ring.add({ version: this.#version, changed, removed });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves when the version may be another than `cursor`, when the signal is aborted, or when it is time for a bookmark. */
  #changeOrRest(cursor: bigint, signal: AbortSignal): Promise<'change' | 'rest'> {
    return new Promise((resolve) => {
      const end = (how: 'change' | 'rest') => (): void => {
        timer.cancel();
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve(how);
      };
      const wake = end('change');
      const timer = this.#parts.clock.after(this.#options.bookmarkMs, end('rest'), true);
      signal.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
      if (signal.aborted || this.#isClosed || this.#version !== cursor) wake();
    });
  }
}

const noNetdevs: TopologyInput['netdevs'] = new Map();
const noConditions: TopologyInput['conditions'] = [];
const noChains: TopologyInput['chains'] = [];

function isSameInput(a: TopologyInput, b: TopologyInput): boolean {
  return (
    a.bridges === b.bridges &&
    a.ports === b.ports &&
    a.netdevs === b.netdevs &&
    a.wanted === b.wanted &&
    a.conditions === b.conditions &&
    a.chains === b.chains &&
    a.pods === b.pods
  );
}
