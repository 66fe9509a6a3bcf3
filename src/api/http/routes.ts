/** The routes of the HTTP API and what they answer; everything that comes here has been let in. */

import type { FastifyInstance, FastifyReply } from 'fastify';
import type { AgentView } from '../../agent/api-view.js';
import { acceptsGzip, negotiateExposition } from '../../telemetry/negotiate.js';
import type { ServiceEntry } from '../grpc/service.js';
import type { ApiFigures } from './api-figures.js';
import { isNameless } from './gate.js';
import { isAlive, readiness } from './health.js';
import { problem, problemOf, type HttpProblem } from './http-error.js';
import { openApiDocument } from './openapi.js';
import { Query } from './query.js';
import { resources, ServedResource, type Page } from './resources.js';
import type { Scraper } from './scrape.js';
import type { StatusAge } from './status-age.js';

export interface RouteParts {
  readonly view: AgentView;
  readonly version: string;
  readonly services: readonly ServiceEntry[];
  readonly age: StatusAge;
  readonly scraper: Scraper;
  readonly figures: ApiFigures;
  /** Aborted when the server ends. */
  readonly signal: AbortSignal;
  readonly onBug: (error: unknown) => void;
}

/** How long a read may take, ms: those of chains ask the switch. */
const readMs = 10_000;

function tell(reply: FastifyReply, { status, body, headers }: HttpProblem): FastifyReply {
  return reply
    .code(status)
    .headers(headers ?? {})
    .send(body);
}

export function addRoutes(app: FastifyInstance, parts: RouteParts): void {
  const { figures, onBug } = parts;
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  });
  app.addHook('onResponse', async (request, reply) => {
    figures.answered(request.routeOptions.url ?? 'other', reply.statusCode);
  });
  app.setNotFoundHandler((_request, reply) =>
    tell(
      reply,
      problem(404, 'NOT_FOUND', 'there is nothing under this path', 'See /api/v1/openapi.json for what there is.'),
    ),
  );
  app.setErrorHandler((error, _request, reply) => {
    const told = problemOf(error);
    if (told.body.code === 'INTERNAL') onBug(error);
    return tell(reply, told);
  });
  addHealth(app, parts);
  addMetrics(app, parts);
  addResources(app, parts);
}

function addHealth(app: FastifyInstance, { view, age, version }: RouteParts): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/livez', (_request, reply) => {
    const isFine = isAlive(view.status.current(), age);
    return reply.code(isFine ? 200 : 503).send({ status: isFine ? 'alive' : 'stuck' });
  });
  app.get('/readyz', (request, reply) => {
    const { isReady, reasons, reasonCount, checks } = readiness(view.status.current(), age);
    const isVerbose = new Query(request.url).has('verbose');
    reply.code(isReady ? 200 : 503);
    // Reasons name bridges, ports and chains.
    if (isNameless(request.raw)) return reply.send({ isReady });
    return reply.send({ isReady, reasonCount, reasons, ...(isVerbose ? { checks } : {}) });
  });
  app.get('/version', () => ({
    version,
    instanceId: view.instanceId,
    runtime: process.version,
    api: ['dpu.agent.v1'],
  }));
}

function addMetrics(app: FastifyInstance, { scraper }: RouteParts): void {
  app.get('/metrics', async (request, reply) => {
    const { accept, 'accept-encoding': encoding } = request.headers;
    const isGzip = acceptsGzip(Array.isArray(encoding) ? encoding.join(',') : encoding);
    const exposed = await scraper.scrape(negotiateExposition(accept), isGzip);
    reply.header('content-type', exposed.contentType).header('vary', 'accept, accept-encoding');
    if (exposed.isGzip) reply.header('content-encoding', 'gzip');
    return reply.send(exposed.body);
  });
}

function addResources(app: FastifyInstance, parts: RouteParts): void {
  const { services, signal, version } = parts;
  const served = resources.flatMap((resource) => ServedResource.of(resource, services) ?? []);
  const document = JSON.stringify(openApiDocument(served, version));
  app.get('/api/v1/openapi.json', (_request, reply) =>
    reply.header('content-type', 'application/json; charset=utf-8').send(document),
  );
  for (const entry of served) {
    app.get(`/api/v1/${entry.resource.name}`, async (request, reply) => {
      const ended = AbortSignal.any([signal, AbortSignal.timeout(readMs), request.signal]);
      const page = await entry.read(new Query(request.url), ended);
      addPaging(reply, request.url, page);
      return reply.send(page.json);
    });
  }
}

/** RFC 8288: where the next page is. */
function addPaging(reply: FastifyReply, url: string, { total, limit, offset }: Page): void {
  if (total === undefined) return;
  reply.header('x-total-count', String(total));
  if (offset + limit >= total) return;
  const [path = '', query = ''] = url.split('?');
  const next = new URLSearchParams(query);
  next.set('limit', String(limit));
  next.set('offset', String(offset + limit));
  reply.header('link', `<${path}?${next.toString()}>; rel="next"`);
}
