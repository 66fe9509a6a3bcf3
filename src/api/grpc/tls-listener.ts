/**
 * A TCP address with TLS 1.3 and certificates of clients. The server is Node's own, so that its certificates can be exchanged
 * under open connections, which keep what they were opened with, and sockets can be counted before they cost a handshake.
 */

import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { AgentError, systemErrorCode, toError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';
import { contextOptions, type TlsMaterial } from './tls-files.js';

export interface TlsListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly material: TlsMaterial;
  readonly handshakeMs: number;
  /** Connections of one address at once. */
  readonly addressConnectionsMax: number;
  /** A socket that has come in; nothing is read of it yet. */
  readonly onSocket: (raw: Socket) => void;
  /** A socket whose handshake is done, with the certificate that was verified. */
  readonly onSecure: (raw: Socket, socket: TLSSocket, certificate: X509Certificate, from: string) => void;
  readonly onRefused: (error: AgentError, from: string) => void;
}

/** `host:port` as one writes it. */
export function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export class TlsListener {
  readonly #server: Server;
  readonly #options: TlsListenerOptions;
  /** By port of the peer and address: unique among the connections of one listener. */
  readonly #raw = new Map<string, Socket>();
  readonly #counts = new Map<string, number>();

  private constructor(options: TlsListenerOptions) {
    this.#options = options;
    this.#server = createServer({
      ...contextOptions(options.material),
      ALPNProtocols: ['h2'],
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: options.handshakeMs,
    });
    // Before Node's own listener, which begins the handshake.
    this.#server.prependListener('connection', (raw: Socket) => this.#onConnection(raw));
    this.#server.on('secureConnection', (socket) => this.#onSecure(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      const why = systemErrorCode(error) ?? 'unknown';
      // The peer went away of itself: a probe, or one that the door has dropped.
      if (why === 'ECONNRESET') return;
      this.#options.onRefused(
        new AgentError('API_UNAUTHENTICATED', `a TLS handshake failed: ${safeText(why)}`, {
          facts: { reason: why },
          remedy:
            'Give the client TLS 1.3 and a certificate that an authority in api.grpc.tls.clientCaFile has signed.',
        }),
        socket.remoteAddress ?? 'unknown',
      );
    });
  }

  /** @throws AgentError API_ADDRESS */
  static async open(options: TlsListenerOptions): Promise<TlsListener> {
    const listener = new TlsListener(options);
    const { host, port } = options;
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', reject);
      listener.#server.listen({ host, port }, () => {
        listener.#server.off('error', reject);
        // A connection that cannot be taken (no descriptor, no memory) is that connection's end and no more.
        listener.#server.on('error', () => undefined);
        resolve();
      });
    }).catch((cause: unknown) => {
      const why = systemErrorCode(cause) ?? toError(cause).message;
      throw new AgentError('API_ADDRESS', `cannot listen at ${addressText(host, port)}: ${safeText(why)}`, {
        facts: { address: addressText(host, port) },
        remedy: 'Name an address of this machine and a free port in api.grpc.listen.',
        cause,
      });
    });
    return listener;
  }

  get address(): string {
    const bound = this.#server.address();
    const { host, port } = this.#options;
    return addressText(host, typeof bound === 'object' && bound !== null ? bound.port : port);
  }

  /** Exchanges the certificates for new connections. */
  setMaterial(material: TlsMaterial): void {
    this.#server.setSecureContext(contextOptions(material));
  }

  /** Takes no more connections; those that are open stay. */
  close(): void {
    this.#server.close();
  }

  #onConnection(raw: Socket): void {
    raw.on('error', () => undefined);
    const { remoteAddress: address, remotePort: port } = raw;
    if (address === undefined || port === undefined) {
      raw.destroy();
      return;
    }
    const count = (this.#counts.get(address) ?? 0) + 1;
    // Before it takes a place at the door, where it could drive out another.
    if (count > this.#options.addressConnectionsMax) {
      this.#options.onRefused(new AgentError('API_LIMIT', `too many connections from ${address}`), address);
      raw.destroy();
      return;
    }
    this.#counts.set(address, count);
    const key = `${port} ${address}`;
    this.#raw.set(key, raw);
    raw.once('close', () => {
      this.#raw.delete(key);
      const left = (this.#counts.get(address) ?? 1) - 1;
      if (left > 0) this.#counts.set(address, left);
      else this.#counts.delete(address);
    });
    this.#options.onSocket(raw);
  }

  #onSecure(socket: TLSSocket): void {
    socket.on('error', () => undefined);
    const raw = this.#raw.get(`${socket.remotePort} ${socket.remoteAddress}`);
    const certificate = socket.getPeerX509Certificate();
    const from = socket.remoteAddress ?? 'unknown';
    // All three hold by the options above; that nothing is served without them must not hang on that.
    if (raw === undefined || !socket.authorized || certificate === undefined || socket.alpnProtocol !== 'h2') {
      const why = raw === undefined ? 'the connection is gone' : 'no certificate, or no HTTP/2';
      this.#options.onRefused(new AgentError('API_UNAUTHENTICATED', `a TLS connection is not used: ${why}`), from);
      socket.destroy();
      return;
    }
    this.#options.onSecure(raw, socket, certificate, from);
  }
}
