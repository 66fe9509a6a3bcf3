/**
 * Stands in for ovnkube-node in mode dpu-host, the half that runs on the host: answers the CNI's verbs by writing
 * connection details and waiting for the DPU's status, exactly as leniently and as hastily as the original does. The
 * original's gaps are left in, since the agent has to live with them.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { HostApi, PodObject } from './host-api.js';
import type { HostFunction } from './host-functions.js';
import type { PodCache } from './pod-cache.js';
import { detailsAnnotation, networksAnnotation, statusAnnotation, type PodNetwork } from './pod-networks.js';

/** One call of the CNI: one network of one sandbox. */
export interface CniRequest {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly sandboxId: string;
  /** `default`, or `ns/nad` and so on. */
  readonly nadKey: string;
  readonly function: HostFunction;
  /** Name of the function's device on the host. */
  readonly netdev: string;
}

/** What ADD fails with; kubelet shows the text in the events of the pod. */
export class CniFailure extends Error {}

export interface DpuHostOptions {
  readonly api: HostApi;
  readonly cache: PodCache;
  readonly node: string;
  /** Namespace of the lease. Without it the feature is off. */
  readonly leaseNamespace?: string;
  /** When the runtime gives ADD up, ms. Default 120000. */
  readonly addMsMax?: number;
}

const pollMs = 200;
/** So often in a row may the pod be missing while ADD waits. */
const missingMax = 5;

interface Lease {
  readonly spec?: { readonly renewTime?: string; readonly leaseDurationSeconds?: number };
}

export class DpuHostStandIn {
  readonly #options: DpuHostOptions;

  constructor(options: DpuHostOptions) {
    this.#options = options;
  }

  /** Makes the lease as the host does when it starts: one free period until the DPU has to renew it. */
  async createLease(durationS = 40): Promise<void> {
    const { api, node } = this.#options;
    const host = (await api.find(`/api/v1/nodes/${node}`)) as
      { readonly metadata: { readonly uid: string } } | undefined;
    const owner = { apiVersion: 'v1', kind: 'Node', name: node, controller: true, blockOwnerDeletion: false };
    const now = microTime(Date.now());
    await api.ensure(this.#leasesPath(), {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: leaseName(node),
        ...(host === undefined ? {} : { ownerReferences: [{ ...owner, uid: host.metadata.uid }] }),
      },
      spec: {
        holderIdentity: 'ovnkube-dpu-node',
        leaseDurationSeconds: durationS,
        acquireTime: now,
        renewTime: now,
      },
    });
  }

  /** CNI STATUS: fails unless the DPU renews its lease. */
  async status(): Promise<void> {
    const { api, node, leaseNamespace } = this.#options;
    if (leaseNamespace === undefined) return;
    const lease = (await api.find(`${this.#leasesPath()}/${leaseName(node)}`)) as Lease | undefined;
    const { renewTime, leaseDurationSeconds } = lease?.spec ?? {};
    const endMs =
      renewTime === undefined || leaseDurationSeconds === undefined
        ? undefined
        : Date.parse(renewTime) + leaseDurationSeconds * 1000;
    if (endMs === undefined) throw new CniFailure('DPU Not Ready: there is no lease');
    if (Date.now() > endMs)
      throw new CniFailure(`DPU Not Ready: the lease expired at ${new Date(endMs).toISOString()}`);
  }

  /** CNI ADD: returns what the pod's interface gets, once the DPU calls it ready; throws CniFailure. */
  async add(request: CniRequest, signal?: AbortSignal): Promise<PodNetwork> {
    await this.status();
    await this.#writeDetails(request);
    return this.#awaitReady(request, signal);
  }

  /** CNI DEL: takes the details back, but for those of another sandbox. */
  async del({ namespace, name, uid, sandboxId, nadKey }: CniRequest): Promise<void> {
    await this.#options.api.annotate(namespace, name, uid, (annotations) => {
      const { [nadKey]: own, ...others } = entriesOf(annotations[detailsAnnotation]);
      if ((own as { readonly sandboxId?: unknown } | undefined)?.sandboxId !== sandboxId) return undefined;
      // Of the default network the whole annotation goes, whatever the others are about.
      return { [detailsAnnotation]: nadKey === 'default' ? null : JSON.stringify(others) };
    });
  }

  async #writeDetails(request: CniRequest): Promise<void> {
    const { namespace, name, uid, sandboxId, nadKey, netdev } = request;
    const { pf, vf } = request.function;
    const details = { pfId: String(pf), vfId: String(vf), sandboxId, vfNetdevName: netdev };
    const written = await this.#options.api.annotate(namespace, name, uid, (annotations) => {
      const all = entriesOf(annotations[detailsAnnotation]);
      return { [detailsAnnotation]: JSON.stringify({ ...all, [nadKey]: details }) };
    });
    if (written === undefined) throw new CniFailure(`pod ${namespace}/${name} is not there`);
  }

  async #awaitReady(request: CniRequest, signal: AbortSignal | undefined): Promise<PodNetwork> {
    const { namespace, name, uid, nadKey } = request;
    const endMs = performance.now() + (this.#options.addMsMax ?? 120_000);
    for (let missing = 0; performance.now() < endMs;) {
      signal?.throwIfAborted();
      const pod = this.#options.cache.find(namespace, name);
      missing = pod === undefined ? missing + 1 : 0;
      if (missing > missingMax) throw new CniFailure(`pod ${namespace}/${name} is gone`);
      if (pod !== undefined && pod.metadata.uid !== uid) throw new CniFailure(`pod ${namespace}/${name} was made anew`);
      const network = pod === undefined ? undefined : readyNetwork(pod, nadKey);
      if (network !== undefined) return network;
      await sleep(pollMs, undefined, signal === undefined ? {} : { signal });
    }
    throw new CniFailure(`timed out: the DPU has not plugged ${namespace}/${name} ${nadKey}`);
  }

  #leasesPath(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.#options.leaseNamespace ?? 'ovn-kubernetes'}/leases`;
  }
}

export const leaseName = (node: string): string => `ovn-dpu-${node}`;

/** Undefined while the answer is not complete. */
function readyNetwork({ metadata }: PodObject, nadKey: string): PodNetwork | undefined {
  const network = entriesOf(metadata.annotations?.[networksAnnotation])[nadKey] as PodNetwork | undefined;
  const status = entriesOf(metadata.annotations?.[statusAnnotation])[nadKey];
  if (network === undefined || status === undefined || status === null) return undefined;
  // Go's decoder takes keys of any letter case.
  const fields = new Map(Object.entries(status).map(([key, value]) => [key.toLowerCase(), String(value)]));
  const text = fields.get('status') ?? 'absent';
  if (text === 'Ready') return network;
  const reason = fields.get('reason');
  throw new CniFailure(`DPU plumb failed: connection status is ${text}${reason === undefined ? '' : ` (${reason})`}`);
}

/** The entries of an annotation; the stand-in's own are never broken, those of attackers count as none. */
function entriesOf(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text ?? '{}') as Readonly<Record<string, unknown>> | null) ?? {};
  } catch {
    return {};
  }
}

/** MicroTime of Kubernetes: six digits after the point. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
