/**
 * Sessions with the bridges that carry chains: keeps the flows of each as last seen, by dump and flow monitor, and carries
 * out changes as bundles. What the loop sees of a bridge is complete or nothing: from a lost connection or a paused monitor
 * until the next dump there are no flows to believe.
 */

import { watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { SessionTelemetry } from '../agent/api-view.js';
import type { FlowApplyResult, FlowSwitches } from '../agent/chain-ports.js';
import type { Unsubscribe } from '../agent/ports.js';
import { defaultCookieTag, isOwnCookie } from '../chain/chain-id.js';
import type { FlowChange, ObservedFlows } from '../chain/plan-flows.js';
import { pipelinePriorities, priorities, tables } from '../chain/tables.js';
import type { Clock, Timer } from '../lib/clock.js';
import { AgentError, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { ObservedFlow } from '../model/flow.js';
import { flowKey } from '../model/flow-text.js';
import { OpenFlowClient, OpenFlowRefusal, type FlowUpdate } from '../openflow/index.js';
import { fromSeenFlow, toFlowMod } from './translate-flows.js';

export interface OpenFlowSwitchesOptions {
  /** Directory of the `<bridge>.mgmt` sockets. */
  readonly runDir: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told when a bridge's flows could not be followed; the session tries again by itself. */
  readonly onTrouble: (bridge: string, error: Error) => void;
}

/** Deadline of one bundle or dump, ms. */
const requestMs = 10_000;
/** Rest before flows are read again after a failure, ms. */
const rereadMs = 500;
/** Time between two readings of a bridge whose switch offers no flow monitor, ms. */
const pollMs = 1_000;
/** Gathering time of what switches learn, ms. A learned flow that is wrong floods; it leads nowhere else. */
const learnedMs = 1_000;
/**
 * The socket of a bridge is on this machine. That vswitchd has made it anew is told by its directory; then the first tries
 * follow one another quickly, for it is made before anybody listens on it. Else a try now and then is enough.
 */
const linkTiming = { backoff: { baseMs: 5, capMs: 500 }, probeMs: 5_000 };
const socketSuffix = '.mgmt';

/** One bridge: its session, and its flows while they can be believed. */
class BridgeSession {
  readonly #bridge: string;
  readonly #options: OpenFlowSwitchesOptions;
  readonly #onChange: () => void;
  #client: OpenFlowClient;
  readonly #abort = new AbortController();
  #flows: Map<string, ObservedFlow> | undefined;
  #list: readonly ObservedFlow[] | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  /** What the monitor tells during a reading. */
  #late: FlowEvent[] | undefined;
  /** Ends the following of one connection. */
  #following: AbortController | undefined;
  #retry: Timer | undefined;
  /** The monitor has stopped telling for want of memory in the switch, and will say when it goes on. */
  #isPaused = false;
  /** The switch refused to be monitored: it is read again and again. */
  #isUnmonitored = false;
  #connects = 0;
  #failures = 0;
  /** When the loop will hear of what was learned. */
  #telling: Timer | undefined;

  constructor(bridge: string, options: OpenFlowSwitchesOptions, onChange: () => void) {
    this.#bridge = bridge;
    this.#options = options;
    this.#onChange = onChange;
    this.#client = this.#createClient();
    this.#client.start();
  }

  #createClient(): OpenFlowClient {
    const { clock, random, runDir } = this.#options;
    const path = join(runDir, `${this.#bridge}${socketSuffix}`);
    const client = new OpenFlowClient({ endpoint: { kind: 'unix', path }, clock, random, timing: linkTiming });
    client.on('state', (state) => {
      if (client !== this.#client) return;
      if (state.kind === 'waiting' && state.error !== undefined) this.#failures += 1;
      if (state.kind !== 'ready') {
        this.#forget();
        return;
      }
      this.#connects += 1;
      this.#isUnmonitored = false;
      this.#follow();
    });
    return client;
  }

  /** The socket was made anew: dials at once, however long the wait for the next try would have been. */
  wake(): void {
    if (this.#client.state.kind === 'ready' || this.#abort.signal.aborted) return;
    const former = this.#client;
    this.#client = this.#createClient();
    former.close();
    this.#client.start();
  }

  /** For metrics: up is a session whose flows can be believed. */
  telemetry(): SessionTelemetry {
    const isUp = this.#flows !== undefined;
    return { protocol: 'openflow', peer: this.#bridge, isUp, connects: this.#connects, failures: this.#failures };
  }

  /** The flows of the bridge that concern chains; undefined while they are not known. */
  flows(): readonly ObservedFlow[] | undefined {
    if (this.#flows === undefined) return undefined;
    this.#list ??= [...this.#flows.values()];
    return this.#list;
  }

  async apply(changes: readonly FlowChange[], signal: AbortSignal): Promise<FlowApplyResult> {
    try {
      await this.#client.bundle(changes.map(toFlowMod), { signal, deadlineMs: requestMs });
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const message = safeText(describe(error, changes), 512);
      return { kind: error.isOutcomeUnknown ? 'unknown' : 'refused', message };
    }
    await this.#readBack(signal);
    return { kind: 'applied' };
  }

  /** Read rather than believed: what the bundle did is what the switch says it did. */
  async #readBack(signal: AbortSignal): Promise<void> {
    try {
      await this.#read(signal);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      // The change is made; only its evidence is missing. Without a connection the next one brings it.
      if (!signal.aborted && this.#client.state.kind === 'ready') this.#startOver(error);
    }
  }

  close(): void {
    this.#abort.abort();
    this.#retry?.cancel();
    this.#following?.abort();
    this.#client.close();
    this.#telling?.cancel();
  }

  #forget(): void {
    this.#following?.abort();
    this.#following = undefined;
    this.#retry?.cancel();
    this.#distrust();
  }

  #distrust(): void {
    if (this.#flows === undefined) return;
    this.#flows = undefined;
    this.#changed();
  }

  #follow(): void {
    this.#following?.abort();
    const following = new AbortController();
    this.#following = following;
    const { signal } = following;
    this.#watch(signal).catch((error: unknown) => {
      if (!signal.aborted && !this.#abort.signal.aborted) this.#startOver(error);
    });
  }

  #startOver(error: unknown): void {
    this.#options.onTrouble(this.#bridge, toError(error));
    this.#forget();
    this.#retry = this.#options.clock.after(rereadMs, () => this.#follow());
  }

  /** Subscribes to changes, then reads all flows; changes that come meanwhile are applied after. */
  async #watch(signal: AbortSignal): Promise<void> {
    this.#isPaused = false;
    if (this.#isUnmonitored) {
      await this.#read(signal);
      this.#retry = this.#options.clock.after(pollMs, () => this.#follow());
      return;
    }
    // The stream is taken while the dump is read: what waits in it would keep the connection from being read at all.
    await Promise.all([this.#takeAll(signal), this.#read(signal)]);
  }

  /** Takes what the monitor tells, until the connection is lost or the signal ends it. */
  async #takeAll(signal: AbortSignal): Promise<void> {
    try {
      for await (const update of this.#client.monitorFlows({}, { signal, withInitial: false })) {
        this.#take(update, signal);
      }
    } catch (error) {
      // Open vSwitch has monitors for OpenFlow 1.3 to 1.5 since 3.0 only.
      this.#isUnmonitored ||= error instanceof OpenFlowRefusal;
      throw error;
    }
  }

  /** Reads all flows; one reading at a time, each begun after it was asked for. */
  #read(signal: AbortSignal): Promise<void> {
    const reading = this.#reading.then(() => this.#readNow(signal));
    // The caller hears of a failure; the next reading must not.
    this.#reading = reading.catch(() => undefined);
    return reading;
  }

  async #readNow(signal: AbortSignal): Promise<void> {
    const flows = new Map<string, ObservedFlow>();
    const late: FlowEvent[] = [];
    this.#late = late;
    try {
      for await (const part of this.#client.dumpFlowParts({}, { signal, deadlineMs: requestMs })) {
        for (const stats of part) if (isConcerned(stats)) put(flows, fromSeenFlow(stats));
      }
    } finally {
      this.#late = undefined;
    }
    // What changed meanwhile was thrown away by the switch; it is read again as soon as the monitor goes on.
    if (this.#isPaused) return;
    // A change that was told during the dump may be missing from it; telling it twice does no harm.
    for (const event of late) applyEvent(flows, event);
    this.#flows = flows;
    this.#changed();
  }

  #take(update: FlowUpdate, signal: AbortSignal): void {
    switch (update.kind) {
      case 'abbreviated':
        return;
      case 'paused':
        this.#isPaused = true;
        this.#distrust();
        return;
      case 'resumed':
        this.#isPaused = false;
        this.#readBack(signal).catch((error: unknown) => this.#startOver(error));
        return;
      default:
        if (isConcerned(update)) this.#takeEvent(update);
    }
  }

  #takeEvent(event: FlowEvent): void {
    this.#late?.push(event);
    if (this.#flows === undefined) return;
    applyEvent(this.#flows, event);
    if (isLearning(event)) this.#changedLater();
    else this.#changed();
  }

  /** What a switch learns is its own doing, thousands of times a second perhaps; that it is right is looked at seldom. */
  #changedLater(): void {
    this.#list = undefined;
    this.#telling ??= this.#options.clock.after(learnedMs, () => this.#changed());
  }

  #changed(): void {
    this.#telling?.cancel();
    this.#telling = undefined;
    this.#list = undefined;
    this.#onChange();
  }
}

