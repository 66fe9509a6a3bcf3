/**
 * The pods of one node as the stand-ins of the host's side see them: listed once, then watched, listed again whenever the
 * watch ends. One cache serves them all, as the informers of a real node do.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { HostApi, PodObject } from './host-api.js';

/** `pod` is the last that was seen of it where it is gone. */
export type PodListener = (pod: PodObject, isGone: boolean) => void;

const retryMs = 100;

export class PodCache {
  readonly #api: HostApi;
  readonly #node: string;
  readonly #pods = new Map<string, PodObject>();
  readonly #listeners = new Set<PodListener>();
  readonly #abort = new AbortController();
  readonly #failures: unknown[] = [];
  #running: Promise<void> | undefined;

  constructor(api: HostApi, node: string) {
    this.#api = api;
    this.#node = node;
  }

  /** Returns when the pods have been listed once. */
  async start(): Promise<void> {
    const first = await this.#list();
    this.#running = this.#watch(first);
  }

  /** The incarnation that is there now. */
  find(namespace: string, name: string): PodObject | undefined {
    for (const pod of this.#pods.values()) {
      if (pod.metadata.namespace === namespace && pod.metadata.name === name) return pod;
    }
    return undefined;
  }

  get pods(): readonly PodObject[] {
    return [...this.#pods.values()];
  }

  /** What went wrong lately; the cache goes on trying. */
  get failures(): readonly unknown[] {
    return this.#failures;
  }

  onPod(listener: PodListener): void {
    this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #list(): Promise<string> {
    const { items, resourceVersion } = await this.#api.listPods(this.#node);
    const listed = new Set(items.map(({ metadata }) => metadata.uid));
    for (const pod of this.pods) if (!listed.has(pod.metadata.uid)) this.#remove(pod);
    for (const pod of items) this.#put(pod);
    return resourceVersion;
  }

  async #watch(first: string): Promise<void> {
    const { signal } = this.#abort;
    const isClosed = (): boolean => signal.aborted;
    let version: string | undefined = first;
    while (!isClosed()) {
      try {
        version ??= await this.#list();
        for await (const { type, object } of this.#api.watchPods(this.#node, version, signal)) {
          if (type === 'ERROR') break;
          version = object.metadata.resourceVersion;
          if (type === 'DELETED') this.#remove(object);
          else if (type !== 'BOOKMARK') this.#put(object);
        }
      } catch (error) {
        if (isClosed()) return;
        if (this.#failures.push(error) > 100) this.#failures.shift();
        await sleep(retryMs);
      }
      version = undefined;
    }
  }

  #put(pod: PodObject): void {
    this.#pods.set(pod.metadata.uid, pod);
    for (const listener of this.#listeners) listener(pod, false);
  }

  #remove(pod: PodObject): void {
    if (!this.#pods.delete(pod.metadata.uid)) return;
    for (const listener of this.#listeners) listener(pod, true);
  }
}
