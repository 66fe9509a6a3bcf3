/**
 * One connection from its hello to its loss: owns the socket, cuts and dispatches what comes in, numbers and writes what
 * goes out. Used by the client, which makes a new one after each loss; nothing of an old connection reaches a new one.
 */

import type { Socket } from 'node:net';
import { assert } from '../lib/assert.js';
import { AgentError, toError } from '../lib/errors.js';
import { Outstanding } from './outstanding.js';
import type { Operation } from './outstanding.js';
import { stepSession } from './session.js';
import type { SessionEvent, SessionState } from './session.js';
import type { Version } from './version.js';
import { ByteReader } from './wire/byte-reader.js';
import { ByteWriter } from './wire/byte-writer.js';
import { decodeError } from './wire/error-message.js';
import type { ErrorMessage } from './wire/error-message.js';
import { Framer } from './wire/framer.js';
import { decodeHeader, encodeMessage, messageType } from './wire/header.js';
import type { Header } from './wire/header.js';
import { decodeMessage } from './wire/message.js';
import type { Message } from './wire/message.js';
import { encodeHello, encodeSetAsync, encodeSetConfig, negotiate } from './wire/session-messages.js';
import type { AsyncFilter, Features } from './wire/session-messages.js';

export interface ConnectionOptions {
  readonly versions: readonly Version[];
  readonly asyncFilter: AsyncFilter;
  onReady(version: Version, features: Features): void;
  /** Bytes came. */
  onHeard(): void;
  /** Once, with the reason. */
  onLost(error: Error): void;
  /** A message that nobody asked for, not yet decoded. */
  onAsync(type: number, bytes: Uint8Array): void;
  /** An error that no request caused, or one that cannot be told to whom it belongs. */
  onStrayError(xid: number, error: ErrorMessage): void;
}

/** Bytes of a packet for which the switch has no flow. Any number but zero turns asynchronous messages on. */
const missSendLength = 128;
/** xids start again here; what was asked four thousand million messages ago has been answered. */
const xidMax = 0xf000_0000;

