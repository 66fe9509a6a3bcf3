/**
 * The pods of one host node, as the API server of the host cluster shows them, for the loop of the attachments. A list and
 * watch restricted to the node; of each pod only what the agent looks at is kept. The node's name may become known late, or
 * change: then the pods of the former node are not taken for gone, but nothing is known until the new list is complete.
 */

import type { SessionTelemetry } from '../agent/api-view.js';
import type { ClusterState, PodSnapshot, PodSource } from '../agent/attach-ports.js';
import type { Unsubscribe } from '../agent/ports.js';
import { isObjectName } from '../attach/nad-key.js';
import { podViewOf } from '../attach/pod-view.js';
import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import type { PodView } from '../model/pod.js';
import { Reflector, resourcePath } from '../kube/index.js';
import type { ReflectorOptions } from '../kube/index.js';
import { clusterState } from './cluster-state.js';

export interface ClusterPodsOptions {
  readonly client: ReflectorOptions<unknown>['client'];
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** The host node, where the configuration names it; else it is told later. */
  readonly nodeName?: string | undefined;
}

export class ClusterPods implements PodSource {
  readonly #options: ClusterPodsOptions;
  readonly #listeners = new Set<() => void>();
  readonly #closing = new Set<Promise<void>>();
  #nodeName: string | undefined;
  /** Why there is no usable name of the node. */
  #nameProblem = 'the name of the host node is not known yet';
  #reflector: Reflector<PodView> | undefined;
  /** Of the last look: what the reflector holds changes in place, and whoever plans with it may wait in between. */
  #snapshot: PodSnapshot | undefined;
  #isClosed = false;

  /** Reads nothing before `start`, nor before the name of the node is known. */
  constructor(options: ClusterPodsOptions) {
    this.#options = options;
  }

  start(): void {
    const { nodeName } = this.#options;
    if (nodeName !== undefined) this.#follow(nodeName);
  }

  /** What the host node is called, when the configuration does not say; the same name again changes nothing. */
  setNodeName(name: string): void {
    if (this.#options.nodeName === undefined) this.#follow(name);
  }

  nodeName(): string | undefined {
    return this.#nodeName;
  }

  state(): ClusterState {
    const { server } = this.#options.client;
    if (this.#reflector === undefined) {
      return { kind: 'connecting', server, message: this.#nameProblem, code: undefined };
    }
    return clusterState(this.#reflector.state(), server);
  }

  /** The list and watch of the pods, for metrics; none before the node's name is known. */
  sessions(): readonly SessionTelemetry[] {
    if (this.#reflector === undefined) return [];
    const { lists, watches, errors } = this.#reflector.stats();
    const failures = [...errors.values()].reduce((sum, count) => sum + count, 0);
    const isUp = this.#reflector.state().kind === 'synced';
    return [{ protocol: 'kube', peer: 'pods', isUp, connects: Math.max(lists, watches), failures }];
  }

  snapshot(): PodSnapshot | undefined {
    const reflector = this.#reflector;
    if (reflector?.isListed !== true) return undefined;
    this.#snapshot ??= { pods: new Map(reflector.items()), deleted: new Set(reflector.deleted) };
    return this.#snapshot;
  }

  /** Takes over a pod as a write returned it. */
  accept(pod: unknown): void {
    this.#reflector?.accept(pod);
    this.#snapshot = undefined;
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#drop();
    await Promise.all(this.#closing);
  }

  #follow(nodeName: string): void {
    if (this.#isClosed || nodeName === this.#nodeName) return;
    this.#drop();
    this.#nodeName = isObjectName(nodeName) ? nodeName : undefined;
    if (this.#nodeName === undefined) {
      this.#nameProblem = `the name of the host node is none that a node can have: ${safeText(nodeName, 64)}`;
      this.#tell();
      return;
    }
    const reflector = this.#reflect(nodeName);
    this.#reflector = reflector;
    reflector.onChange(() => {
      if (reflector === this.#reflector) this.#tell();
    });
    reflector.start();
    this.#tell();
  }

  #reflect(nodeName: string): Reflector<PodView> {
    const { client, clock, random } = this.#options;
    return new Reflector<PodView>({
      client,
      clock,
      random,
      path: resourcePath({ api: 'v1', resource: 'pods' }),
      query: { fieldSelector: `spec.nodeName=${nodeName}` },
      view: (object) => {
        const pod = podViewOf(object);
        // A server that ignores the selector must not make this DPU plug the pods of another node.
        if (pod?.nodeName !== nodeName) return undefined;
        return { uid: pod.uid, resourceVersion: pod.resourceVersion, value: pod };
      },
    });
  }

  #drop(): void {
    const reflector = this.#reflector;
    this.#snapshot = undefined;
    this.#reflector = undefined;
    if (reflector === undefined) return;
    const closing = reflector.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #tell(): void {
    this.#snapshot = undefined;
    for (const listener of this.#listeners) listener();
  }
}
