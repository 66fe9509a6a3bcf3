/**
 * What the end-to-end tests of attaching stand on: a private Open vSwitch and OVN in a namespace of their own, cables as
 * functions, the embedded host cluster with stand-ins for its side of a DPU, and the agent as a process. Witnesses are
 * ovs-vsctl, kubectl and packets.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentStatus } from '../../../src/agent/status.js';
import type { PodAttachment } from '../../../src/sandbox/agent-api.js';
import { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { adminUser, ClusterApi, type ClusterApiOptions } from '../../../src/sandbox/cluster/cluster-api.js';
import { mastersGroup } from '../../../src/sandbox/cluster/users.js';
import { Daemon, eventually } from '../../../src/sandbox/lab/daemon.js';
import { HostFunctions, type HostFunction } from '../../../src/sandbox/lab/host-functions.js';
import { defaultNetwork, HostApi, HostHalf, type StandInNetwork } from '../../../src/sandbox/lab/host-half.js';
import { OvnLab } from '../../../src/sandbox/lab/ovn.js';
import { OvsLab } from '../../../src/sandbox/lab/ovs.js';
import { Tunnel } from '../../../src/sandbox/lab/tunnel.js';
import { ensureBuilt, mainFile } from '../agent/build.js';

export const nodeName = 'host-1';
export const leaseNamespace = 'ovn-kubernetes';
/** The user that the agent is in the host cluster. */
export const agentUser = 'system:serviceaccount:dpu-node-agent:dpu-host-1';

export interface AttachRigOptions {
  /** VFs of PF 0, from 1 on: 0 is the gateway's. */
  readonly vfCount?: number;
  /** Without it ovn-installed is not asked for, and br-int is made by the agent. */
  readonly ovn?: boolean;
  readonly networks?: readonly StandInNetwork[];
  readonly cluster?: ClusterApiOptions;
  /** Longest wait of the host's CNI, ms. */
  readonly addMsMax?: number;
  /** Groups of the agent's user; by default it may do everything, and audit and faults tell it from the others. */
  readonly agentGroups?: readonly string[];
}

type Section = Readonly<Record<string, unknown>>;

export class AttachRig implements AsyncDisposable {
  readonly hosts: HostFunctions;
  readonly ovs: OvsLab;
  readonly ovn: OvnLab | undefined;
  readonly cluster: ClusterApi;
  readonly half: HostHalf;
  readonly #agentGroups: readonly string[];
  /** Everything that was started, newest first. */
  readonly #made: readonly AsyncDisposable[];
  readonly #agents: AgentProcess[] = [];
  #count = 0;

  private constructor(
    hosts: HostFunctions,
    ovs: OvsLab,
    ovn: OvnLab | undefined,
    cluster: ClusterApi,
    half: HostHalf,
    made: readonly AsyncDisposable[],
    agentGroups: readonly string[],
  ) {
    this.hosts = hosts;
    this.ovs = ovs;
    this.ovn = ovn;
    this.cluster = cluster;
    this.half = half;
    this.#made = made;
    this.#agentGroups = agentGroups;
  }

