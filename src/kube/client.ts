/**
 * Requests to one Kubernetes API server: finds the credentials that are in force, sends, bounds time and size, and gives
 * every failure a code. Used by the Reflector and by whoever writes objects. It repeats a request only where it certainly
 * was not carried out (401, a failed handshake) or cannot harm (a read on a connection that had died); everything else is
 * the caller's decision.
 */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { assert } from '../lib/assert.js';
import { systemClock } from '../lib/clock.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { ClusterAccessOptions } from './access-options.js';
import { CallScope } from './call-scope.js';
import { ConnectionPool } from './connection-pool.js';
import type { Lane } from './connection-pool.js';
import { Credentials } from './credentials.js';
import type { Access, AccessSummary } from './credentials.js';
import { exchange, readBody, readChunks } from './exchange.js';
import type { Exchange } from './exchange.js';
import { httpDateMs, retryAfterMs } from './retry-after.js';
import { serverError } from './server-error.js';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Encoded, without query, from the root of the API: see `resourcePath`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default application/json; patches need their own. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** From the call to the end of the answer, ms; for streams to its beginning. */
  readonly deadlineMs?: number;
  /** Bytes of the answer. */
  readonly responseSizeMax?: number;
}

export interface KubeResponse {
  readonly status: number;
  /** Parsed JSON; undefined for an empty body. */
  readonly body: unknown;
  /** The server's clock (Date header), ms since 1970 UTC, precise to the second. */
  readonly dateMs: number | undefined;
}

export interface StreamListener {
  /** The server accepted; from now on data may come. */
  readonly onOpen?: (dateMs: number | undefined) => void;
  /** A piece of the body, cut anywhere. What it throws ends the stream and is thrown by `stream`. */
  readonly onData: (chunk: Buffer) => void;
}

export interface KubeClientOptions {
  readonly access: ClusterAccessOptions;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default `node-kube-client`. */
  readonly userAgent?: string;
  /** For requests that name none, ms. Default 30 s. */
  readonly deadlineMs?: number;
  /** Answers of requests that name no size, bytes. Default 4 MiB. */
  readonly responseSizeMax?: number;
  /** Connections for calls at one time; more calls wait. Default 8. */
  readonly callSocketsMax?: number;
  /** Watches at one time. Default 32. */
  readonly streamSocketsMax?: number;
  /** The files with credentials are read at most this often, ms, unless the server refuses them. Default 2 s. */
  readonly rereadMs?: number;
  /** Whether a kubeconfig may switch the verification of the server off. Default false. */
  readonly allowsUnverifiedTls?: boolean;
}

/** More than the API server takes (3 MiB, its --max-request-bytes). */
const requestSizeMax = 3 << 20;

/** A Status object is a few KiB; what is larger is not shown anyway. */
const errorSizeMax = 256 << 10;

export class KubeClient {
  readonly #options: KubeClientOptions;
  readonly #clock: Clock;
  readonly #credentials: Credentials;
  readonly #pool: ConnectionPool;
  readonly #closing = new AbortController();

  constructor(options: KubeClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#credentials = new Credentials({ ...options, clock: this.#clock });
    const { callSocketsMax = 8, streamSocketsMax = 32 } = options;
    this.#pool = new ConnectionPool({ callSocketsMax, streamSocketsMax });
  }

  /** The address; before the first request, where it will be read from. */
  get server(): string {
    const { access } = this.#options;
    const known = this.#credentials.last?.summary.server;
    if (known !== undefined) return known;
    if (access.kind === 'kubeconfig') return `kubeconfig ${access.file}`;
    return access.kind === 'server' ? access.server : `https://${access.host}:${access.port}`;
  }

  /** Which credentials were used last, without any secret; undefined before the first request. */
  get access(): AccessSummary | undefined {
    return this.#credentials.last?.summary;
  }

