/** Fifty watchers of a topology that changes a hundred times a second, and fifty readers of the same database beside them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { OvsLab } from '../../src/sandbox/lab/ovs.js';
import { connectTo } from '../../test/fakes/open-grpc.js';
import { TopologyWatcher } from '../../test/fakes/topology-watcher.js';
import { fillDatabase } from '../ovsdb/fixture.js';
import { type Line, megabytes, ms, perSecond, type Section, spread } from '../table.js';
import { Waiters } from '../waiters.js';
import type { Figures } from './agent-messages.js';
import { AgentUnderTest } from './agent-process.js';
import { changedKey, Changes } from './changes.js';
import { cpuPercent, loadOf, type ProcessLoad } from './process-load.js';

export interface Effort {
  readonly runMs: number;
  /** Steps that the agent keeps: those who do not read must fall out of them within the run. */
  readonly stepCountMax: number;
}

const portCount = 1000;
const changesPerSecond = 100;
const watcherCount = 50;
/** Of the watchers, those who do not read. */
const sleeperCount = 5;

interface Phase {
  readonly from: ProcessLoad;
  readonly to: ProcessLoad;
}

const loadLine = (what: string, { from, to }: Phase): Line => ({
  what,
  value: `${cpuPercent(from, to).toFixed(1)} %  ${megabytes(from.rssBytes)} to ${megabytes(to.rssBytes)}`,
});

const delayLine = (what: string, { delayP50, delayP99, delayMax }: Figures): Line => ({
  what,
  value: `p50 ${ms(delayP50)}  p99 ${ms(delayP99)}  max ${ms(delayMax)}`,
});

/** What happens to a process while the changes run. */
async function during(pid: number, changes: Changes, runMs: number): Promise<Phase> {
  const from = await loadOf(pid);
  await changes.run(changesPerSecond, runMs);
  return { from, to: await loadOf(pid) };
}

/** Watchers, each with a connection of its own, and what was seen by them. */
class Crowd {
  readonly watchers: TopologyWatcher[] = [];
  readonly latencies: number[] = [];
  readonly #waiters = new Waiters('by the watchers');
  readonly #clients: ReturnType<typeof connectTo>[] = [];

  async join(socket: string, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const client = connectTo(socket);
      this.#clients.push(client);
      const watcher: TopologyWatcher = new TopologyWatcher(client, () => this.#waiters.look());
      watcher.onChanged = (object) => this.#note(object);
      this.watchers.push(watcher);
    }
    await this.until(() => this.watchers.every(({ isComplete }) => isComplete), 'a snapshot');
  }

  until(test: () => boolean, what: string): Promise<void> {
    return this.#waiters.until(test, what);
  }

  leave(): void {
    for (const client of this.#clients) client.close();
  }

  #note({ object }: Parameters<TopologyWatcher['onChanged']>[0]): void {
    const written = object.case === 'port' ? object.value.interfaces[0]?.externalIds[changedKey] : undefined;
    if (written !== undefined) this.latencies.push(performance.now() - Number(written));
  }
}

async function ours(lab: OvsLab, { runMs, stepCountMax }: Effort): Promise<Line[]> {
  const apiSocket = join(lab.dir, 'api.sock');
  const agent = await AgentUnderTest.start(lab.socket, apiSocket, stepCountMax);
  const changes = await Changes.open(lab.socket);
  const crowd = new Crowd();
  try {
    // The first changes warm the agent up: they are compiled and the ring fills.
    await changes.run(changesPerSecond, runMs / 4);
    await agent.figures();
    const alone = await during(agent.pid, changes, runMs);
    const aloneFigures = await agent.figures();
    await crowd.join(apiSocket, watcherCount);
    const sleepers = crowd.watchers.slice(0, sleeperCount);
    const readers = crowd.watchers.slice(sleeperCount);
    for (const { stream } of sleepers) stream.pause();
    await agent.figures();
    crowd.latencies.length = 0;
    const watched = await during(agent.pid, changes, runMs);
    const figures = await agent.figures();
    // Without what the sleepers read later.
    const latencies = [...crowd.latencies];

    await turnOver(agent, changes, sleepers, stepCountMax);
    const right = await verify(agent, crowd, readers);
    const told = await wake(crowd, sleepers);
    return [
      { what: 'versions in the run', value: `${figures.steps}, ring ${figures.ring.stepCount} steps` },
      loadLine('agent, nobody watching: processor, RSS', alone),
      delayLine('the same: event-loop delay', aloneFigures),
      loadLine(`agent, ${watcherCount} watchers: processor, RSS`, watched),
      delayLine('the same: event-loop delay', figures),
      { what: 'from the write to a watcher', value: spread(latencies) },
      { what: 'objects told, all watchers', value: perSecond(latencies.length / (runMs / 1000)) },
      count('watchers that have all, in order, nothing twice', right, readers.length),
      count('sleepers that are told to start over', told, sleepers.length),
    ];
  } finally {
    crowd.leave();
    changes.close();
    await agent.stop();
  }
}

