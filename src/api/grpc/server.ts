/**
 * The gRPC server of the agent: its listeners, its connections and the services. Nothing that a client or the world does makes
 * it throw; what goes wrong is told by callbacks.
 */

import { join } from 'node:path';
import type { Socket } from 'node:net';
import { Server } from '@grpc/grpc-js';
import type { Clock } from '../../lib/clock.js';
import { AgentError } from '../../lib/errors.js';
import type { Caller, Role } from '../caller.js';
import { callerOf, type Grant } from '../grants.js';
import { certificateIdentity, type Identity } from '../identity.js';
import type { PeerCredentials } from '../peer-credentials.js';
import { addService, methodPath, type OnBug } from './adapter.js';
import { Connection, type Arrival } from './connection.js';
import { Door } from './door.js';
import { Gate } from './gate.js';
import type { AddressGuard } from './address-guard.js';
import { CertificateRotation } from './certificate-rotation.js';
import { KeptListener, type OpenListener } from './kept-listener.js';
import { Health, type HealthSource } from './health.js';
import { grpcLimits, type GrpcLimits } from './limits.js';
import { PeerLoads } from './peer-load.js';
import { waitForPreface } from './preface.js';
import { Quiet } from './quiet.js';
import { addReflection } from './reflection.js';
import type { AnyServiceEntry } from './service.js';
import { socketHandleFd } from './socket-fd.js';
import { readTlsFiles, type TlsFiles } from './tls-files.js';
import { addressText, TlsListener } from './tls-listener.js';
import { UnixListener } from './unix-listener.js';

/** The section `api.grpc` of the configuration, as far as the server needs it. */
export interface GrpcSettings {
  /** Absent: `api.sock` in the run directory. */
  readonly socket?: string;
  readonly group?: string;
  /** `host:port`, each an address of this machine. */
  readonly listen: readonly string[];
  /** Present whenever `listen` is not empty. */
  readonly tls?: TlsFiles;
  readonly grants: readonly Grant[];
  readonly reflection: boolean;
}

/** Something that was refused, for the log; told at most once a minute for each kind and peer. */
export interface Refusal {
  readonly error: AgentError;
  /** The caller, or where the connection came from. Safe to print. */
  readonly who: string;
  /** Path of the method; undefined: the connection itself. */
  readonly method: string | undefined;
  /** How many like it were not told since the last time. */
  readonly hiddenCount: number;
}

/** What the server counts of itself. */
export interface GrpcFigures {
  readonly connections: number;
  /** Calls that are open now. */
  readonly streams: number;
  /** Bytes of answers that have not left yet. */
  readonly unsentBytes: number;
  /** Since the start, by code of the error. */
  readonly refusals: ReadonlyMap<string, number>;
}

export interface GrpcApiOptions {
  readonly config: GrpcSettings;
  readonly runDir: string;
  readonly services: readonly AnyServiceEntry[];
  readonly health: HealthSource;
  readonly peerCredentials: PeerCredentials;
  /** Throws for addresses that the host can reach. */
  readonly addressGuard: AddressGuard;
  /** User of this process; undefined where there are none. */
  readonly ownUid: number | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  /** An address cannot be listened at, or certificates cannot be used. */
  readonly onTrouble: (error: AgentError) => void;
  readonly onBug: OnBug;
  readonly onRefused: (refusal: Refusal) => void;
  /** For tests. */
  readonly limits?: Partial<GrpcLimits>;
}

function rolesOf(services: readonly AnyServiceEntry[]): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>();
  for (const { service, roles: named } of services) {
    for (const method of service.methods) {
      const role = named?.[method.localName];
      if (role !== undefined) roles.set(methodPath(method), role);
    }
  }
  return roles;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, the host of IPv6 in brackets; the configuration has checked it. */
function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

export class GrpcApi {
  readonly #options: GrpcApiOptions;
  readonly #limits: GrpcLimits;
  readonly #server: Server;
  readonly #gate: Gate;
  readonly #loads = new PeerLoads();
  readonly #quiet: Quiet;
  readonly #listeners: readonly KeptListener[];
  readonly #connections = new Set<Connection>();
  readonly #refusals = new Map<string, number>();
  #health: Health | undefined;
  #grants: readonly Grant[];
  #isClosed = false;

