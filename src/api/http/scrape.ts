/**
 * One scrape: everything that the view tells, as text for Prometheus. What many clients ask for at the same time is made once.
 *
 * A scrape of 1000 interfaces is 1.1 MB of text. Compressing it at level 1 takes 2 to 6 ms, on a thread of its own, and makes
 * 80 kB of it; so it is done for whoever asks, and costs the event loop nothing.
 */

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { AgentView, NodeFacts, OffloadRow } from '../../agent/api-view.js';
import type { Clock } from '../../lib/clock.js';
import { Families } from '../../telemetry/metric-spec.js';
import { contentTypes, openMetricsEnd, renderFamilies, type Exposition } from '../../telemetry/metrics.js';
import type { ProcessMetrics } from '../../telemetry/process-metrics.js';
import { writeSeries } from '../../telemetry/series-writer.js';
import type { ApiFigures } from './api-figures.js';
import { collectFacts, collectIntents, collectStatus, collectWork } from './collect-agent.js';
import { collectOffload } from './collect-offload.js';
import { collectAttach, collectTopology } from './collect-pods.js';
import { interfaceSeries, interfaceSpecs, type SeriesLimits } from './interface-series.js';
import { offloadSeries, offloadSpecs } from './offload-series.js';
import type { StatusAge } from './status-age.js';

export interface ScrapeParts {
  readonly view: AgentView;
  readonly clock: Clock;
  readonly version: string;
  readonly limits: SeriesLimits;
  readonly age: StatusAge;
  readonly figures: ApiFigures;
  readonly process: ProcessMetrics;
}

export interface Exposed {
  readonly body: Buffer;
  readonly contentType: string;
  readonly isGzip: boolean;
}

const compress = promisify(gzip);
/** Facts of the node change seldom, and reading them opens files. */
const factsEveryMs = 60_000;

export class Scraper {
  readonly #parts: ScrapeParts;
  readonly #running = new Map<string, Promise<Exposed>>();
  #facts: NodeFacts | undefined;
  #factsReadMs = -Infinity;
  #unsubscribe: () => void;

  constructor(parts: ScrapeParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.view.status.onChange(() => this.#readEarly());
    this.#readEarly();
  }

  scrape(exposition: Exposition, isGzip: boolean): Promise<Exposed> {
    const key = `${exposition} ${isGzip}`;
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = this.#scrape(exposition, isGzip).finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  /** Resolves when no scrape is under way any more. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await Promise.allSettled(this.#running.values());
  }

  async #scrape(exposition: Exposition, isGzip: boolean): Promise<Exposed> {
    const { clock, figures, view, limits } = this.#parts;
    const startedMs = clock.nowMs();
    const families = new Families();
    const offload = view.offload.rows();
    await this.#collect(families, offload);
    const series = interfaceSeries(families, view.stats.interfaces(), limits, clock.wallMs());
    const pieces = [Buffer.from(await renderFamilies(families.all(), exposition))];
    for await (const piece of writeSeries(interfaceSpecs, series, exposition)) pieces.push(Buffer.from(piece));
    const shares = offloadSeries(offload, limits);
    for await (const piece of writeSeries(offloadSpecs, shares, exposition)) pieces.push(Buffer.from(piece));
    if (exposition === 'openmetrics') pieces.push(Buffer.from(openMetricsEnd));
    const whole = Buffer.concat(pieces);
    const body = isGzip ? await compress(whole, { level: 1 }) : whole;
    figures.scraped(clock.nowMs() - startedMs);
    return { body, contentType: contentTypes[exposition], isGzip };
  }

  async #collect(families: Families, offload: readonly OffloadRow[]): Promise<void> {
    const { view, clock, version, age, figures } = this.#parts;
    if (clock.nowMs() - this.#factsReadMs >= factsEveryMs) this.#readFacts();
    const status = view.status.current();
    collectFacts(families, version, this.#facts);
    collectStatus(families, status, age);
    collectWork(families, view);
    collectIntents(families, view);
    collectAttach(families, status?.attach, clock.wallMs());
    collectTopology(families, view);
    collectOffload(families, view.offload.status(), offload);
    figures.collect(families);
    await this.#parts.process.collect(families);
  }

  /** Once Open vSwitch can be read, which knows some of the facts: so that the first scrape has them. */
  #readEarly(): void {
    if (this.#parts.view.status.current()?.ovsdb.kind !== 'synced') return;
    this.#unsubscribe();
    this.#readFacts();
  }

  /** Has the facts read for the scrapes to come; no scrape waits for them, and without them one goes on. */
  #readFacts(): void {
    const { view, clock } = this.#parts;
    this.#factsReadMs = clock.nowMs();
    view.node.facts().then(
      (facts) => (this.#facts = facts),
      () => (this.#facts = undefined),
    );
  }
}
