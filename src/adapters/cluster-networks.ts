/**
 * The NetworkAttachmentDefinitions of the host cluster: the name and MTU of each network, for pods with more than the
 * default one. They are listed and watched only once somebody has asked; a cluster that does not know the kind has none.
 */

import type { ClusterState, NetworkSource } from '../agent/attach-ports.js';
import type { Unsubscribe } from '../agent/ports.js';
import { parseNetworkDefinition } from '../attach/network-definition.js';
import type { NetworkDefinition } from '../attach/network-definition.js';
import type { NetworkLookup } from '../attach/network-lookup.js';
import { isNamespaceName, isObjectName } from '../attach/nad-key.js';
import type { Clock, Timer } from '../lib/clock.js';
import { identityOf, member, Reflector, resourcePath, textMember } from '../kube/index.js';
import type { ObjectView, ReflectorOptions } from '../kube/index.js';
import { clusterState } from './cluster-state.js';

export interface ClusterNetworksOptions {
  readonly client: ReflectorOptions<unknown>['client'];
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** One definition, as it is kept. */
interface NetworkView {
  readonly key: string;
  readonly definition: NetworkDefinition | 'invalid';
}

/** Pause between two looks whether the cluster knows the kind by now, ms. */
const absentRetryMs = 300_000;

export class ClusterNetworks implements NetworkSource {
  readonly #options: ClusterNetworksOptions;
  readonly #listeners = new Set<() => void>();
  #reflector: Reflector<NetworkView> | undefined;
  /** By `<namespace>/<name>`; made anew after a change. */
  #index: ReadonlyMap<string, NetworkDefinition | 'invalid'> | undefined;
  /** The cluster said that it does not know the kind. */
  #isKindAbsent = false;
  #retry: Timer | undefined;
  #isClosed = false;
  #closing: Promise<void> = Promise.resolve();

  /** Reads nothing before the first `find`. */
  constructor(options: ClusterNetworksOptions) {
    this.#options = options;
  }

  readonly find: NetworkLookup = (namespace, name) => {
    this.#start();
    if (this.#reflector?.isListed !== true) return this.#isKindAbsent ? 'absent' : 'pending';
    this.#index ??= new Map([...this.#reflector.items().values()].map(({ key, definition }) => [key, definition]));
    return this.#index.get(`${namespace}/${name}`) ?? 'absent';
  };

  /** How reading goes; undefined while nobody has asked for a network. */
  state(): ClusterState | undefined {
    const { server } = this.#options.client;
    if (this.#reflector === undefined) return this.#isKindAbsent ? { kind: 'synced', server } : undefined;
    return clusterState(this.#reflector.state(), server);
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#stop();
    await this.#closing;
  }

  #start(): void {
    if (this.#reflector !== undefined || this.#retry !== undefined || this.#isClosed) return;
    const reflector = new Reflector<NetworkView>({
      ...this.#options,
      path: resourcePath({ api: 'k8s.cni.cncf.io/v1', resource: 'network-attachment-definitions' }),
      view: viewOf,
    });
    this.#reflector = reflector;
    reflector.onChange(() => {
      if (reflector === this.#reflector) this.#take(reflector);
    });
    reflector.start();
  }

  #take(reflector: Reflector<NetworkView>): void {
    this.#index = undefined;
    if (reflector.isListed) this.#isKindAbsent = false;
    // Once listed, a 404 is no answer: an API server that starts has not installed every kind yet.
    else if (reflector.state().lastError?.code === 'KUBE_NOT_FOUND') this.#rest();
    for (const listener of this.#listeners) listener();
  }

  /** Asks again much later: kinds are installed rarely, and every pod has its default network without this one. */
  #rest(): void {
    this.#isKindAbsent = true;
    this.#stop();
    this.#retry = this.#options.clock.after(absentRetryMs, () => {
      this.#retry = undefined;
      this.#start();
    });
  }

  #stop(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    const reflector = this.#reflector;
    this.#reflector = undefined;
    if (reflector !== undefined) this.#closing = this.#closing.then(() => reflector.close());
  }
}

function viewOf(object: unknown): ObjectView<NetworkView> | undefined {
  const identity = identityOf(object);
  const namespace = textMember(member(object, 'metadata'), 'namespace') ?? '';
  const name = textMember(member(object, 'metadata'), 'name') ?? '';
  if (identity === undefined || !isNamespaceName(namespace) || !isObjectName(name)) return undefined;
  const definition = parseNetworkDefinition(textMember(member(object, 'spec'), 'config')) ?? 'invalid';
  return { ...identity, value: { key: `${namespace}/${name}`, definition } };
}