  static async start(options: AttachRigOptions = {}): Promise<AttachRig> {
    const made: AsyncDisposable[] = [];
    const keep = <T extends AsyncDisposable>(one: T): T => {
      made.unshift(one);
      return one;
    };
    try {
      const count = options.vfCount ?? 4;
      const vfs: readonly HostFunction[] = Array.from({ length: count }, (_, index) => ({ pf: 0, vf: index + 1 }));
      const hosts = keep(await HostFunctions.make(vfs));
      const ovs = keep(await OvsLab.start({ vswitchd: true, dummy: false, netns: hosts.dpu }));
      const ovn = options.ovn === false ? undefined : keep(await OvnLab.start(ovs));
      if (ovn !== undefined) await ovn.addSwitch(defaultNetwork.switchName);
      await ovs.vsctl('--no-wait', 'set', 'Open_vSwitch', '.', `external_ids:host-k8s-nodename=${nodeName}`);
      // Plain HTTP is faster to start; with TLS kubectl works too, which sends no token over anything else.
      const cluster = new ClusterApi({ isTls: false, kubelet: 'manual', ...options.cluster });
      keep({ [Symbol.asyncDispose]: () => cluster.close() });
      await cluster.start();
      const half = keep(await startHostHalf(options, cluster, hosts, ovn));
      keep(await Tunnel.open(hosts.dpu, cluster.port));
      return new AttachRig(hosts, ovs, ovn, cluster, half, made, options.agentGroups ?? [mastersGroup]);
    } catch (error) {
      for (const one of made) await one[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Writes a configuration and starts an agent with it; `input` is laid over it, section by section. */
  async agent(
    input: Readonly<Record<string, Section | readonly unknown[]>> = {},
    nodeFlags: readonly string[] = [],
  ): Promise<AgentProcess> {
    await ensureBuilt();
    this.#count += 1;
    const parent = join(this.ovs.dir, `agent${this.#count}`);
    const dir = join(parent, 'agent');
    await mkdir(dir, { recursive: true });
    const kubeconfig = await this.cluster.writeKubeconfig(dir, agentUser, { groups: this.#agentGroups });
    const isOvn = this.ovn !== undefined;
    const base: Record<string, unknown> = {
      ovsdb: { endpoints: [`unix:${this.ovs.socket}`] },
      ovs: { runDir: this.ovs.runDir },
      representors: { finder: 'simulated' },
      agent: { runDir: dir, stateDir: dir, fullResyncMs: 1000, orphanGraceMs: 1000 },
      api: { http: { listen: '127.0.0.1:0' } },
      hostCluster: { kubeconfig },
      attach: { mode: 'attach', ovnInstalled: isOvn ? 'require' : 'ignore', lease: { namespace: leaseNamespace } },
      bridges: isOvn ? [] : [{ name: 'br-int', mode: 'own', datapathType: 'netdev', failMode: 'standalone' }],
    };
    for (const [section, value] of Object.entries(input)) {
      const own = base[section];
      base[section] = Array.isArray(value) || own === undefined ? value : { ...own, ...(value as object) };
    }
    const file = join(dir, 'config.yaml');
    await writeFile(file, JSON.stringify(base, undefined, 2));
    const agent = new AgentProcess(mainFile, file, parent, this.hosts.dpu, nodeFlags);
    this.#agents.push(agent);
    agent.start();
    return agent;
  }

  /** What the newest agent says of the networks of a pod; undefined: it does not know the pod. */
  async pod(name: string, namespace = 'default'): Promise<readonly PodAttachment[] | undefined> {
    const agent = this.#agents.at(-1);
    const all = await agent?.attachments();
    const own = all?.filter((entry) => entry.pod === name && entry.namespace === namespace) ?? [];
    // A pod with nothing to attach is no object of the topology.
    if (own.length === 0 && (await agent?.knowsPod(namespace, name)) !== true) return undefined;
    return own;
  }

  /** The API as the host's side uses it, with all rights. */
  get api(): HostApi {
    return hostApi(this.cluster);
  }

  /** Names of the ports of br-int, by ovs-vsctl. */
  async ports(): Promise<readonly string[]> {
    const text = await this.ovs.vsctl('list-ports', 'br-int');
    return text.split('\n').filter((line) => line.startsWith('rep'));
  }

  /** One external_ids key of an interface, by ovs-vsctl. */
  async interfaceId(port: string, key: string): Promise<string> {
    const text = await this.ovs.vsctl('--if-exists', 'get', 'Interface', port, `external_ids:${key}`);
    return text.trim().replaceAll('"', '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) await agent.kill();
    for (const one of this.#made) await one[Symbol.asyncDispose]();
  }
}

const hostApi = (cluster: ClusterApi): HostApi =>
  new HostApi({ server: cluster.url, token: cluster.tokenFor(adminUser), ca: cluster.ca });

async function startHostHalf(
  options: AttachRigOptions,
  cluster: ClusterApi,
  functions: HostFunctions,
  ovn: OvnLab | undefined,
): Promise<HostHalf> {
  const api = hostApi(cluster);
  const { networks, addMsMax } = options;
  const half = await HostHalf.start({
    api,
    node: nodeName,
    functions,
    leaseNamespace,
    ...(ovn === undefined ? {} : { ovn }),
    ...(networks === undefined ? {} : { networks }),
    ...(addMsMax === undefined ? {} : { addMsMax }),
  });
  await half.addNamespace('default');
  return half;
}

/** Waits until the agent's sum of attachments satisfies `test`. */
export function attachSays(
  agent: AgentProcess,
  test: (attach: NonNullable<AgentStatus['attach']>) => boolean,
  what: string,
  waitMsMax = 20_000,
): Promise<AgentStatus> {
  return eventually(
    async () => {
      const status = await agent.status();
      return status?.attach !== undefined && test(status.attach) ? status : undefined;
    },
    `the agent says ${what}`,
    waitMsMax,
  );
}

export { Daemon, eventually };
