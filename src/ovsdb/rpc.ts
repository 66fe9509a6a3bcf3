/**
 * JSON-RPC 1.0 as RFC 7047 section 4 uses it, over one connected stream: requests with their own ids, replies matched to
 * them, notifications passed on, the peer's echo answered at once. Used by the session. It knows no database and does not
 * reconnect; when it is closed it is done.
 */

import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { Alarm } from './alarm.js';
import { abortError, lostError, timeoutError, tooManyError } from './rpc-errors.js';
import { errorFromReply } from './server-errors.js';
import type { Json, JsonObject } from './types.js';
import { FrameScanner } from './wire/frame-scanner.js';
import type { RowHook } from './wire/frame-scanner.js';
import { writeJson } from './wire/json-exact.js';

/** What one connection may take up. Every number is a defence against a peer, or a caller, gone wrong. */
export interface RpcLimits {
  /** Largest message taken from the peer, bytes. The dump of 50 000 interfaces is about 13 MB. */
  readonly frameBytesMax: number;
  /** Deepest nesting of JSON: ovsdb-server itself refuses more than 1000. */
  readonly depthMax: number;
  /** Requests sent and not answered; more wait their turn. */
  readonly inFlightMax: number;
  /** Bytes handed to the socket and not taken by the peer; beyond it requests wait. */
  readonly outgoingBytesMax: number;
  /** Requests that wait; beyond it a call fails at once. */
  readonly waitingMax: number;
}

export const rpcLimitsDefault: RpcLimits = {
  frameBytesMax: 512 << 20,
  depthMax: 1000,
  inFlightMax: 256,
  outgoingBytesMax: 8 << 20,
  waitingMax: 10_000,
};

export interface RpcOptions {
  readonly stream: Duplex;
  readonly clock: Clock;
  readonly limits?: RpcLimits;
  /** Each notification, in order of arrival. What it throws closes the connection with that error. */
  readonly onNotification: (method: string, params: readonly Json[]) => void;
  /** Bytes came. Called before they are looked at. */
  readonly onHeard?: () => void;
  /** Called once, when nothing more will come: the peer hung up, talked nonsense, or `close` was called. */
  readonly onClose: (error: AgentError) => void;
}

export interface CallOptions {
  /** Gives up: a transaction that was sent is canceled, and its outcome is unknown. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up after this time, ms. Default: only when the connection closes. */
  readonly deadlineMs?: number | undefined;
}

interface Request {
  readonly id: number;
  readonly method: string;
  readonly text: string;
  readonly onReply: (reply: JsonObject) => void;
  readonly onLost: (error: AgentError) => void;
  isSent: boolean;
  /** When the caller's patience ends, and what happens then. */
  expiry: { readonly atMs: number; readonly onExpired: () => void } | undefined;
}

/**
 * How much is read in one turn of the event loop, bytes. Node offers up to 2 MiB at once, which takes some 25 ms to
 * parse; probes and timers shall not wait that long.
 */
const turnBytesMax = 64 << 10;

export class RpcConnection {
  readonly #stream: Duplex;
  readonly #alarm: Alarm;
  readonly #limits: RpcLimits;
  readonly #options: RpcOptions;
  readonly #scanner: FrameScanner;
  /**
   * Sent, without a reply, in order. One whose caller gave up stays, so that a late reply is recognised. An array, because
   * replies come nearly in order, and because V8 chains the old tables of a Map that is always filled and emptied: dead
   * requests would survive until the next full garbage collection.
   */
  readonly #pending: Request[] = [];
  readonly #abandoned = new Set<number>();
  readonly #waiting = new Set<Request>();
  #idLast = 0;
  #turnBytes = 0;
  #closeError: AgentError | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #messagesIn = 0;
  #messagesOut = 0;