  /** Why files with credentials cannot be taken over as they are now; older ones may be in force all the same. */
  get credentialsProblem(): AgentError | undefined {
    return this.#credentials.problem;
  }

  /**
   * Sends one request and reads the whole answer.
   * @throws AgentError KUBE_* for an answer that is no success (facts: status, reason, message, causes, retryAfterMs),
   * CONNECT_FAILED, CONNECTION_LOST, DEADLINE_EXCEEDED, TLS_INVALID, PEER_PROTOCOL, LIMIT_EXCEEDED, KUBE_CREDENTIALS,
   * ABORTED, ABORTED_IN_FLIGHT, CLIENT_CLOSED
   */
  async request(request: KubeRequest): Promise<KubeResponse> {
    return this.#within(request, async (scope) => {
      const { response, status } = await this.#open(request, scope, 'calls');
      const sizeMax = request.responseSizeMax ?? this.#options.responseSizeMax ?? 4 << 20;
      const body = await readBody(response, scope, sizeMax);
      return { status, body: parseJson(body, scope), dateMs: dateOf(response) };
    });
  }

  /**
   * Sends one request and hands on the answer while it arrives, for as long as it lasts. Resolves when the server ends it.
   * @throws AgentError as `request`; CONNECTION_LOST when it is cut
   */
  async stream(request: KubeRequest, listener: StreamListener): Promise<void> {
    return this.#within(request, async (scope) => {
      const { response } = await this.#open(request, scope, 'streams');
      scope.keepOpen();
      listener.onOpen?.(dateOf(response));
      await readChunks(response, scope, listener.onData);
    });
  }

  /** Ends every request and connection; later calls fail with CLIENT_CLOSED. */
  close(): void {
    this.#closing.abort();
    this.#pool.close();
  }

  async #within<Result>(request: KubeRequest, work: (scope: CallScope) => Promise<Result>): Promise<Result> {
    assert(/^\/[\x21-\x22\x24-\x3e\x40-\x7e]*$/.test(request.path), 'the path of a request must be encoded');
    const scope = new CallScope({
      clock: this.#clock,
      deadlineMs: request.deadlineMs ?? this.#options.deadlineMs ?? 30_000,
      signal: request.signal,
      closing: this.#closing.signal,
      facts: { method: request.method, path: safeText(request.path, 512), server: this.server },
    });
    try {
      return await work(scope);
    } catch (error) {
      if (isDeadConnection(error)) this.#pool.closeIdle();
      throw error;
    } finally {
      scope.end();
    }
  }

  /** The answer, when it is a success: with the credentials in force, and once more where that is safe and can help. */
  async #open(request: KubeRequest, scope: CallScope, lane: Lane): Promise<Exchange> {
    const encoded = encodeBody(request);
    let access = await this.#credentials.current();
    for (let attempt = 0; ; attempt += 1) {
      const isLast = attempt > 0;
      const opened = await this.#send(request, encoded, access, scope, lane).catch(async (error: unknown) => {
        if (isLast || !(await this.#isWorthRepeating(error, request, access, scope))) throw error;
        return undefined;
      });
      if (opened !== undefined && (opened.status !== 401 || isLast)) return this.#accepted(opened, request, scope);
      opened?.response.destroy();
      access = opened === undefined ? await this.#credentials.current() : await this.#renewed();
    }
  }

  #send(
    request: KubeRequest,
    body: Buffer | undefined,
    access: Access,
    scope: CallScope,
    lane: Lane,
  ): Promise<Exchange> {
    const { url, token } = access;
    const headers: OutgoingHttpHeaders = {
      accept: 'application/json',
      'user-agent': this.#options.userAgent ?? 'node-kube-client',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': request.contentType ?? 'application/json', 'content-length': body.length }),
    };
    const path = `${url.pathname.replace(/\/+$/, '')}${request.path}${queryOf(request)}`;
    // Files were read before this: the call may have been given up meanwhile.
    scope.throwIfEnded();
    const agent = this.#pool.agent(access, lane);
    return exchange({ url, method: request.method, path, headers, body, agent }, scope);
  }

  /** Whether the same request may be sent again at once: it was certainly not carried out, or it only reads. */
  async #isWorthRepeating(error: unknown, request: KubeRequest, used: Access, scope: CallScope): Promise<boolean> {
    if (!(error instanceof AgentError) || scope.signal.aborted) return false;
    // A certificate may have been renewed on both sides a moment ago.
    if (error.code === 'TLS_INVALID') return (await this.#credentials.refresh()).generation !== used.generation;
    // The server may close a connection that is idle at the moment in which a request is sent on it.
    return error.code === 'CONNECTION_LOST' && request.method === 'GET' && scope.isReused;
  }

  /** The credentials after the server refused them. When the files cannot be used now, that is the error to tell. */
  async #renewed(): Promise<Access> {
    const access = await this.#credentials.refresh();
    const { problem } = this.#credentials;
    if (problem === undefined) return access;
    throw new AgentError(problem.code, `${problem.message}; the former credentials are refused (401)`, {
      facts: { ...problem.facts, status: 401 },
      cause: problem,
      ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
    });
  }

  async #accepted(opened: Exchange, request: KubeRequest, scope: CallScope): Promise<Exchange> {
    const { response, status } = opened;
    if (status >= 200 && status < 300) return plain(opened, scope);
    if (status >= 300 && status < 400) {
      response.destroy();
      throw new AgentError('PEER_PROTOCOL', 'the server redirects, which an API server does not', {
        facts: { ...scope.facts, status, location: safeText(response.headers.location ?? '') },
        remedy: 'Give the address of the API server itself, not of a proxy or login page.',
      });
    }
    const body = await errorBody(response, scope);
    throw serverError({
      status,
      body,
      method: request.method,
      path: request.path,
      retryAfterMs: retryAfterMs(response.headers['retry-after'], dateOf(response) ?? this.#clock.wallMs()),
    });
  }
}

