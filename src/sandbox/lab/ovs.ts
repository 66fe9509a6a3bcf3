/**
 * A private Open vSwitch for tests: its own directories, sockets, ovsdb-server and, when asked for, ovs-vswitchd. Any
 * number can run side by side; none touches /var or /run. The daemons run in the foreground as children, so they cannot
 * outlive the test.
 */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Daemon } from './daemon.js';
import { rawCall } from './raw-ovsdb.js';

const run = promisify(execFile);

/** Under the prefix. */
const vswitchSchema = 'share/openvswitch/vswitch.ovsschema';
// /usr/sbin/ovs-vswitchd is a link of Debian's alternatives system; only root has sbin in its path.
const searchPath = `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}`;

export interface OvsLabOptions {
  /** Start ovs-vswitchd too. Default false: a database alone. */
  readonly vswitchd?: boolean;
  /**
   * Replace every device type by the dummy one (`--enable-dummy=override`): production-like database contents without any
   * device behind them, no root needed. Default true. False drives real devices: use it with `netns`.
   */
  readonly dummy?: boolean;
  /** Run ovs-vswitchd inside this existing network namespace. */
  readonly netns?: string;
  /** Schema file of the database. Default: the installed vswitch.ovsschema. */
  readonly schema?: string;
  /**
   * Where another Open vSwitch lies than the installed one: its programs in `bin`, its schema in `share/openvswitch`.
   */
  readonly prefix?: string;
  /** More arguments of ovsdb-server, for example `--remote=ptcp:6640:127.0.0.1`. */
  readonly serverArgs?: readonly string[];
  /** More arguments of ovs-vswitchd, for example `--dummy-numa=0,0,0,0`. */
  readonly vswitchdArgs?: readonly string[];
}

const labDirs = new Set<string>();
process.on('exit', () => {
  for (const dir of labDirs) rmSync(dir, { recursive: true, force: true });
});

/** A fresh directory that is removed at the end of the process at the latest. Short: unix socket paths end at 107 bytes. */
export async function makeLabDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ovs-'));
  labDirs.add(dir);
  return dir;
}

/** Removes a directory of makeLabDir. */
export async function removeLabDir(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  labDirs.delete(dir);
}

/**
 * The environment that keeps an OVS program inside `dir`.
 * @param prefix see `OvsLabOptions.prefix`
 */
export function labEnv(dir: string, prefix?: string): NodeJS.ProcessEnv {
  return {
    PATH: prefix === undefined ? searchPath : `${join(prefix, 'bin')}:${searchPath}`,
    OVS_RUNDIR: join(dir, 'run'),
    OVS_DBDIR: join(dir, 'db'),
    OVS_LOGDIR: join(dir, 'log'),
    OVS_SYSCONFDIR: join(dir, 'etc'),
  };
}

/** Runs an OVS client program to its end, 20 s at most, and returns what it printed. */
export async function runTool(env: NodeJS.ProcessEnv, file: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(file, [...args], { env, timeout: 20_000, killSignal: 'SIGKILL', maxBuffer: 256 << 20 });
  return stdout;
}

export class OvsLab implements AsyncDisposable {
  /** Root of everything that belongs to this lab. */
  readonly dir: string;
  /** OVS_RUNDIR: the sockets and pid files, named as in production. */
  readonly runDir: string;
  /** Path of the database socket. */
  readonly socket: string;
  /** Path of the database file. */
  readonly dbFile: string;
  /** For programs that the test starts itself. */
  readonly env: NodeJS.ProcessEnv;
  readonly #options: OvsLabOptions;
  readonly #server: Daemon;
  readonly #vswitchd: Daemon;

