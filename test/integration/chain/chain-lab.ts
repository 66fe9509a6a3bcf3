/**
 * A DPU with real packets: devices, a switch on them and the agent as the process that it is in production, all in one
 * network namespace. Tests say which cables there are and which chains are wanted; witnesses are ovs-ofctl and tcpdump.
 */

import type { AgentStatus } from '../../../src/agent/status.js';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { agentSays, replaceFile, Rig, type ConfigInput } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';
import { Network, type Cable } from './network.js';

/** A representor of VF `vf` as a port of a bridge. */
export const vfPort = (vf: number, more: object = {}): object => ({
  kind: 'representor',
  representor: { pf: 0, vf },
  ...more,
});
/** The same as a port of a chain. */
export const vf = vfPort;

/** A port of a network function, marked as the CNI of DPF does. */
export const servicePort = (name: string): object => ({
  kind: 'system',
  name,
  interfaceExternalIds: { 'dpf-id': `ns/${name}` },
});
export const service = (name: string): object => ({ kind: 'service', dpfId: `ns/${name}` });

export const chain = (name: string, ...switches: readonly (readonly object[])[]): Chain => ({
  name,
  switches: switches.map((ports) => ({ ports })),
});

export type Chain = { readonly name: string } & Readonly<Record<string, unknown>>;

export const bridge = (name: string, ports: readonly object[], more: object = {}): object => ({
  name,
  datapathType: 'netdev',
  failMode: 'secure',
  ports,
  ...more,
});

export const chainCookies = 'cookie=0x5cda000000000000/0xffff000000000000';

export class ChainLab implements AsyncDisposable {
  readonly network: Network;
  readonly rig: Rig;
  readonly agent: AgentProcess;
  readonly #bridges: readonly object[];

  private constructor(network: Network, rig: Rig, agent: AgentProcess, bridges: readonly object[]) {
    this.network = network;
    this.rig = rig;
    this.agent = agent;
    this.#bridges = bridges;
  }

  /** Returns when the agent calls everything ready. */
  static async start(
    cables: readonly Cable[],
    bridges: readonly object[],
    chains: readonly Chain[],
  ): Promise<ChainLab> {
    const network = await Network.make(cables);
    let rig: Rig | undefined;
    try {
      rig = await Rig.start({ vswitchd: true, dummy: false, netns: network.dpu });
      const agent = await rig.agent(ChainLab.#input(bridges, chains), network.dpu);
      await agent.ready(0);
      return new ChainLab(network, rig, agent, bridges);
    } catch (error) {
      await rig?.[Symbol.asyncDispose]();
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  static #input(bridges: readonly object[], chains: readonly Chain[]): ConfigInput {
    return { representors: { finder: 'simulated', root: '/' }, bridges, chains };
  }

  /** Replaces the chains in the configuration file; the agent hears of it by itself. */
  async configure(chains: readonly Chain[], bridges = this.#bridges): Promise<void> {
    await replaceFile(this.rig.configFile, this.rig.configText(ChainLab.#input(bridges, chains)));
  }

  /** Waits until the condition of a chain has this reason; `Gone`: until there is none. */
  async says(name: string, reason: string): Promise<AgentStatus> {
    return agentSays(
      this.agent,
      (status) => (chainReason(status, name) ?? 'Gone') === reason,
      `${reason} of chain ${name}`,
    );
  }

  /** Flows as ovs-ofctl prints them, without counters, the agent's alone unless another selection is named. */
  async flows(bridgeName: string, selection: string = chainCookies): Promise<readonly string[]> {
    const args = ['-O', 'OpenFlow15', '--no-stats', '--no-names', 'dump-flows', bridgeName, selection];
    return flowLines(await this.rig.lab.ofctl(...args));
  }

  /** Packets counted by each flow, by the text of the flow. */
  async counters(bridgeName: string): Promise<ReadonlyMap<string, number>> {
    const args = ['-O', 'OpenFlow15', '--no-names', 'dump-flows', bridgeName, chainCookies];
    const lines = flowLines(await this.rig.lab.ofctl(...args));
    return new Map(
      lines.map((line) => {
        const packets = Number(/n_packets=(\d+)/.exec(line)?.[1]);
        return [line.replace(/ (?:duration|n_packets|n_bytes|idle_age|hard_age)=[^,]+,/g, ''), packets];
      }),
    );
  }

  async ofport(name: string): Promise<number> {
    const text = await this.rig.lab.vsctl('--if-exists', 'get', 'Interface', name, 'ofport');
    return Number(text.trim() || '0');
  }

  async until(condition: () => Promise<boolean>, what: string): Promise<void> {
    await eventually(condition, what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
    await this.network[Symbol.asyncDispose]();
  }
}

export function chainReason(status: AgentStatus, name: string): string | undefined {
  return status.conditions.find(({ object }) => object.kind === 'chain' && object.name === name)?.reason;
}

function flowLines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('cookie='));
}