  constructor(options: RpcOptions) {
    this.#stream = options.stream;
    this.#alarm = new Alarm(options.clock, (nowMs) => this.#expire(nowMs));
    this.#limits = options.limits ?? rpcLimitsDefault;
    this.#options = options;
    this.#scanner = new FrameScanner({
      frameSizeMax: this.#limits.frameBytesMax,
      depthMax: this.#limits.depthMax,
      onMessage: (message) => this.#receive(message),
    });
    this.#listen();
  }

  /** Received so far, bytes. */
  get bytesIn(): number {
    return this.#bytesIn;
  }

  /** Handed to the socket so far, bytes. */
  get bytesOut(): number {
    return this.#bytesOut;
  }

  get messagesIn(): number {
    return this.#messagesIn;
  }

  get messagesOut(): number {
    return this.#messagesOut;
  }

  /** Requests whose caller still waits, sent or not. */
  get inFlight(): number {
    return this.#pending.length - this.#abandoned.size + this.#waiting.size;
  }

  get isClosed(): boolean {
    return this.#closeError !== undefined;
  }

  /** Has the rows of large messages handed over one by one; see FrameScanner. */
  setRowHook(hook: RowHook | undefined): void {
    this.#scanner.setRowHook(hook);
  }

  /**
   * Calls a method and returns its result.
   * @throws AgentError by the error string of the reply; CONNECTION_LOST, ABORTED, ABORTED_IN_FLIGHT, DEADLINE_EXCEEDED,
   *   LIMIT_EXCEEDED; OVSDB_VALUE_INVALID for strings that would kill the session
   */
  call(method: string, params: readonly Json[], options: CallOptions = {}): Promise<Json> {
    return new Promise((resolve, reject) => {
      if (options.signal?.aborted === true) {
        reject(abortError(method, false));
        return;
      }
      const settle = (): void => {
        options.signal?.removeEventListener('abort', onAbort);
      };
      const request = this.#request(
        method,
        params,
        (reply) => {
          settle();
          if (isError(reply)) reject(errorFromReply(reply['error'] ?? null, { method }));
          else resolve(reply['result'] ?? null);
        },
        (error) => {
          settle();
          reject(error);
        },
      );
      const giveUp = (toReason: (isSent: boolean) => AgentError): void => {
        settle();
        reject(toReason(this.#abandon(request)));
      };
      const onAbort = (): void => giveUp((isSent) => abortError(method, isSent));
      options.signal?.addEventListener('abort', onAbort, { once: true });
      if (options.deadlineMs !== undefined) {
        const onExpired = (): void => giveUp((isSent) => timeoutError(method, isSent));
        request.expiry = { atMs: this.#alarm.within(options.deadlineMs), onExpired };
      }
    });
  }

  /**
   * As `call`, with callbacks that run inside the message's turn: whatever the peer sent after the reply is handled after
   * `onReply`. Exactly one of the callbacks is called, once, unless the request is abandoned.
   */
  request(
    method: string,
    params: readonly Json[],
    onReply: (reply: JsonObject) => void,
    onLost: (error: AgentError) => void,
  ): void {
    this.#request(method, params, onReply, onLost);
  }

  /** Sends a message that has no answer. */
  notify(method: string, params: readonly Json[]): void {
    if (this.#closeError === undefined) this.#write(writeJson({ id: null, method, params }));
  }

  /** Ends the connection; pending calls fail with CONNECTION_LOST. May be called twice; the first error counts. */
  close(error: AgentError): void {
    if (this.#closeError !== undefined) return;
    this.#closeError = error;
    this.#stream.destroy();
    const lost = [...this.#pending, ...this.#waiting];
    const abandoned = new Set(this.#abandoned);
    this.#pending.length = 0;
    this.#waiting.clear();
    this.#abandoned.clear();
    for (const request of lost) {
      if (!abandoned.has(request.id)) request.onLost(this.#lostError(request.method, request.isSent));
    }
    this.#alarm.cancel();
    this.#options.onClose(error);
  }

  #request(
    method: string,
    params: readonly Json[],
    onReply: (reply: JsonObject) => void,
    onLost: (error: AgentError) => void,
  ): Request {
    this.#idLast += 1;
    const id = this.#idLast;
    // Written before anything else happens: a value that cannot be sent is the caller's error, not the connection's.
    const text = writeJson({ id, method, params });
    const request: Request = { id, method, text, onReply, onLost, isSent: false, expiry: undefined };
    if (this.#closeError !== undefined) {
      queueMicrotask(() => onLost(this.#lostError(method, false)));
    } else if (this.#waiting.size === 0 && this.#mayPost()) {
      this.#post(request);
    } else if (this.#waiting.size >= this.#limits.waitingMax) {
      queueMicrotask(() => onLost(tooManyError(this.#waiting.size)));
    } else {
      this.#waiting.add(request);
    }
    return request;
  }

  #listen(): void {
    this.#stream.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#stream.on('drain', () => this.#pump());
    this.#stream.on('error', (cause) => this.close(lostError('the connection broke', cause)));
    this.#stream.on('end', () => this.#finish());
    this.#stream.on('close', () => this.close(lostError('the connection was closed')));
    this.#stream.resume();
  }

  #read(chunk: Buffer): void {
    if (this.#closeError !== undefined) return;
    this.#bytesIn += chunk.length;
    this.#options.onHeard?.();
    try {
      this.#scanner.push(chunk);
    } catch (error) {
      this.close(asProtocolError(error));
      return;
    }
    this.#turnBytes += chunk.length;
    if (this.#turnBytes >= turnBytesMax) this.#rest();
  }

  /** Lets the event loop do something else before more is read. */
  #rest(): void {
    this.#turnBytes = 0;
    this.#stream.pause();
    setImmediate(() => {
      if (this.#closeError === undefined) this.#stream.resume();
    });
  }

  #finish(): void {
    try {
      this.#scanner.end();
    } catch (error) {
      this.close(asProtocolError(error));
      return;
    }
    this.close(lostError('the server hung up'));
  }

  #receive(message: JsonObject): void {
    // A handler of an earlier message in this chunk may have closed the connection.
    if (this.#closeError !== undefined) return;
    this.#messagesIn += 1;
    const method = message['method'];
    if (method === undefined || method === null) this.#receiveReply(message);
    else if (typeof method === 'string') this.#receiveRequest(method, message);
    else throw protocolError('a message has a method that is no string');
  }

  #receiveRequest(method: string, message: JsonObject): void {
    const params = message['params'] ?? [];
    if (!isArray(params)) throw protocolError('a message has params that are no array', { method });
    const id = message['id'] ?? null;
    if (id === null) {
      this.#options.onNotification(method, params);
      return;
    }
    // RFC 7047 section 4.1.11. Nothing else is ever asked of a client.
    const reply: JsonObject =
      method === 'echo' ? { id, result: params, error: null } : { id, result: null, error: 'unknown method' };
    this.#write(writeJson(reply));
    // A peer that asks and asks without reading the answers would fill our memory.
    if (this.#stream.writableLength > 2 * this.#limits.outgoingBytesMax) {
      throw protocolError('the peer does not read the answers it asks for');
    }
  }

  #receiveReply(message: JsonObject): void {
    const id = message['id'];
    const index = this.#pending.findIndex((pending) => pending.id === id);
    const request = this.#pending[index];
    if (request === undefined) throw protocolError('a reply matches no request');
    if (!('result' in message) && !('error' in message)) {
      throw protocolError('a reply has neither result nor error', { method: request.method });
    }
    if (index === 0) this.#pending.shift();
    else this.#pending.splice(index, 1);
    if (!this.#abandoned.delete(request.id)) request.onReply(message);
    this.#pump();
  }

  /** Forgets who asked. Returns whether the request had been sent, and so may have been carried out. */
  #abandon(request: Request): boolean {
    if (this.#waiting.delete(request) || !this.#pending.includes(request)) return false;
    request.expiry = undefined;
    this.#abandoned.add(request.id);
    // RFC 7047 section 4.1.4. The reply, if one comes, is consumed.
    if (request.method === 'transact') this.notify('cancel', [request.id]);
    // Later: the same signal may be about to give up the requests that wait for this one's place.
    queueMicrotask(() => this.#pump());
    return true;
  }

  /** Gives up what is due. Returns when the next one is. */
  #expire(nowMs: number): number {
    let nextMs = Infinity;
    for (const { expiry } of [...this.#pending, ...this.#waiting]) {
      if (expiry === undefined) continue;
      if (expiry.atMs <= nowMs) expiry.onExpired();
      else nextMs = Math.min(nextMs, expiry.atMs);
    }
    return nextMs;
  }

  /** Sends what waits, as far as the limits let it. */
  #pump(): void {
    for (const request of this.#waiting) {
      if (this.#closeError !== undefined || !this.#mayPost()) return;
      this.#waiting.delete(request);
      this.#post(request);
    }
  }

  #mayPost(): boolean {
    if (this.#pending.length - this.#abandoned.size >= this.#limits.inFlightMax) return false;
    return this.#stream.writableLength <= this.#limits.outgoingBytesMax;
  }

  #post(request: Request): void {
    request.isSent = true;
    this.#pending.push(request);
    this.#write(request.text);
  }

  #write(text: string): void {
    const size = Buffer.byteLength(text);
    this.#messagesOut += 1;
    this.#bytesOut += size;
    // Where each character is a byte, Latin-1 is the same and needs no conversion.
    this.#stream.write(text, size === text.length ? 'latin1' : 'utf8');
  }

  #lostError(method: string, isSent: boolean): AgentError {
    const facts = { method, reason: this.#closeError?.message };
    const cause = this.#closeError;
    return isSent
      ? new AgentError('CONNECTION_LOST', 'the connection ended before the reply came', { facts, cause })
      : new AgentError('NOT_CONNECTED', 'the connection ended before the request was sent', { facts, cause });
  }
}

/** Whether a reply reports a failure. Open vSwitch leaves out the member that RFC 7047 wants to be null. */
export function isError(reply: JsonObject): boolean {
  return reply['error'] !== undefined && reply['error'] !== null;
}

/** What the peer sent cannot be: PEER_PROTOCOL. */
export function protocolError(message: string, facts: Readonly<Record<string, string | number>> = {}): AgentError {
  return new AgentError('PEER_PROTOCOL', message, { facts });
}

function isArray(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

/** Our own bugs (assertions) pass through: only what a peer can cause may be blamed on it. */
function asProtocolError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  throw error;
}