/** An update that tells of a flow, as opposed to the stream. */
type FlowEvent = Extract<FlowUpdate, { readonly table: number }>;

type SeenPlace = Pick<FlowEvent, 'table' | 'priority' | 'cookie'>;

/**
 * Whether the loop may have to know of the flow: it is the agent's, or could be in the place of one. A bridge may have a
 * hundred thousand others, which are not kept.
 */
function isConcerned({ table, priority, cookie }: SeenPlace): boolean {
  return isOwnCookie(cookie, defaultCookieTag) || pipelinePriorities.get(table)?.has(priority) === true;
}

/** Whether it is a flow of the agent's as its switches learn them. */
function isLearning({ table, priority, cookie }: SeenPlace): boolean {
  const isLearned = priority === priorities.learned && (table === tables.home || table === tables.station);
  return isLearned && isOwnCookie(cookie, defaultCookieTag);
}

function put(flows: Map<string, ObservedFlow>, flow: ObservedFlow): void {
  flows.set(flowKey(flow), flow);
}

function applyEvent(flows: Map<string, ObservedFlow>, event: FlowEvent): void {
  const flow = fromSeenFlow(event);
  if (event.kind === 'removed') flows.delete(flowKey(flow));
  else put(flows, flow);
}

/** The error, and which change the switch refused. */
function describe(error: AgentError, changes: readonly FlowChange[]): string {
  if (!(error instanceof OpenFlowRefusal)) return error.message;
  const [first] = error.refusals;
  const change = first === undefined ? undefined : changes[first.index];
  const what = change === undefined || change.kind === 'deleteCookie' ? '' : `: ${flowKey(change.flow)}`;
  return `${error.message} (${String(error.facts['reason'])})${what}`;
}

