/**
 * What the chain benches measure on: a private Open vSwitch with dummy ports, and the agent as a process that keeps so
 * many cross-connects on them. The ports are somebody else's, so that the bench alone decides what becomes of them.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AgentProcess } from '../../src/sandbox/agent-process.js';
import { OvsLab } from '../../test/integration/lab/ovs.js';

// The programs that the benches start are compiled with them only if something refers to them.
import type {} from '../../src/main.js';
import type {} from '../../test/integration/chain/stream-child.js';

export const mainFile = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export const bridgeName = 'br-sfc';
/** Port 1 and 2 are those of chain 1, and so on; these are their OpenFlow numbers too. */
export const portName = (number: number): string => `port${number}`;
export const portLabel = (number: number): string => `bench/${portName(number)}`;

function configText(lab: OvsLab, chainCount: number): string {
  const port = (number: number): object => ({ kind: 'service', dpfId: portLabel(number) });
  const chains = Array.from({ length: chainCount }, (_unused, index) => {
    const ports = [port(2 * index + 1), port(2 * index + 2)];
    return { name: `chain${index + 1}`, switches: [{ ports }] };
  });
  const runDir = join(lab.dir, 'agent');
  return JSON.stringify({
    ovsdb: { endpoints: [`unix:${lab.socket}`] },
    ovs: { runDir: lab.runDir },
    representors: { finder: 'simulated', root: join(lab.dir, 'root') },
    agent: { runDir, stateDir: runDir },
    api: { http: { listen: '127.0.0.1:0' } },
    log: { level: 'warn' },
    bridges: [{ name: bridgeName, mode: 'share' }],
    chains,
  });
}

async function addPorts(lab: OvsLab, portCount: number): Promise<void> {
  const args = ['add-br', bridgeName, '--', 'set', 'Bridge', bridgeName, 'fail_mode=secure'];
  for (let number = 1; number <= portCount; number += 1) {
    const name = portName(number);
    const columns = [`ofport_request=${number}`, `external_ids:dpf-id=${portLabel(number)}`];
    args.push('--', 'add-port', bridgeName, name, '--', 'set', 'Interface', name, ...columns);
  }
  await lab.vsctl(...args);
}

export class Panel implements AsyncDisposable {
  readonly lab: OvsLab;
  readonly agent: AgentProcess;
  readonly chainCount: number;

  private constructor(lab: OvsLab, agent: AgentProcess, chainCount: number) {
    this.lab = lab;
    this.agent = agent;
    this.chainCount = chainCount;
  }

  /** Returns when the agent calls every chain ready. */
  static async start(chainCount: number): Promise<Panel> {
    const lab = await OvsLab.start({ vswitchd: true });
    try {
      await addPorts(lab, 2 * chainCount);
      await mkdir(join(lab.dir, 'root', 'sys', 'class', 'net'), { recursive: true });
      await mkdir(join(lab.dir, 'agent'));
      const file = join(lab.dir, 'agent', 'config.json');
      await writeFile(file, configText(lab, chainCount));
      const agent = new AgentProcess(mainFile, file, lab.dir, undefined);
      agent.start();
      const panel = new Panel(lab, agent, chainCount);
      await agent.ready(0, 60_000);
      return panel;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  get mgmt(): string {
    return join(this.lab.runDir, `${bridgeName}.mgmt`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.stop();
    await this.lab.stop();
  }
}
