/** The virtual DPU as a whole: devices, Open vSwitch, agent. Started and stopped in order; stopping twice is fine. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentProcess } from './agent-process.js';
import { makeDevices, removeDevices, sweepDevices, writeDeviceFiles } from './devices.js';
import { OvsLab } from './lab/ovs.js';
import { agentConfig, makeLayout, type Layout } from './layout.js';
import type { SandboxOptions } from './options.js';

export interface SandboxParts {
  readonly options: SandboxOptions;
  /** Real devices and packets, which need root. */
  readonly isReal: boolean;
  /** The built entry point of the agent. */
  readonly mainFile: string;
}

export class Sandbox {
  readonly layout: Layout;
  readonly isReal: boolean;
  readonly #parts: SandboxParts;
  #lab: OvsLab | undefined;
  #agent: AgentProcess | undefined;
  #hasDevices = false;
  #starting: Promise<void> | undefined;
  #isStopping = false;

  constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.isReal = parts.isReal;
    this.layout = makeLayout(process.pid, parts.options.vfCount);
  }

  get lab(): OvsLab {
    if (this.#lab === undefined) throw new Error('the sandbox has not started');
    return this.#lab;
  }

  get agent(): AgentProcess {
    if (this.#agent === undefined) throw new Error('the sandbox has not started');
    return this.#agent;
  }

  /** @throws Error when it is stopped meanwhile */
  start(): Promise<void> {
    this.#starting = this.#bringUp();
    return this.#starting;
  }

  async #bringUp(): Promise<void> {
    const { isReal, layout } = this;
    if (isReal) {
      await sweepDevices();
      this.#goOn();
      this.#hasDevices = true;
      await makeDevices(layout);
    }
    this.#goOn();
    this.#lab = await OvsLab.start({
      vswitchd: true,
      dummy: !isReal,
      ...(isReal ? { netns: layout.dpuNamespace } : {}),
    });
    this.#goOn();
    const agent = await this.#prepareAgent(this.#lab);
    this.#goOn();
    this.#agent = agent;
    agent.start();
  }

  /** Between two steps of the start: nothing more is made once the end was asked for. */
  #goOn(): void {
    if (this.#isStopping) throw new Error('the sandbox was told to stop while it came up');
  }

  /** Ends everything and removes every file, namespace and device; goes on when one part fails, and then says so. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    // Whoever started it hears of its failure; here only that nothing is being made any more counts.
    await this.#starting?.catch(() => undefined);
    const failures: unknown[] = [];
    const attempt = async (part: () => Promise<void>): Promise<void> => {
      await part().catch((error: unknown) => failures.push(error));
    };
    await attempt(async () => this.#agent?.stop());
    await attempt(async () => this.#lab?.stop());
    if (this.#hasDevices) await attempt(() => removeDevices(this.layout));
    if (failures.length > 0)
      throw new AggregateError(failures, `the sandbox did not end cleanly: ${failures.join('; ')}`);
  }

  async #prepareAgent(lab: OvsLab): Promise<AgentProcess> {
    const { dir, socket, runDir } = lab;
    await mkdir(join(dir, 'agent'));
    const root = this.isReal ? '/' : join(dir, 'root');
    if (!this.isReal) await writeDeviceFiles(this.layout, root);
    const configFile = join(dir, 'agent', 'config.yaml');
    await writeFile(configFile, agentConfig(this.#parts.options, { dir, socket, runDir, root }, this.isReal));
    const namespace = this.isReal ? this.layout.dpuNamespace : undefined;
    return new AgentProcess(this.#parts.mainFile, configFile, dir, namespace);
  }
}
