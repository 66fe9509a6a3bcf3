/** The pictures of the dashboards: that they can be drawn, and that the one in the guide is of the dashboard as it is. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboard } from '../fakes/deployed.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const [from, to] = [1_700_000_000, 1_700_000_300];

/** Whatever is asked: one series whose label would break an SVG that does not escape, with a value that is not a number. */
const metric = { instance: 'a<b&"c"', reason: 'LinkDown' };
const answers = {
  query: { resultType: 'vector', result: [{ metric, value: [to, '1'] }] },
  query_range: {
    resultType: 'matrix',
    result: [
      {
        metric,
        values: [
          [from, '0'],
          [from + 2, 'NaN'],
          [to, '12345'],
        ],
      },
    ],
  },
};

const server = createServer((request, response) => {
  const data = request.url === '/api/v1/query' ? answers.query : answers.query_range;
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ status: 'success', data }));
});
let dir = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drawing-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

async function draw(name: 'node' | 'fleet'): Promise<string> {
  const out = join(dir, `${name}.svg`);
  const { port } = server.address() as AddressInfo;
  const script = join(root, 'scripts/draw-dashboard.mjs');
  const source = join(root, `deploy/grafana/${name}.json`);
  const args = [script, source, `http://127.0.0.1:${port}`, String(from), String(to), out, 'instance=dpu-1'];
  await run(process.execPath, args);
  return readFile(out, 'utf8');
}

/** Titles as they stand in a picture. */
const titlesIn = (picture: string): ReadonlySet<string> =>
  new Set([...picture.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map((match) => match[1] ?? ''));

describe.each(['node', 'fleet'] as const)('the dashboard of the %s', (name) => {
  it('can be drawn, every panel of it', async () => {
    const picture = await draw(name);
    const titles = titlesIn(picture);
    expect(dashboard(name).panels.filter(({ title }) => !titles.has(title))).toEqual([]);
    expect(picture).not.toMatch(/NaN|undefined|Infinity/);
    expect(picture).not.toContain('a<b');
  });
});

describe('the picture in the guide', () => {
  it('shows the panels that the dashboard has', async () => {
    const picture = await readFile(join(root, 'docs/images/dashboard-node.svg'), 'utf8');
    const titles = titlesIn(picture);
    expect(dashboard('node').panels.filter(({ title }) => !titles.has(title))).toEqual([]);
    expect(picture.length).toBeLessThan(400_000);
  });
});
