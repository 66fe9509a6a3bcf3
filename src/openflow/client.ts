/**
 * The OpenFlow client of one switch: keeps a session alive, changes and reads flows, groups, meters and ports, and reports
 * what the switch says unasked. It remembers nothing of what it changed: after each connection the caller reads the switch
 * and compares.
 */

import { EventEmitter } from 'node:events';
import type { Clock } from '../lib/clock.js';
import { systemClock } from '../lib/clock.js';
import { AgentError, toError } from '../lib/errors.js';
import type { LinkEffect, LinkTiming } from '../lib/link.js';
import { sendBatch } from './batch.js';
import { runBundle } from './bundle.js';
import { Connection } from './connection.js';
import { dial } from './dial.js';
import type { TlsFiles } from './dial.js';
import { formatEndpoint } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import { publish } from './events.js';
import type { ClientState, OpenFlowEvents } from './events.js';
import type { AggregateStats, FlowFilter, FlowStats } from './flow.js';
import { LinkShell } from './link-shell.js';
import { MonitorStream } from './monitor.js';
import type { MonitorOptions } from './monitor.js';
import { PacketQueue } from './packet-queue.js';
import { refuseAborted } from './pending.js';
import type { CallContext, CallOptions } from './pending.js';
import * as queries from './queries.js';
import { OpenFlowRefusal } from './refusal.js';
import { waitReady } from './wait-ready.js';
import { versionName, versionsSpoken } from './version.js';
import type { Version } from './version.js';
import type { ByteWriter } from './wire/byte-writer.js';
import { encodeChange } from './wire/change.js';
import type { BundleMessage, ChangeMessage } from './wire/change.js';
import type { ErrorMessage } from './wire/error-message.js';
import type { FlowUpdate } from './wire/flow-monitor.js';
import type { Group, GroupStats } from './wire/groups.js';
import { messageType } from './wire/header.js';
import { decodeMessage } from './wire/message.js';
import type { Meter } from './wire/meters.js';
import type { PacketOut } from './wire/packets.js';
import type { PortDesc, PortStats } from './wire/ports.js';
import type { AsyncFilter, Features, Role, RoleState, SwitchConfig } from './wire/session-messages.js';
import type { TableStats } from './wire/tables.js';

export interface OpenFlowClientOptions {
  readonly endpoint: Endpoint;
  /** Versions to offer. Default: 1.5, 1.4 and 1.3. */
  readonly versions?: readonly Version[];
  /** For `ssl:` endpoints. */
  readonly tls?: TlsFiles;
  /** What the switch shall report unasked. Default: ports and removed flows, but no packets. */
  readonly asyncFilter?: AsyncFilter;
  readonly timing?: Partial<LinkTiming>;
  readonly clock?: Clock;
  /** A number in [0, 1), for the jitter of the backoff. */
  readonly random: () => number;
}

/** What became of one message of `changeAll`. */
export type MessageResult = { readonly isApplied: true } | { readonly isApplied: false; readonly error: ErrorMessage };

const timingDefault: LinkTiming = {
  dialMsMax: 5000,
  probeMs: 5000,
  usefulMsMin: 1000,
  freeTries: 0,
  backoff: { baseMs: 500, capMs: 8000 },
};
const asyncDefault: AsyncFilter = { packetIn: false, portStatus: true, flowRemoved: true };

export class OpenFlowClient extends EventEmitter<OpenFlowEvents> {
  readonly #options: OpenFlowClientOptions;
  readonly #clock: Clock;
  readonly #endpoint: string;
  readonly #link: LinkShell;
  readonly #packets: PacketQueue;
  #state: ClientState = { kind: 'idle' };
  #dialing: AbortController | undefined;
  #connection: Connection | undefined;
  #monitor: MonitorStream | undefined;
  #nextBundle = 1;

