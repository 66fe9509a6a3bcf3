/**
 * A private OVN beside an OvsLab: northbound and southbound databases, ovn-northd and ovn-controller, as one node of a
 * cluster has them. Used by the end-to-end tests of attaching and by the sandbox. It makes logical switches and ports as
 * ovnkube-controller does; plugging is somebody else's part. Needs Debian's ovn-central and ovn-host, or their like.
 */

import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon } from './daemon.js';
import { daemonArgs, makeLabDir, removeLabDir, runTool, type OvsLab } from './ovs.js';
import { rawCall } from './raw-ovsdb.js';

const schemaDir = '/usr/share/ovn';

export interface OvnLabOptions {
  /** `system-id`: name of the chassis. Default `dpu1`. */
  readonly chassis?: string;
  /** `ovn-bridge-datapath-type`. Default `netdev`, the userspace datapath. */
  readonly datapathType?: string;
}

/** A pod's port in OVN, as ovnkube-controller makes it. */
export interface LogicalPort {
  /** Name of the Logical_Switch_Port, which is the interface's `iface-id`. */
  readonly name: string;
  readonly switchName: string;
  readonly mac: string;
  /** Addresses without prefix length; none for a network without addresses. */
  readonly ips: readonly string[];
  /** The interface's `iface-id-ver` must be this, or ovn-controller does not take it for the port. */
  readonly podUid: string;
}

type DaemonName = 'nb' | 'sb' | 'northd' | 'controller';

export class OvnLab implements AsyncDisposable {
  /** Root of everything that belongs to this lab; its switch has a root of its own. */
  readonly dir: string;
  readonly nbSocket: string;
  readonly sbSocket: string;
  /** For programs that the test starts itself: both OVN and OVS are found by it. */
  readonly env: NodeJS.ProcessEnv;
  readonly chassis: string;
  readonly #ovs: OvsLab;
  readonly #options: OvnLabOptions;
  readonly #daemons: Readonly<Record<DaemonName, Daemon>>;

  private constructor(dir: string, ovs: OvsLab, options: OvnLabOptions) {
    this.dir = dir;
    this.nbSocket = join(dir, 'run', 'nb.sock');
    this.sbSocket = join(dir, 'run', 'sb.sock');
    this.chassis = options.chassis ?? 'dpu1';
    const own = (name: string): string => join(dir, name);
    // ovn-controller finds <bridge>.mgmt by OVS_RUNDIR; what is its own lies under OVN_RUNDIR.
    this.env = {
      ...ovs.env,
      OVN_RUNDIR: own('run'),
      OVN_DBDIR: own('db'),
      OVN_LOGDIR: own('log'),
      OVN_SYSCONFDIR: own('etc'),
    };
    this.#ovs = ovs;
    this.#options = options;
    this.#daemons = this.#commands();
  }

