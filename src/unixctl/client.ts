/**
 * A client of the control socket of an Open vSwitch daemon: what ovs-appctl(8) does, on one connection that is kept. A daemon
 * answers in its main thread, which forwards nothing meanwhile, so this client never has two commands there: the others
 * wait here, in a queue with an end. It connects once and does not come back by itself; `UnixctlSession` does.
 */

import { connect, type Socket } from 'node:net';
import { systemClock, type Clock } from '../lib/clock.js';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { Job, type CallOptions } from './job.js';
import { LineStream, type LineSource } from './line-stream.js';
import { LineReceiver, TextReceiver, type AnswerFacts, type Receiver } from './receivers.js';
import { ReplyDecoder } from './reply-decoder.js';

export interface UnixctlOptions {
  readonly clock?: Clock;
  /** Longest answer, bytes on the wire. Default 256 MiB: half a million flows. A longer one ends the connection. */
  readonly answerSizeMax?: number;
  /** Longest text of a call, bytes; what is longer is streamed. Default 16 MiB. A longer one ends the connection. */
  readonly textSizeMax?: number;
  /** Longest line of a stream, bytes. Default 1 MiB. */
  readonly lineSizeMax?: number;
  /** Text of a stream that may wait for its reader, bytes. Default 1 MiB. */
  readonly bufferedSizeMax?: number;
  /** How many commands may wait for their turn. Default 16: more than that never get theirs in time. */
  readonly queueLengthMax?: number;
  /** Counts of several connections together. Default: counts of this one. */
  readonly counts?: UnixctlCounts;
}

/** What happened so far; every number only grows. */
export interface UnixctlCounts {
  /** Commands that were written to the socket. */
  sent: number;
  /** Complete answers, refusals among them, that somebody waited for. */
  answered: number;
  refused: number;
  /** Calls that nobody could wait for any longer: deadlines, sent or not. */
  expired: number;
  /** Answers that came after their caller had gone, and were thrown away. */
  stale: number;
  /** Calls that found the queue full. */
  turnedAway: number;
  /** Bytes of all answers. */
  receivedSize: number;
}

/** A text and what it cost. */
export interface Answer extends AnswerFacts {
  readonly text: string;
}

const answerSizeMaxDefault = 256 << 20;
const textSizeMaxDefault = 16 << 20;
const lineSizeMaxDefault = 1 << 20;
const bufferedSizeMaxDefault = 1 << 20;
const queueLengthMaxDefault = 16;
const refusalLengthMax = 1_000;

export const noCounts = (): UnixctlCounts => ({
  sent: 0,
  answered: 0,
  refused: 0,
  expired: 0,
  stale: 0,
  turnedAway: 0,
  receivedSize: 0,
});

export class UnixctlClient {
  readonly counts: UnixctlCounts;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #options: UnixctlOptions;
  readonly #decoder: ReplyDecoder;
  readonly #queue: Job[] = [];
  /** The command that the daemon has; its caller may have gone. */
  #current: Job | undefined;
  #nextId = 1;
  #isRetired = false;
  #end: Error | undefined;

