/** A real server of Prometheus with a port and a directory of its own, for tests that have it scrape something. */

import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Daemon } from '../../../src/sandbox/lab/daemon.js';
import { ruleGroups } from '../../fakes/deployed.js';

export interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

export class Prometheus {
  readonly #port: number;
  readonly #daemon: Daemon;

  private constructor(port: number, daemon: Daemon) {
    this.#port = port;
    this.#daemon = daemon;
  }

  static async start(dir: string, scrapes: readonly object[]): Promise<Prometheus> {
    const port = await freePort();
    await mkdir(join(dir, 'data'), { recursive: true });
    await writeFile(join(dir, 'rules.yml'), stringify({ groups: ruleGroups() }));
    const config = {
      global: { scrape_interval: '250ms', scrape_timeout: '250ms', evaluation_interval: '250ms' },
      rule_files: [join(dir, 'rules.yml')],
      scrape_configs: scrapes,
    };
    const file = join(dir, 'prometheus.yml');
    await writeFile(file, stringify(config));
    const daemon = new Daemon(
      [
        'prometheus',
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(dir, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      process.env,
    );
    const server = new Prometheus(port, daemon);
    daemon.start();
    await daemon.ready(() => server.#isReady());
    return server;
  }

  async #isReady(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${this.#port}/-/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  async #ask<T>(path: string): Promise<T> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/api/v1/${path}`);
    return ((await answer.json()) as { readonly data: T }).data;
  }

  async targets(): Promise<readonly Target[]> {
    return (await this.#ask<{ activeTargets: readonly Target[] }>('targets')).activeTargets;
  }

  async query(expr: string): Promise<readonly Series[]> {
    return (await this.#ask<{ result: readonly Series[] }>(`query?query=${encodeURIComponent(expr)}`)).result;
  }

  async rules(): Promise<readonly { health: string; lastError?: string }[]> {
    const { groups } = await this.#ask<{ groups: readonly { rules: readonly { health: string }[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }
}
