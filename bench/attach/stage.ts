/**
 * What a case of the bench stands on, all of it inside the DPU's network namespace: a private Open vSwitch on the userspace
 * datapath with so many ports, the embedded host cluster, and the witnesses, which share nothing with the agent.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { adminUser, ClusterApi } from '../../src/sandbox/cluster/cluster-api.js';
import { textAt } from '../../src/sandbox/cluster/json.js';
import { HostApi, mergePatch } from '../../src/sandbox/lab/host-api.js';
import { OvnLab } from '../../src/sandbox/lab/ovn.js';
import { OvsLab } from '../../src/sandbox/lab/ovs.js';
import { logicalPortName, statusAnnotation } from '../../src/sandbox/lab/pod-networks.js';
import { AgentUnderTest, type AgentOptions } from './agent-under-test.js';
import { addressesOf, detachAnnotations, namespace, nodeName, podObject, type BenchPod } from './bench-pods.js';
import { RowWatch } from './row-watch.js';
import { StatusWatch } from './status-watch.js';

const execute = promisify(execFile);

export interface StageOptions {
  /** Ports of somebody else that are there before, with taps as their devices. */
  readonly existingCount?: number;
  readonly hasOvn?: boolean;
  readonly pods: readonly BenchPod[];
}

export class Stage implements AsyncDisposable {
  readonly ovs: OvsLab;
  readonly ovn: OvnLab | undefined;
  readonly cluster: ClusterApi;
  readonly rows: RowWatch;
  readonly statuses: StatusWatch;
  /** By name of the pod. */
  readonly uids: ReadonlyMap<string, string>;
  readonly #made: readonly (AsyncDisposable | Disposable)[];
  #agentCount = 0;
  #sandboxCount = 0;

  private constructor(
    parts: Pick<Stage, 'ovs' | 'ovn' | 'cluster' | 'rows' | 'statuses' | 'uids'>,
    made: Stage['made'],
  ) {
    this.ovs = parts.ovs;
    this.ovn = parts.ovn;
    this.cluster = parts.cluster;
    this.rows = parts.rows;
    this.statuses = parts.statuses;
    this.uids = parts.uids;
    this.#made = made;
  }

  get made(): readonly (AsyncDisposable | Disposable)[] {
    return this.#made;
  }

  static async start({ existingCount = 0, hasOvn = false, pods }: StageOptions): Promise<Stage> {
    const made: (AsyncDisposable | Disposable)[] = [];
    const keep = <T extends AsyncDisposable | Disposable>(one: T): T => {
      made.unshift(one);
      return one;
    };
    try {
      const ovs = keep(await OvsLab.start({ vswitchd: true, dummy: false }));
      const ovn = hasOvn ? keep(await OvnLab.start(ovs)) : undefined;
      if (ovn === undefined) await ovs.vsctl(...addBridge);
      const cluster = new ClusterApi({ kubelet: 'manual' });
      keep({ [Symbol.asyncDispose]: () => cluster.close() });
      await cluster.start();
      const uids = createPods(cluster, pods);
      if (ovn !== undefined) await createPorts(ovn, pods, uids);
      const rows = keep(await RowWatch.open(ovs.socket));
      const api = new HostApi({ server: cluster.url, token: cluster.tokenFor(adminUser), ca: cluster.ca });
      keep({ [Symbol.dispose]: () => api.close() });
      const statuses = keep(await StatusWatch.open(api, nodeName));
      const stage = new Stage({ ovs, ovn, cluster, rows, statuses, uids }, made);
      await stage.#addExisting(existingCount);
      return stage;
    } catch (error) {
      await disposeAll(made);
      throw error;
    }
  }

  async agent(options: AgentOptions = {}): Promise<AgentUnderTest> {
    this.#agentCount += 1;
    const dir = join(this.ovs.dir, `agent${this.#agentCount}`);
    return AgentUnderTest.start(dir, await this.configOf(dir), options);
  }

  /** Configuration of an agent that attaches the pods. @param dir its run and state directory */
  async configOf(dir: string): Promise<object> {
    const kubeconfig = await this.cluster.writeKubeconfig(this.ovs.dir, adminUser);
    return {
      ovsdb: { endpoints: [`unix:${this.ovs.socket}`] },
      ovs: { runDir: this.ovs.runDir },
      representors: { finder: 'simulated' },
      agent: { runDir: dir, stateDir: dir },
      api: { http: { listen: '127.0.0.1:0' } },
      hostCluster: { kubeconfig, nodeName },
      attach: { mode: 'attach', ovnInstalled: this.ovn === undefined ? 'ignore' : 'require', lease: { renewMs: 0 } },
      bridges: [],
    };
  }

