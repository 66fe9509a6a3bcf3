/**
 * The host's side of a DPU as a whole: the stand-ins of ovnkube-controller, of ovnkube-node in mode dpu-host and of
 * kubelet, on one API server and one set of functions. Used by the end-to-end tests and by the sandbox; what is on the
 * DPU, the switch and the agent, is not in it.
 */

import { DpuHostStandIn } from './dpu-host.js';
import type { HostApi } from './host-api.js';
import type { HostFunctions } from './host-functions.js';
import { KubeletStandIn, type PodRequest, type RunningPod } from './kubelet.js';
import type { OvnLab } from './ovn.js';
import { OvnkubeControllerStandIn } from './ovnkube-controller.js';
import { PodCache } from './pod-cache.js';
import type { StandInNetwork } from './pod-networks.js';

export { CniFailure, DpuHostStandIn } from './dpu-host.js';
export { ApiFailure, HostApi } from './host-api.js';
export { HostFunctions, representorOf, type HostFunction } from './host-functions.js';
export { KubeletStandIn, type PodInterface, type PodRequest, type RunningPod } from './kubelet.js';
export { OvnkubeControllerStandIn, defaultNetwork } from './ovnkube-controller.js';
export type { StandInNetwork } from './pod-networks.js';

export interface HostHalfOptions {
  readonly api: HostApi;
  readonly node: string;
  readonly functions: HostFunctions;
  readonly ovn?: OvnLab;
  readonly networks?: readonly StandInNetwork[];
  readonly leaseNamespace?: string;
  readonly resourceName?: string;
  readonly addMsMax?: number;
}

export class HostHalf implements AsyncDisposable {
  readonly cache: PodCache;
  readonly controller: OvnkubeControllerStandIn;
  readonly cni: DpuHostStandIn;
  readonly kubelet: KubeletStandIn;
  readonly #options: HostHalfOptions;

  private constructor(options: HostHalfOptions) {
    this.#options = options;
    this.cache = new PodCache(options.api, options.node);
    this.controller = new OvnkubeControllerStandIn({ ...options, cache: this.cache });
    this.cni = new DpuHostStandIn({ ...options, cache: this.cache });
    this.kubelet = new KubeletStandIn({ ...options, cni: this.cni });
  }

  /** Makes node and lease where they are missing, and returns when pods are looked after. */
  static async start(options: HostHalfOptions): Promise<HostHalf> {
    const half = new HostHalf(options);
    const { api, node, leaseNamespace } = options;
    await api.ensure('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
    if (leaseNamespace !== undefined) {
      await half.addNamespace(leaseNamespace);
      await half.cni.createLease();
    }
    await half.cache.start();
    await half.controller.start();
    return half;
  }

  async addNamespace(name: string): Promise<void> {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.#options.api.ensure('/api/v1/namespaces', object);
  }

  /** All at once; throws when any of them fails, after all have ended. */
  async runPods(requests: readonly PodRequest[]): Promise<readonly RunningPod[]> {
    const settled = await Promise.allSettled(requests.map((request) => this.kubelet.runPod(request)));
    const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} pods do not run`);
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  async stopPods(pods: readonly RunningPod[]): Promise<void> {
    await Promise.all(pods.map((pod) => this.kubelet.stopPod(pod)));
  }

  /** Stops looking after pods; what runs goes on, until the functions' namespaces are removed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.cache.close();
    await this.controller.close();
  }
}