  /** Starts all four daemons beside a switch that runs; returns when ovn-controller has made its bridge. */
  static async start(ovs: OvsLab, options: OvnLabOptions = {}): Promise<OvnLab> {
    const lab = new OvnLab(await makeLabDir(), ovs, options);
    try {
      for (const name of ['run', 'db', 'log', 'etc']) await mkdir(join(lab.dir, name));
      for (const name of ['nb', 'sb'] as const) await lab.#createDatabase(name);
      await lab.startDatabases();
      await lab.nbctl('init');
      await lab.#configureChassis();
      await lab.startNorthd();
      await lab.startController();
      return lab;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  /** ovn-nbctl. Does not wait for anybody to have seen the change; see `sync`. */
  nbctl(...args: readonly string[]): Promise<string> {
    return runTool(this.env, 'ovn-nbctl', ['--no-leader-only', `--db=unix:${this.nbSocket}`, '--timeout=15', ...args]);
  }

  /** ovn-sbctl. */
  sbctl(...args: readonly string[]): Promise<string> {
    return runTool(this.env, 'ovn-sbctl', ['--no-leader-only', `--db=unix:${this.sbSocket}`, '--timeout=15', ...args]);
  }

  /** ovn-appctl to ovn-northd or ovn-controller. */
  appctl(target: 'ovn-northd' | 'ovn-controller', ...args: readonly string[]): Promise<string> {
    return runTool(this.env, 'ovn-appctl', ['--timeout=15', '-t', target, ...args]);
  }

  /** Returns when ovn-controller has programmed everything that is in the northbound database now. */
  async sync(): Promise<void> {
    await this.nbctl('--wait=hv', 'sync');
  }

  async addSwitch(name: string): Promise<void> {
    await this.nbctl('--may-exist', 'ls-add', name);
  }

  async addPort(port: LogicalPort): Promise<void> {
    await this.addPorts([port]);
  }

  /** All in one call and one transaction; ports that are there already get these settings. */
  async addPorts(ports: readonly LogicalPort[]): Promise<void> {
    if (ports.length > 0) await this.nbctl(...joined(ports.map((port) => this.#addArgs(port))));
  }

  /** In one call; ports that are not there are no error. */
  async removePorts(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.nbctl(...joined(names.map((name) => ['--if-exists', 'lsp-del', name])));
  }

  /** Names of the logical ports that ovn-controller has bound to this chassis, sorted. */
  async boundPorts(): Promise<readonly string[]> {
    const [chassis = ''] = lines(
      await this.sbctl('--bare', '--columns=_uuid', 'find', 'Chassis', `name=${this.chassis}`),
    );
    if (chassis === '') return [];
    const bound = await this.sbctl('--bare', '--columns=logical_port', 'find', 'Port_Binding', `chassis=${chassis}`);
    return [...lines(bound)].sort();
  }

  async startDatabases(): Promise<void> {
    await this.#startDatabase('nb', this.nbSocket);
    await this.#startDatabase('sb', this.sbSocket);
  }

  /** Ends both database servers, without ceremony unless another signal is named. */
  async killDatabases(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#daemons.nb.stop(signal);
    await this.#daemons.sb.stop(signal);
  }

  async startNorthd(): Promise<void> {
    this.#daemons.northd.start();
    await this.#answers('northd', 'ovn-northd', ['status'], /active/);
  }

  async killNorthd(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#daemons.northd.stop(signal);
  }

  /** Returns when it is connected to the southbound database and its bridge stands. */
  async startController(): Promise<void> {
    this.#daemons.controller.start();
    await this.#answers('controller', 'ovn-controller', ['connection-status'], /^connected/);
    const bridge = join(this.#ovs.runDir, 'br-int.mgmt');
    await this.#daemons.controller.ready(() => Promise.resolve(existsSync(bridge)));
  }

  async killController(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#daemons.controller.stop(signal);
  }

  get controllerPid(): number | undefined {
    return this.#daemons.controller.pid;
  }

  /** Pids of the daemons that run. */
  get pids(): readonly number[] {
    const running = Object.values(this.#daemons).filter(({ isRunning }) => isRunning);
    return running.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** The log of one daemon. */
  log(name: DaemonName): Promise<string> {
    return readFile(join(this.dir, 'log', `${processNames[name]}.log`), 'utf8');
  }

  /** Ends the daemons and removes every file; the switch stays. May be called twice. */
  async stop(): Promise<void> {
    for (const name of ['controller', 'northd', 'sb', 'nb'] as const) await this.#daemons[name].stop('SIGTERM');
    await removeLabDir(this.dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #commands(): Readonly<Record<DaemonName, Daemon>> {
    const daemon = (name: DaemonName, file: string, ...args: readonly string[]): Daemon =>
      new Daemon([file, ...args, ...daemonArgs(this.dir, processNames[name])], this.env);
    const [nb, sb] = [`unix:${this.nbSocket}`, `unix:${this.sbSocket}`];
    const server = (name: 'nb' | 'sb', socket: string): Daemon =>
      daemon(
        name,
        'ovsdb-server',
        this.#dbFile(name),
        `--remote=punix:${socket}`,
        `--unixctl=${join(this.dir, 'run', `${name}.ctl`)}`,
      );
    return {
      nb: server('nb', this.nbSocket),
      sb: server('sb', this.sbSocket),
      northd: daemon('northd', 'ovn-northd', `--ovnnb-db=${nb}`, `--ovnsb-db=${sb}`),
      // 23.03 has no --unixctl here: the socket lies under OVN_RUNDIR and is found by the pid file.
      controller: daemon('controller', 'ovn-controller', `unix:${this.#ovs.socket}`),
    };
  }

  #dbFile(name: 'nb' | 'sb'): string {
    return join(this.dir, 'db', `${name}.db`);
  }

  async #createDatabase(name: 'nb' | 'sb'): Promise<void> {
    await runTool(this.env, 'ovsdb-tool', ['create', this.#dbFile(name), join(schemaDir, `ovn-${name}.ovsschema`)]);
  }

  async #startDatabase(name: 'nb' | 'sb', socket: string): Promise<void> {
    this.#daemons[name].start();
    const answers = (): Promise<boolean> =>
      rawCall(socket, 'echo', []).then(
        () => true,
        () => false,
      );
    await this.#daemons[name].ready(answers);
  }

  async #answers(
    name: DaemonName,
    target: 'ovn-northd' | 'ovn-controller',
    command: readonly string[],
    wanted: RegExp,
  ): Promise<void> {
    const answers = (): Promise<boolean> =>
      this.appctl(target, ...command).then(
        (text) => wanted.test(text),
        () => false,
      );
    await this.#daemons[name].ready(answers);
  }

  async #configureChassis(): Promise<void> {
    const ids = {
      'system-id': this.chassis,
      'ovn-remote': `unix:${this.sbSocket}`,
      'ovn-encap-type': 'geneve',
      'ovn-encap-ip': '127.0.0.1',
      'ovn-bridge-datapath-type': this.#options.datapathType ?? 'netdev',
    };
    const pairs = Object.entries(ids).map(([key, value]) => `external_ids:${key}=${quoted(value)}`);
    await this.#ovs.vsctl('set', 'Open_vSwitch', '.', ...pairs);
  }

  #addArgs({ name, switchName, mac, ips, podUid }: LogicalPort): readonly string[] {
    const address = [mac, ...ips].join(' ');
    const options = `options:iface-id-ver=${quoted(podUid)}`;
    return [
      ...['--may-exist', 'lsp-add', switchName, name],
      ...['--', 'lsp-set-addresses', name, address],
      ...['--', 'lsp-set-port-security', name, address],
      ...['--', 'set', 'Logical_Switch_Port', name, options, `options:requested-chassis=${quoted(this.chassis)}`],
    ];
  }
}

/** Names of log and pid files; ovn-appctl looks for those of its targets. */
const processNames = {
  nb: 'ovsdb-nb',
  sb: 'ovsdb-sb',
  northd: 'ovn-northd',
  controller: 'ovn-controller',
} as const satisfies Record<DaemonName, string>;

/** Several commands of one call. */
function joined(commands: readonly (readonly string[])[]): readonly string[] {
  return commands.flatMap((command, index) => (index === 0 ? command : ['--', ...command]));
}

/** Text that the tools must not take for anything else. */
const quoted = (text: string): string => JSON.stringify(text);

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
