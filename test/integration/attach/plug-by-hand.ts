/**
 * The DPU's half as simple as can be, in place of the agent: ovs-vsctl for each pod, and a status as soon as OVN calls the
 * port installed. Lets the stand-ins of the host's side be tested on their own.
 */

import { eventually } from '../../../src/sandbox/lab/daemon.js';
import type { HostApi, PodObject } from '../../../src/sandbox/lab/host-api.js';
import type { HostFunctions } from '../../../src/sandbox/lab/host-functions.js';
import type { OvsLab } from '../../../src/sandbox/lab/ovs.js';
import type { PodCache } from '../../../src/sandbox/lab/pod-cache.js';
import {
  detailsAnnotation,
  logicalPortName,
  networksAnnotation,
  statusAnnotation,
} from '../../../src/sandbox/lab/pod-networks.js';

interface Details {
  readonly pfId: string;
  readonly vfId: string;
  readonly sandboxId: string;
}

type Entries<T> = Readonly<Record<string, T>>;

const entriesOf = <T>({ metadata }: PodObject, key: string): Entries<T> =>
  JSON.parse(metadata.annotations?.[key] ?? '{}') as Entries<T>;

export class PlugByHand implements AsyncDisposable {
  readonly #api: HostApi;
  readonly #ovs: OvsLab;
  readonly #functions: HostFunctions;
  /** Representors of the attachments that were begun, by pod and network. */
  readonly #begun = new Map<string, string>();
  /** One after the other. */
  #work: Promise<void> = Promise.resolve();
  readonly failures: unknown[] = [];
  /** Looks away from new pods. */
  isIdle = false;

  constructor(api: HostApi, cache: PodCache, ovs: OvsLab, functions: HostFunctions) {
    this.#api = api;
    this.#ovs = ovs;
    this.#functions = functions;
    cache.onPod((pod, isGone) => this.#see(pod, isGone));
  }

  /** Returns when everything that was begun is done. */
  async finished(): Promise<void> {
    await this.#work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finished();
  }

  #see(pod: PodObject, isGone: boolean): void {
    const details = isGone ? {} : entriesOf<Details>(pod, detailsAnnotation);
    const networks = entriesOf(pod, networksAnnotation);
    for (const [nadKey, { pfId, vfId, sandboxId }] of Object.entries(details)) {
      const key = `${pod.metadata.uid}|${nadKey}`;
      if (this.isIdle || this.#begun.has(key) || !(nadKey in networks)) continue;
      const name = `rep${pfId}-${vfId}`;
      this.#begun.set(key, name);
      this.#later(() => this.#plug(pod, nadKey, name, sandboxId));
    }
    for (const [key, name] of this.#begun) {
      const [uid, nadKey = ''] = key.split('|');
      if (uid !== pod.metadata.uid || nadKey in details) continue;
      this.#begun.delete(key);
      this.#later(() => this.#unplug(pod, nadKey, name, isGone));
    }
  }

  #later(job: () => Promise<void>): void {
    this.#work = this.#work.then(job).catch((error: unknown) => {
      this.failures.push(error);
    });
  }

  async #plug(pod: PodObject, nadKey: string, name: string, sandbox: string): Promise<void> {
    const ids = { 'iface-id': logicalPortName(nadKey, pod.metadata), 'iface-id-ver': pod.metadata.uid, sandbox };
    const pairs = Object.entries(ids).map(([key, value]) => `external_ids:${key}="${value}"`);
    await this.#ovs.vsctl('--may-exist', 'add-port', 'br-int', name, '--', 'set', 'Interface', name, ...pairs);
    await this.#functions.namespaces.links('dpu', `link set ${name} up`);
    await eventually(async () => {
      const text = await this.#ovs.vsctl('--if-exists', 'get', 'Interface', name, 'external_ids:ovn-installed');
      return text.trim() === '"true"';
    }, `ovn-installed of ${name}`);
    await this.#tell(pod, (all) => ({ ...all, [nadKey]: { Status: 'Ready' } }));
  }

  async #unplug(pod: PodObject, nadKey: string, name: string, isGone: boolean): Promise<void> {
    await this.#ovs.vsctl('--if-exists', 'del-port', 'br-int', name);
    if (!isGone) await this.#tell(pod, ({ [nadKey]: _own, ...others }) => others);
  }

  async #tell({ metadata }: PodObject, change: (all: Entries<unknown>) => Entries<unknown>): Promise<void> {
    const { namespace, name, uid } = metadata;
    await this.#api.annotate(namespace, name, uid, (annotations) => {
      const all = JSON.parse(annotations[statusAnnotation] ?? '{}') as Entries<unknown>;
      return { [statusAnnotation]: JSON.stringify(change(all)) };
    });
  }
}
