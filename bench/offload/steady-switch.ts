/**
 * The switch of a full DPU: a real ovs-vswitchd with so many representors and so many flows in its userspace datapath, made by
 * packets as they are made in production, so that revalidators and statistics work on them. Ports are dummies, and a hand
 * says of the engine what OVS-DOCA would: the agent has to find a reason for each flow, which costs it most. Devices of the
 * same names are in a network namespace, in which the agent runs and reads their counters.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UnixctlSession } from '../../src/unixctl/index.js';
import { Namespaces } from '../../src/sandbox/lab/namespaces.js';
import { makeLabDir, OvsLab, removeLabDir, runTool } from '../../src/sandbox/lab/ovs.js';
import { DocaHand, writeDocaSchema } from '../../test/integration/lab/doca.js';

/** Longer than any bench: flows stay without traffic. */
const settings = ['max-idle=3600000', 'hw-offload=true', 'doca-init=true'].map((text) => `other_config:${text}`);

export class SteadySwitch implements AsyncDisposable {
  readonly lab: OvsLab;
  readonly #hand: DocaHand;
  readonly #namespaces = new Namespaces('steady');

  private constructor(lab: OvsLab) {
    this.lab = lab;
    this.#hand = new DocaHand(lab);
  }

  static async start(portCount: number, flowCount: number): Promise<SteadySwitch> {
    const dir = await makeLabDir();
    const lab = await OvsLab.start({ schema: await writeDocaSchema(dir) });
    await removeLabDir(dir);
    const made = new SteadySwitch(lab);
    try {
      await made.#fill(portCount, flowCount);
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  get vswitchdPid(): number {
    return this.lab.vswitchdPid ?? 0;
  }

  /** Where the devices are. */
  get netns(): string {
    return this.#namespaces.name('dpu');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hand[Symbol.asyncDispose]();
    await this.#namespaces[Symbol.asyncDispose]();
    await this.lab.stop();
  }

  async #fill(portCount: number, flowCount: number): Promise<void> {
    const names = Array.from({ length: portCount }, (_, index) => `pf0vf${index}`);
    await this.#namespaces.add('dpu');
    // Each is the other end of its neighbour.
    const pairs = names.flatMap((name, index) => (index % 2 === 0 ? [[name, names[index + 1] ?? 'end']] : []));
    await this.#namespaces.links('dpu', ...pairs.map(([one, other]) => `link add ${one} type veth peer name ${other}`));
    await this.lab.vsctl('--no-wait', 'init', '--', 'set', 'Open_vSwitch', '.', ...settings);
    this.#hand.watch();
    await this.#hand.startVswitchd();
    await this.lab.vsctl(
      ...['add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'datapath_type=netdev', 'fail_mode=secure'],
      ...names.flatMap((name, index) => [
        ...['--', 'add-port', 'br-int', name, '--', 'set', 'Interface', name, `ofport_request=${index + 1}`],
      ]),
    );
    await this.#hand.told();
    await this.#addRules(portCount);
    await this.#sendPackets(names, flowCount);
  }

  /** Reading the source address makes it part of the datapath flow: each address gets a flow of its own. */
  async #addRules(portCount: number): Promise<void> {
    const rules = Array.from({ length: portCount }, (_, index) => {
      const output = ((index + 1) % portCount) + 1;
      return `priority=10,in_port=${index + 1},ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG1[],output:${output}`;
    });
    const file = join(this.lab.dir, 'rules');
    await writeFile(file, rules.join('\n'));
    await runTool(this.lab.env, 'ovs-ofctl', ['--bundle', 'add-flows', 'br-int', file]);
  }

  async #sendPackets(names: readonly string[], flowCount: number): Promise<void> {
    const session = new UnixctlSession(this.lab.runDir);
    try {
      // It would grow to this by itself, by a thousand with each round of the revalidators.
      await session.call('upcall/set-flow-limit', ['200000']);
      for (let index = 0; index < flowCount; index += 1) {
        const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
        const packet =
          'in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),' +
          `ipv4(src=${address},dst=10.99.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1000,dst=4096)`;
        const name = names[index % names.length] ?? '';
        // The first makes the flow, the second uses it.
        await session.call('netdev-dummy/receive', [name, packet]);
        await session.call('netdev-dummy/receive', [name, packet]);
      }
    } finally {
      session.close();
    }
  }
}
