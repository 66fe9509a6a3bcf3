/**
 * The network devices of the DPU, kept up to date. Used by everything that plugs a representor or reports on one. It
 * works whether Open vSwitch runs or not, and it changes nothing.
 *
 * Level-triggered: an event only means "look again", each look reads everything, and only real differences are told. A
 * reading that fails leaves the last one in place: an unreadable system is not an empty one.
 */
import type { Clock, Timer } from '../lib/clock.js';
import { AgentError, toError } from '../lib/errors.js';
import { backoffMs } from '../lib/backoff.js';
import type { FindResult, LinkFacts, Netdev, NetdevChange, NetdevMap, RepresentorSelector } from '../model/netdev.js';
import type { DevlinkPort } from './devlink.js';
import type { DevlinkReader, DevlinkUnavailableCode } from './devlink-reader.js';
import type { RepresentorFinder } from './finder.js';
import type { LinkMonitor, WatchState } from './link-monitor.js';
import type { LinkReader, LinkSource } from './link-reader.js';
import { differingFields, diffNetdevs } from './netdev-changes.js';

/** Times of the inventory, ms. */
export interface InventoryTiming {
  /** After the first event of a burst, how long to wait for the rest of it. */
  readonly coalesceMs: number;
  /** How often everything is read, devlink too, whatever the events said. */
  readonly fullMs: number;
  /** The same where that takes long: at least this often. */
  readonly fullMsMax: number;
  /** How often devices are read while there are no events. */
  readonly pollMs: number;
  /** How long after a device appeared its devlink port is looked for once more. */
  readonly devlinkSettleMs: number;
  /** Waiting after a failed reading. */
  readonly retry: { readonly baseMs: number; readonly capMs: number };
}

export const inventoryTiming: InventoryTiming = {
  coalesceMs: 30,
  fullMs: 60_000,
  fullMsMax: 300_000,
  pollMs: 5_000,
  devlinkSettleMs: 1_000,
  retry: { baseMs: 500, capMs: 15_000 },
};

/**
 * After a look, at least this many times its duration passes before the next: a storm of events then costs at most a
 * quarter of one core.
 */
const restFactor = 3;

/**
 * With events, the look at everything is for what passed unheard. It takes place at most once in so many times the duration of the last
 * one, so that it costs an idle agent a thousandth of a core at most, however many devices there are and however they are read;
 * unless it takes so long that `fullMsMax` comes first.
 */
const fullRestFactor = 1_000;

export interface InventoryOptions {
  readonly links: LinkReader;
  readonly clock: Clock;
  /** Draws from [0, 1), for the backoff. */
  readonly random: () => number;
  readonly finder: RepresentorFinder;
  readonly monitor: LinkMonitor;
  /** Without it, representors are told apart by their port names only. */
  readonly devlink?: DevlinkReader | undefined;
  readonly timing?: InventoryTiming;
}

/** Whether devlink had a say in the last look. */
export type DevlinkState =
  | { readonly kind: 'unused' }
  | { readonly kind: 'answered'; readonly portCount: number; readonly rejected: ReadonlyMap<string, string> }
  | { readonly kind: 'unavailable'; readonly code: DevlinkUnavailableCode; readonly reason: string };

/** How well the inventory knows the world. */
export interface InventoryStatus {
  /** Whether one complete look has been made. Before that the snapshot is empty and means nothing. */
  readonly isSynced: boolean;
  readonly watch: WatchState;
  /** What the last look was made of; undefined before the first. */
  readonly source: LinkSource | undefined;
  readonly devlink: DevlinkState;
  /** Looks that succeeded and failed, since the start. */
  readonly lookCount: number;
  readonly failureCount: number;
  /** Monotonic time of the last look that succeeded, and how long it took. */
  readonly lookedMs: number | undefined;
  readonly durationMs: number | undefined;
  /** Why the last look failed; undefined when it did not. */
  readonly lastError: Error | undefined;
  /** Devices that are there and could not be read, with the reason; their last reading stands. */
  readonly unreadable: ReadonlyMap<string, string>;
}

export type ChangeListener = (changes: readonly NetdevChange[], snapshot: NetdevMap) => void;

type Breadth = 'links' | 'full';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What devlink said of a device, and of which one: a name may since have passed to another. */
interface KnownPort {
  readonly ifindex: number;
  readonly port: DevlinkPort;
}

