/**
 * The socket side of the embedded server: listens (HTTP or HTTPS) on one port, keeps account of the connections so that
 * they can be cut at once, and bounds headers, times and numbers. What is answered is decided by the handler.
 */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificates } from './certificates.js';

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Limits of the server. A client that is slower or greedier than these is cut off. */
const limits = { maxHeaderSize: 64 * 1024, headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 90_000 };
const connectionsMax = 2000;

export class HttpFront {
  readonly #handler: HttpHandler;
  readonly #certificates: Certificates | undefined;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port: number;

  /** @param port 0 for any free one, which is then kept for later starts */
  constructor(port: number, certificates: Certificates | undefined, handler: HttpHandler) {
    this.#port = port;
    this.#certificates = certificates;
    this.#handler = handler;
  }

  get port(): number {
    return this.#port;
  }

  get isListening(): boolean {
    return this.#server !== undefined;
  }

  /** Listens on the loopback address. Rejects with the system's error, for example when the port is taken. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = this.#makeServer();
    server.maxConnections = connectionsMax;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Stops listening and cuts every connection, as the death of the process would. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Cuts every connection and goes on listening. Returns how many. */
  cutConnections(): number {
    const count = this.#sockets.size;
    for (const socket of this.#sockets) socket.destroy();
    return count;
  }

  #makeServer(): Server {
    if (this.#certificates === undefined) return createServer(limits, this.#handler);
    const { serverCert, serverKey, ca } = this.#certificates;
    // A certificate of a client is asked for but not demanded: most come with a token.
    const tls = { cert: serverCert, key: serverKey, ca, requestCert: true, rejectUnauthorized: false };
    return createTlsServer({ ...limits, ...tls }, this.#handler);
  }
}
