/**
 * What it costs to know the truth about offload all the time: the agent beside a switch with a thousand representors and twenty
 * thousand flows, without and with its supervisor, and beside it what people do today, a loop of
 * `ovs-appctl dpctl/dump-flows -m | grep -c offloaded:yes` every ten seconds. Everything is counted by the kernel.
 */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
// Only what is imported is compiled with the bench, and the agent is started by its path.
import type {} from '../../src/main.js';
import { connect, type ApiConnection } from '../../src/cli/api-client.js';
import { OffloadService, type OffloadSupervision } from '../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { systemClock } from '../../src/lib/clock.js';
import { AgentProcess } from '../../src/sandbox/agent-process.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { atMost, median, ms, ratio, type Line, type Section } from '../table.js';
import { childrenMs, mainThreadMs, processMs } from './cpu.js';
import { SteadySwitch } from './steady-switch.js';

export interface SteadyEffort {
  readonly portCount: number;
  readonly steadyFlows: number;
  /** Of each window, ms. */
  readonly windowMs: number;
  /** Windows of each kind, taken in turns. */
  readonly turns: number;
}

const mainFile = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const loopSeconds = 10;

/** Shares of one processor, in percent. */
interface Window {
  /** Of whoever looks: the agent, or the tools of the loop. */
  readonly looker: number;
  /** Of the main thread of ovs-vswitchd. */
  readonly mainThread: number;
}

/** Takes a window: what two counters of milliseconds grow by. */
async function window(switchPid: number, lookerMs: () => Promise<number>, windowMs: number): Promise<Window> {
  const startMs = performance.now();
  const [looker, main] = [await lookerMs(), await mainThreadMs(switchPid)];
  await sleep(windowMs);
  const tookMs = performance.now() - startMs;
  const percent = (from: number, to: number): number => (100 * (to - from)) / tookMs;
  return { looker: percent(looker, await lookerMs()), mainThread: percent(main, await mainThreadMs(switchPid)) };
}

/** The agent as a process with its default timing. */
class Agent implements AsyncDisposable {
  readonly #process: AgentProcess;
  readonly #connection: ApiConnection;

  private constructor(agent: AgentProcess) {
    this.#process = agent;
    this.#connection = connect({ kind: 'unix', path: agent.socket }, { clock: systemClock });
  }