export class Inventory {
  readonly #options: InventoryOptions;
  readonly #clock: Clock;
  readonly #timing: InventoryTiming;
  readonly #listeners = new Set<ChangeListener>();
  readonly #abort = new AbortController();
  #snapshot: NetdevMap = new Map<string, Netdev>();
  #links: ReadonlyMap<string, LinkFacts> = new Map<string, LinkFacts>();
  #knownPorts: ReadonlyMap<string, KnownPort> = new Map<string, KnownPort>();
  #status: InventoryStatus = {
    isSynced: false,
    watch: { mode: 'polling', reason: 'the monitor has not started yet' },
    source: undefined,
    devlink: { kind: 'unused' },
    lookCount: 0,
    failureCount: 0,
    lookedMs: undefined,
    durationMs: undefined,
    lastError: undefined,
    unreadable: new Map<string, string>(),
  };
  #isStarted = false;
  /** What has been asked for since the running look began. */
  #pending: Breadth | undefined;
  #running: Promise<void> | undefined;
  #lookTimer: Timer | undefined;
  #slowTimer: Timer | undefined;
  #settleTimer: Timer | undefined;
  /** Waiting for a look that begins after they came. */
  #waiters: Waiter[] = [];
  /** When the last look at everything began, and when the next one is due. */
  #fullMs = -Infinity;
  #nextFullMs = -Infinity;
  #failuresInRow = 0;

  constructor(options: InventoryOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#timing = options.timing ?? inventoryTiming;
  }

  /**
   * Begins to watch, and resolves after the first complete look, which is tried until it succeeds.
   * @throws AgentError CLIENT_CLOSED when `close` is called before that
   */
  start(): Promise<void> {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#options.monitor.start({
        look: () => this.#request('links', this.#timing.coalesceMs),
        watchChanged: (watch) => this.#watchChanged(watch),
      });
    }
    if (this.#status.isSynced) return Promise.resolve();
    return this.#waitForLook();
  }

  /** All devices as last seen. A new map after each change; devices that did not change keep their object. */
  snapshot(): NetdevMap {
    return this.#snapshot;
  }

  /** How well the snapshot is known. */
  status(): InventoryStatus {
    return this.#status;
  }

  /** How changes are noticed. */
  get watch(): WatchState {
    return this.#status.watch;
  }

  /** Looks for a representor in the snapshot. */
  find(selector: RepresentorSelector): FindResult {
    return this.#options.finder.find(selector, this.#snapshot);
  }

  /**
   * Calls `listener` with the differences after each look that found any, until the returned function is called. The
   * first look tells all devices as appeared. A listener must not throw: what it throws ends the process.
   */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Looks at everything now, devlink too, and resolves when a look that began after the call has succeeded.
   * @throws AgentError CLIENT_CLOSED
   */
  refresh(): Promise<void> {
    return this.#waitForLook();
  }

  /** Stops watching, ends the monitor, and resolves when nothing of it is left running. */
  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(closedError());
    this.#lookTimer?.cancel();
    this.#slowTimer?.cancel();
    this.#settleTimer?.cancel();
    await Promise.all([this.#options.monitor.close(), this.#running]);
    this.#listeners.clear();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(closedError());
  }

  #waitForLook(): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#lookTimer?.cancel();
      this.#lookTimer = undefined;
      this.#request('full', 0);
    });
  }

  #watchChanged(watch: WatchState): void {
    this.#status = { ...this.#status, watch };
    this.#armSlowTimer();
  }

  /** Asks for one more look. Requests while one is running or waiting are merged into one. */
  #request(breadth: Breadth, waitMs: number): void {
    if (this.#abort.signal.aborted) return;
    if (this.#pending !== 'full') this.#pending = breadth;
    if (this.#running !== undefined || this.#lookTimer !== undefined) return;
    this.#lookTimer = this.#clock.after(waitMs, () => {
      this.#lookTimer = undefined;
      this.#running = this.#run();
    });
  }

  /**
   * Set anew after each look, when its cost is known. Looks for events do not put off the one at everything. While a look fails, it
   * is tried again anyway.
   */
  #armSlowTimer(): void {
    this.#slowTimer?.cancel();
    if (this.#abort.signal.aborted || !this.#status.isSynced) return;
    const untilFullMs = Math.max(0, this.#nextFullMs - this.#clock.nowMs());
    const waitMs = this.#status.watch.mode === 'events' ? untilFullMs : this.#timing.pollMs;
    this.#slowTimer = this.#clock.after(waitMs, () => {
      const isFullDue = this.#clock.nowMs() - this.#fullMs >= this.#timing.fullMs;
      this.#request(isFullDue ? 'full' : 'links', 0);
    });
  }

  #fullRestMs(durationMs: number): number {
    const { fullMs, fullMsMax } = this.#timing;
    return Math.max(fullMs, Math.min(fullMsMax, fullRestFactor * durationMs));
  }

  async #run(): Promise<void> {
    const breadth = this.#takePending();
    const waiters = this.#waiters.splice(0);
    const startMs = this.#clock.nowMs();
    const next = await this.#tryLook(breadth, startMs);
    this.#running = undefined;
    if (next === undefined) {
      this.#waiters.unshift(...waiters);
      this.#request(breadth, this.#retryMs());
      return;
    }
    this.#armSlowTimer();
    this.#runAgain(this.#clock.nowMs() - startMs);
    this.#publish(next);
    for (const waiter of waiters) waiter.resolve();
  }

  #takePending(): Breadth {
    const breadth = this.#pending ?? 'links';
    this.#pending = undefined;
    return breadth;
  }

  /** What was asked for while a look was running is done next: at once for who waits, else after a rest. */
  #runAgain(durationMs: number): void {
    if (this.#pending === undefined) return;
    const restMs = Math.max(this.#timing.coalesceMs, restFactor * durationMs);
    this.#request(this.#pending, this.#waiters.length > 0 ? 0 : restMs);
  }

  #retryMs(): number {
    this.#failuresInRow += 1;
    return backoffMs(this.#failuresInRow - 1, this.#timing.retry, this.#options.random());
  }

  /** The devices as they are now, or undefined with the reason in the status. */
  async #tryLook(breadth: Breadth, startMs: number): Promise<NetdevMap | undefined> {
    try {
      const next = await this.#look(breadth);
      this.#failuresInRow = 0;
      const durationMs = this.#clock.nowMs() - startMs;
      const lookCount = this.#status.lookCount + 1;
      this.#status = {
        ...this.#status,
        isSynced: true,
        lookCount,
        lookedMs: startMs,
        durationMs,
        lastError: undefined,
      };
      if (breadth === 'full') {
        this.#fullMs = startMs;
        this.#nextFullMs = this.#clock.nowMs() + this.#fullRestMs(durationMs);
      }
      return next;
    } catch (error) {
      this.#status = { ...this.#status, failureCount: this.#status.failureCount + 1, lastError: toError(error) };
      return undefined;
    }
  }

  async #look(breadth: Breadth): Promise<NetdevMap> {
    const { signal } = this.#abort;
    const reading = await this.#options.links.read(signal);
    const links = new Map(reading.netdevs);
    // What could not be read this time is not gone: its last reading stands.
    for (const name of reading.unreadable.keys()) {
      const former = this.#links.get(name);
      if (former !== undefined) links.set(name, former);
    }
    const hasNew = hasNewDevice(this.#links, links);
    if (breadth === 'full' || hasNew) await this.#askDevlink(links, signal);
    signal.throwIfAborted();
    if (hasNew) this.#settleDevlink();
    this.#links = links;
    this.#status = { ...this.#status, unreadable: reading.unreadable, source: reading.source };
    return this.#options.finder.identify(links.values(), (link) => this.#portOf(link));
  }

  /**
   * Which function a representor stands for does not change in its life, so devlink is asked only when there is a new
   * device, and in each full look for the functions' states. Where it fails, what it said of the same device stands.
   */
  async #askDevlink(links: ReadonlyMap<string, LinkFacts>, signal: AbortSignal): Promise<void> {
    const answer = await this.#options.devlink?.ports(signal);
    if (answer === undefined) return;
    if (answer.kind === 'unavailable') {
      this.#status = { ...this.#status, devlink: answer };
      return;
    }
    const { ports, rejected } = answer.value;
    const known = new Map<string, KnownPort>();
    for (const port of ports) {
      const link = port.netdev === undefined ? undefined : links.get(port.netdev);
      if (link !== undefined) known.set(link.name, { ifindex: link.ifindex, port });
    }
    this.#knownPorts = known;
    this.#status = { ...this.#status, devlink: { kind: 'answered', portCount: ports.length, rejected } };
  }

  /** A driver registers the device first and ties it to its devlink port afterwards: the port is looked for once more. */
  #settleDevlink(): void {
    if (this.#status.devlink.kind !== 'answered') return;
    this.#settleTimer?.cancel();
    this.#settleTimer = this.#clock.after(this.#timing.devlinkSettleMs, () => this.#request('full', 0));
  }

  #portOf(link: LinkFacts): DevlinkPort | undefined {
    const known = this.#knownPorts.get(link.name);
    return known?.ifindex === link.ifindex ? known.port : undefined;
  }

  #publish(next: NetdevMap): void {
    const before = this.#snapshot;
    const changes = diffNetdevs(before, next);
    if (changes.length === 0) return;
    this.#snapshot = keepUnchanged(before, next);
    if (this.#abort.signal.aborted) return;
    for (const listener of [...this.#listeners]) listener(changes, this.#snapshot);
  }
}

function closedError(): AgentError {
  return new AgentError('CLIENT_CLOSED', 'the inventory of network devices is closed');
}

/** Whether a device is there that was not there under that name. */
function hasNewDevice(before: ReadonlyMap<string, LinkFacts>, after: ReadonlyMap<string, LinkFacts>): boolean {
  for (const link of after.values()) if (before.get(link.name)?.ifindex !== link.ifindex) return true;
  return false;
}

/** `next`, with the former object of each device that did not change. */
function keepUnchanged(before: NetdevMap, next: NetdevMap): NetdevMap {
  const kept = new Map<string, Netdev>();
  for (const [name, netdev] of next) {
    const former = before.get(name);
    kept.set(name, former !== undefined && differingFields(former, netdev).length === 0 ? former : netdev);
  }
  return kept;
}