  constructor(options: OpenFlowClientOptions) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#endpoint = formatEndpoint(options.endpoint);
    this.#link = new LinkShell({
      clock: this.#clock,
      timing: { ...timingDefault, ...options.timing },
      random: options.random,
      carryOut: (effect) => this.#carryOut(effect),
    });
    this.#packets = new PacketQueue(
      (bytes) => this.#reportPacket(bytes),
      (count) => publish({ endpoint: this.#endpoint, kind: 'packetsDropped', count }),
    );
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Begins to connect, and goes on until `close`. */
  start(): void {
    if (this.#state.kind !== 'idle') return;
    this.#become({ kind: 'connecting' });
    this.#link.start();
  }

  /** Hangs up for good. What is outstanding fails with CLIENT_CLOSED. */
  close(): void {
    if (this.#state.kind === 'closed') return;
    this.#link.stop();
    this.#dialing?.abort();
    this.#packets.clear();
    const connection = this.#connection;
    this.#connection = undefined;
    this.#become({ kind: 'closed' });
    connection?.close(new AgentError('CLIENT_CLOSED', 'the OpenFlow client was closed'));
  }

  /**
   * Waits until requests can be sent.
   * @throws AgentError DEADLINE_EXCEEDED, ABORTED, CLIENT_CLOSED
   */
  async ready(options: CallOptions = {}): Promise<Features> {
    refuseAborted(options.signal);
    if (this.#state.kind === 'ready') return this.#state.features;
    return waitReady(this, this.#clock, options, () => this.#lastError());
  }

  /**
   * Sends one change and a barrier: on return the switch has carried it out.
   * @throws OpenFlowRefusal, and AgentError as every call
   */
  async change(message: ChangeMessage, options: CallOptions = {}): Promise<void> {
    const [result] = await this.changeAll([message], options);
    if (result?.isApplied !== false) return;
    throw new OpenFlowRefusal('the switch refused a change', [{ index: 0, error: result.error }], result.error.name);
  }

  /**
   * Sends changes one after the other, and one barrier. Each is applied or refused on its own; use `bundle` for all or
   * nothing. Nothing is sent when one of them cannot be encoded.
   */
  async changeAll(messages: readonly ChangeMessage[], options: CallOptions = {}): Promise<readonly MessageResult[]> {
    const context = this.#context();
    const { version } = context.connection;
    const startMs = this.#clock.nowMs();
    const encodeAt = (writer: ByteWriter, index: number, xid: number): void => {
      const message = messages[index];
      if (message !== undefined) encodeChange(writer, version, xid, message);
    };
    const errors = await sendBatch(context, messages.length, encodeAt, options, true);
    this.#published(messages.length, errors.size, startMs);
    return messages.map((_, index) => resultOf(errors.get(index)));
  }

  /**
   * Carries out flow, group and packet messages together or not at all.
   * @throws OpenFlowRefusal when nothing was applied, with the refused messages; AgentError as every call
   */
  async bundle(messages: readonly BundleMessage[], options: CallOptions = {}): Promise<void> {
    if (messages.length === 0) return;
    const startMs = this.#clock.nowMs();
    const bundle = this.#nextBundle;
    this.#nextBundle = (this.#nextBundle % 0x7fff_ffff) + 1;
    try {
      await runBundle(this.#context(), messages, bundle, options);
      this.#published(messages.length, 0, startMs);
    } catch (error) {
      if (error instanceof OpenFlowRefusal) this.#published(messages.length, error.refusals.length, startMs);
      throw error;
    }
  }

  /** Waits until the switch has done everything that was sent before. */
  async barrier(options: CallOptions = {}): Promise<void> {
    await sendBatch(this.#context(), 0, () => undefined, options, true);
  }

  /** Sends a packet. Only a refusal is answered, so the barrier behind it tells that there was none. */
  async packetOut(packet: Omit<PacketOut, 'kind'>, options: CallOptions = {}): Promise<void> {
    await this.change({ kind: 'packetOut', ...packet }, options);
  }

  /** The flows of a filter, one after the other; the switch waits for a slow reader. A partial dump ends with an error. */
  async *dumpFlows(filter: FlowFilter = {}, options: CallOptions = {}): AsyncGenerator<FlowStats, void, undefined> {
    for await (const flows of queries.dumpFlowParts(this.#context(), filter, options)) yield* flows;
  }

  /** As `dumpFlows`, in the portions of the switch, some hundred flows each. */
  async *dumpFlowParts(
    filter: FlowFilter = {},
    options: CallOptions = {},
  ): AsyncGenerator<readonly FlowStats[], void, undefined> {
    yield* queries.dumpFlowParts(this.#context(), filter, options);
  }

  /** Sums over the flows of a filter. */
  async aggregate(filter: FlowFilter = {}, options: CallOptions = {}): Promise<AggregateStats> {
    return queries.aggregate(this.#context(), filter, options);
  }

  async portDescs(options: CallOptions = {}): Promise<readonly PortDesc[]> {
    return queries.portDescs(this.#context(), options);
  }

  /** Counters of one port, or of all. */
  async portStats(port?: number, options: CallOptions = {}): Promise<readonly PortStats[]> {
    return queries.portStats(this.#context(), port, options);
  }

  async tableStats(options: CallOptions = {}): Promise<readonly TableStats[]> {
    return queries.tableStats(this.#context(), options);
  }

  async groups(options: CallOptions = {}): Promise<readonly Group[]> {
    return queries.groups(this.#context(), options);
  }

  /** Counters of one group, or of all. */
  async groupStats(group?: number, options: CallOptions = {}): Promise<readonly GroupStats[]> {
    return queries.groupStats(this.#context(), group, options);
  }

  async meters(options: CallOptions = {}): Promise<readonly Meter[]> {
    return queries.meters(this.#context(), options);
  }

  async config(options: CallOptions = {}): Promise<SwitchConfig> {
    return queries.config(this.#context(), options);
  }

  /** Asks for or takes a role. Never take `primary` on a bridge that has a controller: it demotes the others. */
  async role(role: Role = 'nochange', generation = 0n, options: CallOptions = {}): Promise<RoleState> {
    return queries.role(this.#context(), role, generation, options);
  }

  /**
   * The changes of flows from now on, at first the flows that are there. One monitor at a time: updates do not say to
   * which they belong. Ends with an error when the connection is lost; begin again after `ready`.
   */
  async *monitorFlows(
    filter: FlowFilter = {},
    options: MonitorOptions = {},
  ): AsyncGenerator<FlowUpdate, void, undefined> {
    if (this.#monitor !== undefined) {
      throw new AgentError('LIMIT_EXCEEDED', 'a flow monitor of this client is running already');
    }
    const stream = new MonitorStream(this.#context(), filter, options);
    this.#monitor = stream;
    try {
      yield* stream.read();
    } finally {
      this.#monitor = undefined;
    }
  }

  #carryOut(effect: LinkEffect): void {
    switch (effect) {
      case 'dial':
        void this.#dial();
        return;
      case 'probe':
        // A connection that we do not read cannot show that it lives.
        if (this.#connection?.isPaused === true) this.#link.report('heard');
        else this.#connection?.probe();
        return;
      case 'read':
        // Two turns: the first can be over before the socket is polled.
        setImmediate(() => setImmediate(() => this.#link.report('readTried')));
        return;
      case 'hangUp':
        this.#dialing?.abort();
        this.#connection?.close(new AgentError('CONNECTION_LOST', 'the switch gave no sign of life'));
    }
  }

  async #dial(): Promise<void> {
    const dialing = new AbortController();
    this.#dialing = dialing;
    this.#become({ kind: 'connecting' });
    try {
      const socket = await dial(this.#options.endpoint, this.#options.tls, dialing.signal);
      this.#link.report('connected');
      this.#connection = this.#connect(socket);
    } catch (error) {
      if (dialing.signal.aborted && this.#state.kind === 'closed') return;
      this.#lost(toError(error));
    }
  }

  #connect(socket: ConstructorParameters<typeof Connection>[0]): Connection {
    const connection: Connection = new Connection(socket, {
      versions: this.#options.versions ?? versionsSpoken,
      asyncFilter: this.#options.asyncFilter ?? asyncDefault,
      onHeard: () => this.#link.report('heard'),
      onReady: (version, features) => {
        this.#link.report('useful');
        publish({ endpoint: this.#endpoint, kind: 'ready', version: versionName(version) });
        this.#become({ kind: 'ready', version, features });
      },
      onLost: (error) => {
        if (this.#connection !== connection) return;
        this.#connection = undefined;
        this.#lost(error);
      },
      onAsync: (type, bytes) => this.#unasked(type, bytes),
      onStrayError: (xid, error) => this.#strayError(xid, error),
    });
    return connection;
  }

  #lost(error: Error): void {
    this.#packets.clear();
    publish({ endpoint: this.#endpoint, kind: 'lost', error });
    this.#become({ kind: 'waiting', error });
    this.#link.report('lost');
  }

  #unasked(type: number, bytes: Uint8Array): void {
    if (type === messageType.packetIn) this.#packets.push(bytes);
    else if (type === messageType.multipartReply) this.#monitor?.push(bytes);
    else this.#report(bytes);
  }

  /** Packets are decoded in their own turn, where nothing above would catch what a broken one causes. */
  #reportPacket(bytes: Uint8Array): void {
    try {
      this.#report(bytes);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#connection?.close(error);
    }
  }

  #report(bytes: Uint8Array): void {
    const { body } = decodeMessage(bytes);
    if (body.kind === 'portStatus') this.emit('portStatus', body.status);
    if (body.kind === 'flowRemoved') this.emit('flowRemoved', body.flow);
    if (body.kind === 'packetIn') this.emit('packetIn', body.packet);
  }

  /** Open vSwitch answers a monitor that it refuses with an error of xid 0. */
  #strayError(xid: number, error: ErrorMessage): void {
    if (xid === 0 && this.#monitor?.isStarting === true) this.#monitor.refuse(error);
    else publish({ endpoint: this.#endpoint, kind: 'strayError', name: error.name, xid });
  }

  #become(state: ClientState): void {
    if (this.#state.kind === 'closed') return;
    this.#state = state;
    this.emit('state', state);
  }

  #lastError(): Error | undefined {
    return this.#state.kind === 'waiting' ? this.#state.error : undefined;
  }

  #context(): CallContext {
    const connection = this.#connection;
    if (this.#state.kind === 'closed') throw new AgentError('CLIENT_CLOSED', 'the OpenFlow client was closed');
    if (connection === undefined || this.#state.kind !== 'ready') {
      throw new AgentError('NOT_CONNECTED', 'the switch is not connected', {
        facts: { endpoint: this.#endpoint },
        cause: this.#lastError(),
      });
    }
    return { connection, clock: this.#clock };
  }

  #published(messages: number, refused: number, startMs: number): void {
    publish({ endpoint: this.#endpoint, kind: 'changed', messages, refused, ms: this.#clock.nowMs() - startMs });
  }
}

function resultOf(error: ErrorMessage | undefined): MessageResult {
  return error === undefined ? { isApplied: true } : { isApplied: false, error };
}