  /** Returns when it has settled: with a supervisor, once every measurement was made. */
  static async start({ lab, netns }: SteadySwitch, mode: 'off' | 'observe', count: number): Promise<Agent> {
    const parent = join(lab.dir, `agent-${count}`);
    const dir = join(parent, 'agent');
    await mkdir(dir, { recursive: true });
    const config = {
      ovsdb: { endpoints: [`unix:${lab.socket}`] },
      ovs: { runDir: lab.runDir },
      representors: { finder: 'simulated' },
      agent: { runDir: dir, stateDir: dir },
      api: { http: { listen: '127.0.0.1:0' } },
      offload: { mode },
      log: { level: 'warn' },
      bridges: [{ name: 'br-int', mode: 'observe' }],
    };
    const file = join(dir, 'config.json');
    await writeFile(file, JSON.stringify(config));
    const agent = new AgentProcess(mainFile, file, parent, netns);
    agent.start();
    const made = new Agent(agent);
    await agent.ready(0, 60_000);
    if (mode !== 'off') await eventually(() => made.#hasMeasured(), 'every measurement was made once', 60_000);
    return made;
  }

  cpuMs(): Promise<number> {
    return processMs(this.#process.pid ?? 0);
  }

  async supervision(): Promise<OffloadSupervision | undefined> {
    return (await this.#connection.service(OffloadService).getOffloadStatus({})).status?.supervision;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    await this.#process.stop();
  }

  async #hasMeasured(): Promise<boolean> {
    const measurements = (await this.supervision())?.measurements ?? [];
    return ['quick', 'slow', 'flows'].every((name) =>
      measurements.some((measurement) => measurement.name === name && measurement.readings > 0n),
    );
  }
}

interface Supervised extends Window {
  /** Main thread by the agent's own count, percent. */
  readonly counted: number;
  readonly readings: ReadonlyMap<string, number>;
  /** The newest dump by the agent's own count, ms of the main thread. */
  readonly dumpMs: number;
  /** Flows of that dump. */
  readonly flows: number;
}

const millis = (duration: { readonly seconds: bigint; readonly nanos: number } | undefined): number =>
  Number(duration?.seconds ?? 0n) * 1e3 + (duration?.nanos ?? 0) / 1e6;

const ofSwitch = new Set(['quick', 'slow', 'flows']);

async function supervised(stage: SteadySwitch, windowMs: number, count: number): Promise<Supervised> {
  await using agent = await Agent.start(stage, 'observe', count);
  const before = (await agent.supervision())?.measurements ?? [];
  const taken = await window(stage.vswitchdPid, () => agent.cpuMs(), windowMs);
  const after = await agent.supervision();
  const measurements = (after?.measurements ?? []).filter(({ name }) => ofSwitch.has(name));
  const first = new Map(before.map((one) => [one.name, one]));
  const grown = measurements.map((one) => millis(one.mainThreadTotal) - millis(first.get(one.name)?.mainThreadTotal));
  return {
    ...taken,
    counted: (100 * grown.reduce((sum, value) => sum + value, 0)) / windowMs,
    readings: new Map(
      measurements.map(({ name, readings }) => [name, Number(readings - (first.get(name)?.readings ?? 0n))]),
    ),
    dumpMs: millis(measurements.find(({ name }) => name === 'flows')?.mainThread),
    flows: (after?.tiers ?? []).reduce((sum, { tally }) => sum + Number(tally?.flows ?? 0n), 0),
  };
}

async function unsupervised(stage: SteadySwitch, windowMs: number, count: number): Promise<Window> {
  await using agent = await Agent.start(stage, 'off', count);
  return await window(stage.vswitchdPid, () => agent.cpuMs(), windowMs);
}

/** What people do today. */
async function loop(stage: SteadySwitch, windowMs: number): Promise<Window> {
  const look = 'ovs-appctl -t ovs-vswitchd dpctl/dump-flows -m | grep -c offloaded:yes';
  const script = `while :; do ${look}; sleep ${loopSeconds}; done`;
  const shell = spawn('bash', ['-c', script], { env: stage.lab.env, stdio: ['ignore', 'pipe', 'inherit'] });
  let lookCount = 0;
  shell.stdout.setEncoding('utf8').on('data', (text: string) => (lookCount += text.split('\n').length - 1));
  try {
    await eventually(() => lookCount > 0, 'the first look', 60_000);
    const before = lookCount;
    const taken = await window(stage.vswitchdPid, () => childrenMs(shell.pid ?? 0), windowMs);
    // Half as many as there is time for: a dump may take as long as the pause.
    const least = windowMs / (2 * loopSeconds * 1_000);
    if (lookCount - before < least) throw new Error(`the loop looked ${lookCount - before} times`);
    return taken;
  } finally {
    shell.kill('SIGKILL');
  }
}

const percent = (value: number): string => `${value.toFixed(2)} %`;

export async function steady({ portCount, steadyFlows, windowMs, turns }: SteadyEffort): Promise<Section> {
  await using stage = await SteadySwitch.start(portCount, steadyFlows);
  const [off, on, loops]: [Window[], Supervised[], Window[]] = [[], [], []];
  // In turns: whatever else this machine does falls on all of them.
  for (let turn = 0; turn < turns; turn += 1) {
    off.push(await unsupervised(stage, windowMs, 2 * turn));
    on.push(await supervised(stage, windowMs, 2 * turn + 1));
    loops.push(await loop(stage, windowMs));
  }
  const wrong = on.find(({ flows }) => flows !== steadyFlows);
  if (wrong !== undefined) throw new Error(`the agent found ${wrong.flows} flows`);
  return {
    title: `${portCount} ports, ${steadyFlows} flows, windows of ${windowMs / 1000} s, ${turns} of each in turns; shares of one processor`,
    lines: figures(off, on, loops),
  };
}

function figures(off: readonly Window[], on: readonly Supervised[], loops: readonly Window[]): readonly Line[] {
  const middle = <T>(windows: readonly T[], figure: (one: T) => number): number => median(windows.map(figure));
  const looker = ({ looker: share }: Window): number => share;
  const main = ({ mainThread }: Window): number => mainThread;
  const [agentOff, agentOn, tools] = [middle(off, looker), middle(on, looker), middle(loops, looker)];
  const [mainOff, mainOn, mainLoop] = [middle(off, main), middle(on, main), middle(loops, main)];
  const supervisor = agentOn - agentOff;
  const added = mainOn - mainOff;
  const counted = middle(on, (one) => one.counted);
  const readings = [...(on.at(-1)?.readings ?? [])].map(([name, count]) => `${count} ${name}`).join(', ');
  return [
    { what: 'agent, offload.mode off', value: percent(agentOff) },
    { what: 'agent, offload.mode observe', value: percent(agentOn), target: atMost(agentOn, 2, 'under 2 %') },
    { what: '  its supervisor, the difference', value: percent(supervisor) },
    { what: 'main thread of ovs-vswitchd, nobody looks at flows', value: percent(mainOff) },
    { what: '  added by the supervisor', value: percent(added), target: atMost(added, 1, 'under 1 %') },
    { what: '  by its own count', value: percent(counted), target: atMost(counted, 1, 'under 1 %') },
    { what: '  readings in the last window', value: readings },
    { what: '  a dump, until its last byte', value: ms(middle(on, (one) => one.dumpMs)) },
    { what: `a loop of ovs-appctl | grep every ${loopSeconds} s, its tools`, value: percent(tools) },
    { what: '  added to the main thread', value: percent(mainLoop - mainOff) },
    { what: '  tools against supervisor', value: ratio(tools / supervisor) },
    { what: '  main thread against supervisor', value: ratio((mainLoop - mainOff) / added) },
  ];
}
