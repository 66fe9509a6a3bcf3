/**
 * The agent as the process it is in production, between the API server under test and a private Open vSwitch with dummy
 * devices. It runs in the machine's own network, so that the server may be anywhere. Witnesses are kubectl, HTTP and
 * ovs-vsctl; ovn-controller is played by the test.
 */

import type { AgentStatus } from '../../src/agent/status.js';
import type { AgentProcess } from '../../src/sandbox/agent-process.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { Rig } from '../integration/agent/rig.js';
import { representor, sandboxOf, type KubeObject } from './kube-object.js';
import { Stage } from './stage.js';

export type Section = Readonly<Record<string, unknown>>;
export type AttachStatus = NonNullable<AgentStatus['attach']>;

/** What of an interface the tests look at, as ovs-vsctl shows it. */
export interface SeenInterface {
  readonly uuid: string;
  readonly ofport: number;
  readonly externalIds: Readonly<Record<string, string>>;
  readonly policingRate: number;
}

export interface AgentRigOptions {
  /** Functions, from 1 on, besides the reserved one with number 0. */
  readonly vfCount?: number;
}

export class AgentRig implements AsyncDisposable {
  readonly stage: Stage;
  readonly rig: Rig;
  #agent: AgentProcess | undefined;

  private constructor(stage: Stage, rig: Rig) {
    this.stage = stage;
    this.rig = rig;
  }