  /** A sandbox that was not used before. */
  nextSandbox(): string {
    this.#sandboxCount += 1;
    return this.#sandboxCount.toString(16).padStart(64, '0');
  }

  /** The host's halves write annotations of a pod: details and addresses in one go. */
  annotate(pod: BenchPod, annotations: Readonly<Record<string, string | null>>): void {
    const ref = { namespace, name: pod.name };
    this.cluster.direct.patch('pods', ref, { metadata: { annotations } }, { contentType: mergePatch });
  }

  /** The CNI's DEL for all of them, and an end when nothing of it is left to be done. */
  async detach(pods: readonly BenchPod[]): Promise<void> {
    for (const pod of pods) this.annotate(pod, detachAnnotations);
    const areGone = (): boolean => pods.every(({ device }) => !this.rows.rows.has(device));
    await this.rows.waiters.until(areGone, 'the ports are gone');
    await this.statuses.waiters.until(
      () => pods.every(({ name }) => !this.statuses.told.has(name)),
      'the statuses are gone',
    );
    await this.settle();
  }

  /** Takes back what is said of the pods where no agent does. */
  forget(pods: readonly BenchPod[]): void {
    for (const pod of pods) this.annotate(pod, { ...detachAnnotations, [statusAnnotation]: null });
  }

  /** Returns when vswitchd has nothing to do any more, and a little later. */
  async settle(restMs = 60): Promise<void> {
    await this.rows.waiters.until(() => this.rows.isSettled, 'vswitchd has carried out what it was asked for');
    await sleep(restMs);
  }

  /** `ip`, as a script runs it. */
  async ip(...args: readonly string[]): Promise<void> {
    await execute('ip', [...args], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll(this.#made);
  }

  /** One raw transaction for all. */
  async #addExisting(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_unused, index) => `tap${index + 1}`);
    const inserts = names.flatMap((name, index) => [
      { op: 'insert', table: 'Interface', 'uuid-name': `i${index}`, row: { name, type: 'internal' } },
      { op: 'insert', table: 'Port', 'uuid-name': `p${index}`, row: { name, interfaces: ['named-uuid', `i${index}`] } },
    ]);
    const ports = ['set', names.map((_name, index) => ['named-uuid', `p${index}`])];
    const where = [['name', '==', 'br-int']];
    await this.ovs.rawCall('transact', [
      'Open_vSwitch',
      ...inserts,
      { op: 'mutate', table: 'Bridge', where, mutations: [['ports', 'insert', ports]] },
      { op: 'mutate', table: 'Open_vSwitch', where: [], mutations: [['next_cfg', '+=', 1]] },
    ]);
    const isThere = (name: string): boolean => this.rows.rows.get(name)?.ofportMs !== undefined;
    await this.rows.waiters.until(() => names.every(isThere), `${count} ports have their numbers`);
  }
}

const addBridge = ['add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'datapath_type=netdev', 'fail_mode=secure'];

function createPods(cluster: ClusterApi, pods: readonly BenchPod[]): ReadonlyMap<string, string> {
  cluster.direct.create('namespaces', { metadata: { name: namespace } });
  const uids = pods.map((pod): [string, string] => {
    return [pod.name, textAt(cluster.direct.create('pods', podObject(pod)), 'metadata', 'uid')];
  });
  return new Map(uids);
}

async function createPorts(ovn: OvnLab, pods: readonly BenchPod[], uids: ReadonlyMap<string, string>): Promise<void> {
  await ovn.addSwitch(nodeName);
  const ports = pods.map((pod) => {
    const { mac, ip } = addressesOf(pod);
    const podUid = uids.get(pod.name) ?? '';
    const metadata = { namespace, name: pod.name, uid: podUid, resourceVersion: '' };
    return {
      name: logicalPortName('default', metadata),
      switchName: nodeName,
      mac,
      ips: [ip.split('/')[0] ?? ''],
      podUid,
    };
  });
  await ovn.addPorts(ports);
}

async function disposeAll(made: readonly (AsyncDisposable | Disposable)[]): Promise<void> {
  for (const one of made) {
    if (Symbol.asyncDispose in one) await one[Symbol.asyncDispose]();
    else one[Symbol.dispose]();
  }
}
