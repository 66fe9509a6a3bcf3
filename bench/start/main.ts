/** The start bench: `npm run bench -- start [--quick]`. What a start costs, file by file and as a bundle. */

import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { systemClock } from '../../src/lib/clock.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { OvsLab } from '../../src/sandbox/lab/ovs.js';
import { runSuite } from '../suite.js';
import { megabytes, ms, type Line, type Section } from '../table.js';

interface Effort {
  readonly runCount: number;
}

/** Where the programs of one kind lie. */
interface Programs {
  readonly name: string;
  readonly daemon: string;
  readonly ctl: string;
  readonly probe: string;
}

interface Start {
  readonly listensMs: number;
  readonly readyMs: number;
  /** Of the processor, until it was ready. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** Those of the image (containerfile/Containerfile). */
const heapFlags = ['--max-semi-space-size=2', '--max-old-space-size=96'];
/** Of a jiffy, as /proc tells them (USER_HZ, time(7)). */
const jiffyMs = 10;

const run = promisify(execFile);
const smallest = (values: readonly number[]): number => Math.min(...values);
const middle = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * jiffyMs;
}

async function rssBytes(pid: number): Promise<number> {
  const kib = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1_024;
}

/** Starts the daemon once, until it says that it is ready. */
async function startOnce(daemon: string, config: string): Promise<Start> {
  const startMs = systemClock.nowMs();
  const child = spawn(process.execPath, [...heapFlags, daemon, 'run', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  let listensMs = 0;
  let readyMs = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    const nowMs = systemClock.nowMs() - startMs;
    if (listensMs === 0 && log.includes('"API listens"')) listensMs = nowMs;
    if (readyMs === 0 && log.includes('"isReady":true')) readyMs = nowMs;
  });
  const { pid } = child;
  try {
    await eventually(() => listensMs > 0 && readyMs > 0, 'the agent is ready', 60_000);
    if (pid === undefined) throw new Error('the agent was not started');
    return { listensMs, readyMs, cpuMs: await cpuMs(pid), rssBytes: await rssBytes(pid) };
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
}

async function commandMs(args: readonly string[]): Promise<number> {
  const startMs = systemClock.nowMs();
  await run(process.execPath, [...args]);
  return systemClock.nowMs() - startMs;
}

function timeLine(what: string, values: readonly number[], maxMs?: number): Line {
  const value = `${ms(smallest(values))} (median ${ms(middle(values))})`;
  if (maxMs === undefined) return { what, value };
  return { what, value, target: { text: `at most ${maxMs} ms`, isMet: smallest(values) <= maxMs } };
}

/** Both kinds in turn, so that a machine that grows slower does so for both. */
async function measure(
  kinds: readonly Programs[],
  dir: string,
  lab: OvsLab,
  runCount: number,
): Promise<readonly Line[]> {
  const config = join(dir, 'config.yaml');
  const runDir = join(dir, 'agent');
  const settings = {
    agent: { runDir, stateDir: join(dir, 'state') },
    ovsdb: { endpoints: [`unix:${lab.socket}`] },
    ovs: { runDir: lab.runDir },
    api: { http: { listen: '127.0.0.1:0' } },
    bridges: [{ name: 'br-a', datapathType: 'netdev', ports: [] }],
  };
  await mkdir(runDir);
  await writeFile(config, JSON.stringify(settings));
  const results = kinds.map((kind) => ({
    ...kind,
    starts: [] as Start[],
    versions: [] as number[],
    probes: [] as number[],
  }));
  for (let round = 0; round < runCount; round += 1) {
    for (const { daemon, starts } of results) starts.push(await startOnce(daemon, config));
  }
  const agent = spawn(process.execPath, [...heapFlags, kinds[0]?.daemon ?? '', 'run', '--config', config], {
    stdio: 'ignore',
  });
  try {
    const socket = join(runDir, 'api.sock');
    const probe = kinds[0]?.probe ?? '';
    await eventually(
      () => commandMs([probe, 'ready', '--socket', socket]).catch(() => undefined),
      'the agent is ready',
      60_000,
    );
    for (let round = 0; round < runCount; round += 1) {
      for (const kind of results) {
        kind.versions.push(await commandMs([kind.ctl, 'version', '--run-dir', runDir]));
        kind.probes.push(await commandMs([kind.probe, 'live', '--socket', socket]));
      }
    }
  } finally {
    agent.kill('SIGTERM');
  }
  return results.flatMap(({ name, starts, versions, probes }) => [
    timeLine(
      `${name}: daemon, start to listening`,
      starts.map(({ listensMs }) => listensMs),
      600,
    ),
    timeLine(
      `${name}: daemon, start to ready`,
      starts.map(({ readyMs }) => readyMs),
    ),
    timeLine(
      `${name}: the same, of the processor`,
      starts.map((start) => start.cpuMs),
    ),
    { what: `${name}: RSS when ready`, value: megabytes(middle(starts.map((start) => start.rssBytes))) },
    timeLine(`${name}: dpuctl version, agent asked`, versions, 250),
    timeLine(`${name}: healthcheck live`, probes),
  ]);
}

async function start({ runCount }: Effort): Promise<Section> {
  const dir = await mkdtemp(join(tmpdir(), 'start-'));
  await using lab = await OvsLab.start({ vswitchd: true });
  try {
    const bundle = join(dir, 'bundle');
    await run('npx', ['tsc', '-p', 'tsconfig.build.json']);
    await run(process.execPath, ['scripts/bundle.mjs', '--out', bundle]);
    const files = {
      name: 'files',
      daemon: 'dist/main.js',
      ctl: 'dist/cli/dpuctl.js',
      probe: 'dist/cli/healthcheck.js',
    };
    const [daemon = '', ctl = '', probe = ''] = ['dpu-node-agent', 'dpuctl', 'healthcheck'].map((name) =>
      join(bundle, `${name}.mjs`),
    );
    const lines = await measure([files, { name: 'bundle', daemon, ctl, probe }], dir, lab, runCount);
    const bare: number[] = [];
    for (let round = 0; round < runCount; round += 1) bare.push(await commandMs(['--eval', '0']));
    const title = `Start, smallest of ${runCount} (median), heap flags of the image`;
    return { title, lines: [timeLine('Node.js alone, start to end', bare), ...lines] };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

await runSuite({ start }, { quick: { runCount: 3 }, full: { runCount: 15 } });
