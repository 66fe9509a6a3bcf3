/**
 * One HTTP request and its answer on node:http, ended by its scope whatever happens. Used by KubeClient. Knows nothing of
 * Kubernetes, credentials or retries.
 */

import { request as httpRequest } from 'node:http';
import type { Agent, ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { AgentError, toError } from '../lib/errors.js';
import { ByteBuffer } from './byte-buffer.js';
import type { CallScope } from './call-scope.js';
import { networkError } from './network-error.js';

export interface ExchangeRequest {
  /** Scheme, host and port. */
  readonly url: URL;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | undefined;
  readonly agent: Agent;
}

/** An answer whose body is still to be read. */
export interface Exchange {
  readonly response: IncomingMessage;
  readonly status: number;
}

/** TCP keep-alive after this silence, ms. */
const keepAliveMs = 15_000;

/**
 * Sends the request and resolves with the head of the answer.
 * @throws AgentError CONNECT_FAILED, TLS_INVALID, CONNECTION_LOST, PEER_PROTOCOL, or the reason of the scope's end
 */
export function exchange(request: ExchangeRequest, scope: CallScope): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    scope.throwIfEnded();
    scope.phase = 'waiting';
    const sent = begin(request);
    const onAbort = (): void => {
      sent.destroy();
      reject(toError(scope.signal.reason));
    };
    const settle = (): void => scope.signal.removeEventListener('abort', onAbort);
    scope.signal.addEventListener('abort', onAbort, { once: true });
    sent.once('socket', (socket) => followDial(socket, sent, scope));
    sent.once('response', (response) => {
      settle();
      resolve({ response, status: response.statusCode ?? 0 });
    });
    // Stays: a request without this listener ends the process by what its socket says later.
    sent.on('error', (error) => {
      settle();
      reject(networkError(error, scope));
    });
    // An Upgrade that nobody asked for ends without a response.
    sent.once('close', () => {
      settle();
      reject(networkError(new Error('closed without an answer'), scope));
    });
    sent.end(request.body);
  });
}

function begin(request: ExchangeRequest): ClientRequest {
  const { url, method, path, headers, agent } = request;
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const options = { host, port: url.port, method, path, headers, agent };
  return url.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
}

/** Notes in the scope whether the request can have reached the server. */
function followDial(socket: Socket, sent: ClientRequest, scope: CallScope): void {
  scope.isReused = sent.reusedSocket;
  if (sent.reusedSocket) {
    scope.phase = 'sent';
    return;
  }
  scope.phase = 'dialing';
  const isTls = 'encrypted' in socket;
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    socket.setKeepAlive(true, keepAliveMs);
    scope.phase = 'sent';
  });
}

/**
 * Reads the body, handing on each chunk while it is read: a slow reader slows the sender down. Resolves at its regular end.
 * @param onData what it throws ends the connection and is thrown
 * @throws AgentError CONNECTION_LOST when the body is cut, or the reason of the scope's end
 */
export function readChunks(
  response: IncomingMessage,
  scope: CallScope,
  onData: (chunk: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      scope.signal.removeEventListener('abort', onAbort);
      response.destroy();
      reject(toError(error));
    };
    const onAbort = (): void => fail(scope.signal.reason);
    const lost = (cause: unknown): void => fail(networkError(cause, scope));
    if (scope.signal.aborted) {
      onAbort();
      return;
    }
    if (response.destroyed) {
      lost(new Error('the answer was cut'));
      return;
    }
    scope.signal.addEventListener('abort', onAbort, { once: true });
    response.on('error', lost);
    response.once('close', () => {
      if (!response.complete) lost(new Error('the answer was cut'));
    });
    response.once('end', () => {
      scope.signal.removeEventListener('abort', onAbort);
      if (response.complete) resolve();
    });
    response.on('data', (chunk: Buffer) => {
      if (response.destroyed) return;
      try {
        onData(chunk);
      } catch (error) {
        fail(error);
      }
    });
  });
}

/**
 * Reads the whole body.
 * @throws AgentError LIMIT_EXCEEDED beyond `sizeMax` bytes, and what readChunks throws
 */
export async function readBody(response: IncomingMessage, scope: CallScope, sizeMax: number): Promise<Buffer> {
  const body = new ByteBuffer();
  const tooLarge = (): AgentError =>
    new AgentError('LIMIT_EXCEEDED', 'an answer of the API server is larger than its limit', {
      facts: { ...scope.facts, sizeMax },
    });
  if (Number(response.headers['content-length'] ?? 0) > sizeMax) {
    response.destroy();
    throw tooLarge();
  }
  await readChunks(response, scope, (chunk) => {
    if (body.size + chunk.length > sizeMax) throw tooLarge();
    body.append(chunk);
  });
  return Buffer.from(body.bytes().buffer, 0, body.size);
}
