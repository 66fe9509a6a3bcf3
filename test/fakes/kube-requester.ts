/** A Kubernetes client without a network: a test answers each request, or refuses it with a Status as a server would. */

import type { KubeRequester } from '../../src/adapters/cluster-request.js';
import type { KubeRequest, KubeResponse, StreamListener } from '../../src/kube/index.js';
import { AgentError } from '../../src/lib/errors.js';
import { serverError } from '../../src/kube/server-error.js';

export interface FakeAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly dateMs?: number | undefined;
  readonly retryAfterMs?: number;
}

export type Answering = (request: KubeRequest) => FakeAnswer | Promise<FakeAnswer>;

export class FakeRequester implements KubeRequester {
  readonly requests: KubeRequest[] = [];
  answer: Answering;

  constructor(answer: Answering) {
    this.answer = answer;
  }

  async request(request: KubeRequest): Promise<KubeResponse> {
    // As it goes over the wire: without members that are undefined, and not changed afterwards.
    const body: unknown = request.body === undefined ? undefined : JSON.parse(JSON.stringify(request.body));
    const sent = { ...request, body };
    this.requests.push(sent);
    const { status, body: answered, dateMs, retryAfterMs } = await this.answer(sent);
    if (status >= 200 && status < 300) return { status, body: answered, dateMs };
    throw serverError({ status, body: answered, method: request.method, path: request.path, retryAfterMs });
  }
}

/** The Status object of a refusal. */
export function refusal(status: number, reason: string, message: string): FakeAnswer {
  return { status, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code: status } };
}

/** Lets everything run that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The same with watches, which stay open until the client gives them up or the test ends them. */
export class FakeCluster extends FakeRequester {
  readonly server = 'https://fake:6443';
  readonly #watches = new Map<StreamListener, { readonly path: string; readonly end: () => void }>();
  readonly watched: KubeRequest[] = [];

  stream(request: KubeRequest, listener: StreamListener): Promise<void> {
    this.watched.push(request);
    return new Promise((resolve, reject) => {
      this.#watches.set(listener, { path: request.path, end: resolve });
      request.signal?.addEventListener('abort', () => {
        this.#watches.delete(listener);
        reject(new AgentError('ABORTED_IN_FLIGHT', 'the request was given up after it was sent'));
      });
      listener.onOpen?.(undefined);
    });
  }

  get watchCount(): number {
    return this.#watches.size;
  }

  /** An event for every watch. */
  emit(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', object: unknown): void {
    for (const listener of this.#watches.keys()) listener.onData(Buffer.from(`${JSON.stringify({ type, object })}\n`));
  }

  /** Ends every watch in good order. */
  endWatches(): void {
    for (const { end } of this.#watches.values()) end();
    this.#watches.clear();
  }
}

/** A list as the API server answers it. */
export function listOf(items: readonly unknown[], resourceVersion: string): FakeAnswer {
  return { status: 200, body: { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion }, items } };
}