function isDeadConnection(error: unknown): boolean {
  return error instanceof AgentError && (error.code === 'DEADLINE_EXCEEDED' || error.code === 'CONNECTION_LOST');
}

function encodeBody(request: KubeRequest): Buffer | undefined {
  if (request.body === undefined) return undefined;
  const body = Buffer.from(JSON.stringify(request.body));
  if (body.length <= requestSizeMax) return body;
  throw new AgentError('LIMIT_EXCEEDED', 'a request is larger than an API server takes', {
    facts: { method: request.method, path: safeText(request.path, 512), sizeBytes: body.length },
  });
}

function queryOf(request: KubeRequest): string {
  const query = new URLSearchParams(request.query).toString();
  return query === '' ? '' : `?${query}`;
}

function dateOf(response: IncomingMessage): number | undefined {
  return httpDateMs(response.headers.date);
}

/** Compression was not asked for. */
function plain(opened: Exchange, scope: CallScope): Exchange {
  const encoding = opened.response.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return opened;
  opened.response.destroy();
  throw new AgentError('PEER_PROTOCOL', 'the server compressed an answer unasked', {
    facts: { ...scope.facts, encoding: safeText(encoding, 64) },
  });
}

function parseJson(body: Buffer, scope: CallScope): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new AgentError('PEER_PROTOCOL', 'the answer of the server is not JSON', {
      facts: { ...scope.facts, start: safeText(body.toString('utf8', 0, 64)) },
      remedy: 'See whether the address is that of an API server.',
    });
  }
}

/** What the server says about its refusal: a Status, a text, or nothing that can be used. The status alone says enough. */
async function errorBody(response: IncomingMessage, scope: CallScope): Promise<unknown> {
  try {
    const text = (await readBody(response, scope, errorSizeMax)).toString('utf8');
    return asJson(text);
  } catch (error) {
    scope.throwIfEnded();
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
