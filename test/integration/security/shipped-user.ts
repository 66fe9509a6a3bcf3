/**
 * The agent with the rights that its unit gives it: a user of its own, one capability, no way to get more. Open vSwitch is
 * reached by a group, as after dpu-node-agent-sockets.service.
 */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dpuctlFile, ensureBuilt, mainFile } from '../agent/build.js';
import { eventually } from '../lab/daemon.js';
import type { OvsLab } from '../lab/ovs.js';

const run = promisify(execFile);
const unitFile = new URL('../../../systemd/dpu-node-agent.service', import.meta.url);

/** Users and groups that no machine has; one for each run, so that what belongs to it is of this run. */
export const shippedUid = 400_000 + (process.pid % 100_000);
export const switchGid = shippedUid + 100_000;

/** A key of the unit. */
export async function unitValue(key: string): Promise<string> {
  const value = new RegExp(`^${key}=(.*)$`, 'm').exec(await readFile(unitFile, 'utf8'))?.[1];
  if (value === undefined) throw new Error(`the unit has no ${key}`);
  return value;
}

/** The arguments of setpriv(1) that stand for the unit. */
async function rights(): Promise<readonly string[]> {
  const named = (await unitValue('CapabilityBoundingSet')).toLowerCase().replaceAll('cap_', '').split(' ');
  const caps = ['-all', ...named.map((name) => `+${name}`)].join(',');
  return [
    ...[`--reuid=${shippedUid}`, `--regid=${shippedUid}`, `--groups=${switchGid}`],
    ...[`--inh-caps=${caps}`, `--ambient-caps=${caps}`, `--bounding-set=${caps}`, '--no-new-privs', '--pdeathsig=KILL'],
  ];
}

/** Lets the group of the switch at its sockets, as the unit beside the agent's does. */
export async function openSwitch(lab: OvsLab): Promise<void> {
  await chmod(lab.dir, 0o711);
  for (const name of await readdir(lab.runDir)) {
    await chown(join(lab.runDir, name), 0, switchGid);
    await chmod(join(lab.runDir, name), 0o660);
  }
}

export class ShippedAgent implements AsyncDisposable {
  readonly runDir: string;
  readonly stateDir: string;
  readonly configFile: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #log = '';

  private constructor(child: ChildProcess, dir: string) {
    this.#child = child;
    this.runDir = join(dir, 'agent-run');
    this.stateDir = join(dir, 'agent-state');
    this.configFile = join(dir, 'agent-etc', 'config.yaml');
    this.#ended = once(child, 'exit');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    }
  }

  /** @param configOf the text of the configuration, with the agent's directories */
  static async start(
    dir: string,
    configOf: (dirs: { readonly runDir: string; readonly stateDir: string }) => string,
  ): Promise<ShippedAgent> {
    await ensureBuilt();
    const [runDir, stateDir, etc] = ['agent-run', 'agent-state', 'agent-etc'].map((name) => join(dir, name));
    // As RuntimeDirectory, StateDirectory and ConfigurationDirectory of the unit.
    for (const [path, mode] of [
      [runDir, 0o755],
      [stateDir, 0o750],
    ] as const) {
      await mkdir(path ?? '');
      await chmod(path ?? '', mode);
      await chown(path ?? '', shippedUid, shippedUid);
    }
    await mkdir(etc ?? '');
    const configFile = join(etc ?? '', 'config.yaml');
    await writeFile(configFile, configOf({ runDir: runDir ?? '', stateDir: stateDir ?? '' }));
    const command = [...(await rights()), process.execPath, mainFile, 'run', '--config', configFile];
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
    return new ShippedAgent(spawn('setpriv', command, { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] }), dir);
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null) throw new Error(`the agent ended:\n${this.#log}`);
    return pid;
  }

  get log(): string {
    return this.#log;
  }

  async says(text: string): Promise<void> {
    await eventually(() => (this.pid > 0 && this.#log.includes(text)) || undefined, `the agent says ${text}`).catch(
      (cause: unknown) => {
        throw new Error(this.#log, { cause });
      },
    );
  }

  /** `dpuctl` as the agent's own user. */
  async dpuctl(...args: readonly string[]): Promise<string> {
    const user = [`--reuid=${shippedUid}`, `--regid=${shippedUid}`, '--clear-groups'];
    const socket = ['--run-dir', this.runDir];
    const { stdout } = await run('setpriv', [...user, process.execPath, dpuctlFile, ...args, ...socket]);
    return stdout;
  }

  /** A line of /proc/PID/status. */
  async status(key: string): Promise<string> {
    const text = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return (new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '').trim();
  }

  /** What its descriptors lead to, with the flags with which each was opened (octal, proc(5)). */
  async descriptors(): Promise<readonly { readonly target: string; readonly flags: number }[]> {
    const names = await readdir(`/proc/${this.pid}/fd`);
    return Promise.all(
      names.map(async (name) => {
        const target = await readlink(`/proc/${this.pid}/fd/${name}`).catch(() => '');
        const info = await readFile(`/proc/${this.pid}/fdinfo/${name}`, 'utf8').catch(() => 'flags:\t0');
        return { target, flags: Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '0', 8) };
      }),
    );
  }

  async end(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await this.#ended;
    }
  }
}