  private constructor(dir: string, options: OvsLabOptions) {
    this.dir = dir;
    this.runDir = join(dir, 'run');
    this.socket = join(this.runDir, 'db.sock');
    this.dbFile = join(dir, 'db', 'conf.db');
    this.env = labEnv(dir, options.prefix);
    this.#options = options;
    this.#server = new Daemon(
      [
        'ovsdb-server',
        this.dbFile,
        `--remote=punix:${this.socket}`,
        ...daemonArgs(dir, 'ovsdb-server'),
        ...(options.serverArgs ?? []),
      ],
      this.env,
    );
    this.#vswitchd = new Daemon(vswitchdCommand(dir, this.socket, options), this.env);
  }

  /** Creates the database, starts the daemons and returns when they are in service. */
  static async start(options: OvsLabOptions = {}): Promise<OvsLab> {
    const lab = new OvsLab(await makeLabDir(), options);
    try {
      for (const name of ['run', 'db', 'log', 'etc']) await mkdir(join(lab.dir, name));
      const schema = options.schema ?? join(options.prefix ?? '/usr', vswitchSchema);
      await runTool(lab.env, 'ovsdb-tool', ['create', lab.dbFile, schema]);
      await lab.startOvsdbServer();
      if (options.schema === undefined) await lab.vsctl('--no-wait', 'init');
      if (options.vswitchd === true) await lab.startVswitchd();
      return lab;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  get ovsdbServerPid(): number | undefined {
    return this.#server.pid;
  }

  get vswitchdPid(): number | undefined {
    return this.#vswitchd.pid;
  }

  /** ovs-vsctl. Waits for vswitchd unless the lab has none. */
  vsctl(...args: readonly string[]): Promise<string> {
    const noWait = this.#vswitchd.isRunning ? [] : ['--no-wait'];
    return runTool(this.env, 'ovs-vsctl', [`--db=unix:${this.socket}`, '--timeout=15', ...noWait, ...args]);
  }

  /** ovs-appctl to ovs-vswitchd. */
  appctl(...args: readonly string[]): Promise<string> {
    return runTool(this.env, 'ovs-appctl', ['--timeout=15', '-t', 'ovs-vswitchd', ...args]);
  }

  /** ovs-appctl to ovsdb-server. */
  serverctl(...args: readonly string[]): Promise<string> {
    return runTool(this.env, 'ovs-appctl', ['--timeout=15', '-t', 'ovsdb-server', ...args]);
  }

  /** ovs-ofctl. */
  ofctl(...args: readonly string[]): Promise<string> {
    return runTool(this.env, 'ovs-ofctl', ['--timeout=15', ...args]);
  }

  /** One raw OVSDB call, independent of the client under test. */
  rawCall(method: string, params: readonly unknown[]): Promise<unknown> {
    return rawCall(this.socket, method, params);
  }

  async startOvsdbServer(): Promise<void> {
    this.#server.start();
    await this.#server.ready(() => this.rawCall('echo', []).then(isTrue, isFalse));
  }

  /** Ends ovsdb-server without ceremony (SIGKILL) or with it (SIGTERM). */
  async killOvsdbServer(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#server.stop(signal);
  }

  /** Starts ovs-vswitchd and returns when it has applied the whole database once. */
  async startVswitchd(): Promise<void> {
    this.#vswitchd.start();
    // Both columns are persistent: that they are equal proves nothing, so ask for a new round.
    const wanted = await this.#bumpNextCfg();
    await this.#vswitchd.ready(async () => (await this.#configuration()).cur_cfg >= wanted);
  }

  async killVswitchd(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#vswitchd.stop(signal);
  }

  /** The log of `ovsdb-server` or `ovs-vswitchd`. */
  async log(daemon: 'ovsdb-server' | 'ovs-vswitchd'): Promise<string> {
    return readFile(join(this.dir, 'log', `${daemon}.log`), 'utf8');
  }

  /** Ends the daemons and removes every file. May be called twice. */
  async stop(): Promise<void> {
    // Taps of the userspace datapath survive anything but this command.
    if (this.#options.dummy === false && this.#vswitchd.isRunning) await this.appctl('exit', '--cleanup').catch(String);
    await this.#vswitchd.stop('SIGTERM');
    await this.#server.stop('SIGTERM');
    await removeLabDir(this.dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #bumpNextCfg(): Promise<number> {
    const bump = { op: 'mutate', table: 'Open_vSwitch', where: [], mutations: [['next_cfg', '+=', 1]] };
    await this.rawCall('transact', ['Open_vSwitch', bump]);
    return (await this.#configuration()).next_cfg;
  }

  async #configuration(): Promise<{ next_cfg: number; cur_cfg: number }> {
    const select = { op: 'select', table: 'Open_vSwitch', where: [], columns: ['next_cfg', 'cur_cfg'] };
    const [result] = (await this.rawCall('transact', ['Open_vSwitch', select])) as [
      { rows: [{ next_cfg: number; cur_cfg: number }] },
    ];
    return result.rows[0];
  }
}

const isTrue = (): boolean => true;
const isFalse = (): boolean => false;

/** What every daemon of a lab is started with. `-vconsole:off` comes first, or one line still goes to stderr. */
export function daemonArgs(dir: string, name: string): readonly string[] {
  return [
    '-vconsole:off',
    '-vsyslog:off',
    `--log-file=${join(dir, 'log', `${name}.log`)}`,
    `--pidfile=${join(dir, 'run', `${name}.pid`)}`,
  ];
}

function vswitchdCommand(dir: string, socket: string, options: OvsLabOptions): readonly string[] {
  const namespace = options.netns === undefined ? [] : ['ip', 'netns', 'exec', options.netns];
  // Otherwise the daemon follows the host's routes, and another process creating links disturbs the dummy ones.
  const dummy =
    options.dummy === false ? [] : ['--enable-dummy=override', '--disable-system', '--disable-system-route'];
  const args = [...daemonArgs(dir, 'ovs-vswitchd'), ...dummy, ...(options.vswitchdArgs ?? [])];
  return [...namespace, 'ovs-vswitchd', `unix:${socket}`, ...args];
}
