/**
 * What every call passes before anything of it is read: is there room, who calls, may he, and does his request arrive in time.
 * One gate for all services, the libraries' too, as an interceptor of grpc-js that is made anew for each connection: a call is
 * tied to its connection by that, and by nothing that a client could say.
 */

import {
  ServerInterceptingCall,
  type Metadata,
  type ServerInterceptor,
  type ServerListener,
  type StatusObject,
} from '@grpc/grpc-js';
import type { Clock, Timer } from '../../lib/clock.js';
import { AgentError, toError } from '../../lib/errors.js';
import { hasRole, type Caller, type Role } from '../caller.js';
import { admit } from './admitted.js';
import { CountedCall } from './counted-call.js';
import { statusOfThrown } from './errors.js';
import type { GrpcLimits } from './limits.js';
import type { OnBug } from './adapter.js';
import type { PeerLoad } from './peer-load.js';

/** A caller with the load that it and its other connections make. */
export interface KnownPeer {
  readonly caller: Caller;
  readonly load: PeerLoad;
}

/** A connection as the gate sees it. */
export interface GuardedConnection {
  /** Who is at its other end. @throws AgentError API_FORBIDDEN, API_UNAUTHENTICATED or API_LIMIT */
  peer(): Promise<KnownPeer>;
  /** The connection's calls; the gate adds and removes them. */
  readonly calls: Set<GuardedCall>;
  /** Cuts the connection off. */
  destroy(): void;
  /** For log lines before the identity is known. */
  readonly name: string;
}

/** A call that can be ended from outside. */
export interface GuardedCall {
  /** Sends the error as the call's status, and aborts its work. */
  end(error: AgentError): void;
}

export interface GateOptions {
  readonly clock: Clock;
  readonly limits: GrpcLimits;
  /** The role that each method needs, by path; one that is not named needs viewer. */
  readonly roles: ReadonlyMap<string, Role>;
  /** A call that was refused, for the log. */
  readonly onRefused: (error: AgentError, who: string, method: string) => void;
  readonly onBug: OnBug;
}

type BaseCall = Parameters<ServerInterceptor>[1];

function limitError(message: string, facts: Record<string, number>): AgentError {
  return new AgentError('API_LIMIT', message, {
    facts,
    remedy: 'End calls that are not needed, or use fewer at once.',
  });
}

export class Gate {
  readonly options: GateOptions;
  /** Calls that are open now. */
  openCount = 0;
  /** Bytes of answers that have not left yet. */
  unsentBytes = 0;

  constructor(options: GateOptions) {
    this.options = options;
  }

  interceptorFor(connection: GuardedConnection): ServerInterceptor {
    return (method, base) => {
      const call = new Call(this, connection, method.path, base);
      return new ServerInterceptingCall(call.answers, { start: (next) => next(call.listener()) });
    };
  }
}

function unreadError(caller: Caller | undefined): AgentError {
  const identity = caller?.identity ?? 'a caller';
  return new AgentError('API_LIMIT', `answers to ${identity} are not read`, {
    facts: { identity },
    remedy: 'Read the answers of calls before making more of them.',
  });
}

class Call implements GuardedCall {
  /** What the answers go through. */
  readonly answers: CountedCall;
  readonly #gate: Gate;
  readonly #connection: GuardedConnection;
  readonly #method: string;
  readonly #abort = new AbortController();
  #isOpen = false;
  #requestTimer: Timer | undefined;
  #load: PeerLoad | undefined;
  #caller: Caller | undefined;
  #isReceiving = false;

  constructor(gate: Gate, connection: GuardedConnection, method: string, base: BaseCall) {
    this.#gate = gate;
    this.#connection = connection;
    this.#method = method;
    const { clock, limits } = gate.options;
    this.answers = new CountedCall(base, {
      clock,
      sendMs: limits.sendMs,
      hold: (byteCount) => this.#hold(byteCount),
      release: (byteCount) => this.#release(byteCount),
      onFull: () => this.#refuse(unreadError(this.#caller)),
      onStuck: () => this.#onStuck(),
    });
  }

  listener(): ServerListener {
    return {
      onReceiveMetadata: (metadata, next) => {
        this.#isOpen = true;
        this.#gate.openCount += 1;
        this.#connection.calls.add(this);
        this.#enter(metadata, next).catch((thrown: unknown) => this.#refuse(thrown));
      },
      onReceiveHalfClose: (next) => {
        this.#received();
        next();
      },
      onCancel: () => this.#close(),
    };
  }