function count(what: string, value: number, wanted: number): Line {
  return { what, value: `${value} of ${wanted}`, target: { text: 'all', isMet: value === wanted } };
}

/** Steps' worth of messages that HTTP/2 takes in advance for one who does not read, and more. */
const bufferedSteps = 300;

/** Goes on until nothing of what the sleepers have not taken is kept: on a busy machine the run has too few steps for that. */
async function turnOver(
  agent: AgentUnderTest,
  changes: Changes,
  sleepers: readonly TopologyWatcher[],
  stepCountMax: number,
): Promise<void> {
  const seen = Math.max(...sleepers.map(({ version }) => Number(version)));
  while (Number((await agent.versions()).version) <= seen + stepCountMax + bufferedSteps) {
    await changes.run(changesPerSecond, 2_000);
  }
}

/** How many readers have exactly what the agent has, and never saw what they must not see. */
async function verify(agent: AgentUnderTest, crowd: Crowd, readers: readonly TopologyWatcher[]): Promise<number> {
  // What was gathered when the last change was answered is a version of its own.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { version, objects } = await agent.versions();
  const versions = new Map(objects.map(([name, at]) => [name, BigInt(at)]));
  await crowd.until(() => readers.every((reader) => reader.version === BigInt(version)), `version ${version}`);
  return readers.filter((reader) => reader.failure === undefined && reader.has(versions)).length;
}

/** Lets the sleepers read, and counts those who are told to start over. */
async function wake(crowd: Crowd, sleepers: readonly TopologyWatcher[]): Promise<number> {
  for (const { stream } of sleepers) stream.resume();
  await crowd.until(() => sleepers.every(({ endCode }) => endCode !== undefined), 'the end of the streams');
  return sleepers.filter((one) => one.startOver === 'Expired' && one.endCode === status.OUT_OF_RANGE && !one.failure)
    .length;
}

function startReader(lab: OvsLab): Promise<ChildProcess> {
  const columns = 'name,type,ofport,external_ids,options,error,mtu,link_state';
  const args = ['monitor', `unix:${lab.socket}`, 'Open_vSwitch', 'Interface', columns];
  const child = spawn('ovsdb-client', args, { stdio: ['ignore', 'pipe', 'ignore'], env: lab.env });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.once('data', () => resolve(child));
    // Read and thrown away: what is measured is the server.
    child.stdout.resume();
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function peer(lab: OvsLab, { runMs }: Effort): Promise<Line[]> {
  const pid = lab.ovsdbServerPid ?? 0;
  const changes = await Changes.open(lab.socket);
  const readers: ChildProcess[] = [];
  try {
    const alone = await during(pid, changes, runMs);
    for (let index = 0; index < watcherCount; index += 1) readers.push(await startReader(lab));
    for (const reader of readers.slice(0, sleeperCount)) reader.kill('SIGSTOP');
    const watched = await during(pid, changes, runMs);
    const left = readers.filter(({ exitCode }) => exitCode !== null).length;
    return [
      loadLine('ovsdb-server, no reader: processor, RSS', alone),
      loadLine(`ovsdb-server, ${watcherCount} ovsdb-client monitor: processor, RSS`, watched),
      { what: 'readers that were cut off', value: String(left) },
    ];
  } finally {
    changes.close();
    await Promise.all(readers.map(end));
  }
}

export async function watchers(effort: Effort): Promise<Section> {
  const lab = await OvsLab.start();
  try {
    await fillDatabase(lab.socket, portCount);
    const lines = [...(await ours(lab, effort)), ...(await peer(lab, effort))];
    const title = `${watcherCount} watchers, ${sleeperCount} of which do not read; ${portCount} ports, ${changesPerSecond} changes a second for ${effort.runMs / 1000} s`;
    return { title, lines };
  } finally {
    await lab.stop();
  }
}
