/**
 * What a restart of vswitchd costs a stream of 1000 packets a second through a chain of real devices: with the agent, and
 * where a script looks every 5 s whether the flows are there and adds them by ovs-ofctl. Needs root.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentProcess } from '../../src/sandbox/agent-process.js';
import { Network } from '../../test/integration/chain/network.js';
import { Stream } from '../../test/integration/chain/stream.js';
import { OvsLab } from '../../test/integration/lab/ovs.js';
import type { Section } from '../table.js';
import { mainFile } from './panel.js';

const pollMs = 5_000;

function configText(lab: OvsLab): string {
  const representor = (vf: number): object => ({ kind: 'representor', representor: { pf: 0, vf } });
  const ports = [representor(1), representor(2)];
  const runDir = join(lab.dir, 'agent');
  return JSON.stringify({
    ovsdb: { endpoints: [`unix:${lab.socket}`] },
    ovs: { runDir: lab.runDir },
    representors: { finder: 'simulated', root: '/' },
    agent: { runDir, stateDir: runDir },
    api: { http: { listen: '127.0.0.1:0' } },
    log: { level: 'warn' },
    bridges: [{ name: 'br-sfc', datapathType: 'netdev', failMode: 'secure', ports }],
    chains: [{ name: 'wire', switches: [{ ports }] }],
  });
}

class Scene implements AsyncDisposable {
  readonly network: Network;
  readonly lab: OvsLab;
  readonly agent: AgentProcess;

  private constructor(network: Network, lab: OvsLab, agent: AgentProcess) {
    this.network = network;
    this.lab = lab;
    this.agent = agent;
  }

  static async start(): Promise<Scene> {
    const cables = [1, 2].map((n) => ({ device: `rep0-${n}`, far: `h${n}`, station: n }));
    const network = await Network.make(cables);
    const lab = await OvsLab.start({ vswitchd: true, dummy: false, netns: network.dpu });
    await mkdir(join(lab.dir, 'agent'));
    const file = join(lab.dir, 'agent', 'config.json');
    await writeFile(file, configText(lab));
    const agent = new AgentProcess(mainFile, file, lab.dir, network.dpu);
    agent.start();
    await agent.ready(0);
    return new Scene(network, lab, agent);
  }

  flows(): Promise<string> {
    return this.lab.ofctl('-O', 'OpenFlow15', '--no-stats', '--no-names', 'dump-flows', 'br-sfc');
  }

  /** Packets lost over one restart; `meanwhile` runs beside it. */
  async lost(meanwhile: () => Promise<void>): Promise<number> {
    const { network, lab } = this;
    await using stream = await Stream.start({
      network,
      dir: lab.dir,
      from: 'h1',
      to: { far: 'h2', station: 2 },
    });
    await lab.killVswitchd();
    await Promise.all([lab.startVswitchd(), meanwhile()]);
    await stream.flows(500);
    const { lost } = await stream.end();
    return lost;
  }

  /** Looks every 5 s; the first look is half a period after the restart, as it is on average. */
  async poll(file: string): Promise<void> {
    for (let waitMs = pollMs / 2; ; waitMs = pollMs) {
      await sleep(waitMs);
      if ((await this.flows()).includes('actions=output')) return;
      await this.lab.ofctl('-O', 'OpenFlow15', '--bundle', 'add-flows', 'br-sfc', file);
      return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.stop();
    await this.lab.stop();
    await this.network[Symbol.asyncDispose]();
  }
}

const words = (lost: readonly number[]): string =>
  `${[...lost].sort((a, b) => a - b).join(', ')} packets (1 packet = 1 ms)`;

export async function lossCase(count: number): Promise<Section> {
  if (process.getuid?.() !== 0) return { title: 'loss: needs root for network namespaces', lines: [] };
  await using scene = await Scene.start();
  const withAgent: number[] = [];
  for (let turn = 0; turn < count; turn += 1) withAgent.push(await scene.lost(() => Promise.resolve()));
  const file = join(scene.lab.dir, 'flows.txt');
  await writeFile(
    file,
    (await scene.flows())
      .split('\n')
      .filter((line) => line.includes('actions='))
      .join('\n'),
  );
  await scene.agent.stop();
  const withPoll: number[] = [];
  for (let turn = 0; turn < Math.min(count, 2); turn += 1) withPoll.push(await scene.lost(() => scene.poll(file)));
  return {
    title: `loss: vswitchd killed and started under 1000 packets a second there and back`,
    lines: [
      { what: 'with the agent', value: words(withAgent) },
      { what: 'ovs-ofctl add-flows, looking every 5 s', value: words(withPoll) },
    ],
  };
}
