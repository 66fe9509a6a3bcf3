/** What the API counts of itself, for the metrics. Bounded: routes, codes and reasons are few. */

import type { GrpcFigures } from '../grpc/server.js';
import { apiMetrics } from '../../telemetry/catalogue.js';
import type { Families } from '../../telemetry/metric-spec.js';

/** Counts what the HTTP API does. */
export class ApiFigures {
  readonly #requests = new Map<string, { route: string; code: string; count: number }>();
  readonly #refusals = new Map<string, number>();
  readonly #grpc: (() => GrpcFigures) | undefined;
  #scrapeMs: number | undefined;
  connections = 0;

  constructor(grpc: (() => GrpcFigures) | undefined) {
    this.#grpc = grpc;
  }

  /** A request was answered. */
  answered(route: string, status: number): void {
    const code = String(status);
    const key = `${route} ${code}`;
    const entry = this.#requests.get(key);
    if (entry === undefined) this.#requests.set(key, { route, code, count: 1 });
    else entry.count += 1;
  }

  /** A request or connection was refused before it reached a route. */
  refused(reason: string): void {
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
  }

  /** A scrape took so long, ms. */
  scraped(tookMs: number): void {
    this.#scrapeMs = tookMs;
  }

  collect(families: Families): void {
    const grpc = this.#grpc?.();
    families.put(apiMetrics.grpcConnections, {}, grpc?.connections);
    families.put(apiMetrics.grpcStreams, {}, grpc?.streams);
    for (const [reason, count] of grpc?.refusals ?? []) families.put(apiMetrics.grpcRefusals, { reason }, count);
    families.put(apiMetrics.httpConnections, {}, this.connections);
    for (const { route, code, count } of this.#requests.values()) {
      families.put(apiMetrics.httpRequests, { route, code }, count);
    }
    for (const [reason, count] of this.#refusals) families.put(apiMetrics.httpRefusals, { reason }, count);
    families.put(apiMetrics.scrapeDuration, {}, this.#scrapeMs === undefined ? undefined : this.#scrapeMs / 1e3);
  }
}
