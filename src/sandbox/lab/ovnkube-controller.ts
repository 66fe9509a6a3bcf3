/**
 * Stands in for ovnkube-controller: gives each pod of the node its addresses, by annotation, and its logical ports, in the
 * northbound database. What waits is done in one go, so a burst of pods costs few calls. It routes nothing and knows no
 * policies.
 */

import type { HostApi, PodObject } from './host-api.js';
import type { LogicalPort, OvnLab } from './ovn.js';
import type { PodCache } from './pod-cache.js';
import {
  addressOf,
  logicalPortName,
  nadKeysOf,
  nadOf,
  networksAnnotation,
  podNetworkOf,
  type StandInNetwork,
} from './pod-networks.js';

export const defaultNetwork: StandInNetwork = { nad: 'default', switchName: 'node1', prefix: '10.244' };

export interface OvnkubeControllerOptions {
  readonly api: HostApi;
  readonly cache: PodCache;
  /** Without it pods get addresses and no logical ports. */
  readonly ovn?: OvnLab;
  /** Default: the default network alone. */
  readonly networks?: readonly StandInNetwork[];
}

/** The pod's part in one network. */
interface Member {
  readonly nadKey: string;
  readonly network: StandInNetwork;
  readonly host: number;
}

interface Known {
  readonly pod: PodObject;
  readonly members: readonly Member[];
}

export class OvnkubeControllerStandIn {
  readonly #options: OvnkubeControllerOptions;
  readonly #networks: ReadonlyMap<string, StandInNetwork>;
  readonly #known = new Map<string, Known>();
  /** Host numbers in use, by network. */
  readonly #used = new Map<string, Set<number>>();
  readonly #failures: unknown[] = [];
  #added: Known[] = [];
  #removed: Known[] = [];
  #working: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: OvnkubeControllerOptions) {
    this.#options = options;
    this.#networks = new Map((options.networks ?? [defaultNetwork]).map((network) => [network.nad, network]));
  }

  /** Makes the switches, then looks after the pods that the cache has and will have. */
  async start(): Promise<void> {
    for (const { switchName } of this.#networks.values()) await this.#options.ovn?.addSwitch(switchName);
    const { cache } = this.#options;
    cache.onPod((pod, isGone) => this.#see(pod, isGone));
    for (const pod of cache.pods) this.#see(pod, false);
  }

  /** What went wrong; tests want it empty. */
  get failures(): readonly unknown[] {
    return this.#failures;
  }

  /** Finishes what it is doing, and does nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#working;
  }

  #see(pod: PodObject, isGone: boolean): void {
    if (this.#isClosed || pod.spec?.hostNetwork === true) return;
    const known = this.#known.get(pod.metadata.uid);
    if (isGone) {
      if (known === undefined) return;
      this.#known.delete(pod.metadata.uid);
      this.#removed.push(known);
    } else if (known === undefined) {
      const fresh = { pod, members: this.#membersOf(pod) };
      this.#known.set(pod.metadata.uid, fresh);
      this.#added.push(fresh);
    }
    this.#working ??= this.#work();
  }

  #membersOf(pod: PodObject): readonly Member[] {
    return nadKeysOf(pod).flatMap((nadKey) => {
      const network = this.#networks.get(nadOf(nadKey));
      return network === undefined ? [] : [{ nadKey, network, host: this.#takeHost(network) }];
    });
  }

  /** The gateway is number 1. */
  #takeHost({ nad }: StandInNetwork): number {
    const used = this.#used.get(nad) ?? new Set<number>();
    this.#used.set(nad, used);
    let host = 2;
    while (used.has(host)) host += 1;
    used.add(host);
    return host;
  }

  async #work(): Promise<void> {
    // What comes in the same turn is done together.
    await Promise.resolve();
    while (this.#added.length + this.#removed.length > 0) {
      const [added, removed] = [this.#added.splice(0), this.#removed.splice(0)];
      await Promise.all([this.#changePorts(added, removed), ...added.map((known) => this.#annotate(known))]).catch(
        (error: unknown) => this.#failures.push(error),
      );
    }
    this.#working = undefined;
  }

  async #changePorts(added: readonly Known[], removed: readonly Known[]): Promise<void> {
    const { ovn } = this.#options;
    // A pod that was made anew has the port of its predecessor: remove first.
    await ovn?.removePorts(removed.flatMap(portsOf).map(({ name }) => name));
    for (const { members } of removed) {
      for (const { network, host } of members) this.#used.get(network.nad)?.delete(host);
    }
    await ovn?.addPorts(added.flatMap(portsOf));
  }

  async #annotate({ pod, members }: Known): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const entries = members.map(({ nadKey, network, host }) => [nadKey, podNetworkOf(network, host)] as const);
    const text = JSON.stringify(Object.fromEntries(entries));
    await this.#options.api.annotate(namespace, name, uid, () => ({ [networksAnnotation]: text }));
  }
}

function portsOf({ pod, members }: Known): readonly LogicalPort[] {
  return members.map(({ nadKey, network, host }) => {
    const { ip, mac } = addressOf(network, host);
    const name = logicalPortName(nadKey, pod.metadata);
    return { name, switchName: network.switchName, mac, ips: [ip], podUid: pod.metadata.uid };
  });
}
