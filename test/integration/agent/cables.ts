/** Real devices for tests: veth pairs between private network namespaces, removed whatever happens. Needs root. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
let labCount = 0;

async function system(file: string, args: readonly string[]): Promise<string> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  const { stdout } = await run(file, [...args], { env, timeout: 20_000, killSignal: 'SIGKILL' });
  return stdout;
}

const ip = (...args: readonly string[]): Promise<string> => system('ip', args);

/** A DPU's namespace and one for each far end. */
export class Cables implements AsyncDisposable {
  readonly dpu: string;
  readonly #namespaces: string[] = [];

  private constructor(dpu: string) {
    this.dpu = dpu;
  }

  static async make(): Promise<Cables> {
    labCount += 1;
    const cables = new Cables(`dpuagt-${process.pid}-${labCount}`);
    await cables.#namespace(cables.dpu);
    return cables;
  }

  async #namespace(name: string): Promise<void> {
    await ip('netns', 'add', name);
    this.#namespaces.push(name);
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  }

  #far(device: string): string {
    return `${this.dpu}-${device}`;
  }

  /** A cable from `device` in the DPU's namespace to `eth0` with this address in one of its own. */
  async plug(device: string, address: string, mac?: string): Promise<void> {
    const far = this.#far(device);
    if (!this.#namespaces.includes(far)) await this.#namespace(far);
    const own = mac === undefined ? [] : ['address', mac];
    const ends = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', far];
    await ip('-n', this.dpu, 'link', 'add', device, ...own, ...ends);
    await ip('-n', this.dpu, 'link', 'set', device, 'up');
    await ip('-n', far, 'addr', 'add', address, 'dev', 'eth0');
    await ip('-n', far, 'link', 'set', 'eth0', 'up');
    // The userspace datapath does not complete checksums that a veth leaves to the hardware it does not have.
    await ip('netns', 'exec', far, 'ethtool', '-K', 'eth0', 'tx', 'off');
  }

  async unplug(device: string): Promise<void> {
    await ip('-n', this.dpu, 'link', 'del', device);
  }

  /** The kernel's words about a device of the DPU. */
  show(device: string): Promise<string> {
    return ip('-n', this.dpu, '-d', 'link', 'show', device);
  }

  /** Whether one packet of the far end of `device` is answered from `address`. */
  ping(device: string, address: string): Promise<boolean> {
    const args = ['netns', 'exec', this.#far(device), 'ping', '-q', '-c', '1', '-W', '1', address];
    return ip(...args).then(
      () => true,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#namespaces.reverse()) await ip('netns', 'del', name);
  }
}
