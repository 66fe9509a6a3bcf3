/**
 * Virtual functions without hardware: cables between the DPU's namespace, where their ends are representors with the names
 * that the simulated finder knows, and the host's, from which pods borrow the other ends. Used by the rigs of attaching.
 * Representors outlive pods, as they do on a BlueField.
 */

import { Namespaces } from './namespaces.js';

/** A function that a pod can have. */
export interface HostFunction {
  readonly pf: number;
  readonly vf: number;
}

export interface PodAddress {
  readonly mac: string;
  /** With prefix length. */
  readonly cidrs: readonly string[];
  /** Bytes. */
  readonly mtu: number;
}

/** Name of the representor, as the DPU simulator has it. */
export const representorOf = ({ pf, vf }: HostFunction): string => `rep${pf}-${vf}`;

/** Name of the function in the host's namespace. */
const functionOf = ({ pf, vf }: HostFunction): string => `vf${pf}-${vf}`;

const keyOf = ({ pf, vf }: HostFunction): string => `${pf}/${vf}`;

export class HostFunctions implements AsyncDisposable {
  readonly namespaces: Namespaces;
  /** Namespace of the DPU: the switch and the agent run in it. */
  readonly dpu: string;
  readonly #all: HostFunction[] = [];
  /** Functions in the host's hands, those free longest first. */
  readonly #free = new Map<string, HostFunction>();

  private constructor(namespaces: Namespaces) {
    this.namespaces = namespaces;
    this.dpu = namespaces.name('dpu');
  }

  /** @param kind names the namespaces, see `Namespaces` */
  static async make(functions: readonly HostFunction[], kind = 'dpuatt'): Promise<HostFunctions> {
    const made = new HostFunctions(new Namespaces(kind));
    try {
      await made.namespaces.add('dpu');
      await made.namespaces.add('host');
      await made.create(functions);
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Makes more functions, as the host does by `sriov_numvfs`. */
  async create(functions: readonly HostFunction[]): Promise<void> {
    const host = this.namespaces.name('host');
    await this.namespaces.links(
      'dpu',
      ...functions.map((one) => `link add ${representorOf(one)} type veth peer name ${functionOf(one)} netns ${host}`),
    );
    for (const one of functions) this.#free.set(keyOf(one), one);
    this.#all.push(...functions);
  }

  /** Takes all functions away, from pods too, as a reboot of the host does. Returns what there was. */
  async vanish(): Promise<readonly HostFunction[]> {
    const gone = this.#all.splice(0);
    this.#free.clear();
    await this.namespaces.links('dpu', ...gone.map((one) => `link del ${representorOf(one)}`));
    return gone;
  }

  get freeCount(): number {
    return this.#free.size;
  }

  /** Takes a function from those that are free: this one, or the one that was free longest. */
  allocate(wanted?: HostFunction): HostFunction {
    const one = wanted === undefined ? this.#free.values().next().value : this.#free.get(keyOf(wanted));
    if (one === undefined) throw new Error(`no free function${wanted === undefined ? '' : ` ${keyOf(wanted)}`}`);
    this.#free.delete(keyOf(one));
    return one;
  }

  /** Gives back a function that never left the host's namespace, or has come back. */
  release(one: HostFunction): void {
    if (this.#all.some((other) => keyOf(other) === keyOf(one))) this.#free.set(keyOf(one), one);
  }

  /** Moves the function into the namespace `role` as `device`, with its address, and takes it up. */
  async lend(one: HostFunction, role: string, device: string, { mac, cidrs, mtu }: PodAddress): Promise<void> {
    const away = `link set ${functionOf(one)} name ${device} netns ${this.namespaces.name(role)}`;
    const inside = [
      `link set ${device} address ${mac} mtu ${mtu}`,
      ...cidrs.map((cidr) => `addr add ${cidr} dev ${device}`),
      `link set ${device} up`,
    ];
    await this.namespaces.steps(
      { role: 'host', links: [away] },
      { role, links: inside },
      // The userspace datapath does not complete checksums that a veth leaves to the hardware it does not have.
      { role, command: `ethtool -K ${device} tx off >/dev/null` },
    );
  }

  /** Moves it back, without its addresses. A function that has vanished meanwhile is no error. */
  async takeBack(one: HostFunction, role: string, device: string): Promise<void> {
    if (!this.#all.some((other) => keyOf(other) === keyOf(one))) return;
    const back = `link set ${device} name ${functionOf(one)} netns ${this.namespaces.name('host')}`;
    await this.namespaces.links(role, `link set ${device} down`, `addr flush dev ${device}`, back);
    this.release(one);
  }

  /** Whether `count` packets in a row, sent from the namespace, are all answered. */
  ping(role: string, address: string, count = 1): Promise<boolean> {
    return this.namespaces.run(role, 'ping', '-q', '-i', '0.05', '-c', String(count), '-W', '1', address).then(
      () => true,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.namespaces[Symbol.asyncDispose]();
  }
}