  constructor(options: GrpcApiOptions) {
    this.#options = options;
    this.#grants = options.config.grants;
    const limits = { ...grpcLimits, ...options.limits };
    this.#limits = limits;
    const { clock, services, onBug } = options;
    this.#quiet = new Quiet(clock, limits.quietMs);
    this.#gate = new Gate({
      clock,
      limits,
      roles: rolesOf(services),
      onRefused: (error, who, method) => this.#tellRefused(error, who, method),
      onBug,
    });
    this.#server = new Server({
      'grpc.max_receive_message_length': limits.requestBytesMax,
      'grpc.max_send_message_length': limits.responseBytesMax,
      'grpc.max_concurrent_streams': limits.connectionStreamsMax,
      'grpc.max_connection_idle_ms': limits.idleMs,
      'grpc.keepalive_time_ms': limits.keepaliveMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
      // It keeps an account of every call for a protocol that is not served.
      'grpc.enable_channelz': 0,
    });
    for (const service of services) addService(this.#server, service, onBug);
    const { listen, tls } = options.config;
    const tcp = tls === undefined ? [] : listen.map((text) => this.#keptTcp(parseAddress(text), tls));
    const unix = this.#kept(
      () => this.#openUnix(),
      () => undefined,
    );
    this.#listeners = [unix, ...tcp];
  }

  /** Begins to listen; resolves after the first try at each address, however that went. */
  async start(): Promise<void> {
    const { health, config, services } = this.#options;
    this.#health = await Health.addTo(this.#server, health);
    if (config.reflection) {
      const own = services.map(({ service }) => service);
      await addReflection(this.#server, own, this.#health.descriptors);
    }
    await Promise.all(this.#listeners.map((listener) => listener.start()));
  }

  /** Where it listens now: `unix:/run/…/api.sock`, `192.0.2.7:8443`. */
  addresses(): readonly string[] {
    return this.#listeners.flatMap(({ address }) => (address === undefined ? [] : [address]));
  }

  /** What it counts of itself, for metrics. */
  figures(): GrpcFigures {
    const { openCount: streams, unsentBytes } = this.#gate;
    return { connections: this.#connections.size, streams, unsentBytes, refusals: this.#refusals };
  }

  /** Grants from now on; connections whose caller may something else by them end with UNAVAILABLE. */
  setGrants(grants: readonly Grant[]): void {
    this.#grants = grants;
    for (const connection of this.#connections) connection.judgeAnew((identity) => this.#callerOf(identity));
  }

  /** Takes no more calls, ends those that run with UNAVAILABLE, and cuts off what is left after the grace time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#health?.close();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    const error = new AgentError('API_CLOSED', 'the agent stops', { remedy: 'Connect again in a moment.' });
    const gone = [...this.#connections].map((connection) => connection.closed);
    for (const connection of this.#connections) connection.end(error);
    await Promise.all(gone);
    this.#server.forceShutdown();
  }

  #kept(open: () => Promise<OpenListener>, check: () => void): KeptListener {
    const { clock, random, onTrouble, onBug } = this.#options;
    const checkMs = this.#limits.guardMs;
    return new KeptListener({
      clock,
      random,
      checkMs,
      open,
      check,
      onTrouble,
      onBug: (thrown) => onBug(thrown, 'listen'),
    });
  }

  async #openUnix(): Promise<OpenListener> {
    const { config, runDir } = this.#options;
    const path = config.socket ?? join(runDir, 'api.sock');
    const door = this.#door('unix');
    const room = { count: 0 };
    const onSocket = (socket: Socket, boundPath: string): void => {
      door.enter(socket);
      socket.on('error', () => undefined);
      this.#receive(socket, socket, 'unix', door, () => ({ room, identity: this.#processOf(socket, boundPath) }));
    };
    const listener = await UnixListener.open({ path, group: config.group, onSocket });
    const close = async (): Promise<void> => {
      door.clear();
      await listener.close();
    };
    return { address: `unix:${path}`, close };
  }

  #keptTcp({ host, port }: Address, tls: TlsFiles): KeptListener {
    const { addressGuard } = this.#options;
    return this.#kept(
      () => this.#openTcp(host, port, tls),
      () => addressGuard(host),
    );
  }

  async #openTcp(host: string, port: number, files: TlsFiles): Promise<OpenListener> {
    const limits = this.#limits;
    const name = addressText(host, port);
    const door = this.#door(name);
    const room = { count: 0 };
    const own = new Set<Socket>();
    const material = await readTlsFiles(files);
    const listener = await TlsListener.open({
      host,
      port,
      material,
      handshakeMs: limits.handshakeMs,
      addressConnectionsMax: limits.peerConnectionsMax,
      onSocket: (raw) => {
        door.enter(raw);
        own.add(raw);
        raw.once('close', () => own.delete(raw));
      },
      onSecure: (raw, socket, certificate, from) => {
        const identity = certificateIdentity(certificate);
        const end = this.#endOfCertificate(identity.endsMs);
        this.#receive(raw, socket, from, door, () => ({ room, identity: Promise.resolve(identity), end }));
      },
      onRefused: (error, from) => this.#tellRefused(error, from, undefined),
    });
    const rotation = new CertificateRotation(this.#options, limits.rereadMs, files, material, listener);
    // The address may have become one of a link to the host: then what came over it goes too.
    const close = async (): Promise<void> => {
      rotation.close();
      listener.close();
      door.clear();
      if (!this.#isClosed) for (const raw of own) raw.destroy();
      await Promise.resolve();
    };
    return { address: listener.address, close };
  }

  /** When a connection has to end that rests on a certificate. */
  #endOfCertificate(endsMs: number): { readonly inMs: number; readonly error: AgentError } {
    const { clock, random } = this.#options;
    const { ageMs } = this.#limits;
    const validMs = endsMs - clock.wallMs();
    // Not all at once, where all had connected at once.
    const agedMs = ageMs * (0.9 + 0.2 * random());
    if (validMs < agedMs) {
      const remedy = 'Connect again with a certificate that is valid.';
      return { inMs: validMs, error: new AgentError('API_UNAUTHENTICATED', 'the certificate has expired', { remedy }) };
    }
    const remedy = 'Connect again, and go on from the last version.';
    return { inMs: agedMs, error: new AgentError('API_CLOSED', 'the connection has reached its age', { remedy }) };
  }

  #processOf(socket: Socket, boundPath: string): Promise<Identity> {
    const fd = socketHandleFd(socket);
    if (fd === undefined) return Promise.resolve({ kind: 'unknown', reason: 'the connection is gone' });
    return this.#options.peerCredentials.peerOf(fd, boundPath);
  }

  #door(name: string): Door {
    const { clock } = this.#options;
    const onDropped = (why: 'slow' | 'crowded'): void => {
      const message =
        why === 'slow' ? 'a connection did not say what it wants in time' : 'too many connections that say nothing';
      this.#tellRefused(new AgentError('API_LIMIT', message), name, undefined);
    };
    return new Door({ clock, limits: this.#limits, onDropped });
  }

  /** Waits for the preface on `socket`, which lies on `raw`, and serves it. */
  #receive(raw: Socket, socket: Socket, name: string, door: Door, know: () => Omit<Arrival, 'socket' | 'name'>): void {
    waitForPreface(socket).then(
      (preface) => {
        door.pass(raw);
        if (preface === 'good' && !this.#isClosed) this.#serve({ socket, name, ...know() });
        else socket.destroy();
        if (preface === 'bad') {
          this.#tellRefused(new AgentError('API_INVALID', 'a connection speaks no HTTP/2'), name, undefined);
        }
      },
      (thrown: unknown) => this.#options.onBug(thrown, 'preface'),
    );
  }

  #serve(arrival: Arrival): void {
    if (arrival.room.count >= this.#limits.connectionsMax) {
      this.#tellRefused(new AgentError('API_LIMIT', 'too many connections'), arrival.name, undefined);
      arrival.socket.destroy();
      return;
    }
    const { clock } = this.#options;
    const connection = new Connection(arrival, {
      server: this.#server,
      gate: this.#gate,
      loads: this.#loads,
      clock,
      limits: this.#limits,
      callerOf: (identity) => this.#callerOf(identity),
      onRefused: (error, who) => this.#tellRefused(error, who, undefined),
    });
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  #callerOf(identity: Identity): Caller {
    return callerOf(identity, { grants: this.#grants, ownUid: this.#options.ownUid });
  }

  #tellRefused(error: AgentError, who: string, method: string | undefined): void {
    this.#refusals.set(error.code, (this.#refusals.get(error.code) ?? 0) + 1);
    const hiddenCount = this.#quiet.admit(`${error.code} ${who}`);
    if (hiddenCount !== undefined) this.#options.onRefused({ error, who, method, hiddenCount });
  }
}