export class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #framer = new Framer((message) => this.#receive(message));
  readonly #outstanding = new Outstanding();
  /** Who wants the socket not to be read. */
  readonly #pausers = new Set<object>();
  #session: SessionState = { kind: 'greeting' };
  #nextXid = 1;
  #barrierXid = 0;
  #lost: Error | undefined;
  #drained: Promise<void> | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (cause) => this.#lose(lostError(cause)));
    socket.on('close', () => this.#lose(lostError(undefined)));
    this.#send((writer) => encodeHello(writer, this.takeXids(1), options.versions));
  }

  get isPaused(): boolean {
    return this.#pausers.size > 0;
  }

  /** The version in use. Only a ready connection has one. */
  get version(): Version {
    assert(this.#session.kind !== 'greeting', 'a version is known after the greeting only');
    return this.#session.version;
  }

  /** Numbers for `count` messages in a row; the first of them is returned. */
  takeXids(count: number): number {
    if (this.#nextXid + count > xidMax) this.#nextXid = 1;
    const first = this.#nextXid;
    this.#nextXid += count;
    return first;
  }

  /** Writes bytes of whole messages. @returns a promise when the socket asks to wait before more is written */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#socket.write(bytes)) return undefined;
    this.#drained ??= this.#waitForDrain();
    return this.#drained;
  }

  /** Registers an operation whose messages are about to be written. */
  expect(operation: Operation): void {
    if (this.#lost !== undefined) throw this.#lost;
    this.#outstanding.add(operation);
  }

  /** Forgets an operation. Its late answers are still consumed. */
  forget(operation: Operation): void {
    this.#outstanding.remove(operation);
  }

  /** Stops reading until `resume` with the same key: the switch then has to wait too. */
  pause(key: object): void {
    this.#pausers.add(key);
    this.#socket.pause();
  }

  resume(key: object): void {
    if (!this.#pausers.delete(key) || this.#pausers.size > 0) return;
    this.#socket.resume();
  }

  /** Sends something that a living switch answers. Before the greeting is over there is nothing to ask. */
  probe(): void {
    const session = this.#session;
    if (session.kind === 'greeting' || this.#lost !== undefined) return;
    this.#send((writer) => encodeMessage(writer, session.version, messageType.echoRequest, this.takeXids(1)));
  }

  /** Hangs up; everything outstanding fails with `error`. */
  close(error: Error): void {
    this.#lose(error);
  }

  #read(chunk: Buffer): void {
    this.#options.onHeard();
    try {
      this.#framer.push(chunk);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#lose(error);
    }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#lost !== undefined) return;
    const header = decodeHeader(new ByteReader(bytes));
    switch (header.type) {
      case messageType.hello:
        this.#greeted(header, bytes);
        return;
      case messageType.error:
        this.#refused(header, decodeError(new ByteReader(bytes, headerBytes)));
        return;
      case messageType.echoRequest:
        this.#answerEcho(header, bytes);
        return;
      case messageType.packetIn:
      case messageType.flowRemoved:
      case messageType.portStatus:
        this.#options.onAsync(header.type, bytes);
        return;
      default:
        this.#replied(header, bytes);
    }
  }

  #greeted(header: Header, bytes: Uint8Array): void {
    const offered = this.#options.versions;
    const version = negotiate(offered, header.version, new ByteReader(bytes, headerBytes));
    this.#step({ kind: 'hello', version, offered });
  }

  #step(event: SessionEvent): void {
    const [state, effects] = stepSession(this.#session, event);
    this.#session = state;
    for (const effect of effects) {
      if (effect === 'setUp') this.#setUp();
      else if (state.kind === 'ready') this.#options.onReady(state.version, state.features);
    }
  }

  #setUp(): void {
    const { version } = this;
    this.#send((writer) => {
      encodeSetAsync(writer, version, this.takeXids(1), this.#options.asyncFilter);
      encodeSetConfig(writer, version, this.takeXids(1), { flags: 0, missSendLength });
      encodeMessage(writer, version, messageType.featuresRequest, this.takeXids(1));
      this.#barrierXid = this.takeXids(1);
      encodeMessage(writer, version, messageType.barrierRequest, this.#barrierXid);
    });
  }

  #answerEcho(header: Header, bytes: Uint8Array): void {
    const version = this.#session.kind === 'greeting' ? this.#options.versions[0] : this.#session.version;
    if (version === undefined) return;
    const data = bytes.subarray(headerBytes);
    this.#send((writer) => encodeMessage(writer, version, messageType.echoReply, header.xid, () => writer.bytes(data)));
  }

  #refused(header: Header, error: ErrorMessage): void {
    if (this.#session.kind === 'greeting') {
      throw new AgentError('OPENFLOW_VERSION', 'the switch refused our hello', { facts: { reason: error.name } });
    }
    const owner = this.#outstanding.ownerOf(header.xid);
    if (owner === undefined) this.#options.onStrayError(header.xid, error);
    else if (owner.onError(header.xid, error)) this.#outstanding.remove(owner);
  }

  #replied(header: Header, bytes: Uint8Array): void {
    const operation = this.#outstanding.replyTo(header.xid);
    if (operation === undefined) {
      this.#unasked(header, bytes);
      return;
    }
    const isDone = operation.onBytes?.(bytes) ?? operation.onReply(decodeMessage(bytes));
    if (isDone) this.#outstanding.remove(operation);
  }

  /** A reply that no operation waits for: of our own set-up, the flow monitor's stream, or one that came too late. */
  #unasked(header: Header, bytes: Uint8Array): void {
    if (header.xid === 0) {
      this.#options.onAsync(header.type, bytes);
    } else if (this.#session.kind === 'settling') {
      const message: Message = decodeMessage(bytes);
      if (message.body.kind === 'features') this.#step({ kind: 'features', features: message.body.features });
      if (message.body.kind === 'barrierReply' && header.xid === this.#barrierXid) this.#step({ kind: 'settled' });
    }
  }

  #send(encode: (writer: ByteWriter) => void): void {
    const writer = new ByteWriter(64);
    encode(writer);
    if (this.#lost === undefined) this.#socket.write(writer.take());
  }

  #waitForDrain(): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#socket.removeListener('drain', settle).removeListener('close', settle);
        this.#drained = undefined;
        resolve();
      };
      this.#socket.once('drain', settle).once('close', settle);
    });
  }

  #lose(error: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#pausers.clear();
    this.#socket.destroy();
    this.#outstanding.failAll(error);
    this.#options.onLost(error);
  }
}

const headerBytes = 8;

function lostError(cause: unknown): AgentError {
  return new AgentError('CONNECTION_LOST', 'the connection to the switch is lost', {
    facts: cause === undefined ? {} : { reason: toError(cause).message.slice(0, 256) },
    ...(cause === undefined ? {} : { cause }),
  });
}
