/** tcpdump at the far end of a cable: every frame that comes in there, whoever sent it. */

import { Daemon, eventually } from '../lab/daemon.js';
import type { Network } from './network.js';

/** A datagram that was seen. */
export interface SeenFrame {
  readonly from: string;
  readonly to: string;
  /** Tags, outermost first. */
  readonly vlans: readonly number[];
  /** UDP port it went to: what the tests tell frames by. */
  readonly port: number;
}

function parseLine(line: string): SeenFrame | undefined {
  const found = /([0-9a-f:]{17}) > ([0-9a-f:]{17}),.* > \d+\.\d+\.\d+\.\d+\.(\d+): UDP/.exec(line);
  const [, from, to, port] = found ?? [];
  if (from === undefined || to === undefined) return undefined;
  const vlans = [...line.matchAll(/vlan (\d+),/g)].map(([, tag]) => Number(tag));
  return { from, to, vlans, port: Number(port) };
}

export class Witness implements AsyncDisposable {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  static async at(network: Network, far: string, device = 'eth0'): Promise<Witness> {
    const tcpdump = ['tcpdump', '-i', device, '-nn', '-e', '-l', '--immediate-mode', '-Q', 'in', '-Z', 'root'];
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
    const daemon = new Daemon(['ip', 'netns', 'exec', network.namespace(far), ...tcpdump], env);
    daemon.start();
    await daemon.ready(() => Promise.resolve(daemon.output.includes('listening on')));
    return new Witness(daemon);
  }

  get frames(): readonly SeenFrame[] {
    return this.#daemon.output
      .split('\n')
      .map(parseLine)
      .filter((frame) => frame !== undefined);
  }

  /** UDP ports of the frames seen so far, in order. */
  get ports(): readonly number[] {
    return this.frames.map(({ port }) => port);
  }

  async saw(port: number): Promise<SeenFrame> {
    return eventually(() => this.frames.find((frame) => frame.port === port), `a frame to port ${port} is seen`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon.stop('SIGINT');
  }
}

/** Witnesses at all of these namespaces, by role. */
export class Witnesses implements AsyncDisposable {
  readonly #byRole: ReadonlyMap<string, Witness>;

  private constructor(byRole: ReadonlyMap<string, Witness>) {
    this.#byRole = byRole;
  }

  static async at(network: Network, roles: readonly string[]): Promise<Witnesses> {
    const entries = roles.map(async (role) => [role, await Witness.at(network, role)] as const);
    return new Witnesses(new Map(await Promise.all(entries)));
  }

  of(role: string): Witness {
    const witness = this.#byRole.get(role);
    if (witness === undefined) throw new Error(`nobody watches ${role}`);
    return witness;
  }

  /** Roles that have seen a frame to this port so far. */
  whoSaw(port: number): readonly string[] {
    return [...this.#byRole].filter(([, witness]) => witness.ports.includes(port)).map(([role]) => role);
  }

  /** Waits until all of `roles` have seen the port. */
  async allSaw(roles: readonly string[], port: number): Promise<void> {
    await Promise.all(roles.map((role) => this.of(role).saw(port)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#byRole.values()].map((witness) => witness[Symbol.asyncDispose]()));
  }
}
