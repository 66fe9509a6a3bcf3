/**
 * An API server without sockets, as a reflector's client: the truth about a collection, and every way to keep it from being
 * told. Time is the test's. It behaves as kube-apiserver where that is inconvenient: a watch from a version that the server
 * has not reached is accepted and says nothing until it has.
 */

import type { KubeRequest, KubeResponse, StreamListener } from '../../src/kube/client.js';
import { serverError } from '../../src/kube/server-error.js';
import type { Clock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import type { ErrorCode } from '../../src/lib/errors.js';

interface ModelObject {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
  readonly text: string;
}

interface Watcher {
  readonly from: number;
  readonly listener: StreamListener;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
  isMute: boolean;
}

export class ModelCluster {
  readonly server = 'model';
  objects = new Map<string, ModelObject>();
  #events: { readonly version: number; readonly line: string }[] = [];
  #version = 10;
  #compacted = 0;
  readonly #watchers = new Set<Watcher>();
  /** The next requests fail so. */
  readonly failures: (ErrorCode | number)[] = [];
  /** New watches are accepted and never served. */
  isMute = false;
  readonly #clock: Clock;
  /** Another number: what was under way before ended with the server. */
  #epoch = 0;
  #isAway = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(uid: string, text: string): void {
    this.#version += 1;
    const isNew = !this.objects.has(uid);
    const object = { metadata: { uid, resourceVersion: String(this.#version) }, text };
    this.objects.set(uid, object);
    this.#tell(isNew ? 'ADDED' : 'MODIFIED', object);
  }

  delete(uid: string): void {
    const object = this.objects.get(uid);
    if (object === undefined) return;
    this.#version += 1;
    this.objects.delete(uid);
    this.#tell('DELETED', { ...object, metadata: { uid, resourceVersion: String(this.#version) } });
  }

  bookmark(): void {
    const line = JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(this.#version) } } });
    for (const watcher of [...this.#watchers]) if (watcher.from <= this.#version) send(watcher, `${line}\n`);
  }

  garbage(text: string): void {
    for (const watcher of [...this.#watchers]) send(watcher, text);
  }

  compact(): void {
    this.#compacted = this.#version;
    this.#events = [];
  }

  /** Back to a backup: everything that happened since never did. The server is away for at least one request. */
  restore(version: number, objects: ReadonlyMap<string, ModelObject>): void {
    this.cut();
    this.#epoch += 1;
    this.#isAway = true;
    this.#version = version;
    this.#compacted = 0;
    this.#events = [];
    this.objects = new Map(objects);
  }

  get version(): number {
    return this.#version;
  }

  /** Connections go without a word; their ends are noticed by nobody. */
  mute(): void {
    for (const watcher of this.#watchers) watcher.isMute = true;
  }

  cut(): void {
    for (const { fail } of [...this.#watchers]) fail(new AgentError('CONNECTION_LOST', 'cut'));
  }

  endWatches(): void {
    for (const { end } of [...this.#watchers]) end();
  }

  async request({ query, signal }: KubeRequest): Promise<KubeResponse> {
    await this.#refuse(signal);
    const [version = String(this.#version), skip = '0'] = (query?.['continue'] ?? '').split('.').filter(Boolean);
    if (Number(version) < this.#compacted || Number(version) > this.#version) throw statusError(410);
    const all = [...this.objects.values()];
    const end = Number(skip) + Number(query?.['limit']);
    // Pages of one list are of one version: a server with history answers so, this one gives up when there was a change.
    if (Number(version) !== this.#version) throw statusError(410);
    const more = end < all.length ? { continue: `${version}.${end}` } : {};
    const body = { metadata: { resourceVersion: version, ...more }, items: all.slice(Number(skip), end) };
    return { status: 200, body, dateMs: undefined };
  }

  async stream({ query, signal }: KubeRequest, listener: StreamListener): Promise<void> {
    await this.#refuse(signal);
    const from = Number(query?.['resourceVersion']);
    if (from < this.#compacted) throw statusError(410);
    listener.onOpen?.(undefined);
    await new Promise<void>((resolve, reject) => {
      const watcher: Watcher = {
        from,
        listener,
        isMute: this.isMute,
        end: () => {
          this.#watchers.delete(watcher);
          resolve();
        },
        fail: (error) => {
          this.#watchers.delete(watcher);
          reject(error);
        },
      };
      signal?.addEventListener('abort', () => watcher.fail(new AgentError('ABORTED_IN_FLIGHT', 'given up')));
      this.#watchers.add(watcher);
      for (const { version, line } of this.#events) if (version > from) send(watcher, `${line}\n`);
      const endMs = Number(query?.['timeoutSeconds']) * 1000;
      this.#clock.after(endMs, () => {
        if (!watcher.isMute) watcher.end();
      });
    });
  }

  /** A turn of the loop, as every request takes, and perhaps a failure. */
  async #refuse(signal: AbortSignal | undefined): Promise<void> {
    const epoch = this.#epoch;
    await Promise.resolve();
    signal?.throwIfAborted();
    if (epoch !== this.#epoch) throw new AgentError('CONNECTION_LOST', 'the server ended');
    if (this.#isAway) {
      this.#isAway = false;
      throw new AgentError('CONNECT_FAILED', 'the server is away');
    }
    const failure = this.failures.shift();
    if (failure === undefined) return;
    throw typeof failure === 'number' ? statusError(failure) : new AgentError(failure, 'as ordered');
  }

  #tell(type: string, object: ModelObject): void {
    const version = this.#version;
    const line = JSON.stringify({ type, object });
    this.#events.push({ version, line });
    for (const watcher of [...this.#watchers]) if (version > watcher.from) send(watcher, `${line}\n`);
  }
}

function statusError(status: number): AgentError {
  return serverError({ status, body: undefined, method: 'GET', path: '/model' });
}

/** What the listener throws ends the stream, as in the real client. */
function send(watcher: Watcher, text: string): void {
  if (watcher.isMute) return;
  try {
    watcher.listener.onData(Buffer.from(text));
  } catch (error) {
    watcher.fail(error instanceof Error ? error : new Error(String(error)));
  }
}
