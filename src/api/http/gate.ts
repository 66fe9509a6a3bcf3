/**
 * Stands before the routes: counts connections and requests, and refuses what must not reach a route. A refusal costs little
 * and ends the connection, for a body may follow that nobody will read.
 *
 * Limits. Node reads pipelined requests ahead and starts all that it has read, so those of one connection are bounded here;
 * headers, idle connections and slow ones are bounded by the server's own options.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { bodyRemedy, refusal } from './admission.js';
import type { ApiFigures } from './api-figures.js';
import type { BearerToken } from './bearer-token.js';
import { problem, type HttpProblem } from './http-error.js';

/** Requests under way on one connection: nobody pipelines in earnest. */
const perConnectionMax = 8;
/** Requests under way at all. */
const underWayMax = 64;

export interface GateParts {
  /** The host that the configuration names. */
  readonly listenHost: string;
  readonly token: BearerToken | undefined;
  readonly figures: ApiFigures;
}

export class Gate {
  readonly #parts: GateParts;
  readonly #perConnection = new WeakMap<Socket, number>();
  #underWay = 0;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** Counts the server's connections. */
  watch(server: Server): void {
    const { figures } = this.#parts;
    server.on('connection', (socket: Socket) => {
      figures.connections += 1;
      socket.once('close', () => (figures.connections -= 1));
    });
    server.on('drop', () => figures.refused('API_LIMIT'));
    // Nobody is told to go on with a body.
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      this.#refuse(request, response, problem(417, 'API_INVALID', 'a request has no body here', bodyRemedy)),
    );
  }

  /** Hands the request on, or refuses it. */
  enter(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const { socket, method, headers } = request;
    const count = (this.#perConnection.get(socket) ?? 0) + 1;
    if (count > perConnectionMax) {
      this.#parts.figures.refused('API_LIMIT');
      socket.destroy();
      return;
    }
    this.#perConnection.set(socket, count);
    this.#underWay += 1;
    response.once('close', () => {
      this.#underWay -= 1;
      this.#perConnection.set(socket, (this.#perConnection.get(socket) ?? 1) - 1);
    });
    const refused = this.#isFull() ?? refusal(method, headers, this.#parts.listenHost);
    if (refused !== undefined) this.#refuse(request, response, refused);
    else this.#identify(request, response, next);
  }

  #isFull(): HttpProblem | undefined {
    if (this.#underWay <= underWayMax) return undefined;
    const remedy = 'Wait a second, and ask less at a time.';
    return problem(503, 'API_LIMIT', 'too many requests are under way', remedy, { 'retry-after': '1' });
  }

  #identify(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const { token } = this.#parts;
    if (token === undefined) {
      next();
      return;
    }
    // A token that is shown is looked at, so that one that is wrong does not pass for right here.
    if (request.headers.authorization === undefined && isProbe(request.url)) {
      nameless.add(request);
      next();
      return;
    }
    void token.accepts(request.headers.authorization).then((isAccepted) => {
      if (isAccepted) next();
      else this.#refuse(request, response, unauthenticated);
    });
  }

  #refuse(request: IncomingMessage, response: ServerResponse, { status, body, headers }: HttpProblem): void {
    this.#parts.figures.refused(body.code);
    const text = JSON.stringify(body);
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      connection: 'close',
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  }
}

const unauthenticated = problem(
  401,
  'API_UNAUTHENTICATED',
  'the request shows no token that is accepted',
  'Send the content of the file that api.http.tokenFile names as "Authorization: Bearer TOKEN".',
  { 'www-authenticate': 'Bearer' },
);

/** A kubelet shows no token: these are answered without one, and then say yes or no and nothing else. */
const probePaths: readonly string[] = ['/healthz', '/livez', '/readyz'];

const isProbe = (url: string | undefined): boolean => probePaths.includes(url?.split('?', 1)[0] ?? '');

const nameless = new WeakSet<IncomingMessage>();

/** Whether the request was let in without the token that others have to show. */
export function isNameless(request: IncomingMessage): boolean {
  return nameless.has(request);
}
