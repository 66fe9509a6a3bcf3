/**
 * Stands in for kubelet, container runtime and device plugin: makes pods, gives them functions, runs the CNI for each of
 * their networks and finishes their deletion. A sandbox is a network namespace; no container runs in it.
 */

import { randomBytes } from 'node:crypto';
import type { DpuHostStandIn, CniRequest } from './dpu-host.js';
import { ApiFailure, mergePatch, podPath, type HostApi, type PodObject } from './host-api.js';
import type { HostFunction, HostFunctions } from './host-functions.js';
import { nadKeysOf, selectionAnnotation } from './pod-networks.js';

export interface PodRequest {
  readonly namespace: string;
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Additional networks in the words of Multus: `ns/blue,ns/red`. */
  readonly networks?: string;
  /** Functions for its networks, in their order; the default is those that are free longest. */
  readonly functions?: readonly HostFunction[];
}

/** A network of a sandbox that is up. */
export interface PodInterface {
  readonly request: CniRequest;
  /** Name of the device inside: `eth0`, `net1` and so on. */
  readonly device: string;
  readonly mac: string;
  /** With prefix length. */
  readonly cidrs: readonly string[];
}

export interface RunningPod {
  readonly pod: PodObject;
  readonly sandboxId: string;
  /** Role of its namespace, for `HostFunctions.ping` and the like. */
  readonly role: string;
  readonly interfaces: readonly PodInterface[];
}

export interface KubeletOptions {
  readonly api: HostApi;
  readonly node: string;
  readonly functions: HostFunctions;
  readonly cni: DpuHostStandIn;
  /** Extended resource of the functions. Default `dpusim.io/vf`. */
  readonly resourceName?: string;
  /** MTU of the pods' devices, bytes. Default 1400. */
  readonly mtu?: number;
}

export class KubeletStandIn {
  readonly #options: KubeletOptions;

  constructor(options: KubeletOptions) {
    this.#options = options;
  }

  /** Makes the pod in the API, bound to the node; nothing runs yet. */
  async createPod({ namespace, name, annotations, labels, networks }: PodRequest): Promise<PodObject> {
    const { api, node, resourceName = 'dpusim.io/vf' } = this.#options;
    const all = { ...annotations, ...(networks === undefined ? {} : { [selectionAnnotation]: networks }) };
    const metadata = { namespace, name, annotations: all, labels };
    const count = String(nadKeysOf({ metadata } as unknown as PodObject).length);
    const wanted = { [resourceName]: count };
    const container = { name: 'pause', image: 'pause', resources: { requests: wanted, limits: wanted } };
    const spec = { nodeName: node, containers: [container], automountServiceAccountToken: false };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata, spec };
    return (await api.call('POST', `/api/v1/namespaces/${namespace}/pods`, object)) as PodObject;
  }

  /** A pod from its making to its running; throws CniFailure when a network fails, and then has taken all back but the pod. */
  async runPod(request: PodRequest, signal?: AbortSignal): Promise<RunningPod> {
    const pod = await this.createPod(request);
    return this.startSandbox(pod, request.functions, signal);
  }

  /** A sandbox for the pod: the first, or another after one that failed or was stopped. */
  async startSandbox(pod: PodObject, wanted: readonly HostFunction[] = [], signal?: AbortSignal): Promise<RunningPod> {
    const { functions } = this.#options;
    const sandboxId = randomBytes(32).toString('hex');
    const role = sandboxId.slice(0, 12);
    await functions.namespaces.add(role);
    const sandbox: RunningPod = { pod, sandboxId, role, interfaces: [] };
    const interfaces: PodInterface[] = [];
    try {
      for (const [index, nadKey] of nadKeysOf(pod).entries()) {
        interfaces.push(await this.#connect(sandbox, nadKey, index, functions.allocate(wanted[index]), signal));
      }
      await this.#tellRunning(pod, interfaces);
      return { ...sandbox, interfaces };
    } catch (error) {
      await this.stopSandbox({ ...sandbox, interfaces });
      throw error;
    }
  }

  /** Runs DEL for each network, newest first, and removes the namespace; the pod stays. */
  async stopSandbox({ role, interfaces }: RunningPod): Promise<void> {
    const { functions, cni } = this.#options;
    for (const { request, device } of [...interfaces].reverse()) {
      await cni.del(request);
      await functions.takeBack(request.function, role, device);
    }
    await functions.namespaces.remove(role);
  }

  /** Deletes the pod as `kubectl delete` and kubelet do together. */
  async stopPod(running: RunningPod): Promise<void> {
    const { namespace, name, uid } = running.pod.metadata;
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
    await this.#options.api.call('DELETE', podPath(namespace, name), { ...options, gracePeriodSeconds: 30 });
    await this.stopSandbox(running);
    await this.#finishDeletion(podPath(namespace, name), { ...options, gracePeriodSeconds: 0 });
  }

  /** Somebody else may have removed it meanwhile, and another of the same name may be there. */
  async #finishDeletion(path: string, options: unknown): Promise<void> {
    await this.#options.api.call('DELETE', path, options).catch((error: unknown) => {
      if (!(error instanceof ApiFailure && [404, 409].includes(error.status))) throw error;
    });
  }

  async #connect(
    { pod, sandboxId, role }: RunningPod,
    nadKey: string,
    index: number,
    own: HostFunction,
    signal: AbortSignal | undefined,
  ): Promise<PodInterface> {
    const { cni, functions, mtu = 1400 } = this.#options;
    const { namespace, name, uid } = pod.metadata;
    const netdev = `eth${own.pf}-${own.vf}`;
    const request: CniRequest = { namespace, name, uid, sandboxId, nadKey, function: own, netdev };
    const device = index === 0 ? 'eth0' : `net${index}`;
    try {
      const { mac_address: mac, ip_addresses: cidrs } = await cni.add(request, signal);
      await functions.lend(own, role, device, { mac, cidrs, mtu });
      return { request, device, mac, cidrs };
    } catch (error) {
      await cni.del(request);
      functions.release(own);
      throw error;
    }
  }

  async #tellRunning({ metadata }: PodObject, interfaces: readonly PodInterface[]): Promise<void> {
    const podIP = interfaces[0]?.cidrs[0]?.replace(/\/.*/, '');
    const addresses = podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] };
    const patch = { metadata: { uid: metadata.uid }, status: { phase: 'Running', ...addresses } };
    await this.#options.api.call('PATCH', `${podPath(metadata.namespace, metadata.name)}/status`, patch, mergePatch);
  }
}
