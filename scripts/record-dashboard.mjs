// Makes data for a picture of a dashboard: the sandbox with pods and traffic, broken by hand now and then, and a Prometheus that
// scrapes its agent every second. Needs root, the built sandbox (npm run build) and Debian's prometheus. Takes seven minutes.
//   node scripts/record-dashboard.mjs DIR
// DIR gets Prometheus' data, and in the file `range` the time that they are of, as scripts/draw-dashboard.mjs takes it.
import { execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { httpUrl, insideNetwork } from '../dist/sandbox/api-check.js';
import { fabricAddress } from '../dist/sandbox/layout.js';
import { Sandbox } from '../dist/sandbox/sandbox.js';

const run = promisify(execFile);
const [dir] = process.argv.slice(2);
if (dir === undefined || process.getuid() !== 0) {
  console.error('usage, as root: node scripts/record-dashboard.mjs DIR');
  process.exit(64);
}

/**
 * Who sends to the fabric, how often (seconds between packets) and how much a packet (bytes), from when to when (seconds). The
 * fabric's replies to build-0 are longer than its representor takes, and are dropped there.
 */
const traffic = [
  { pod: 'web-0', every: '0.004', size: 1300, from: 0, to: 420 },
  { pod: 'web-1', every: '0.006', size: 1000, from: 40, to: 420 },
  { pod: 'db-0', every: '0.01', size: 1300, from: 0, to: 420 },
  { pod: 'cache-0', every: '0.02', size: 600, from: 0, to: 420 },
  { pod: 'build-0', every: '0.005', size: 1400, from: 200, to: 270 },
];
const lastsSeconds = 420;
const vswitchdAwaySeconds = 15;

/** What goes wrong, and when (seconds after the start). */
const incidents = [
  { at: 70, title: 'del-port p0', act: ({ lab }) => lab.vsctl('del-port', 'br-hbn', 'p0') },
  {
    at: 120,
    title: 'another iface-id on rep0-1',
    act: ({ lab }) => lab.vsctl('set', 'Interface', 'rep0-1', 'external_ids:iface-id=stolen'),
  },
  { at: 170, title: 'no carrier on p1 for 25 s', act: (sandbox) => withoutCarrier(sandbox, 25) },
  {
    at: 300,
    title: `kill -9 ovs-vswitchd, ${vswitchdAwaySeconds} s without`,
    act: async ({ lab }) => {
      await lab.killVswitchd('SIGKILL');
      await sleep(vswitchdAwaySeconds * 1e3);
      await lab.startVswitchd();
    },
  },
  { at: 360, title: "a pod claims another's function", act: ({ cluster }) => cluster.addThief({ pf: 0, vf: 1 }) },
];

async function withoutCarrier({ layout }, seconds) {
  const { farEnd, farNamespace } = layout.cables.find(({ dpuEnd }) => dpuEnd === 'p1');
  const set = (state) => run('ip', ['-n', farNamespace, 'link', 'set', farEnd, state]);
  await set('down');
  await sleep(seconds * 1e3);
  await set('up');
}

const children = [];
function start(command) {
  const [file, ...args] = command;
  const child = spawn(file, args, { stdio: 'ignore' });
  children.push(child);
  return child;
}

/** Ends what was started, and waits for it: Prometheus writes its last samples. */
async function stopAll() {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
}

async function startPrometheus(sandbox) {
  const target = new URL(httpUrl(sandbox, '/metrics')).host;
  const config = {
    global: { scrape_interval: '1s' },
    scrape_configs: [
      { job_name: 'dpu-node-agent', static_configs: [{ targets: [target], labels: { instance: 'dpu-1' } }] },
    ],
  };
  const file = join(dir, 'prometheus.yml');
  await writeFile(file, JSON.stringify(config));
  const options = [`--config.file=${file}`, `--storage.tsdb.path=${join(dir, 'data')}`];
  start([...insideNetwork(sandbox), 'prometheus', ...options, '--web.listen-address=127.0.0.1:9090']);
}

/** Sends until its time is over. With a deadline ping ends at the first error, as while the network is away: then again. */
async function send(sandbox, role, { every, size, from, to }) {
  await sleep(from * 1e3);
  const endMs = Date.now() + (to - from) * 1e3;
  const prefix = sandbox.layout.dpuNamespace.replace(/-dpu$/, '');
  const inside = ['ip', 'netns', 'exec', `${prefix}-${role}`];
  while (Date.now() < endMs) {
    const seconds = Math.ceil((endMs - Date.now()) / 1e3);
    const child = start([
      ...inside,
      'ping',
      '-q',
      '-i',
      every,
      '-s',
      String(size),
      '-w',
      String(seconds),
      fabricAddress,
    ]);
    await new Promise((resolve) => child.on('exit', resolve));
    await sleep(500);
  }
}

async function record(sandbox) {
  const pods = await sandbox.cluster.runPods(
    traffic.map(({ pod }) => pod),
    sandbox.functions,
  );
  await sandbox.agent.ready(Date.now());
  await startPrometheus(sandbox);
  const fromMs = Date.now();
  const sends = traffic.map((flow) => send(sandbox, pods.find(({ name }) => name === flow.pod).role, flow));
  for (const { at, title, act } of incidents) {
    await sleep(Math.max(0, fromMs + at * 1e3 - Date.now()));
    console.log(`${Math.round((Date.now() - fromMs) / 1e3)} s: ${title}`);
    await act(sandbox);
  }
  await sleep(Math.max(0, fromMs + lastsSeconds * 1e3 - Date.now()));
  await Promise.all(sends);
  await stopAll();
  await writeFile(join(dir, 'range'), `${fromMs / 1e3} ${Date.now() / 1e3}\n`);
}

await mkdir(dir, { recursive: true });
const options = { isOnce: true, vfCount: traffic.length, isDummy: false, isHelp: false };
const mainFile = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const sandbox = new Sandbox({ options, isReal: true, mainFile });
try {
  await sandbox.start();
  await record(sandbox);
} finally {
  await stopAll();
  await sandbox.stop();
}
process.exit(0);
