/**
 * The host's side of the virtual DPU: the embedded API server, stand-ins for what runs on the host, two pods, and a third
 * that claims a function which is not its own. With real devices pods are network namespaces; without, they exist in the
 * API alone.
 */

import { randomBytes } from 'node:crypto';
import { adminUser, ClusterApi } from './cluster/cluster-api.js';
import { eventually } from './lab/daemon.js';
import { DpuHostStandIn } from './lab/dpu-host.js';
import type { HostFunction, HostFunctions } from './lab/host-functions.js';
import { HostApi, HostHalf, type RunningPod } from './lab/host-half.js';
import { OvnkubeControllerStandIn } from './lab/ovnkube-controller.js';
import { PodCache } from './lab/pod-cache.js';
import { detailsAnnotation, type StandInNetwork } from './lab/pod-networks.js';
import { leaseNamespace, nodeName, podPrefix } from './layout.js';

/** The cluster's default network: the fabric is in it, so that a ping needs no router. */
const network: StandInNetwork = { nad: 'default', switchName: 'node1', prefix: podPrefix };

/** A pod that runs, by what one needs to look at it. */
export interface SandboxPod {
  readonly name: string;
  /** Representor on the DPU. */
  readonly device: string;
  /** Its network namespace, where there are any. */
  readonly role: string | undefined;
}

/** The pod whose manifest names the function of the first one. */
export const thiefName = 'thief';

/** So long a pod that somebody deletes takes to end, ms. */
const podEndMs = 500;

export class HostCluster {
  // With TLS: over plain HTTP kubectl keeps its credentials to itself.
  readonly api = new ClusterApi({ kubelet: podEndMs });
  readonly #closers: (() => Promise<void>)[] = [];
  #host: HostApi | undefined;
  #half: HostHalf | undefined;
  #cni: DpuHostStandIn | undefined;
  #functions: HostFunctions | undefined;

  /** Everything but pods. @param functions undefined where there are no real devices */
  async start(functions: HostFunctions | undefined): Promise<void> {
    await this.api.start();
    this.#closers.unshift(() => this.api.close());
    const host = new HostApi({ server: this.api.url, token: this.api.tokenFor(adminUser), ca: this.api.ca });
    this.#host = host;
    await host.ensure('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } });
    await host.ensure('/api/v1/namespaces', namespaceObject(leaseNamespace));
    if (functions === undefined) await this.#startWithoutDevices(host);
    else await this.#startWithDevices(host, functions);
  }

  async #startWithDevices(api: HostApi, functions: HostFunctions): Promise<void> {
    const half = await HostHalf.start({ api, node: nodeName, functions, leaseNamespace, networks: [network] });
    this.#half = half;
    this.#functions = functions;
    this.#closers.unshift(() => half[Symbol.asyncDispose]());
  }

  async #startWithoutDevices(api: HostApi): Promise<void> {
    const cache = new PodCache(api, nodeName);
    const controller = new OvnkubeControllerStandIn({ api, cache, networks: [network] });
    this.#cni = new DpuHostStandIn({ api, cache, node: nodeName, leaseNamespace });
    await this.#cni.createLease();
    await cache.start();
    await controller.start();
    this.#closers.unshift(async () => {
      await cache.close();
      await controller.close();
    });
  }

  /** Runs the pods and returns when the DPU has called each of them ready. */
  async runPods(names: readonly string[], functions: readonly HostFunction[]): Promise<readonly SandboxPod[]> {
    const half = this.#half;
    return Promise.all(
      names.map(async (name, index) => {
        const own = functions[index] ?? { pf: 0, vf: index + 1 };
        const device = `rep${own.pf}-${own.vf}`;
        if (half === undefined) {
          await this.#addPod(name, own);
          return { name, device, role: undefined };
        }
        const running: RunningPod = await half.kubelet.runPod({ namespace: 'default', name, functions: [own] });
        return { name, device, role: running.role };
      }),
    );
  }

  /** A pod in the API alone: its CNI ADD is answered, and no device goes anywhere. */
  async #addPod(name: string, own: HostFunction): Promise<void> {
    const pod = await this.#createPod(name, {});
    const sandboxId = randomBytes(32).toString('hex');
    const netdev = `eth${own.pf}-${own.vf}`;
    const { uid } = pod.metadata;
    await this.#cni?.add({ namespace: 'default', name, uid, sandboxId, nadKey: 'default', function: own, netdev });
  }

  async #createPod(name: string, annotations: Record<string, string>): Promise<{ metadata: { uid: string } }> {
    const container = { name: 'pause', image: 'pause' };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'default', name, annotations },
      spec: { nodeName, containers: [container] },
    };
    return (await this.#host?.call('POST', '/api/v1/namespaces/default/pods', pod)) as { metadata: { uid: string } };
  }

  /** A tenant's pod that names another's function in its manifest. Returns when the DPU has refused it. */
  async addThief({ pf, vf }: HostFunction): Promise<void> {
    const details = { default: { pfId: String(pf), vfId: String(vf), sandboxId: 'not-mine' } };
    await this.#createPod(thiefName, { [detailsAnnotation]: JSON.stringify(details) });
    const path = `/api/v1/namespaces/default/pods/${thiefName}`;
    const isRefused = async (): Promise<boolean> => {
      const pod = await this.#host?.call('GET', path);
      return JSON.stringify(pod).includes('\\"Status\\":\\"Error\\"');
    };
    await eventually(isRefused, 'the claim of the third pod is refused');
  }

  /** Whether packets from the pod are answered; undefined without real devices. */
  ping(pod: SandboxPod, address: string): Promise<boolean> | undefined {
    return pod.role === undefined ? undefined : this.#functions?.ping(pod.role, address);
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }
}

function namespaceObject(name: string): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}
