/**
 * The way of every HTTP request: freeze, faults, who is it, may they, what do they want, the answer, the audit. The order
 * is that of a real server, so that a client without rights learns nothing about what exists.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { review, reviewGroup } from './access-review.js';
import type { AuditLog } from './audit-log.js';
import { isPublicPath } from './authorizer.js';
import type { Authorizer } from './authorizer.js';
import { objectBody, readBody, sendReply, serverName } from './exchange.js';
import type { Call, Reply } from './exchange.js';
import type { FaultEffect, Faults } from './faults.js';
import { shapeFor } from './object-shape.js';
import { isTrue, parseRequest } from './request-info.js';
import type { RequestInfo, ResourceRequest } from './request-info.js';
import type { ResourceType } from './resource-type.js';
import { typeByPlural } from './resource-types.js';
import { listOptions, listTarget, numberOf } from './resource-verbs.js';
import type { ResourceVerbs } from './resource-verbs.js';
import { serverPath } from './server-paths.js';
import { StatusError, badRequest, internalError, noSuchPath, serverTrouble, unauthorized } from './status.js';
import { userOf } from './users.js';
import type { UserInfo, Users } from './users.js';
import type { WatchHub } from './watch.js';
import { WatchStream } from './watch-stream.js';

export interface HandlerParts {
  readonly users: Users;
  readonly authorizer: Authorizer;
  readonly faults: Faults;
  readonly audit: AuditLog;
  readonly verbs: ResourceVerbs;
  readonly watches: WatchHub;
  readonly nowMs: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
  readonly backlogBytesMax: number;
  /** Called with what was thrown and should never have been. */
  readonly onBug: (thrown: unknown) => void;
}

/** What is known of a request while it is handled. */
interface Context {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Kept, because a request forgets its socket when that is gone. */
  readonly socket: Socket;
  readonly url: URL;
  info: RequestInfo;
  user: UserInfo | undefined;
  isFault: boolean;
}

/** How long a watch lasts whose client names no time; real servers draw between this and its double. */
const watchSecondsDefault = 1800;
const watchSecondsMax = 24 * 3600;

