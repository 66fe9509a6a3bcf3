/** A private switch with one bridge, br0, and a client of ours connected to it, for the tests in this folder. */

import { OvsLab } from '../lab/ovs.js';
import { OpenFlowClient } from '../../../src/openflow/index.js';
import type { OpenFlowClientOptions } from '../../../src/openflow/index.js';

export class BridgeLab implements AsyncDisposable {
  readonly lab: OvsLab;
  readonly path: string;
  readonly #clients: OpenFlowClient[] = [];

  private constructor(lab: OvsLab) {
    this.lab = lab;
    this.path = `${lab.runDir}/br0.mgmt`;
  }

  static async start(): Promise<BridgeLab> {
    const lab = await OvsLab.start({ vswitchd: true });
    const ports = [1, 2, 3].flatMap((n) => [
      ...['--', 'add-port', 'br0', `p${n}`],
      ...['--', 'set', 'Interface', `p${n}`, `ofport_request=${n}`],
    ]);
    await lab.vsctl('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'fail-mode=secure', ...ports);
    return new BridgeLab(lab);
  }

  /** A client that is ready. */
  async client(options: Partial<OpenFlowClientOptions> = {}): Promise<OpenFlowClient> {
    const timing = { backoff: { baseMs: 20, capMs: 100 } };
    const endpoint = { kind: 'unix', path: this.path } as const;
    const client = new OpenFlowClient({ endpoint, timing, random: () => 0.5, ...options });
    this.#clients.push(client);
    client.start();
    await client.ready();
    return client;
  }

  /** The flows as ovs-ofctl prints them, one line each, sorted. */
  async dump(...filter: readonly string[]): Promise<readonly string[]> {
    const text = await this.lab.ofctl('-O', 'OpenFlow15', '--no-stats', '--no-names', 'dump-flows', 'br0', ...filter);
    return text
      .split('\n')
      .filter((line) => line.includes('actions='))
      .map((line) => line.trim())
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.lab.stop();
  }
}

/** Everything that an async iterable yields. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
