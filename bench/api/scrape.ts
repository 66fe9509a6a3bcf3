/**
 * A scrape of 1000 interfaces that are pods', 8 series each, and beside it what others take to tell the same: `ovs-vsctl` as
 * JSON on a real database with as many interfaces, and node_exporter where it is installed. The view is in memory: what is
 * measured is collecting, rendering and sending. The client is a process of its own.
 */

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { OvsLab } from '../../src/sandbox/lab/ovs.js';
import { ApiWorld, attachOf, podRow, portRow } from '../../test/fakes/api-world.js';
import { atMost, median, ms, quantile, type Line, type Section } from '../table.js';
import { fillDatabase } from '../ovsdb/fixture.js';

export interface ScrapeEffort {
  readonly scrapeCount: number;
  readonly commandCount: number;
}

const run = promisify(execFile);
const interfaceCount = 1_000;
const nodeExporter = '/usr/bin/prometheus-node-exporter';

interface Answers {
  readonly tookMs: readonly number[];
  readonly bytes: number;
}

/** Asks so often on one connection. */
async function ask(url: string, count: number, headers: readonly string[]): Promise<Answers> {
  const format = '%{time_starttransfer} %{time_total} %{size_download}\\n';
  const args = ['-s', '-o', '/dev/null', '-w', format, ...headers.flatMap((header) => ['-H', header])];
  const { stdout } = await run('curl', [...args, `${url}?[1-${count}]`]);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  return { tookMs: rows.map(([, total]) => (total ?? NaN) * 1e3), bytes: rows[0]?.[2] ?? 0 };
}

async function filled(): Promise<ApiWorld> {
  const world = new ApiWorld();
  const ports = Array.from({ length: interfaceCount }, (_, index) =>
    portRow(`pf0vf${index}`, world.clock.wallMs(), 10n ** 9n + BigInt(index) * 7_919n),
  );
  world.rows = [
    ...ports,
    ...ports.map((row, index) => podRow(row, `ns-${index % 20}`, `web-${index}-7d4b9c6f5-abcde`)),
  ];
  const conditions = ports.map(({ name }) => {
    const object = { kind: 'port', name, bridge: 'br-int' } as const;
    return { object, state: 'ready', reason: 'Ready', message: '', evidence: {} } as const;
  });
  world.show({ conditions, attach: attachOf(world.clock, { podCount: interfaceCount }) });
  return world.serve();
}

async function ours(count: number, title: string, headers: readonly string[]): Promise<readonly Line[]> {
  const world = await filled();
  try {
    await ask(world.url('/metrics'), 10, headers);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const before = performance.eventLoopUtilization();
    const { tookMs, bytes } = await ask(world.url('/metrics'), count, headers);
    const { active } = performance.eventLoopUtilization(before);
    delay.disable();
    const perScrape = active / count;
    return [
      {
        what: `${title}: event loop per scrape`,
        value: ms(perScrape),
        target: atMost(perScrape, 20, 'under 20 ms'),
      },
      { what: `${title}: longest piece`, value: ms(delay.max / 1e6) },
      { what: `${title}: as the client sees it, p50, max`, value: `${ms(median(tookMs))}, ${ms(quantile(tookMs, 1))}` },
      { what: `${title}: size`, value: `${(bytes / 1e3).toFixed(0)} kB` },
    ];
  } finally {
    await world.close();
  }
}

async function vsctl(count: number): Promise<readonly Line[]> {
  await using lab = await OvsLab.start();
  await fillDatabase(lab.socket, interfaceCount);
  const tookMs: number[] = [];
  let bytes = 0;
  for (let round = 0; round < count; round += 1) {
    const startMs = performance.now();
    bytes = (await lab.vsctl('--format=json', 'list', 'Interface')).length;
    tookMs.push(performance.now() - startMs);
  }
  return [
    {
      what: 'peer: ovs-vsctl --format=json list Interface, p50, max',
      value: `${ms(median(tookMs))}, ${ms(quantile(tookMs, 1))}`,
    },
    { what: 'peer: size, without counters and pods', value: `${(bytes / 1e3).toFixed(0)} kB` },
  ];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function exporter(count: number): Promise<readonly Line[]> {
  if (!existsSync(nodeExporter)) return [{ what: 'peer: node_exporter', value: 'not installed' }];
  const port = await freePort();
  const child = spawn(nodeExporter, [`--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
  try {
    const url = `http://127.0.0.1:${port}/metrics`;
    await eventually(() =>
      fetch(url).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    const { tookMs, bytes } = await ask(url, count, []);
    return [
      {
        what: 'peer: node_exporter, of this machine, p50, max',
        value: `${ms(median(tookMs))}, ${ms(quantile(tookMs, 1))}`,
      },
      { what: 'peer: its size', value: `${(bytes / 1e3).toFixed(0)} kB` },
    ];
  } finally {
    child.kill('SIGKILL');
  }
}

export async function scrape({ scrapeCount, commandCount }: ScrapeEffort): Promise<Section> {
  const lines = [
    ...(await ours(scrapeCount, 'plain text', [])),
    ...(await ours(scrapeCount, 'OpenMetrics', ['Accept: application/openmetrics-text; version=1.0.0'])),
    ...(await ours(scrapeCount, 'gzip', ['Accept-Encoding: gzip'])),
    ...(await vsctl(commandCount)),
    ...(await exporter(commandCount)),
  ];
  return { title: `A scrape of ${interfaceCount} interfaces with their pods`, lines };
}