export class RequestHandler {
  readonly #parts: HandlerParts;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
  }

  /** Answers a request; never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that hangs up is no event of ours; without a listener it would end the process.
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    const { socket } = request;
    await this.#parts.faults.whenThawed();
    response.setHeader('Date', new Date(this.#parts.nowMs()).toUTCString());
    response.setHeader('X-Embedded-Cluster', serverName);
    const context = startContext(request, response, socket);
    try {
      await this.#serve(context);
    } catch (thrown) {
      await this.#refuse(context, thrown);
    }
  }

  async #serve(context: Context): Promise<void> {
    const { request, url } = context;
    context.info = parseRequest(request.method ?? 'GET', url);
    context.user = this.#authenticate(context);
    const effects = this.#parts.faults.take(context.info, context.user?.name ?? '');
    context.isFault = effects.length > 0;
    await this.#applyEarly(context, effects);
    if (context.user === undefined && !isPublicPath(url.pathname)) throw unauthorized();
    if (context.user !== undefined) this.#parts.authorizer.check(context.user, context.info);
    const call = await readCall(request, url);
    if (context.info.kind === 'resource' && context.info.verb === 'watch') {
      this.#watch(context, context.info, call);
      return;
    }
    const reply = this.#answer(context, call);
    await this.#parts.faults.whenThawed();
    this.#send(context, applyLate(effects, reply));
  }

  #authenticate(context: Context): UserInfo | undefined {
    const { authorization } = context.request.headers;
    if (authorization !== undefined) return this.#parts.users.authenticate(authorization);
    const socket = context.socket as Partial<TLSSocket>;
    if (socket.authorized !== true) return undefined;
    const subject = socket.getPeerCertificate?.().subject;
    if (typeof subject?.CN !== 'string') return undefined;
    const organisations: unknown = subject.O;
    return userOf(
      subject.CN,
      [organisations].flat().filter((group) => typeof group === 'string'),
    );
  }

  async #applyEarly(context: Context, effects: readonly FaultEffect[]): Promise<void> {
    for (const effect of effects) {
      if (effect.kind === 'delay') await this.#parts.sleep(effect.delayMs);
      if (effect.kind === 'loseRequest') throw new LostConnection();
      if (effect.kind === 'refuse') throw serverTrouble(effect.status, effect.retryAfterSeconds);
    }
    // A freeze that began meanwhile holds this request too.
    await this.#parts.faults.whenThawed();
    if (isGone(context)) throw new LostConnection();
  }

  #answer(context: Context, call: Call): Reply {
    const { info, user } = context;
    if (info.kind === 'path') return serverPath(info.path, call.accept, context.request.headers.host ?? '');
    if (user === undefined) throw unauthorized();
    if (info.group === reviewGroup) return review(info, objectBody(call), user, this.#parts.authorizer);
    return this.#parts.verbs.handle(info, typeOf(info), call, user);
  }

  #watch(context: Context, info: ResourceRequest, call: Call): void {
    const { response, user } = context;
    const type = typeOf(info);
    const { faults, watches } = this.#parts;
    const shape = shapeFor(type, call.accept, call.query.get('includeObject'), this.#parts.nowMs);
    const target = info.isList
      ? listTarget(info, type)
      : { ...listTarget(info, type), name: info.name, subresource: '' };
    const options = {
      ...listOptions(call.query),
      isBookmarked: isTrue(call.query.get('allowWatchBookmarks')),
      timeoutSeconds: Math.min(numberOf(call.query, 'timeoutSeconds') || watchSecondsDefault, watchSecondsMax),
      sendsInitial: isTrue(call.query.get('sendInitialEvents')),
    };
    watches.check(target, options);
    const stream = new WatchStream(response, {
      info,
      user: user?.name ?? '',
      backlogBytesMax: this.#parts.backlogBytesMax,
      isFrozen: () => faults.isFrozen,
      shape: shape.event,
    });
    const forget = faults.addStream(stream);
    const close = watches.open(target, options, stream);
    response.once('close', () => {
      close();
      forget();
    });
    this.#record(context, 200);
  }

  async #refuse(context: Context, thrown: unknown): Promise<void> {
    if (thrown instanceof LostConnection || isGone(context)) {
      this.#record(context, 0);
      context.response.destroy();
      return;
    }
    const isExpected = thrown instanceof StatusError;
    if (!isExpected) this.#parts.onBug(thrown);
    const error = isExpected ? thrown : internalError(String(thrown));
    await this.#parts.faults.whenThawed();
    if (error.code === 413) context.response.setHeader('Connection', 'close');
    const { code, status, retryAfterSeconds } = error;
    this.#send(context, { status: code, body: status, retryAfterSeconds });
  }

  #send(context: Context, reply: Reply | undefined): void {
    this.#record(context, reply?.status ?? 0);
    if (reply === undefined) context.response.destroy();
    else sendReply(context.response, reply);
  }

  #record(context: Context, status: number): void {
    const { info, user, request, isFault } = context;
    const isResource = info.kind === 'resource';
    this.#parts.audit.record({
      atMs: this.#parts.nowMs(),
      user: user?.name ?? '',
      verb: info.verb,
      group: isResource ? info.group : '',
      resource: isResource ? info.plural : '',
      subresource: isResource ? info.subresource : '',
      namespace: isResource ? info.namespace : undefined,
      name: isResource ? info.name : '',
      path: info.path,
      userAgent: request.headers['user-agent'] ?? '',
      status,
      isFault,
    });
  }
}

/** Nobody is there to be answered. A response learns that its socket is gone only when it has been written to. */
function isGone({ socket, response }: Context): boolean {
  return response.destroyed || socket.destroyed;
}

/** The connection goes without an answer. */
class LostConnection extends Error {
  override readonly name = 'LostConnection';
}

function startContext(request: IncomingMessage, response: ServerResponse, socket: Socket): Context {
  const target = request.url ?? '/';
  const url = URL.canParse(target, 'http://server') ? new URL(target, 'http://server') : new URL('http://server/');
  const info: RequestInfo = { kind: 'path', verb: (request.method ?? '').toLowerCase(), path: url.pathname };
  return { request, response, socket, url, info, user: undefined, isFault: false };
}

async function readCall(request: IncomingMessage, url: URL): Promise<Call> {
  const header = (name: 'accept' | 'content-type' | 'user-agent'): string => request.headers[name] ?? '';
  if (request.headers['content-encoding'] !== undefined) throw badRequest('encoded bodies are not taken');
  return {
    query: url.searchParams,
    accept: header('accept'),
    contentType: header('content-type'),
    userAgent: header('user-agent'),
    body: await readBody(request),
  };
}

function typeOf(info: ResourceRequest): ResourceType {
  const type = typeByPlural(info.group, info.version, info.plural);
  if (type === undefined) throw noSuchPath();
  return type;
}

/** What happens to an answer that is ready; undefined when it is lost. */
function applyLate(effects: readonly FaultEffect[], reply: Reply): Reply | undefined {
  if (effects.some((effect) => effect.kind === 'loseReply')) return undefined;
  const garble = effects.find((effect) => effect.kind === 'garble');
  return garble === undefined ? reply : { status: 200, body: garble.text, contentType: 'application/json' };
}
