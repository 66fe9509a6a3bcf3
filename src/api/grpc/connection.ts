/**
 * One connection of a client: who is at its other end, its calls, and its end. It has an injector of grpc-js of its own, whose
 * interceptor knows the connection; that ties a call to it without a private field of the library.
 */

import type { Socket } from 'node:net';
import { ServerCredentials, experimental, type ConnectionInjector, type Server } from '@grpc/grpc-js';
import { AgentError } from '../../lib/errors.js';
import type { Clock, Timer } from '../../lib/clock.js';
import { hasRole, type Caller } from '../caller.js';
import { mayTheSame } from '../grants.js';
import { identityText, peerKey, type Identity } from '../identity.js';
import type { Gate, GuardedCall, GuardedConnection, KnownPeer } from './gate.js';
import type { GrpcLimits } from './limits.js';
import type { PeerLoads } from './peer-load.js';

/** How many connections a listener has. */
export interface ListenerRoom {
  count: number;
}

/** A connection that has shown the preface of HTTP/2. */
export interface Arrival {
  readonly socket: Socket;
  /** The connections of its listener: each has room of its own. */
  readonly room: ListenerRoom;
  /** Where it came in and from, for logs: `unix`, `192.0.2.7:50112`. */
  readonly name: string;
  readonly identity: Promise<Identity>;
  /** When it has to end: ms from now, and why. */
  readonly end?: { readonly inMs: number; readonly error: AgentError };
}

export interface ConnectionOptions {
  readonly server: Server;
  readonly gate: Gate;
  readonly loads: PeerLoads;
  readonly clock: Clock;
  readonly limits: GrpcLimits;
  /** @throws AgentError API_FORBIDDEN */
  readonly callerOf: (identity: Identity) => Caller;
  readonly onRefused: (error: AgentError, who: string) => void;
}

// What the connections are carried over is the listeners' business: what comes here is decrypted already.
const plain = ServerCredentials.createInsecure();

export class Connection implements GuardedConnection {
  readonly name: string;
  readonly calls = new Set<GuardedCall>();
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #room: ListenerRoom;
  readonly #injector: ConnectionInjector;
  readonly #peer: Promise<KnownPeer>;
  readonly #endTimer: Timer | undefined;
  #graceTimer: Timer | undefined;
  #key: string | undefined;
  #known: { readonly identity: Identity; readonly caller: Caller } | undefined;
  #isClosed = false;

  constructor({ socket, name, identity, end, room }: Arrival, options: ConnectionOptions) {
    this.name = name;
    this.#options = options;
    this.#socket = socket;
    this.#room = room;
    room.count += 1;
    this.#peer = this.#know(identity);
    // Who asks for it is told; without calls nobody asks.
    this.#peer.catch(() => undefined);
    const { server, gate, clock } = options;
    const interceptors = [gate.interceptorFor(this)];
    this.#injector = server.createConnectionInjector(
      experimental.createServerCredentialsWithInterceptors(plain, interceptors),
    );
    this.#endTimer = end === undefined ? undefined : clock.after(end.inMs, () => this.end(end.error), true);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#onClose();
        resolve();
      });
    });
    this.#injector.injectConnection(socket);
  }

  peer(): Promise<KnownPeer> {
    return this.#peer;
  }

  /** Tells every call the error, takes no more, and closes; what still hangs after the grace is cut off. */
  end(error: AgentError): void {
    if (this.#isClosed || this.#graceTimer !== undefined) return;
    const { clock, limits } = this.#options;
    this.#graceTimer = clock.after(limits.graceMs, () => this.#socket.destroy(), true);
    for (const call of [...this.calls]) call.end(error);
    this.#injector.drain(limits.graceMs);
  }

  /** Ends it if its caller may something else now, so that nothing goes on by what it was granted before. */
  judgeAnew(callerOf: (identity: Identity) => Caller): void {
    if (this.#known === undefined) return;
    const { identity, caller } = this.#known;
    try {
      if (mayTheSame(callerOf(identity), caller)) return;
    } catch (thrown) {
      if (!(thrown instanceof AgentError)) throw thrown;
    }
    const remedy = 'Connect again.';
    this.end(new AgentError('API_CLOSED', 'what the caller is granted has changed', { remedy }));
  }

  /** Cuts it off. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #know(arriving: Promise<Identity>): Promise<KnownPeer> {
    const { callerOf, loads, limits } = this.#options;
    const identity = await arriving;
    const who = identityText(identity);
    // Counted before it is asked what it may: those that nothing is granted to are held to their number too.
    const key = peerKey(identity);
    const load = this.#isClosed ? undefined : loads.enter(key, limits.peerConnectionsMax);
    if (load === undefined) throw this.#crowded(`too many connections of ${who}`, who, limits.peerConnectionsMax);
    this.#key = key;
    const caller = this.#judge(() => callerOf(identity));
    const sharedMax = limits.connectionsMax - Math.min(limits.operatorConnectionsMin, limits.connectionsMax / 2);
    if (this.#room.count > sharedMax && !hasRole(caller, 'operator')) {
      throw this.#crowded('too many connections', who, sharedMax);
    }
    this.#known = { identity, caller };
    return { caller, load };
  }

  /** Whose calls are all refused keeps the connection no longer than it takes to tell him. */
  #judge(callerOf: () => Caller): Caller {
    try {
      return callerOf();
    } catch (thrown) {
      const { clock, limits } = this.#options;
      this.#graceTimer ??= clock.after(limits.graceMs, () => this.#socket.destroy(), true);
      throw thrown;
    }
  }

  #crowded(message: string, identity: string, limit: number): AgentError {
    const error = new AgentError('API_LIMIT', message, {
      facts: { identity, limit },
      remedy: 'Use one connection for many calls, and close those that are not needed.',
    });
    if (!this.#isClosed) this.#options.onRefused(error, identity);
    this.#socket.destroy();
    return error;
  }

  #onClose(): void {
    this.#isClosed = true;
    this.#room.count -= 1;
    this.#endTimer?.cancel();
    this.#graceTimer?.cancel();
    if (this.#key !== undefined) this.#options.loads.leave(this.#key);
    this.#injector.destroy();
  }
}
