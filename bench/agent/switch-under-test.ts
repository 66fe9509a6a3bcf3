/**
 * What the drift bench measures on: a private Open vSwitch, device files, and the agent as a process with its default
 * timing. The one who breaks things and the one who watches are clients of their own, so that neither waits for the agent.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// Only what is imported is compiled with the bench, and the agent is started by its path.
import type {} from '../../src/main.js';
import type { OpenVswitchDatabase } from '../../src/gen/open-vswitch.js';
import { OvsdbClient } from '../../src/ovsdb/index.js';
import { AgentProcess } from '../../src/sandbox/agent-process.js';
import { OvsLab } from '../../test/integration/lab/ovs.js';

export type BenchClient = OvsdbClient<OpenVswitchDatabase>;

const mainFile = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** Longest wait for what the agent is to do, ms; only a broken agent comes near it. */
const untilMsMax = 120_000;

export const portName = (index: number): string => `rep0-${index + 1}`;

async function writeDevices(root: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const dir = join(root, 'sys', 'class', 'net', portName(index));
    await mkdir(dir, { recursive: true });
    const hex = (index + 1).toString(16).padStart(4, '0');
    const address = `02:00:00:00:${hex.slice(0, 2)}:${hex.slice(2)}`;
    const files = { ifindex: `${index + 10}`, address, mtu: '1500', flags: '0x1143', operstate: 'up', carrier: '1' };
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), `${text}\n`);
  }
}

function configText(lab: OvsLab, root: string, portCount: number): string {
  const ports = Array.from({ length: portCount }, (_unused, index) => {
    return {
      kind: 'system',
      name: portName(index),
      vlan: { tag: 100 },
      interfaceExternalIds: { 'iface-id': `pod-${index}` },
    };
  });
  const runDir = join(lab.dir, 'agent');
  return JSON.stringify({
    ovsdb: { endpoints: [`unix:${lab.socket}`] },
    ovs: { runDir: lab.runDir },
    representors: { finder: 'simulated', root },
    agent: { runDir, stateDir: runDir },
    api: { http: { listen: '127.0.0.1:0' } },
    log: { level: 'warn' },
    bridges: [{ name: 'br-int', failMode: 'secure', ports }],
  });
}

function connect(lab: OvsLab): BenchClient {
  const client = new OvsdbClient<OpenVswitchDatabase>({
    endpoints: [`unix:${lab.socket}`],
    database: 'Open_vSwitch',
    monitor: { Bridge: { columns: ['name', 'ports'] }, Port: { columns: ['name', 'tag'] } },
  });
  client.start();
  return client;
}

export class SwitchUnderTest implements AsyncDisposable {
  readonly lab: OvsLab;
  readonly agent: AgentProcess;
  readonly breaker: BenchClient;
  readonly watcher: BenchClient;

  private constructor(lab: OvsLab, agent: AgentProcess) {
    this.lab = lab;
    this.agent = agent;
    this.breaker = connect(lab);
    this.watcher = connect(lab);
  }

  /** Returns when every port is in the database, and with vswitchd when the agent calls all of them ready. */
  static async start(portCount: number, hasVswitchd: boolean): Promise<SwitchUnderTest> {
    const lab = await OvsLab.start({ vswitchd: hasVswitchd });
    const root = join(lab.dir, 'root');
    await writeDevices(root, portCount);
    await mkdir(join(lab.dir, 'agent'));
    const file = join(lab.dir, 'agent', 'config.json');
    await writeFile(file, configText(lab, root, portCount));
    const agent = new AgentProcess(mainFile, file, lab.dir, undefined);
    agent.start();
    const made = new SwitchUnderTest(lab, agent);
    try {
      await Promise.all([made.breaker.synced(), made.watcher.synced()]);
      await made.until(() => portCountOf(made.watcher) > portCount);
      if (hasVswitchd) await agent.ready(0, 120_000);
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves in the very turn in which the watcher's replica satisfies `test`. */
  until(test: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (test()) {
        resolve();
        return;
      }
      const end = (): void => {
        off();
        clearTimeout(timer);
      };
      const off = this.watcher.onChange(() => {
        if (!test()) return;
        end();
        resolve();
      });
      const timer = setTimeout(() => {
        end();
        reject(new Error(`nothing happened in ${untilMsMax} ms; the agent says:\n${this.agent.log}`));
      }, untilMsMax);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.breaker.close(), this.watcher.close()]);
    await this.agent.stop();
    await this.lab.stop();
  }
}

/** Ports in the database, the bridge's own among them. */
export function portCountOf(client: BenchClient): number {
  return [...client.replica.table('Port').rows()].length;
}
