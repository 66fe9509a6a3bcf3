/**
 * The HTTP API: metrics, health, and what the agent knows as JSON; reads only. Listens on a loopback address, or elsewhere with
 * TLS and callers that show who they are. A failure to listen is told and tried again, never fatal.
 */

import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import type { AgentView } from '../../agent/api-view.js';
import { backoffMs, type BackoffTiming } from '../../lib/backoff.js';
import type { Clock, Timer } from '../../lib/clock.js';
import { AgentError, toError } from '../../lib/errors.js';
import { ProcessMetrics } from '../../telemetry/process-metrics.js';
import type { AddressGuard } from '../grpc/address-guard.js';
import type { GrpcFigures } from '../grpc/server.js';
import type { ServiceEntry } from '../grpc/service.js';
import { parseAddress, type Address } from './admission.js';
import { ApiFigures } from './api-figures.js';
import { BearerToken } from './bearer-token.js';
import { Gate } from './gate.js';
import type { SeriesLimits } from './interface-series.js';
import { addRoutes } from './routes.js';
import { Scraper } from './scrape.js';
import { StatusAge } from './status-age.js';
import { readTlsFiles, TlsWatch, type TlsFilesConfig } from './tls-files.js';

/** As `api.http` of the configuration, whose rules have been checked. */
export interface HttpApiConfig {
  readonly listen: string;
  readonly tls?: TlsFilesConfig;
  readonly tokenFile?: string;
}

export interface HttpApiOptions {
  readonly config: HttpApiConfig;
  /** As `api.metrics` of the configuration. */
  readonly metrics: SeriesLimits;
  readonly view: AgentView;
  /** The services of the gRPC API that the resources are read from; one that is missing is not served. */
  readonly services: readonly ServiceEntry[];
  /** What the gRPC API says of itself; undefined: it is off. */
  readonly grpc?: () => GrpcFigures;
  /** Throws for addresses that the host can reach. */
  readonly addressGuard?: AddressGuard;
  readonly version: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Something that is tried again by itself went wrong. */
  readonly onTrouble: (error: Error) => void;
  /** A handler threw what it should not have. */
  readonly onBug: (error: unknown) => void;
}

const retryBackoff: BackoffTiming = { baseMs: 500, capMs: 30_000 };

/** What a client may cost. Prometheus, a kubelet and a few people are all that is expected. */
const limits = {
  connections: 64,
  headerBytes: 8_192,
  headerCount: 64,
  /** To send a whole request head, ms; a connection without any byte counts too. */
  headersMs: 5_000,
  requestMs: 10_000,
  /** Between two looks at whether the address may be used, ms. */
  guardMs: 60_000,
  /** Between two looks for those that take longer, ms. */
  checkMs: 1_000,
  /** Longer than the usual scrape interval, so that a scraper keeps its connection, ms. */
  keepAliveMs: 75_000,
  /** Without a byte in either direction while an answer is under way, ms. */
  idleMs: 30_000,
  handshakeMs: 5_000,
  requestsPerConnection: 10_000,
} as const;

const serverOptions: ServerOptions = {
  maxHeaderSize: limits.headerBytes,
  headersTimeout: limits.headersMs,
  requestTimeout: limits.requestMs,
  connectionsCheckingInterval: limits.checkMs,
  keepAliveTimeout: limits.keepAliveMs,
};

/**
 * For fastify's compilers of JSON schemas, which it would load on its own: a seventh of the time that the agent takes to start.
 * No route has a schema; what is asked for is checked in query.ts.
 */
const noSchemas = () => () => {
  throw new Error('no route of this server has a schema');
};

export class HttpApi {
  readonly #options: HttpApiOptions;
  readonly #address: Address;
  readonly #abort = new AbortController();
  readonly #figures: ApiFigures;
  readonly #age: StatusAge;
  readonly #process: ProcessMetrics;
  readonly #scraper: Scraper;
  #server: Server | undefined;
  #app: FastifyInstance | undefined;
  #tlsWatch: TlsWatch | undefined;
  #retry: Timer | undefined;
  #starting: Promise<void> | undefined;
  #attempt = 0;