export class OpenFlowSwitches implements FlowSwitches {
  readonly #options: OpenFlowSwitchesOptions;
  readonly #sessions = new Map<string, BridgeSession>();
  readonly #listeners = new Set<() => void>();
  #directory: FSWatcher | undefined;

  constructor(options: OpenFlowSwitchesOptions) {
    this.#options = options;
  }

  watch(bridges: readonly string[]): void {
    const wanted = new Set(bridges);
    for (const [bridge, session] of this.#sessions) {
      if (wanted.has(bridge)) continue;
      session.close();
      this.#sessions.delete(bridge);
    }
    for (const bridge of wanted) {
      if (this.#sessions.has(bridge)) continue;
      this.#sessions.set(bridge, new BridgeSession(bridge, this.#options, () => this.#changed()));
    }
    if (wanted.size > 0) this.#watchDirectory();
    else this.#closeDirectory();
  }

  snapshot(): ObservedFlows {
    const observed = new Map<string, readonly ObservedFlow[]>();
    for (const [bridge, session] of this.#sessions) {
      const flows = session.flows();
      if (flows !== undefined) observed.set(bridge, flows);
    }
    return observed;
  }

  /** The sessions, for metrics; one that is ended is forgotten. */
  sessions(): readonly SessionTelemetry[] {
    return [...this.#sessions.values()].map((session) => session.telemetry());
  }

  apply(bridge: string, changes: readonly FlowChange[], signal: AbortSignal): Promise<FlowApplyResult> {
    const session = this.#sessions.get(bridge);
    if (session !== undefined) return session.apply(changes, signal);
    return Promise.resolve({ kind: 'refused', message: 'there is no session with the bridge' });
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.watch([]);
  }

  /** Without a watch, sockets that come back are found by trying. */
  #watchDirectory(): void {
    if (this.#directory !== undefined) return;
    try {
      this.#directory = watch(this.#options.runDir, { persistent: false }, (_event, file) => {
        if (file?.endsWith(socketSuffix) === true) this.#sessions.get(file.slice(0, -socketSuffix.length))?.wake();
      });
      this.#directory.on('error', () => this.#closeDirectory());
    } catch (error) {
      this.#options.onTrouble(this.#options.runDir, toError(error));
    }
  }

  #closeDirectory(): void {
    this.#directory?.close();
    this.#directory = undefined;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
