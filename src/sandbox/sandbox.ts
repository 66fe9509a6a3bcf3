/** The virtual DPU as a whole: devices, Open vSwitch, agent. Started and stopped in order; stopping twice is fine. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentProcess } from './agent-process.js';
import { adminUser } from './cluster/cluster-api.js';
import { makeDevices, removeDevices, sweepDevices, writeDeviceFiles } from './devices.js';
import { HostCluster, type SandboxPod } from './host-cluster.js';
import { HostFunctions, representorOf, type HostFunction } from './lab/host-functions.js';
import { OvsLab } from './lab/ovs.js';
import { Tunnel } from './lab/tunnel.js';
import { agentConfig, fabricAddress, makeLayout, namespaceKind, type Layout } from './layout.js';
import type { SandboxOptions } from './options.js';

export interface SandboxParts {
  readonly options: SandboxOptions;
  /** Real devices and packets, which need root. */
  readonly isReal: boolean;
  /** The built entry point of the agent. */
  readonly mainFile: string;
}

export class Sandbox {
  readonly isReal: boolean;
  readonly cluster = new HostCluster();
  readonly functions: readonly HostFunction[];
  #pods: readonly SandboxPod[] = [];
  #layout: Layout | undefined;
  #hosts: HostFunctions | undefined;
  #tunnel: Tunnel | undefined;
  readonly #parts: SandboxParts;
  #lab: OvsLab | undefined;
  #agent: AgentProcess | undefined;
  #kubeconfig: string | undefined;
  #hasDevices = false;
  #starting: Promise<void> | undefined;
  #isStopping = false;

  constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.isReal = parts.isReal;
    // VF 0 is the gateway's, as in the DPU simulator.
    this.functions = Array.from({ length: parts.options.vfCount }, (_, index) => ({ pf: 0, vf: index + 1 }));
  }

  get layout(): Layout {
    if (this.#layout === undefined) throw new Error('the sandbox has not started');
    return this.#layout;
  }

  /** The pods that run; none before `runPods`. */
  get pods(): readonly SandboxPod[] {
    return this.#pods;
  }

  get lab(): OvsLab {
    if (this.#lab === undefined) throw new Error('the sandbox has not started');
    return this.#lab;
  }

  get agent(): AgentProcess {
    if (this.#agent === undefined) throw new Error('the sandbox has not started');
    return this.#agent;
  }

  /** The file by which kubectl is the host cluster's administrator. */
  get kubeconfig(): string {
    if (this.#kubeconfig === undefined) throw new Error('the sandbox has not started');
    return this.#kubeconfig;
  }

  /** @throws Error when it is stopped meanwhile */
  start(): Promise<void> {
    this.#starting = this.#bringUp();
    return this.#starting;
  }

  async #bringUp(): Promise<void> {
    const { isReal } = this;
    if (isReal) {
      await sweepDevices();
      this.#goOn();
      this.#hosts = await HostFunctions.make(this.functions, namespaceKind);
    }
    const layout = makeLayout(this.#hosts?.namespaces.prefix ?? namespaceKind);
    this.#layout = layout;
    if (isReal) {
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
    await this.cluster.start(this.#hosts);
    this.#goOn();
    if (isReal) this.#tunnel = await Tunnel.open(layout.dpuNamespace, this.cluster.api.port);
    const agent = await this.#prepareAgent(this.#lab);
    this.#goOn();
    this.#agent = agent;
    agent.start();
  }

  /** Two pods, as far as there are functions, and one that claims the function of the first. */
  async runPods(): Promise<void> {
    const own = this.functions.slice(0, 2);
    this.#pods = await this.cluster.runPods(
      own.map((_, index) => `web-${index}`),
      own,
    );
    this.#goOn();
    const [first] = own;
    if (first !== undefined) await this.cluster.addThief(first);
  }

  /** Whether packets of the first pod reach the fabric; true where there are no real packets. */
  async doesPing(): Promise<boolean> {
    const [pod] = this.#pods;
    return pod === undefined ? false : ((await this.cluster.ping(pod, fabricAddress)) ?? true);
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
    await attempt(async () => this.#tunnel?.[Symbol.asyncDispose]());
    await attempt(() => this.cluster.close());
    await attempt(async () => this.#lab?.stop());
    await attempt(async () => this.#hosts?.[Symbol.asyncDispose]());
    if (this.#hasDevices) await attempt(() => removeDevices(this.layout));
    if (failures.length > 0)
      throw new AggregateError(failures, `the sandbox did not end cleanly: ${failures.join('; ')}`);
  }

  async #prepareAgent(lab: OvsLab): Promise<AgentProcess> {
    const { dir, socket, runDir } = lab;
    await mkdir(join(dir, 'agent'));
    const root = this.isReal ? '/' : join(dir, 'root');
    const names = [...this.layout.cables.map(({ dpuEnd }) => dpuEnd), ...this.functions.map(representorOf)];
    if (!this.isReal) await writeDeviceFiles(names, root);
    const kubeconfig = await this.cluster.api.writeKubeconfig(join(dir, 'agent'), adminUser);
    this.#kubeconfig = kubeconfig;
    const configFile = join(dir, 'agent', 'config.yaml');
    await writeFile(configFile, agentConfig({ dir, socket, runDir, root, kubeconfig }, this.isReal));
    const namespace = this.isReal ? this.layout.dpuNamespace : undefined;
    return new AgentProcess(this.#parts.mainFile, configFile, dir, namespace);
  }
}