  constructor(options: HttpApiOptions) {
    const { view, clock, version, metrics } = options;
    this.#options = options;
    this.#address = parseAddress(options.config.listen);
    this.#figures = new ApiFigures(options.grpc);
    this.#age = new StatusAge(view.status, clock);
    this.#process = new ProcessMetrics(clock);
    const parts = { view, clock, version, limits: metrics, age: this.#age };
    this.#scraper = new Scraper({ ...parts, figures: this.#figures, process: this.#process });
  }

  /** Begins to listen; resolves after the first try, which may have failed: then it is tried again. */
  async start(): Promise<void> {
    this.#starting = this.#listen();
    await this.#starting;
  }

  /** Where it listens; undefined while it does not. */
  address(): Address | undefined {
    const address = this.#server?.address();
    if (typeof address !== 'object' || address === null) return undefined;
    return { host: address.address, port: address.port };
  }

  /** Ends all connections and awaits what is under way. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#retry?.cancel();
    await this.#starting;
    await this.#drop();
    await this.#scraper.close();
    this.#process.close();
    this.#age.close();
  }

  async #listen(): Promise<void> {
    try {
      this.#options.addressGuard?.(this.#address.host);
      const server = await this.#build();
      await listening(server, this.#address);
      server.on('error', this.#options.onTrouble);
      this.#attempt = 0;
      this.#guardLater();
    } catch (error) {
      await this.#drop();
      if (this.#abort.signal.aborted) return;
      this.#options.onTrouble(listenError(error, this.#options.config.listen));
      this.#tryLater();
    }
  }

  /** The address may become one of a link to the host later. */
  #guardLater(): void {
    const { addressGuard, clock } = this.#options;
    if (addressGuard === undefined || this.#abort.signal.aborted) return;
    this.#retry = clock.after(limits.guardMs, () => this.#guard(addressGuard), true);
  }

  #guard(addressGuard: AddressGuard): void {
    try {
      addressGuard(this.#address.host);
      this.#guardLater();
    } catch (error) {
      this.#options.onTrouble(listenError(error, this.#options.config.listen));
      this.#starting = this.#drop().then(() => {
        if (!this.#abort.signal.aborted) this.#tryLater();
      });
    }
  }

  #tryLater(): void {
    const waitMs = backoffMs(this.#attempt, retryBackoff, this.#options.random());
    this.#attempt += 1;
    this.#retry = this.#options.clock.after(waitMs, () => this.#listenAgain(), true);
  }

  #listenAgain(): void {
    this.#starting = this.#listen();
  }

  async #drop(): Promise<void> {
    this.#tlsWatch?.close();
    this.#tlsWatch = undefined;
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    }
    await this.#app?.close();
    this.#app = undefined;
  }

  async #build(): Promise<Server> {
    const { config, onTrouble, onBug, view, version, services } = this.#options;
    const token = config.tokenFile === undefined ? undefined : new BearerToken(config.tokenFile, onTrouble);
    const gate = new Gate({ listenHost: this.#address.host, token, figures: this.#figures });
    const make = config.tls === undefined ? plainServer : await this.#secured(config.tls);
    const app = this.#fastify(gate, make);
    const age = this.#age;
    const parts = { view, version, services, age, scraper: this.#scraper, figures: this.#figures, onBug };
    addRoutes(app, { ...parts, signal: this.#abort.signal });
    await app.ready();
    return app.server;
  }

  /** @throws AgentError API_ADDRESS when the certificates cannot be used */
  async #secured(config: TlsFilesConfig): Promise<MakeServer> {
    const { clock, onTrouble } = this.#options;
    const material = await readTlsFiles(config);
    const mustShow = material.ca !== undefined;
    const tls = { requestCert: mustShow, rejectUnauthorized: mustShow, handshakeTimeout: limits.handshakeMs };
    return (handler) => {
      const server = createTlsServer({ ...serverOptions, ...material, ...tls }, handler);
      server.on('tlsClientError', () => this.#figures.refused('API_UNAUTHENTICATED'));
      this.#tlsWatch = new TlsWatch(config, material, clock, (next) => server.setSecureContext(next), onTrouble);
      return server;
    };
  }

  /** Fastify behind the gate. It makes the server and hears its requests, but is not the one who listens. */
  #fastify(gate: Gate, make: MakeServer): FastifyInstance {
    const figures = this.#figures;
    this.#app = fastify({
      logger: false,
      bodyLimit: 1,
      schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
      frameworkErrors: (_error, _request, reply: FastifyReply) => {
        void reply.code(400).send({ code: 'API_INVALID', message: 'the path cannot be read' });
      },
      clientErrorHandler: (error, socket) => answerMalformed(error, socket, figures),
      serverFactory: (handler) => {
        const server = make((request, response) => gate.enter(request, response, () => handler(request, response)));
        server.maxConnections = limits.connections;
        server.maxHeadersCount = limits.headerCount;
        server.maxRequestsPerSocket = limits.requestsPerConnection;
        server.timeout = limits.idleMs;
        gate.watch(server);
        this.#server = server;
        return server;
      },
    });
    return this.#app;
  }
}

type MakeServer = (handler: (request: IncomingMessage, response: ServerResponse) => void) => Server;

const plainServer: MakeServer = (handler) => createServer(serverOptions, handler);

/** What is not HTTP, too long or too slow. */
function answerMalformed(error: Error & { code?: string }, socket: Socket, figures: ApiFigures): void {
  figures.refused('malformed');
  const isLong = error.code === 'HPE_HEADER_OVERFLOW';
  const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = isLong ? '431 Request Header Fields Too Large' : isSlow ? '408 Request Timeout' : '400 Bad Request';
  const body = JSON.stringify({ code: 'API_INVALID', message: 'this is no request that can be answered' });
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close`;
  if (socket.writable) socket.end(`${head}\r\n\r\n${body}`);
  else socket.destroy();
}

function listening(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function listenError(error: unknown, listen: string): AgentError {
  if (error instanceof AgentError) return error;
  return new AgentError('API_ADDRESS', `the HTTP API cannot listen at ${listen}: ${toError(error).message}`, {
    cause: error,
    remedy: 'Name an address of this machine and a port that is free in api.http.listen.',
  });
}