  end(error: AgentError): void {
    if (!this.#isOpen) return;
    this.#abort.abort(error);
    this.#tell(error);
  }

  async #enter(metadata: Metadata, next: (metadata: Metadata) => void): Promise<void> {
    const { limits, clock } = this.#gate.options;
    if (this.#gate.openCount > limits.streamsMax)
      throw limitError('too many calls at once', { limit: limits.streamsMax });
    const { caller, load } = await this.#connection.peer();
    if (this.#hasEnded()) return;
    const sharedMax = limits.streamsMax - Math.min(limits.operatorStreamsMin, limits.streamsMax / 2);
    if (this.#gate.openCount > sharedMax && !hasRole(caller, 'operator')) {
      throw limitError('too many calls at once', { limit: sharedMax });
    }
    this.#checkRole(caller);
    if (load.streamCount >= limits.peerStreamsMax) {
      throw limitError(`too many calls of ${caller.identity} at once`, { limit: limits.peerStreamsMax });
    }
    load.streamCount += 1;
    this.#load = load;
    this.#caller = caller;
    await load.startReceiving(limits.peerReceivingMax);
    if (this.#hasEnded()) {
      load.endReceiving();
      return;
    }
    this.#isReceiving = true;
    this.#requestTimer = clock.after(limits.requestMs, () => this.#onLate(), true);
    admit(metadata, { caller, signal: this.#abort.signal });
    next(metadata);
  }

  // A function, since what it tells changes while `#enter` waits.
  #hasEnded(): boolean {
    return !this.#isOpen;
  }

  #checkRole(caller: Caller): void {
    const role = this.#gate.options.roles.get(this.#method) ?? 'viewer';
    if (hasRole(caller, role)) return;
    throw new AgentError('API_FORBIDDEN', `${caller.identity} is no ${role}`, {
      facts: { identity: caller.identity, role, method: this.#method },
      remedy: `Grant the identity the role ${role} in api.grpc.grants of the configuration.`,
    });
  }

  #hold(byteCount: number): boolean {
    const { peerUnsentMax, unsentMax } = this.#gate.options.limits;
    const load = this.#load;
    // What is told before the caller is known is a status, and no message.
    if (load === undefined || this.#caller === undefined) return false;
    const isRoom = this.#gate.unsentBytes + byteCount <= unsentMax || hasRole(this.#caller, 'operator');
    if (!isRoom || load.unsentBytes + byteCount > peerUnsentMax) return false;
    load.unsentBytes += byteCount;
    this.#gate.unsentBytes += byteCount;
    return true;
  }

  #release(byteCount: number): void {
    if (this.#load !== undefined) this.#load.unsentBytes -= byteCount;
    this.#gate.unsentBytes -= byteCount;
  }

  /** A status would wait behind what does not leave, so the connection goes. */
  #onStuck(): void {
    const { onRefused } = this.#gate.options;
    onRefused(unreadError(this.#caller), this.#caller?.identity ?? this.#connection.name, this.#method);
    this.#connection.destroy();
  }

  /** The whole request is here. */
  #received(): void {
    this.#requestTimer?.cancel();
    if (!this.#isReceiving) return;
    this.#isReceiving = false;
    this.#load?.endReceiving();
  }

  #onLate(): void {
    const { requestMs } = this.#gate.options.limits;
    this.#refuse(new AgentError('DEADLINE_EXCEEDED', `the request did not arrive within ${requestMs} ms`));
  }

  #refuse(thrown: unknown): void {
    if (!this.#isOpen) return;
    if (thrown instanceof AgentError) {
      const { identity } = thrown.facts;
      const who = typeof identity === 'string' ? identity : this.#connection.name;
      this.#gate.options.onRefused(thrown, who, this.#method);
    }
    this.#abort.abort(toError(thrown));
    this.#tell(thrown);
  }

  #tell(thrown: unknown): void {
    const { code, details, metadata }: StatusObject = statusOfThrown(thrown, (bug) =>
      this.#gate.options.onBug(bug, this.#method),
    );
    this.answers.sendStatus({ code, details, metadata });
  }

  /** grpc-js says so once for each call, however it ended. */
  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#gate.openCount -= 1;
    this.#connection.calls.delete(this);
    this.#received();
    this.answers.close();
    if (this.#load !== undefined) this.#load.streamCount -= 1;
    this.#abort.abort(new AgentError('ABORTED', 'the call has ended'));
  }
}
