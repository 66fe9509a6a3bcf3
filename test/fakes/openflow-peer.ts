/**
 * A switch that misbehaves on order, on a real unix socket: it answers the set-up of a session like Open vSwitch and
 * everything else as the test says. It keeps what it was sent.
 */

import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { makeLabDir, removeLabDir } from '../integration/lab/ovs.js';
import { ByteWriter } from '../../src/openflow/wire/byte-writer.js';
import { Framer } from '../../src/openflow/wire/framer.js';
import { encodeMessage, messageType } from '../../src/openflow/wire/header.js';
import type { Version } from '../../src/openflow/version.js';

export interface SeenMessage {
  readonly type: number;
  readonly xid: number;
  readonly bytes: Uint8Array;
}

export interface PeerOptions {
  /** Version byte of the hello. Default 6. */
  readonly helloVersion?: number;
  /** Send one byte at a time. */
  readonly isDripping?: boolean;
  /** Answers a message that is not of the set-up. Without it barriers and echoes are answered. */
  readonly answer?: (message: SeenMessage, peer: OpenFlowPeer) => void;
}

export class OpenFlowPeer implements AsyncDisposable {
  readonly path: string;
  readonly seen: SeenMessage[] = [];
  readonly #dir: string;
  readonly #options: PeerOptions;
  readonly #server: Server;
  #socket: Socket | undefined;
  #connections = 0;
  #isSettled = false;

  private constructor(dir: string, options: PeerOptions) {
    this.#dir = dir;
    this.path = join(dir, 'peer.mgmt');
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(options: PeerOptions = {}): Promise<OpenFlowPeer> {
    const peer = new OpenFlowPeer(await makeLabDir(), options);
    peer.#server.listen(peer.path);
    await once(peer.#server, 'listening');
    return peer;
  }

  /** How often a client connected. */
  get connections(): number {
    return this.#connections;
  }

  /** Sends one message. */
  send(type: number, xid: number, body: Uint8Array = new Uint8Array(), version: Version = 6): void {
    const writer = new ByteWriter();
    encodeMessage(writer, version, type, xid, () => writer.bytes(body));
    this.sendBytes(writer.take());
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.#options.isDripping === true) {
      for (const byte of bytes) this.#socket?.write(Uint8Array.of(byte));
    } else {
      this.#socket?.write(bytes);
    }
  }

  /** An error with this xid, type and code. */
  sendError(xid: number, type: number, code: number): void {
    this.send(messageType.error, xid, Uint8Array.of(type >> 8, type & 255, code >> 8, code & 255));
  }

  hangUp(): void {
    this.#socket?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await removeLabDir(this.#dir);
  }

  #accept(socket: Socket): void {
    this.#connections += 1;
    this.#isSettled = false;
    this.#socket = socket;
    const framer = new Framer((bytes) => this.#receive(bytes));
    socket.on('error', () => undefined).on('data', (chunk) => framer.push(chunk));
    const hello = Uint8Array.of(this.#options.helloVersion ?? 6, 0, 0, 8, 0, 0, 0, 1);
    this.sendBytes(hello);
  }

  #receive(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const message = { type: bytes[1]!, xid: view.getUint32(4), bytes };
    this.seen.push(message);
    if (message.type === messageType.featuresRequest)
      this.send(messageType.featuresReply, message.xid, new Uint8Array(24));
    else if (this.#isSettled && this.#options.answer !== undefined) this.#options.answer(message, this);
    else this.answerBarrier(message);
    // The set-up of every connection ends with its first barrier.
    if (message.type === messageType.barrierRequest) this.#isSettled = true;
  }

  /** What a well-behaved switch says to a barrier or an echo. */
  answerBarrier({ type, xid }: SeenMessage): void {
    if (type === messageType.barrierRequest) this.send(messageType.barrierReply, xid);
    if (type === messageType.echoRequest) this.send(messageType.echoReply, xid);
  }
}
