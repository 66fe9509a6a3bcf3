/**
 * The API server over plain HTTP through `kubectl proxy`: exact statuses, bodies and watch events, whoever the server is
 * and however one shows oneself to it.
 */

import type { Daemon } from '../../src/sandbox/lab/daemon.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import type { KubeList, KubeObject, KubeStatus } from './kube-object.js';
import type { Kubectl } from './kubectl.js';

export const contentTypes = {
  json: 'application/json',
  jsonPatch: 'application/json-patch+json',
  mergePatch: 'application/merge-patch+json',
} as const;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly date: string | null;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

/** The events of one watch, gathered in the background until it ends. */
export class Watch implements AsyncDisposable {
  readonly events: WatchEvent[] = [];
  readonly #abort = new AbortController();
  readonly #reading: Promise<void>;
  #isEnded = false;
  /** The HTTP status; undefined before the answer. */
  status: number | undefined;

  constructor(url: string) {
    this.#reading = this.#read(url).catch((error: unknown) => {
      if (!this.#abort.signal.aborted) throw error;
    });
    // Who waits for the end sees the failure; who does not must not be ended by it.
    this.#reading.catch(() => undefined);
  }

  /** The server has ended it. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  async #read(url: string): Promise<void> {
    const answer = await fetch(url, { signal: this.#abort.signal });
    this.status = answer.status;
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((entry) => entry !== '')) this.#take(JSON.parse(line));
    }
    // A refusal is one object without a newline.
    if (rest !== '') this.#take(JSON.parse(rest));
    this.#isEnded = true;
  }

  #take(value: unknown): void {
    const isRefusal = this.status !== 200;
    this.events.push((isRefusal ? { type: 'ERROR', object: value } : value) as WatchEvent);
  }

  /** Waits for the first event that fits. */
  find(test: (event: WatchEvent) => boolean, what: string, waitMsMax = 30_000): Promise<WatchEvent> {
    return eventually(() => this.events.find(test), `the watch tells of ${what}`, waitMsMax);
  }

  /** Waits until the server ends it. */
  end(): Promise<void> {
    return this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reading;
  }
}

export class RawApi implements AsyncDisposable {
  readonly #url: string;
  readonly #proxy: Daemon;

  private constructor(url: string, proxy: Daemon) {
    this.#url = url;
    this.#proxy = proxy;
  }

  static async open(kubectl: Kubectl): Promise<RawApi> {
    const { url, daemon } = await kubectl.proxy();
    return new RawApi(url, daemon);
  }

  async call(method: string, path: string, body?: unknown, contentType: string = contentTypes.json): Promise<Answer> {
    const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': contentType } };
    const answer = await fetch(this.#url + path, { method, ...init, signal: AbortSignal.timeout(60_000) });
    const text = await answer.text();
    return { status: answer.status, body: parsed(text), date: answer.headers.get('date') };
  }

  /** The object of a call that has to succeed. */
  async object(method: string, path: string, body?: unknown, contentType?: string): Promise<KubeObject> {
    const answer = await this.call(method, path, body, contentType);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as KubeObject;
  }

  /** Status code and reason of a refusal. */
  async refusal(method: string, path: string, body?: unknown, contentType?: string): Promise<readonly unknown[]> {
    const answer = await this.call(method, path, body, contentType);
    return [answer.status, (answer.body as Partial<KubeStatus> | undefined)?.reason];
  }

  async list(path: string): Promise<KubeList> {
    return (await this.object('GET', path)) as unknown as KubeList;
  }

  /** The object, or undefined where there is none. */
  async find(path: string): Promise<KubeObject | undefined> {
    const answer = await this.call('GET', path);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as KubeObject;
  }

  /** @param query besides `watch=true` */
  watch(path: string, query: Readonly<Record<string, string>>): Watch {
    const search = new URLSearchParams({ watch: 'true', ...query });
    return new Watch(`${this.#url}${path}?${search.toString()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy.stop('SIGTERM');
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