  static async open(options: AgentRigOptions = {}): Promise<AgentRig> {
    const stage = await Stage.open();
    try {
      const devices = Array.from({ length: (options.vfCount ?? 8) + 1 }, (_, vf) => representor(vf));
      const rig = await Rig.start({ vswitchd: true, devices });
      // As ovn-controller makes it.
      await rig.lab.vsctl('add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'fail-mode=secure');
      await rig.lab.vsctl('set', 'Open_vSwitch', '.', `external_ids:host-k8s-nodename=${stage.name}`);
      return new AgentRig(stage, rig);
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  get agent(): AgentProcess {
    if (this.#agent === undefined) throw new Error('no agent was started');
    return this.#agent;
  }

  /** Starts an agent and waits until it may plug. @param hostCluster how it reaches the server; a kubeconfig if undefined */
  async startAgent(attach: Section = {}, hostCluster?: Section): Promise<AgentProcess> {
    this.#agent = await this.rig.agent({
      hostCluster: hostCluster ?? { kubeconfig: await this.agentKubeconfig() },
      bridges: [],
      attach: {
        mode: 'attach',
        ovnInstalled: 'require',
        lease: { namespace: this.stage.leaseNamespace, renewMs: 1_000, durationS: 4 },
        ...attach,
      },
    });
    await this.says(({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug', 30_000);
    return this.#agent;
  }

  /** A fresh token of the agent's account, by the TokenRequest API. */
  async token(...more: readonly string[]): Promise<string> {
    const { admin, agentAccount, leaseNamespace } = this.stage;
    return (await admin.run(['create', 'token', agentAccount, '-n', leaseNamespace, '--duration=1h', ...more])).trim();
  }

  /** A kubeconfig that shows the agent's service account, and nobody else's rights. Returns its path. */
  async agentKubeconfig(token?: string): Promise<string> {
    return this.stage.kubeconfigOf(token ?? (await this.token()), 'agent');
  }

  /** Waits until what the agent says of the attachments satisfies `test`. */
  says(test: (attach: AttachStatus) => boolean, what: string, waitMsMax = 20_000): Promise<AgentStatus> {
    return this.until(
      async () => {
        const status = await this.agent.status();
        return status?.attach !== undefined && test(status.attach) ? status : undefined;
      },
      `the agent says ${what}`,
      waitMsMax,
    );
  }

  /** Waits for a condition; what the agent shows and logged last is in the error when it does not come true. */
  async until<T>(
    condition: () => Promise<T>,
    what: string,
    waitMsMax = 30_000,
  ): Promise<Exclude<T, false | undefined | null>> {
    try {
      return await eventually(condition, what, waitMsMax);
    } catch (cause) {
      const shown = await this.#agent?.status().catch(String);
      const attach = typeof shown === 'object' ? { ...shown.attach, findings: shown.findings } : shown;
      throw new Error(`${what}: never.\n${JSON.stringify(attach)}\n${this.#agent?.log.slice(-3_000) ?? ''}`, { cause });
    }
  }

  /** Waits until the status of the pod is this text. */
  statusIs(pod: string, text: string | undefined, waitMsMax?: number): Promise<true> {
    return this.until(
      async () => (await this.stage.statusText(pod)) === text,
      `the status of ${pod} becomes ${text ?? 'absent'}`,
      waitMsMax,
    );
  }

  /** The ports of br-int by ovs-vsctl, in order of their names. */
  async ports(): Promise<readonly string[]> {
    const text = await this.rig.lab.vsctl('list-ports', 'br-int');
    return text.split('\n').filter((line) => line !== '');
  }

  /** The interfaces of br-int's representors by ovs-vsctl, by name. */
  async interfaces(): Promise<ReadonlyMap<string, SeenInterface>> {
    const columns = '--columns=name,_uuid,ofport,external_ids,ingress_policing_rate';
    const text = await this.rig.lab.vsctl('--format=json', columns, 'list', 'Interface');
    const { data } = JSON.parse(text) as { readonly data: readonly (readonly [string, ...unknown[]])[] };
    return new Map(
      data
        .filter(([name]) => name.startsWith('rep'))
        .map(([name, uuid, ofport, externalIds, policingRate]) => {
          const [, pairs] = externalIds as [string, [string, string][]];
          const seen = { externalIds: Object.fromEntries(pairs), policingRate: policingRate as number };
          return [name, { ...seen, uuid: String((uuid as unknown[])[1]), ofport: ofport as number }];
        }),
    );
  }

  /** Waits until a representor is a port of br-int with this pod's incarnation. */
  plugged(vf: number, uid: string | undefined): Promise<SeenInterface> {
    return this.until(
      async () => {
        const seen = (await this.interfaces()).get(representor(vf));
        return seen !== undefined && seen.externalIds['iface-id-ver'] === uid && seen.ofport > 0 ? seen : undefined;
      },
      `${representor(vf)} is plugged for ${uid ?? 'nobody'}`,
    );
  }

  /** ovn-controller's word that its flows for these functions are in. */
  async installFlows(...vfs: readonly number[]): Promise<void> {
    if (vfs.length === 0) return;
    const commands = vfs.map((vf) => ['set', 'Interface', representor(vf), 'external_ids:ovn-installed=true']);
    await this.rig.lab.vsctl(...commands.flatMap((words, index) => (index === 0 ? words : ['--', ...words])));
  }

  /** Plays ovn-controller for every port that waits for it. */
  async installMissingFlows(): Promise<void> {
    const waiting = [...(await this.interfaces())].filter(([, seen]) => seen.externalIds['ovn-installed'] !== 'true');
    await this.installFlows(...waiting.map(([name]) => Number(name.split('-')[1])));
  }

  /** Attaches a pod completely: made, plugged, its flows in, told Ready. */
  async attachPod(name: string, vf: number, annotations: Readonly<Record<string, string>>): Promise<KubeObject> {
    const pod = await this.stage.createPod(name, annotations);
    await this.plugged(vf, pod.metadata.uid);
    await this.installFlows(vf);
    await this.statusIs(name, readyText);
    return pod;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The agent first, or it makes its lease anew.
    await this.rig[Symbol.asyncDispose]();
    await this.stage[Symbol.asyncDispose]();
  }
}

/** The annotation of a pod with one network that is plugged, to the letter. */
export const readyText = '{"default":{"Status":"Ready"}}';

/** What is written into an interface for a pod's default network. */
export function expectedIds(pod: KubeObject, vf: number, mac: string, address: string): Record<string, string> {
  const { name, namespace = '', uid = '' } = pod.metadata;
  return {
    attached_mac: mac,
    'iface-id': `${namespace}_${name}`,
    'iface-id-ver': uid,
    ip_addresses: address,
    sandbox: sandboxOf(vf),
    'vf-netdev-name': representor(vf),
  };
}
