/**
 * Runs an image's own entry point in its mounted root, as an engine would: namespaces of its own for mounts and processes, the agent
 * process 1 of the latter, the root read-only, the image's user, no capability, no way to gain one.
 */

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon, eventually } from '../lab/daemon.js';

/** Of `buildah inspect --type image`; what an engine goes by. */
export interface ImageConfig {
  readonly OCIv1: {
    readonly config: {
      readonly User: string;
      readonly Env: readonly string[];
      readonly Entrypoint: readonly string[];
      readonly Cmd: readonly string[];
      readonly Labels: Readonly<Record<string, string>>;
      readonly StopSignal?: string;
    };
    readonly rootfs: { readonly diff_ids: readonly string[] };
  };
  readonly Docker: {
    readonly config: { readonly Healthcheck: { readonly Test: readonly string[]; readonly Timeout: number } };
  };
}

/** $1 is the root; then pairs of what is mounted and where, `--`, and the command. */
const enter = `
root=$1; shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
for place in sys dev; do mount --rbind "/$place" "$root/$place"; done
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
while [ "$1" != -- ]; do mount --bind "$1" "$root/$2"; shift 2; done
shift
mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"`;

/** What the process of the image may: nothing but what its user may. Group 0 has the sockets of Open vSwitch in a lab. */
function asUser(user: string): readonly string[] {
  const [uid = '', gid = uid] = user.split(':');
  const none = ['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all', '--no-new-privs'];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--groups=0', ...none, '--pdeathsig=KILL'];
}

/** unshare(1) has one child, and every step from there to the agent takes the place of the one before. */
const childrenOf = (pid: number): string => {
  const list = `/proc/${pid}/task/${pid}/children`;
  return existsSync(list) ? readFileSync(list, 'utf8').trim() : '';
};

export interface ContainerOptions {
  readonly root: string;
  readonly image: ImageConfig;
  /** A directory for what the container writes, outside of its root. */
  readonly dir: string;
  /** Run directory of Open vSwitch, and the directory of config.yaml. */
  readonly ovsRunDir: string;
  readonly configDir: string;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Container {
  readonly #options: ContainerOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #daemon: Daemon;

  private constructor(options: ContainerOptions) {
    this.#options = options;
    const { root, image, dir, ovsRunDir, configDir } = options;
    const { User, Env, Entrypoint, Cmd } = image.OCIv1.config;
    this.#env = Object.fromEntries(
      Env.map((line): readonly [string, string] => {
        const [name = ''] = line.split('=', 1);
        return [name, line.slice(name.length + 1)];
      }),
    );
    const mounts = [
      ...[join(dir, 'run'), 'run/dpu-node-agent', join(dir, 'state'), 'var/lib/dpu-node-agent'],
      ...[ovsRunDir, 'run/openvswitch', configDir, 'etc/dpu-node-agent'],
    ];
    const command = [...asUser(User), ...Entrypoint, ...Cmd];
    this.#daemon = new Daemon(
      [
        ...['unshare', '--pid', '--fork', '--kill-child', '--mount', '--propagation=private'],
        'sh',
        '-euc',
        enter,
        'sh',
        root,
        ...mounts,
        '--',
        ...command,
      ],
      this.#env,
    );
  }

  /** Makes the places that the image's user writes to, and starts the agent. */
  static async start(options: ContainerOptions): Promise<Container> {
    const [uid = 0, gid = 0] = options.image.OCIv1.config.User.split(':').map(Number);
    for (const name of ['run', 'state']) {
      await mkdir(join(options.dir, name), { recursive: true });
      await chown(join(options.dir, name), uid, gid);
    }
    await mkdir(join(options.root, 'run/openvswitch'), { recursive: true });
    const container = new Container(options);
    container.#daemon.start();
    const starter = container.#daemon.pid ?? 0;
    await eventually(() => !container.isRunning || childrenOf(starter) !== '', 'the container has a process');
    return container;
  }

  /** Of the agent, as the machine numbers it. */
  get pid(): number {
    const { pid } = this.#daemon;
    if (pid === undefined) throw new Error('the container was never started');
    const children = childrenOf(pid);
    if (!/^\d+$/.test(children)) throw new Error(`the container has no agent:\n${this.log}`);
    return Number(children);
  }

  get isRunning(): boolean {
    return this.#daemon.isRunning;
  }

  get log(): string {
    return this.#daemon.output;
  }

  /** Runs a command beside the agent, as its user, 20 s at most. */
  exec(command: readonly string[]): Promise<Ended> {
    const place = ['--target', String(this.pid), '--mount', '--pid', '--root', '--wd'];
    const args = [...place, '--', ...asUser(this.#options.image.OCIv1.config.User), ...command];
    return new Promise((resolve) => {
      const limits = { env: this.#env, timeout: 20_000, killSignal: 'SIGKILL' } as const;
      execFile('nsenter', args, limits, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      });
    });
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** As an engine stops it: by a signal to process 1, which alone can end it in order. Resolves when it has ended; kills it after 5 s. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return;
    this.signal(signal);
    await eventually(() => !this.isRunning, 'the container ends', 5_000).catch(() => this.#daemon.stop('SIGKILL'));
  }
}
