/**
 * What the agent's integration tests stand on: a private Open vSwitch, a tree of device files, a configuration file, and the
 * agent as a process or inside the test. Witnesses of the outcome are ovs-vsctl, ovsdb-tool and raw OVSDB calls.
 */

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentStatus } from '../../../src/agent/status.js';
import { assemble, type Assembly } from '../../../src/app/assemble.js';
import type { Config } from '../../../src/config/config.js';
import { loadConfig } from '../../../src/config/load.js';
import { systemClock } from '../../../src/lib/clock.js';
import { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { ensureBuilt, mainFile } from './build.js';
import { eventually } from '../lab/daemon.js';
import { OvsLab, runTool, type OvsLabOptions } from '../lab/ovs.js';

export type ConfigInput = Readonly<Record<string, unknown>>;

/** One directory of `sys/class/net`, as of a device that Open vSwitch holds. */
export async function writeDevice(root: string, name: string, ifindex: number): Promise<void> {
  const dir = join(root, 'sys', 'class', 'net', name);
  await mkdir(dir, { recursive: true });
  const files = {
    ifindex: `${ifindex}`,
    address: `02:00:00:00:${(ifindex >> 8).toString(16).padStart(2, '0')}:${(ifindex & 255).toString(16).padStart(2, '0')}`,
    mtu: '1500',
    flags: '0x1143',
    operstate: 'up',
    carrier: '1',
  };
  for (const [file, text] of Object.entries(files)) await writeFile(join(dir, file), `${text}\n`);
}

/** Replaces a file as an editor does, so that nobody reads half of it. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** The agent inside the test process, with what it said. */
export class InnerAgent implements AsyncDisposable {
  readonly assembly: Assembly;
  readonly statuses: AgentStatus[] = [];
  readonly bugs: unknown[] = [];

  constructor(config: Config) {
    this.assembly = assemble({
      config,
      clock: systemClock,
      random: Math.random,
      isWriter: true,
      onStatus: (status) => {
        this.statuses.push(status);
        if (this.statuses.length > 500) this.statuses.shift();
      },
      onJournal: () => undefined,
      onTrouble: () => undefined,
      onBug: (error) => this.bugs.push(error),
    });
    this.assembly.start();
  }

  get status(): AgentStatus | undefined {
    return this.statuses.at(-1);
  }

  /** Waits until its newest status satisfies `test`; fails at once when the agent has a bug. */
  async until(test: (status: AgentStatus) => boolean, what: string, waitMsMax?: number): Promise<AgentStatus> {
    const look = (): AgentStatus | undefined => {
      if (this.bugs.length > 0) throw this.bugs[0] as Error;
      const { status } = this;
      return status !== undefined && test(status) ? status : undefined;
    };
    try {
      return await eventually(look, `the agent says: ${what}`, waitMsMax);
    } catch (cause) {
      throw new Error(`never: ${what}; last: ${JSON.stringify(this.status).slice(0, 3000)}`, { cause });
    }
  }

  /** Waits until a status made from now on says ready. */
  ready(waitMsMax?: number): Promise<AgentStatus> {
    const sinceMs = Date.now();
    return this.until((status) => status.wallMs >= sinceMs && status.isReady, 'ready', waitMsMax);
  }

  /** Waits for `count` more rounds, whatever they say. */
  async rounds(count: number): Promise<void> {
    let seen = this.status;
    for (let round = 0; round < count; round += 1) {
      await this.until((status) => status !== seen, 'something new');
      seen = this.status;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.assembly.close();
  }
}

export class Rig implements AsyncDisposable {
  readonly lab: OvsLab;
  /** Where the agent looks for `sys`. */
  readonly root: string;
  readonly configFile: string;
  #count = 0;
  readonly #agents: AgentProcess[] = [];
  readonly #inner: InnerAgent[] = [];

  private constructor(lab: OvsLab) {
    this.lab = lab;
    this.root = join(lab.dir, 'root');
    this.configFile = join(lab.dir, 'agent', 'config.yaml');
  }

  static async start(options: OvsLabOptions & { readonly devices?: readonly string[] } = {}): Promise<Rig> {
    const rig = new Rig(await OvsLab.start(options));
    await mkdir(join(rig.lab.dir, 'agent'));
    await mkdir(join(rig.root, 'sys', 'class', 'net'), { recursive: true });
    for (const [index, name] of (options.devices ?? []).entries()) await writeDevice(rig.root, name, index + 10);
    return rig;
  }

  /** A whole configuration file for this lab; `input` is laid over it, section by section. */
  configText(input: ConfigInput, dir = join(this.lab.dir, 'agent')): string {
    const base: Record<string, Record<string, unknown>> = {
      ovsdb: { endpoints: [`unix:${this.lab.socket}`] },
      ovs: { runDir: this.lab.runDir },
      representors: { finder: 'simulated', root: this.root },
      agent: { runDir: dir, stateDir: dir, fullResyncMs: 1000, orphanGraceMs: 300 },
      api: { http: { listen: '127.0.0.1:0' } },
    };
    for (const [section, value] of Object.entries(input)) {
      const own = base[section];
      base[section] = (own === undefined ? value : { ...own, ...(value as object) }) as Record<string, unknown>;
    }
    return JSON.stringify(base, undefined, 2);
  }

  /** The checked configuration, with a look every 50 ms: shorter than a file may ask for. */
  config(input: ConfigInput, agent: Partial<Config['agent']> = {}): Config {
    const { config } = loadConfig({ text: this.configText(input) });
    return { ...config, agent: { ...config.agent, fullResyncMs: 50, ...agent } };
  }

  /** Writes the configuration file and starts the agent as a process. */
  async agent(input: ConfigInput, netns?: string): Promise<AgentProcess> {
    await ensureBuilt();
    this.#count += 1;
    const parent = this.#count === 1 ? this.lab.dir : join(this.lab.dir, `second${this.#count}`);
    const dir = join(parent, 'agent');
    await mkdir(dir, { recursive: true });
    const file = this.#count === 1 ? this.configFile : join(dir, 'config.yaml');
    await writeFile(file, this.configText(input, dir));
    const agent = new AgentProcess(mainFile, file, parent, netns);
    this.#agents.push(agent);
    agent.start();
    return agent;
  }

  /** Starts the agent inside this process. */
  inner(input: ConfigInput, agent: Partial<Config['agent']> = {}): InnerAgent {
    const started = new InnerAgent(this.config(input, agent));
    this.#inner.push(started);
    return started;
  }

  /** Every transaction in the database's log, oldest first: its comment, or an empty text. */
  async transactions(): Promise<readonly string[]> {
    const text = await runTool(this.lab.env, 'ovsdb-tool', ['show-log', this.lab.dbFile]);
    return text
      .split('\n')
      .filter((line) => /^record \d+:/.test(line))
      .map((line) => /"(.*)"$/.exec(line)?.[1] ?? '');
  }

  /** How many transactions the agent has written. */
  async writes(): Promise<number> {
    return (await this.transactions()).filter((comment) => comment.startsWith('dpu-node-agent:')).length;
  }

  /** The rows of a table, by their own words. */
  async rows(table: string, columns: readonly string[], where: readonly unknown[] = []): Promise<readonly Row[]> {
    const select = { op: 'select', table, where, columns };
    const [result] = (await this.lab.rawCall('transact', ['Open_vSwitch', select])) as [{ rows: readonly Row[] }];
    return result.rows;
  }

  async removeDevice(name: string): Promise<void> {
    await rm(join(this.root, 'sys', 'class', 'net', name), { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#inner) await agent[Symbol.asyncDispose]();
    for (const agent of this.#agents) await agent.kill();
    await this.lab.stop();
  }
}

export type Row = Readonly<Record<string, unknown>>;

/** A map column of a raw row as an object with its keys in order. */
export function mapColumn(value: unknown): Record<string, string> {
  const [, pairs] = value as [string, [string, string][]];
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A set column of a raw row as a list: a set of one is its bare member on the wire (RFC 7047 section 5.1). */
export function setColumn(value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value[0] === 'set') return value[1] as unknown[];
  return [value];
}

/** Waits for a newer status of an agent process that satisfies `test`. */
export function agentSays(
  agent: AgentProcess,
  test: (status: AgentStatus) => boolean,
  what: string,
  waitMsMax = 15_000,
): Promise<AgentStatus> {
  return eventually(
    async () => {
      const status = await agent.status();
      return status !== undefined && test(status) ? status : undefined;
    },
    `the agent says ${what}`,
    waitMsMax,
  );
}
