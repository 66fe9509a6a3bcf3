/**
 * Keeps one session going: carries out what the link machine decides, dials the endpoints in turn, and starts a session
 * driver on each connection. Used by the client; the only file of the library that sets timers of its own.
 */

import type { Socket } from 'node:net';
import type { Timer } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { initialLink, linkDeadlineMs, stepLink } from '../lib/link.js';
import type { LinkEffect, LinkEvent, LinkState } from '../lib/link.js';
import type { ClientSettings } from './client-options.js';
import { formatEndpoint } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import { publish } from './events.js';
import { SessionDriver } from './session-driver.js';
import type { SessionListener, SessionMemory } from './session-driver.js';
import { addTraffic } from './stats.js';
import type { ClientStats } from './stats.js';
import { dial, tlsFingerprint } from './transport.js';

/** Where the connector is on its way to a session in sync. */
export type Phase = 'connecting' | 'syncing' | 'backoff';

export interface ConnectorListener extends Pick<
  SessionListener,
  'onSynced' | 'onResync' | 'onUpdate' | 'onConditions'
> {
  /** `error`: why the phase before it ended, if it ended badly. */
  onPhase(phase: Phase, error: AgentError | undefined): void;
}

export interface ConnectorOptions {
  readonly settings: ClientSettings;
  readonly memory: SessionMemory;
  readonly stats: ClientStats;
  readonly listener: ConnectorListener;
}

/** How often the certificate files are looked at while a TLS connection is up, ms. */
const tlsWatchMs = 60_000;

