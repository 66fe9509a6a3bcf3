/**
 * An OVSDB server that does what a test tells it, on a real unix socket: answers, lies, splits bytes, falls silent, hangs
 * up half or whole. Knows one small database; everything else is the script's.
 */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json, JsonObject } from '../../src/ovsdb/index.js';
import { FrameScanner } from '../../src/ovsdb/wire/frame-scanner.js';
import { writeJson } from '../../src/ovsdb/wire/json-exact.js';

/** Schema of the database `Lab`. */
export const labSchema: JsonObject = {
  name: 'Lab',
  version: '1.0.0',
  tables: {
    Thing: { isRoot: true, columns: { name: { type: 'string' }, size: { type: 'integer' } } },
  },
};

export interface PeerRequest {
  readonly method: string;
  readonly params: readonly Json[];
  readonly id: Json;
  readonly connection: PeerConnection;
}

/** The answer to one method. `silence`: none. */
export type Answer = (request: PeerRequest) => { result: Json } | { error: Json } | 'silence';

export class PeerConnection {
  readonly #socket: Socket;
  readonly #peer: ScriptedOvsdbPeer;

  constructor(socket: Socket, peer: ScriptedOvsdbPeer) {
    this.#socket = socket;
    this.#peer = peer;
  }

  send(message: JsonObject): void {
    this.sendBytes(Buffer.from(writeJson(message)));
  }

  /** Whatever it is, in pieces as long as the peer's `pieceSize`. */
  sendBytes(bytes: Buffer | string): void {
    const buffer = Buffer.from(bytes);
    const step = this.#peer.pieceSize;
    for (let at = 0; at < buffer.length; at += step) this.#socket.write(buffer.subarray(at, at + step));
  }

  notify(method: string, params: readonly Json[]): void {
    this.send({ id: null, method, params });
  }

  /** Sends no more, but reads on. */
  halfClose(): void {
    this.#socket.end();
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  /** Stops reading, as a server that hangs. */
  freeze(): void {
    this.#socket.pause();
  }
}

export class ScriptedOvsdbPeer implements AsyncDisposable {
  readonly path: string;
  /** Every request and notification that came, oldest first. */
  readonly requests: PeerRequest[] = [];
  readonly connections: PeerConnection[] = [];
  /** Answers to what the test sent by hand. */
  readonly replies: JsonObject[] = [];
  /** Answers by method; a method that is not here is unknown. */
  readonly answers = new Map<string, Answer>();
  /** How many bytes go into one write. */
  pieceSize = Infinity;
  /** Rows of `Thing` that a monitor starts with. */
  rows: Record<string, JsonObject> = {};
  readonly #server: Server;
  readonly #dir: string;
  readonly #sockets = new Set<Socket>();

  private constructor(dir: string) {
    this.#dir = dir;
    this.path = join(dir, 'db.sock');
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#answerAsServer();
  }

  /** A peer that serves `Lab` like a standalone server without `_Server` database. */
  static async start(): Promise<ScriptedOvsdbPeer> {
    const peer = new ScriptedOvsdbPeer(await mkdtemp(join(tmpdir(), 'peer-')));
    peer.#server.listen(peer.path);
    await once(peer.#server, 'listening');
    return peer;
  }

  get endpoint(): string {
    return `unix:${this.path}`;
  }

  /** The connection that came last. */
  get connection(): PeerConnection {
    return this.connections.at(-1)!;
  }

  /** The requests of one method. */
  requestsOf(method: string): readonly PeerRequest[] {
    return this.requests.filter((request) => request.method === method);
  }

  answer(method: string, answer: Answer): void {
    this.answers.set(method, answer);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #answerAsServer(): void {
    this.answer('echo', ({ params }) => ({ result: params }));
    this.answer('get_schema', ({ params }) =>
      params[0] === 'Lab' ? { result: labSchema } : { error: 'unknown database' },
    );
    this.answer('set_db_change_aware', () => ({ result: {} }));
    this.answer('monitor_cond_since', () => ({
      result: [false, '00000000-0000-0000-0000-000000000000', { Thing: this.#dump('initial') }],
    }));
    this.answer('monitor_cond', () => ({ result: { Thing: this.#dump('initial') } }));
    this.answer('monitor', () => ({ result: { Thing: this.#dump('new') } }));
    this.answer('transact', ({ params }) => ({ result: params.slice(1).map(() => ({})) }));
  }

  #dump(member: string): JsonObject {
    return Object.fromEntries(Object.entries(this.rows).map(([uuid, row]) => [uuid, { [member]: row }]));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const connection = new PeerConnection(socket, this);
    this.connections.push(connection);
    const scanner = new FrameScanner({
      frameSizeMax: 1 << 26,
      depthMax: 1000,
      onMessage: (message) => this.#receive(message, connection),
    });
    socket.on('data', (chunk: Buffer) => scanner.push(chunk));
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #receive(message: JsonObject, connection: PeerConnection): void {
    const { method, id = null, params } = message;
    if (typeof method !== 'string') {
      this.replies.push(message);
      return;
    }
    const request: PeerRequest = { method, params: params as readonly Json[], id, connection };
    this.requests.push(request);
    if (id === null) return;
    const answer = this.answers.get(method)?.(request) ?? { error: 'unknown method' };
    if (answer !== 'silence') connection.send({ id, ...answer });
  }
}
