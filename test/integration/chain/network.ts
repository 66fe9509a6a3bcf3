/**
 * Real devices for the tests of chains: a DPU's network namespace, and cables from it into namespaces of stations and of
 * network functions. Used with a switch that runs inside the DPU's namespace. Needs root; removes all that it made.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
let networkCount = 0;

/** Runs a system tool to its end, 20 s at most. */
export async function system(file: string, args: readonly string[]): Promise<string> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  const { stdout } = await run(file, [...args], { env, timeout: 20_000, killSignal: 'SIGKILL' });
  return stdout;
}

const ip = (...args: readonly string[]): Promise<string> => system('ip', args);

/** Station `n`: its address and its MAC. */
export const addressOf = (n: number): string => `10.8.0.${n}`;
export const macOf = (n: number): string => `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`;
/** Stations know one another by these numbers without asking. */
const stationCount = 12;

/** An Ethernet frame with an empty UDP datagram (RFC 768, RFC 791); the UDP checksum is left out, as IPv4 allows. */
function datagram(tag: number | undefined, from: number, to: number, port: number): Buffer {
  const addresses = Buffer.from(`${macOf(to)}${macOf(from)}`.replaceAll(':', ''), 'hex');
  const vlan = tag === undefined ? Buffer.alloc(0) : Buffer.from([0x81, 0x00, tag >> 8, tag & 255]);
  const ipv4 = Buffer.from([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 8, 0, from, 10, 8, 0, to]);
  let sum = 0;
  for (let at = 0; at < ipv4.length; at += 2) sum += ipv4.readUInt16BE(at);
  ipv4.writeUInt16BE(~((sum & 0xffff) + (sum >> 16)) & 0xffff, 10);
  const udp = Buffer.from([port >> 8, port & 255, port >> 8, port & 255, 0, 8, 0, 0]);
  return Buffer.concat([addresses, vlan, Buffer.from([0x08, 0x00]), ipv4, udp, Buffer.alloc(18)]);
}

export interface Cable {
  /** Device in the DPU's namespace. */
  readonly device: string;
  /** Role of the far namespace; cables with the same role end in the same one. */
  readonly far: string;
  /** Device in the far namespace. */
  readonly farDevice?: string;
  /** Makes the far end station `n`; without it the far end gets no address. */
  readonly station?: number;
  readonly mtu?: number;
}

export class Network implements AsyncDisposable {
  /** Namespace of the DPU. */
  readonly dpu: string;
  readonly #namespaces = new Set<string>();

  private constructor(dpu: string) {
    this.dpu = dpu;
  }

  static async make(cables: readonly Cable[]): Promise<Network> {
    networkCount += 1;
    const network = new Network(`dpuchn-${process.pid}-${networkCount}`);
    try {
      await network.#namespace(network.dpu);
      for (const cable of cables) await network.plug(cable);
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Name of the namespace with this role. */
  namespace(far: string): string {
    return `${this.dpu}-${far}`;
  }

  async #namespace(name: string): Promise<void> {
    await ip('netns', 'add', name);
    this.#namespaces.add(name);
    // Nobody but the tests sends: neighbour discovery would teach switches addresses at times of its own.
    const quiet = 'net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1';
    await ip('netns', 'exec', name, 'sysctl', '-q', '-w', ...quiet.split(' '));
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  }

  async plug({ device, far, farDevice = 'eth0', station, mtu = 1500 }: Cable): Promise<void> {
    const namespace = this.namespace(far);
    if (!this.#namespaces.has(namespace)) await this.#namespace(namespace);
    const size = ['mtu', String(mtu)];
    const own = station === undefined ? [] : ['address', macOf(station)];
    const ends = ['type', 'veth', 'peer', 'name', farDevice, ...size, ...own, 'netns', namespace];
    await ip('-n', this.dpu, 'link', 'add', device, ...size, ...ends);
    await ip('-n', this.dpu, 'link', 'set', device, 'up');
    await ip('-n', namespace, 'link', 'set', farDevice, 'up');
    // The userspace datapath does not complete checksums that a veth leaves to the hardware it does not have.
    await this.inside(far, 'ethtool', '-K', farDevice, 'tx', 'off');
    if (station !== undefined) await this.settle(far, farDevice, station);
  }

  /** Gives the device the address of station `n`, and tells it the others, so that no frame waits for an answer. */
  async settle(far: string, device: string, station: number): Promise<void> {
    const lines = [`addr add ${addressOf(station)}/24 dev ${device}`];
    for (let n = 1; n <= stationCount; n += 1) {
      if (n !== station) lines.push(`neigh replace ${addressOf(n)} lladdr ${macOf(n)} dev ${device}`);
    }
    const script = lines.map((line) => `ip ${line}`).join(' && ');
    await this.inside(far, 'sh', '-c', script);
  }

  async unplug(device: string): Promise<void> {
    await ip('-n', this.dpu, 'link', 'del', device);
  }

  /** Runs a command in the namespace with this role. */
  inside(far: string, ...command: readonly string[]): Promise<string> {
    return ip('netns', 'exec', this.namespace(far), ...command);
  }

  /** Sends one datagram to `port` of station `to`, which need not exist. */
  async send(far: string, to: number, port: number): Promise<void> {
    await this.inside(far, 'bash', '-c', `echo x >/dev/udp/${addressOf(to)}/${port}`);
  }

  /** Sends one datagram with a VLAN tag, or none, whatever the devices of the namespace know of VLANs. */
  async sendTagged(far: string, tag: number | undefined, from: number, to: number, port: number): Promise<void> {
    const frame = datagram(tag, from, to, port).toString('hex');
    const program = `import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('eth0', 0)); s.send(bytes.fromhex('${frame}'))`;
    await this.inside(far, '/usr/bin/python3', '-c', program);
  }

  /** Whether one packet of this size to station `to` is answered. */
  ping(far: string, to: number, bodyBytes = 56): Promise<boolean> {
    const args = ['ping', '-q', '-c', '1', '-W', '1', '-M', 'do', '-s', String(bodyBytes), addressOf(to)];
    return this.inside(far, ...args).then(
      () => true,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#namespaces].reverse()) await ip('netns', 'del', name);
  }
}
