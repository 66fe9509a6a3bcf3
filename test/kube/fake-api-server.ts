/**
 * The list and watch of one collection on a real socket, with versions, paging, compaction and faults on order. It keeps a
 * log of what it was asked. What it answers is what a kube-apiserver answers as far as a reflector can tell.
 */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface FakeObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
  readonly text: string;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
}

type Handler = (request: IncomingMessage, response: ServerResponse, asked: Asked) => void;

interface LoggedEvent {
  readonly version: number;
  readonly type: string;
  readonly object: FakeObject;
}

export class FakeApiServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly watchers = new Map<ServerResponse, number>();
  readonly asked: Asked[] = [];
  readonly objects = new Map<string, FakeObject>();
  /** Answers instead of the server, once each, in order. */
  readonly once: Handler[] = [];
  /** Answers every request instead of the server, while it is set. */
  always: Handler | undefined;
  #events: LoggedEvent[] = [];
  #version = 100;
  /** Watches and continued lists from before this version get 410. */
  #compacted = 0;
  #port = 0;

  constructor(tls?: ServerOptions) {
    const handle = (request: IncomingMessage, response: ServerResponse): void => this.#handle(request, response);
    this.#server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.isTls = tls !== undefined;
  }

  readonly isTls: boolean;

  get url(): string {
    return `${this.isTls ? 'https' : 'http'}://127.0.0.1:${this.#port}`;
  }

  get version(): number {
    return this.#version;
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  /** Listens, on the same port as before if there was one. */
  async listen(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Ends every connection and hears no more. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  /** Ends every connection. */
  cut(): void {
    this.watchers.clear();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Other certificates for connections from now on. */
  setTls(tls: ServerOptions): void {
    if ('setSecureContext' in this.#server) {
      (this.#server as unknown as { setSecureContext(options: ServerOptions): void }).setSecureContext(tls);
    }
  }

  put(name: string, text: string, uid = `uid-${name}`): FakeObject {
    this.#version += 1;
    const object = { metadata: { name, uid, resourceVersion: String(this.#version) }, text };
    const before = this.objects.get(name);
    if (before !== undefined && before.metadata.uid !== uid) {
      this.#publish('DELETED', before);
      this.#version += 1;
    }
    const current = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.objects.set(name, current);
    this.#publish(before?.metadata.uid === uid ? 'MODIFIED' : 'ADDED', current);
    return current;
  }

  delete(name: string): void {
    const object = this.objects.get(name);
    if (object === undefined) return;
    this.#version += 1;
    this.objects.delete(name);
    this.#publish('DELETED', object);
  }

  bookmark(version = this.#version): void {
    for (const watcher of this.watchers.keys()) {
      writeLine(watcher, { type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } });
    }
  }

  /** Writes raw bytes to every watcher. */
  write(text: string): void {
    for (const watcher of this.watchers.keys()) watcher.write(text);
  }

  /** Ends every watch in good order. */
  endWatches(): void {
    for (const watcher of this.watchers.keys()) watcher.end();
    this.watchers.clear();
  }

  /** Forgets the events so far. */
  compact(): void {
    this.#compacted = this.#version;
    this.#events = [];
  }

  /** As after a restore from a backup: other objects, an older version, and no memory of what came after. */
  restore(version: number, objects: readonly FakeObject[]): void {
    this.#version = version;
    this.#compacted = 0;
    this.#events = [];
    this.objects.clear();
    for (const object of objects) this.objects.set(object.metadata.name, object);
  }

  lists(): Asked[] {
    return this.asked.filter(({ query }) => query.get('watch') === null);
  }

  watches(): Asked[] {
    return this.asked.filter(({ query }) => query.get('watch') !== null);
  }

  #publish(type: string, object: FakeObject): void {
    const version = this.#version;
    // The object of a DELETED event carries the version of its deletion.
    const told = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    this.#events.push({ version, type, object: told });
    for (const [watcher, from] of this.watchers) if (version > from) writeLine(watcher, { type, object: told });
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://server');
    const asked: Asked = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization,
    };
    this.asked.push(asked);
    response.on('error', () => undefined);
    const handler = this.once.shift() ?? this.always;
    if (handler !== undefined) handler(request, response, asked);
    else this.serve(request, response, asked);
  }

  /** The regular answer. */
  serve(_request: IncomingMessage, response: ServerResponse, asked: Asked): void {
    if (asked.query.get('watch') === 'true') this.#watch(response, asked);
    else this.#list(response, asked);
  }

  #list(response: ServerResponse, { query }: Asked): void {
    const limit = Number(query.get('limit') ?? '0') || this.objects.size || 1;
    const [version = String(this.#version), skip = '0'] = (query.get('continue') ?? '').split('.').filter(Boolean);
    if (Number(version) < this.#compacted) {
      sendStatus(response, 410, 'Expired', 'the continue token is too old');
      return;
    }
    const names = [...this.objects.keys()].sort();
    const end = Number(skip) + limit;
    const items = names.slice(Number(skip), end).map((name) => this.objects.get(name));
    const more = end < names.length ? { continue: `${version}.${end}` } : {};
    sendJson(response, 200, { kind: 'PodList', metadata: { resourceVersion: version, ...more }, items });
  }

  #watch(response: ServerResponse, { query }: Asked): void {
    const from = Number(query.get('resourceVersion') ?? '0');
    if (from < this.#compacted) {
      response.writeHead(200, { 'content-type': 'application/json' });
      writeLine(response, { type: 'ERROR', object: status(410, 'Expired', `too old resource version: ${from}`) });
      response.end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    this.watchers.set(response, from);
    response.once('close', () => this.watchers.delete(response));
    for (const event of this.#events.filter(({ version }) => version > from)) {
      writeLine(response, { type: event.type, object: event.object });
    }
  }
}

function writeLine(response: ServerResponse, json: unknown): void {
  response.write(`${JSON.stringify(json)}\n`);
}

export function status(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
}

export function sendJson(response: ServerResponse, code: number, json: unknown, headers: object = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(json));
}

export function sendStatus(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  headers: object = {},
): void {
  sendJson(response, code, status(code, reason, message), headers);
}