  private constructor(socket: Socket, options: UnixctlOptions) {
    this.#socket = socket;
    this.#options = options;
    this.counts = options.counts ?? noCounts();
    this.#clock = options.clock ?? systemClock;
    this.#decoder = new ReplyDecoder({
      bytes: (buffer, start, end) => this.#receiver()?.bytes(buffer, start, end),
      newline: () => this.#receiver()?.newline(),
      end: (id, error) => this.#answer(id, error),
    });
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (cause) => this.#fail(lost(cause)));
    socket.on('close', () => this.#fail(lost(undefined)));
  }

  /**
   * Connects to the socket of a daemon, see `findControlSocket`. The connection of a unix socket is made by the kernel at
   * once, or not at all: a stopped daemon accepts too.
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

  /** Whether the connection is gone for good. */
  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** For how long the daemon has had a command and not answered, ms; undefined when it has none. */
  get busyMs(): number | undefined {
    const sentMs = this.#current?.sentMs;
    return sentMs === undefined ? undefined : this.#clock.nowMs() - sentMs;
  }

  /**
   * Runs one command and returns the text that it prints.
   * @throws AgentError UNIXCTL_REFUSED with the daemon's words, UNIXCTL_BUSY, DEADLINE_EXCEEDED, ABORTED, ABORTED_IN_FLIGHT,
   * NOT_CONNECTED (not sent), CONNECTION_LOST, PEER_PROTOCOL, LIMIT_EXCEEDED, CLIENT_CLOSED
   */
  async call(command: string, args: readonly string[] = [], options: CallOptions = {}): Promise<string> {
    return (await this.ask(command, args, options)).text;
  }

  /** As `call`, with the time that it took. */
  ask(command: string, args: readonly string[] = [], options: CallOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const receiver = new TextReceiver(
        this.#options.textSizeMax ?? textSizeMaxDefault,
        (text, facts) => resolve({ text, ...facts }),
        reject,
      );
      this.#submit(command, args, options, receiver);
    });
  }

  /**
   * Runs one command and gives its text line by line, in bounded memory. The deadline is for the silence between two
   * portions, of the daemon or of the reader: whoever stands still so long ends the stream.
   */
  stream(command: string, args: readonly string[] = [], options: CallOptions = {}): LineStream {
    return new LineStream(() => Promise.resolve(this.open(command, args, options)));
  }

  /** Sends the command of a stream; what `UnixctlSession` makes its streams of. */
  open(command: string, args: readonly string[], options: CallOptions): LineSource {
    const receiver = new LineReceiver({
      lineSizeMax: this.#options.lineSizeMax ?? lineSizeMaxDefault,
      bufferedSizeMax: this.#options.bufferedSizeMax ?? bufferedSizeMaxDefault,
    });
    const job = this.#submit(command, args, options, receiver);
    return {
      receiver,
      taken: () => this.#taken(job),
      abandon: () => this.#abandon(job, 'ABORTED_IN_FLIGHT', 'was left by its reader'),
    };
  }

  /** Takes no more commands, hangs up when those that it has are done. */
  retire(): void {
    this.#isRetired = true;
    this.#hangUpWhenDone();
  }

  /** Hangs up. Calls that wait fail with CLIENT_CLOSED. */
  close(): void {
    this.#fail(new AgentError('CLIENT_CLOSED', 'the unixctl client was closed'));
  }

  #submit(command: string, args: readonly string[], options: CallOptions, receiver: Receiver): Job {
    const job = new Job(command, args, receiver, options, this.#clock, {
      expire: () => {
        this.counts.expired += 1;
        const why =
          job.sentMs === undefined ? 'had to wait for another command for too long' : 'was not answered in time';
        this.#abandon(job, 'DEADLINE_EXCEEDED', why);
      },
      abort: () => this.#abandon(job, job.sentMs === undefined ? 'ABORTED' : 'ABORTED_IN_FLIGHT', 'was given up'),
    });
    const refusal = this.#refusal(job, options.signal);
    if (refusal !== undefined) {
      job.fail(refusal);
      return job;
    }
    this.#queue.push(job);
    this.#pump();
    return job;
  }

  #refusal(job: Job, signal: AbortSignal | undefined): Error | undefined {
    if (signal?.aborted === true) return new AgentError('ABORTED', `${job.command} was given up before it was sent`);
    if (this.#end !== undefined) return this.#end;
    if (this.#isRetired) return notSent(job);
    if (this.#queue.length < (this.#options.queueLengthMax ?? queueLengthMaxDefault)) return undefined;
    this.counts.turnedAway += 1;
    return new AgentError('UNIXCTL_BUSY', `${this.#queue.length} commands wait before ${job.command}`);
  }

  #pump(): void {
    if (this.#current !== undefined || this.#end !== undefined) return;
    const job = this.#queue.shift();
    if (job !== undefined) {
      this.#current = job;
      this.counts.sent += 1;
      this.#socket.write(job.send(this.#nextId));
      this.#nextId += 1;
    } else this.#hangUpWhenDone();
  }

  #hangUpWhenDone(): void {
    if (this.#isRetired && this.#queue.length === 0 && this.#current?.isDone !== false) this.close();
  }

  #receiver(): Receiver | undefined {
    if (this.#current === undefined) throw unasked();
    return this.#current.isDone ? undefined : this.#current.receiver;
  }

  #receive(bytes: Buffer): void {
    if (this.#end !== undefined) return;
    this.counts.receivedSize += bytes.length;
    try {
      this.#current?.heard(bytes.length);
      const sizeMax = this.#options.answerSizeMax ?? answerSizeMaxDefault;
      if ((this.#current?.sizeBytes ?? 0) > sizeMax) {
        throw new AgentError('LIMIT_EXCEEDED', `an answer is longer than ${sizeMax} bytes`);
      }
      this.#decoder.push(bytes);
    } catch (error) {
      this.#fail(toError(error));
    }
    if (this.#current?.isDone === false && this.#current.receiver.isFull) this.#socket.pause();
  }

  #taken(job: Job): void {
    if (job !== this.#current) return;
    job.rearm();
    this.#socket.resume();
  }

  /** An answer to a call that was given up is thrown away when it comes; until then the daemon gets nothing else. */
  #answer(id: number, error: string | undefined): void {
    const job = this.#current;
    if (job === undefined || job.id !== id) throw unasked();
    this.#current = undefined;
    if (job.isDone) this.counts.stale += 1;
    else if (error === undefined) {
      this.counts.answered += 1;
      job.finish();
    } else {
      this.counts.answered += 1;
      this.counts.refused += 1;
      job.fail(new AgentError('UNIXCTL_REFUSED', safeText(error.trim(), refusalLengthMax)));
    }
    this.#pump();
  }

  #abandon(job: Job, code: 'ABORTED' | 'ABORTED_IN_FLIGHT' | 'DEADLINE_EXCEEDED', why: string): void {
    if (job.isDone) return;
    const at = this.#queue.indexOf(job);
    if (at >= 0) this.#queue.splice(at, 1);
    job.fail(new AgentError(code, `${job.command} ${why}`, { facts: { isSent: job.sentMs !== undefined } }));
    if (job === this.#current) this.#socket.resume();
    this.#hangUpWhenDone();
  }

  #fail(error: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#socket.destroy();
    const isClosed = error instanceof AgentError && error.code === 'CLIENT_CLOSED';
    for (const job of this.#queue.splice(0)) job.fail(isClosed ? error : notSent(job));
    this.#current?.fail(error);
    this.#current = undefined;
  }
}

function unasked(): AgentError {
  return new AgentError('PEER_PROTOCOL', 'the daemon answered something that it was not asked');
}

function notSent(job: Job): AgentError {
  return new AgentError('NOT_CONNECTED', `the connection ended before ${job.command} was sent`);
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
