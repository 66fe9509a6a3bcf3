/** Watches the pods of the host cluster as the host's side does, and notes when each was told that it is ready. */
import type { HostApi, PodObject } from '../../src/sandbox/lab/host-api.js';
import { statusAnnotation } from '../../src/sandbox/lab/pod-networks.js';
import { Waiters } from '../waiters.js';

const isReady = (text: string): boolean => /"Status":"Ready"/.test(text);

export class StatusWatch implements AsyncDisposable {
  /** By name of the pod, while its status is Ready: since when, by `performance.now()`. */
  readonly readyMs = new Map<string, number>();
  /** Pods that have any status. */
  readonly told = new Set<string>();
  readonly waiters = new Waiters('in the pods');
  readonly #abort = new AbortController();
  readonly #reading: Promise<void>;

  private constructor(api: HostApi, node: string, version: string) {
    this.#reading = this.#read(api, node, version);
    this.#reading.catch((error: unknown) => this.waiters.fail(error));
  }

  static async open(api: HostApi, node: string): Promise<StatusWatch> {
    const { items, resourceVersion } = await api.listPods(node);
    const watch = new StatusWatch(api, node, resourceVersion);
    for (const pod of items) watch.#note(pod);
    return watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reading.catch(() => undefined);
  }

  async #read(api: HostApi, node: string, version: string): Promise<void> {
    for await (const { object } of api.watchPods(node, version, this.#abort.signal)) {
      this.#note(object);
      this.waiters.look();
    }
    if (!this.#abort.signal.aborted) throw new Error('the watch of the bench ended');
  }

  #note({ metadata }: PodObject): void {
    const { name } = metadata;
    const text = metadata.annotations?.[statusAnnotation] ?? '{}';
    if (text === '{}') this.told.delete(name);
    else this.told.add(name);
    if (!isReady(text)) this.readyMs.delete(name);
    else if (!this.readyMs.has(name)) this.readyMs.set(name, performance.now());
  }
}
