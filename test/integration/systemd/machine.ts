/**
 * A machine with a systemd of its own and Debian's Open vSwitch: a container that systemd-nspawn boots from a Debian root, which
 * stays as it is because everything that is written goes to an overlay in memory. Needs root. It has a network namespace and a
 * control group of its own, so that several can run at once, and ends with the process that booted it, however that ends.
 */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../lab/daemon.js';

const run = promisify(execFile);
export const projectRoot = join(import.meta.dirname, '..', '..', '..');

const prefix = 'dpu-machine-';
/** A program in the machine that takes longer hangs, ms. */
const runMs = 60_000;
/** Where control groups are: of version 1 and 2 beside each other, or of version 2 alone. */
const groupTops = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'];

/** What is in the root; node comes from this machine. */
const packages = ['systemd', 'systemd-sysv', 'dbus', 'openvswitch-switch', 'iproute2'];

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Machine {
  readonly #nspawn: ChildProcess;
  readonly #dir: string;
  readonly #groups: readonly string[];
  #leader = 0;

  private constructor(nspawn: ChildProcess, dir: string, groups: readonly string[]) {
    this.#nspawn = nspawn;
    this.#dir = dir;
    this.#groups = groups;
  }

  /** Boots; resolves when everything that it starts has been started. Makes the root first where there is none: some minutes. */
  static async boot(): Promise<Machine> {
    const { stdout } = await run('bash', [join(projectRoot, 'scripts/test-root.sh'), 'systemd', ...packages]);
    sweep();
    const dir = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
    const groups = makeGroups(basename(dir));
    const machine = new Machine(startNspawn(stdout.trim(), dir, groups), dir, groups);
    try {
      await machine.#up();
    } catch (error) {
      const log = machine.console();
      await machine.close();
      throw new Error(`the machine did not come up:\n${log}`, { cause: error });
    }
    return machine;
  }

  /** What it has written to its console. */
  console(): string {
    return readFileSync(join(this.#dir, 'console'), 'utf8').slice(-8_000);
  }

  /** Runs a program in it, as root. Never rejects for how it ends. */
  async tryRun(file: string, ...args: readonly string[]): Promise<Ran> {
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
    return new Promise((resolve) => {
      const inside = ['--target', String(this.#leader), '--all', '--', file, ...args];
      const child = execFile(
        '/usr/bin/nsenter',
        inside,
        { env, maxBuffer: 16 << 20, timeout: runMs },
        (_error, stdout, stderr) => {
          resolve({ code: child.exitCode ?? -1, stdout, stderr });
        },
      );
    });
  }

  /** What the program prints. Rejects when it fails. */
  async run(file: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryRun(file, ...args);
    if (code !== 0) throw new Error(`${file} ${args.join(' ')}: exit status ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Properties of a unit. */
  async show(unit: string, ...names: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const text = await this.run('systemctl', 'show', unit, ...names.map((name) => `--property=${name}`));
    const lines = text.split('\n').filter((line) => line.includes('='));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }

  /** Where a file of it is seen from outside; the path has no symbolic link in it. */
  path(inside: string): string {
    return `/proc/${this.#leader}/root${inside}`;
  }

  /** Writes a file, and the directories above it. */
  write(inside: string, content: string | Buffer, mode = 0o644): void {
    mkdirSync(dirname(this.path(inside)), { recursive: true, mode: 0o755 });
    writeFileSync(this.path(inside), content, { mode });
  }

  async close(): Promise<void> {
    const isGone = (): boolean => this.#nspawn.exitCode !== null || this.#nspawn.signalCode !== null;
    // systemd(1): power off.
    if (!isGone() && this.#leader > 0)
      await run('kill', ['-s', 'RTMIN+4', String(this.#leader)]).catch(() => undefined);
    await eventually(isGone, 'the machine is off', 20_000).catch(() => this.#nspawn.kill('SIGKILL'));
    await eventually(isGone, 'the machine is gone');
    await eventually(() => this.#groups.every(removeGroup), 'its control groups are empty');
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #up(): Promise<void> {
    await eventually(
      () => {
        if (this.#nspawn.exitCode !== null) throw new Error('systemd-nspawn ended');
        // setpriv has become unshare; its child is systemd-nspawn, and the child of that the first process of the machine.
        const leader = childOf(childOf(String(this.#nspawn.pid)));
        this.#leader = Number(leader);
        return leader !== '' && isSystemd(leader) && existsSync(this.path('/run/dbus/system_bus_socket'));
      },
      'systemd runs in the machine',
      120_000,
    );
    // `degraded` where some unit of Debian's cannot work in a container.
    const state = await this.tryRun('systemctl', 'is-system-running', '--wait');
    if (!['running', 'degraded'].includes(state.stdout.trim())) throw new Error(`it is ${state.stdout}${state.stderr}`);
  }
}

/** The first child of a process; empty where there is none. */
function childOf(pid: string): string {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (pid === '' || !existsSync(file)) return '';
  return readFileSync(file, 'utf8').split(' ')[0] ?? '';
}

function isSystemd(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'systemd\n';
  } catch {
    return false;
  }
}

/** Removes what processes left that were killed: their machines are dead with them. */
function sweep(): void {
  for (const top of [tmpdir(), ...groupTops].filter((folder) => existsSync(folder))) {
    for (const name of readdirSync(top).filter((entry) => entry.startsWith(prefix))) {
      if (existsSync(`/proc/${name.slice(prefix.length).split('-')[0]}`)) continue;
      if (top === tmpdir()) rmSync(join(top, name), { recursive: true, force: true });
      else removeGroup(join(top, name));
    }
  }
}

/** systemd in the machine takes its control groups from those that it is started in; two must not have the same. */
function makeGroups(name: string): readonly string[] {
  const found = groupTops.filter((top) => existsSync(join(top, 'cgroup.procs'))).map((top) => join(top, name));
  for (const group of found) mkdirSync(group);
  return found;
}

function startNspawn(root: string, dir: string, groups: readonly string[]): ChildProcess {
  // systemd-nspawn boots a directory once at a time; another test waits here.
  const turn = `exec 9>${root}.turn; flock 9; `;
  const place = groups.map((group) => `echo $$ >${group}/cgroup.procs; `).join('');
  const args = [
    `--directory=${root}`,
    '--volatile=overlay',
    `--machine=${basename(dir)}`,
    ...['--register=no', '--keep-unit', '--private-network', '--console=read-only'],
    `--bind-ro=${process.execPath}:/usr/bin/node`,
    ...['--boot', '--', '--show-status=1'],
  ];
  const console = openSync(join(dir, 'console'), 'w');
  try {
    // systemd-nspawn leaves its machine running when it is killed. So it gets a process namespace, whose first process it is: with
    // this process dies unshare, with unshare that first process, and with that, by the kernel, everything in the namespace.
    const leash = 'setpriv --pdeathsig KILL unshare --fork --pid --kill-child=KILL --mount-proc';
    const script = `${turn}${place}exec ${leash} systemd-nspawn "$@"`;
    return spawn('sh', ['-c', script, 'sh', ...args], { stdio: ['ignore', console, console] });
  } finally {
    closeSync(console);
  }
}

/** True when the group and those in it are gone. */
function removeGroup(group: string): boolean {
  if (!existsSync(group)) return true;
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory() && !removeGroup(join(group, entry.name))) return false;
  }
  try {
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}
