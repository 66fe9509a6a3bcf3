/**
 * NVIDIA's exporter of ovs-vswitchd's metrics, on the loopback address: asked where the daemon itself has no `metrics/show`.
 * Whoever listens there may be anybody, so the answer is bounded in time and size; after a failure it is left alone for a while.
 */

import { get, type IncomingMessage } from 'node:http';
import type { Clock } from '../lib/clock.js';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { unknown, type Fact } from '../model/fact.js';
import type { DatapathPacketsReading } from '../offload/readings.js';
import { PacketLines } from './datapath-packets.js';

export interface ExporterLimits {
  /** For the whole answer, ms. */
  readonly answerMs: number;
  /** Between a failure and the next try, ms. */
  readonly restMs: number;
  /** Of the answer, bytes. It is read through, not kept: a thousand ports have some three million. */
  readonly sizeMax: number;
}

export const exporterLimits: ExporterLimits = { answerMs: 1_000, restMs: 60_000, sizeMax: 8 << 20 };

export class OffloadExporter {
  readonly #port: number;
  readonly #clock: Clock;
  readonly #limits: ExporterLimits;
  #failure: { readonly why: string; readonly atMs: number } | undefined;

  /** @param port of 127.0.0.1; 0: there is none, and nothing is asked */
  constructor(port: number, clock: Clock, limits: ExporterLimits = exporterLimits) {
    this.#port = port;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** @throws AgentError ABORTED, for nothing else */
  async read(signal: AbortSignal): Promise<Fact<readonly DatapathPacketsReading[]>> {
    if (this.#port === 0) return unknown('ovs-vswitchd has no metrics/show, and no port of an exporter is configured');
    const { restMs } = this.#limits;
    if (this.#failure !== undefined && this.#clock.nowMs() - this.#failure.atMs < restMs) {
      return unknown(this.#failure.why);
    }
    try {
      const lines = await this.#fetch(signal);
      this.#failure = undefined;
      return lines.result;
    } catch (error) {
      if (signal.aborted)
        throw new AgentError('ABORTED', 'the question to the exporter was given up', { cause: error });
      const why = `the exporter at port ${this.#port} gives nothing: ${wordsOf(error)}`;
      this.#failure = { why, atMs: this.#clock.nowMs() };
      return unknown(why);
    }
  }

  #fetch(signal: AbortSignal): Promise<PacketLines> {
    const giveUp = new AbortController();
    const timer = this.#clock.after(this.#limits.answerMs, () => giveUp.abort(), true);
    const options = {
      host: '127.0.0.1',
      port: this.#port,
      path: '/metrics',
      agent: false,
      headers: { accept: 'text/plain' },
      signal: AbortSignal.any([signal, giveUp.signal]),
    };
    const answer = new Promise<PacketLines>((resolve, reject) => {
      const request = get(options, (response) => {
        readBody(response, this.#limits.sizeMax).then(resolve, (error: unknown) => {
          reject(toError(error));
          request.destroy();
        });
      });
      request.on('error', reject);
    });
    return answer
      .catch((error: unknown) => {
        if (!giveUp.signal.aborted) throw error;
        throw new AgentError('DEADLINE_EXCEEDED', `no whole answer in ${this.#limits.answerMs} ms`, { cause: error });
      })
      .finally(() => timer.cancel());
  }
}

async function readBody(response: IncomingMessage, sizeMax: number): Promise<PacketLines> {
  if (response.statusCode !== 200) {
    throw new AgentError('PEER_PROTOCOL', `HTTP status ${response.statusCode ?? 'missing'}`);
  }
  const lines = new PacketLines();
  let size = 0;
  response.setEncoding('utf8');
  for await (const part of response as AsyncIterable<string>) {
    size += part.length;
    if (size > sizeMax) throw new AgentError('LIMIT_EXCEEDED', `its answer is longer than ${sizeMax} bytes`);
    lines.text(part);
  }
  return lines;
}

function wordsOf(error: unknown): string {
  if (error instanceof AgentError) return error.message;
  return systemErrorCode(error) ?? safeText(toError(error).message, 100);
}
