/**
 * A client of the control socket of an Open vSwitch daemon: what ovs-appctl(8) does, on one connection that is kept. Calls
 * are answered in their order and may be pipelined. It connects once and does not come back by itself: a daemon that
 * restarts listens on another socket.
 */

import { connect, type Socket } from 'node:net';
import { systemClock, type Clock, type Timer } from '../lib/clock.js';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { ObjectSplitter } from './object-splitter.js';

export interface UnixctlOptions {
  readonly clock?: Clock;
  /** Longest answer, characters. Default 64 Mi: a dump of all datapath flows can be large. */
  readonly answerLengthMax?: number;
}

export interface CallOptions {
  /** Default 10 000 ms. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

interface Pending {
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
}

const deadlineMsDefault = 10_000;
const answerLengthMaxDefault = 64 << 20;

export class UnixctlClient {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #splitter: ObjectSplitter;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #end: Error | undefined;

  private constructor(socket: Socket, options: UnixctlOptions) {
    this.#socket = socket;
    this.#clock = options.clock ?? systemClock;
    this.#splitter = new ObjectSplitter(options.answerLengthMax ?? answerLengthMaxDefault);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (cause) => this.#fail(lost(cause)));
    socket.on('close', () => this.#fail(lost(undefined)));
  }

  /**
   * Connects to the socket of a daemon, see `findControlSocket`.
   * @throws AgentError CONNECT_FAILED, PERMISSION_DENIED
   */
  static async connect(path: string, options: UnixctlOptions = {}): Promise<UnixctlClient> {
    const socket = connect({ path });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (cause) => reject(dialError(path, cause)));
    });
    socket.removeAllListeners('error');
    return new UnixctlClient(socket, options);
  }

  /**
   * Runs one command and returns the text that it prints.
   * @throws AgentError UNIXCTL_REFUSED with the daemon's words, DEADLINE_EXCEEDED, ABORTED, CONNECTION_LOST,
   * PEER_PROTOCOL, LIMIT_EXCEEDED, CLIENT_CLOSED
   */
  async call(command: string, args: readonly string[] = [], options: CallOptions = {}): Promise<string> {
    const { signal } = options;
    if (signal?.aborted === true) throw new AgentError('ABORTED', `${command} was given up before it was sent`);
    if (this.#end !== undefined) throw this.#end;
    const id = this.#nextId;
    this.#nextId += 1;
    let timer: Timer | undefined;
    let onAbort: (() => void) | undefined;
    const answer = new Promise<string>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      const giveUp = (error: AgentError): void => {
        // The answer still comes; nobody waits for it then.
        this.#pending.delete(id);
        reject(error);
      };
      onAbort = () => giveUp(new AgentError('ABORTED_IN_FLIGHT', `${command} was given up`));
      signal?.addEventListener('abort', onAbort, { once: true });
      timer = this.#clock.after(options.deadlineMs ?? deadlineMsDefault, () =>
        giveUp(new AgentError('DEADLINE_EXCEEDED', `${command} was not answered in time`)),
      );
      this.#socket.write(JSON.stringify({ id, method: command, params: args }));
    });
    try {
      return await answer;
    } finally {
      timer?.cancel();
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Hangs up. Calls that wait fail with CLIENT_CLOSED. */
  close(): void {
    this.#fail(new AgentError('CLIENT_CLOSED', 'the unixctl client was closed'));
  }

  #receive(bytes: Buffer): void {
    if (this.#end !== undefined) return;
    try {
      for (const text of this.#splitter.push(bytes)) this.#answer(text);
    } catch (error) {
      this.#fail(toError(error));
    }
  }

  /** An answer to a call that was given up is dropped. */
  #answer(text: string): void {
    const reply = parseReply(text);
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.error === undefined) pending?.resolve(reply.result);
    else pending?.reject(new AgentError('UNIXCTL_REFUSED', safeText(reply.error.trim(), refusalLengthMax)));
  }

  #fail(error: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#socket.destroy();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

const refusalLengthMax = 1_000;

type Reply =
  | { readonly id: number; readonly result: string; readonly error?: undefined }
  | { readonly id: number; readonly error: string };

/** @throws AgentError PEER_PROTOCOL */
function parseReply(text: string): Reply {
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'number') {
    const { id } = value;
    // A refusal has no `result`, a success has `error: null` or none.
    if ('error' in value && typeof value.error === 'string') return { id, error: value.error };
    if ('result' in value && typeof value.result === 'string') return { id, result: value.result };
  }
  throw new AgentError('PEER_PROTOCOL', 'the daemon sent an answer that is not one of unixctl', {
    facts: { answer: safeText(text, 200) },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AgentError('PEER_PROTOCOL', 'the daemon sent broken JSON', { cause });
  }
}

function lost(cause: Error | undefined): AgentError {
  return new AgentError('CONNECTION_LOST', 'the daemon hung up', cause === undefined ? {} : { cause });
}

function dialError(path: string, cause: Error): AgentError {
  const isDenied = ['EACCES', 'EPERM'].includes(systemErrorCode(cause) ?? '');
  return new AgentError(isDenied ? 'PERMISSION_DENIED' : 'CONNECT_FAILED', `nobody answers at ${safeText(path)}`, {
    cause,
    remedy: isDenied
      ? 'Run as a user who may use the sockets of Open vSwitch: root, or the group openvswitch.'
      : 'See whether ovs-vswitchd runs; after a crash its pid file still names the former process.',
  });
}