export class Connector {
  readonly #options: ConnectorOptions;
  #link: LinkState;
  #timer: Timer | undefined;
  #tlsTimer: Timer | undefined;
  #dialing: AbortController | undefined;
  #session: SessionDriver | undefined;
  #wasSynced = false;
  /** Why we want another connection, until the one that is there has been given up for it. */
  #wish: AgentError | undefined;
  #endpointIndex = 0;
  #isClosed = false;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#link = initialLink(options.settings.clock.nowMs());
  }

  /** The session that is up, in sync or not. */
  get session(): SessionDriver | undefined {
    return this.#session;
  }

  /** The endpoint that is, or was last, dialled. */
  get endpoint(): string {
    return formatEndpoint(this.#endpoint());
  }

  start(): void {
    this.#step('tick');
  }

  /** Ends the connection, if there is one, and begins another. */
  redial(): void {
    this.#wish = new AgentError('CONNECTION_LOST', 'the connection was given up for a new one');
    this.#step('redial');
    this.#wish = undefined;
  }

  /** Ends everything. */
  close(error: AgentError): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#hangUp(error);
  }

  #endpoint(): Endpoint {
    const { endpoints } = this.#options.settings;
    const endpoint = endpoints[this.#endpointIndex % endpoints.length];
    if (endpoint === undefined) throw new RangeError('the list of endpoints is empty');
    return endpoint;
  }

  #step(kind: LinkEvent['kind']): void {
    if (this.#isClosed) return;
    const { clock, timing, random } = this.#options.settings;
    const [state, effects] = stepLink(this.#link, { kind }, clock.nowMs(), timing, random());
    this.#link = state;
    for (const effect of effects) this.#perform(effect);
    // What is heard only moves the deadline away; a timer that fires early finds that out.
    if (kind !== 'heard') this.#arm();
  }

  /** While the link is up, being heard only moves a far deadline: that need not be exact, and messages come fast. */
  #heard(): void {
    const { clock, timing } = this.#options.settings;
    const isRecent = this.#link.kind === 'up' && clock.nowMs() - this.#link.heardMs < timing.probeMs / 100;
    if (!isRecent) this.#step('heard');
  }

  #arm(): void {
    const { clock, timing, keepsProcessAlive } = this.#options.settings;
    this.#timer?.cancel();
    const waitMs = Math.max(0, linkDeadlineMs(this.#link, timing) - clock.nowMs());
    this.#timer = clock.after(waitMs, () => this.#step('tick'), !keepsProcessAlive);
  }

  #perform(effect: LinkEffect): void {
    switch (effect) {
      case 'dial':
        return void this.#dial();
      case 'probe':
        this.#options.stats.probes += 1;
        return this.#session?.probe();
      case 'read': {
        this.#proveRead();
        return;
      }
      case 'hangUp': {
        this.#giveUp();
        return;
      }
    }
  }

  async #dial(): Promise<void> {
    const { settings, stats, listener } = this.#options;
    const dialing = new AbortController();
    this.#dialing = dialing;
    stats.dials += 1;
    listener.onPhase('connecting', undefined);
    try {
      const fingerprint = await this.#fingerprint();
      const socket = await dial(this.#endpoint(), { signal: dialing.signal, tls: settings.tls });
      if (dialing.signal.aborted) socket.destroy();
      else this.#connected(socket, fingerprint);
    } catch (error) {
      // An abandoned dial has been accounted for by whoever abandoned it.
      if (dialing.signal.aborted) return;
      if (!(error instanceof AgentError)) throw error;
      this.#lost(error);
    }
  }

  #connected(socket: Socket, fingerprint: string | undefined): void {
    const { settings, memory, stats, listener } = this.#options;
    this.#dialing = undefined;
    if (!settings.keepsProcessAlive) socket.unref();
    stats.connections += 1;
    this.#wasSynced = false;
    this.#step('connected');
    publish({ kind: 'connected', database: settings.wish.database, endpoint: this.endpoint });
    listener.onPhase('syncing', undefined);
    const session = new SessionDriver({
      stream: socket,
      clock: settings.clock,
      limits: settings.limits,
      wish: settings.wish,
      memory,
      listener: {
        onHeard: () => this.#heard(),
        onSynced: (loaded) => {
          this.#wasSynced = true;
          this.#step('useful');
          listener.onSynced(loaded);
        },
        onResync: () => listener.onResync(),
        onUpdate: (changes) => listener.onUpdate(changes),
        onConditions: () => listener.onConditions(),
        onEnd: (error, isVerdict) => {
          if (session === this.#session) this.#ended(session, error, isVerdict);
        },
      },
    });
    this.#session = session;
    if (fingerprint !== undefined) this.#watchTls(fingerprint);
  }

  /** The session ended by itself. */
  #ended(session: SessionDriver, error: AgentError, isVerdict: boolean): void {
    this.#forget(session);
    this.#lost(error, isVerdict);
  }

  #lost(error: AgentError, isVerdict = false): void {
    this.#report(error);
    this.#step(isVerdict ? 'redial' : 'lost');
    this.#options.listener.onPhase('backoff', error);
  }

  /** The machine gave up what is there: silence, too long a dial, or our own wish for another connection. */
  #giveUp(): void {
    const isDialing = this.#dialing !== undefined;
    if (this.#session !== undefined || isDialing) {
      const error = this.#wish ?? (isDialing ? this.#slowDialError() : silentError(this.endpoint));
      this.#hangUp(error);
      this.#report(error);
      this.#options.listener.onPhase('backoff', error);
    }
    this.#endpointIndex += 1;
  }

  #slowDialError(): AgentError {
    const facts = { endpoint: this.endpoint, dialMsMax: this.#options.settings.timing.dialMsMax };
    return new AgentError('CONNECT_FAILED', 'the server did not answer the connection in time', { facts });
  }

  #hangUp(error: AgentError): void {
    this.#dialing?.abort();
    this.#dialing = undefined;
    const session = this.#session;
    if (session === undefined) return;
    this.#forget(session);
    session.close(error);
  }

  #forget(session: SessionDriver): void {
    this.#session = undefined;
    this.#tlsTimer?.cancel();
    addTraffic(this.#options.stats, session.rpc);
  }

  #report(error: AgentError): void {
    const { stats, settings } = this.#options;
    stats.losses += 1;
    if (error.code === 'PEER_PROTOCOL') stats.protocolErrors += 1;
    const { database } = settings.wish;
    publish({ kind: 'lost', error, wasSynced: this.#wasSynced, database, endpoint: this.endpoint });
    this.#wasSynced = false;
  }

  /** The event loop reads the sockets between timers and immediates: what lay unread has been heard by then. */
  #proveRead(): void {
    const session = this.#session;
    setImmediate(() => {
      if (session === this.#session) this.#step('readTried');
    });
  }

  async #fingerprint(): Promise<string | undefined> {
    const { tls } = this.#options.settings;
    return this.#endpoint().kind === 'tls' && tls !== undefined ? tlsFingerprint(tls) : undefined;
  }

  /** Looks whether the certificate files changed, and then makes a connection that uses the new ones. */
  #watchTls(fingerprint: string): void {
    const session = this.#session;
    const look = async (): Promise<void> => {
      const now = await this.#fingerprint();
      if (session !== this.#session || this.#isClosed) return;
      if (now !== fingerprint) this.redial();
      else this.#watchTls(fingerprint);
    };
    this.#tlsTimer = this.#options.settings.clock.after(tlsWatchMs, () => void look(), true);
  }
}

function silentError(endpoint: string): AgentError {
  return new AgentError('CONNECTION_LOST', 'the server gave no sign of life', { facts: { endpoint } });
}
