/**
 * Notices which rights this agent lacks in the host cluster: whatever the API server answered 403 to, until it allows the
 * like. Stands between the adapters and the client of the API, so that nobody else has to keep account. Refuses nothing
 * itself.
 */

import { AgentError } from '../lib/errors.js';
import type { Finding, ObjectRef } from '../model/condition.js';
import type { KubeClient, KubeRequest, KubeResponse, StreamListener } from '../kube/index.js';

/** The part of KubeClient that sends. */
export type KubeSender = Pick<KubeClient, 'request' | 'stream' | 'server'>;

/** The agent has a dozen; a server that calls them by ever new names is not followed. */
const missingMax = 32;

const verbs = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

/** The right that a request needs, as RBAC names it: `patch pods/status`, `get leases.coordination.k8s.io`. */
export function rightOf({ method, path, query }: Pick<KubeRequest, 'method' | 'path' | 'query'>): string {
  const [root = '', ...segments] = path.split('/').filter((segment) => segment !== '');
  const group = root === 'apis' ? segments.shift() : undefined;
  // The version.
  segments.shift();
  if (segments[0] === 'namespaces' && segments.length > 2) segments.splice(0, 2);
  const [resource = '', name, subresource] = segments;
  const verb =
    method !== 'GET' || name !== undefined ? verbs[method] : query?.['watch'] === undefined ? 'list' : 'watch';
  const kind = group === undefined ? resource : `${resource}.${group}`;
  return `${verb} ${kind}${subresource === undefined ? '' : `/${subresource}`}`;
}

export class ClusterRights implements KubeSender {
  readonly #client: KubeSender;
  /** By right, the server's words. */
  readonly #missing = new Map<string, string>();

  constructor(client: KubeSender) {
    this.#client = client;
  }

  get server(): string {
    return this.#client.server;
  }

  /** @throws AgentError as KubeClient */
  async request(request: KubeRequest): Promise<KubeResponse> {
    return this.#watch(request, async () => {
      const response = await this.#client.request(request);
      this.#missing.delete(rightOf(request));
      return response;
    });
  }

  /** @throws AgentError as KubeClient */
  async stream(request: KubeRequest, listener: StreamListener): Promise<void> {
    const onOpen = (dateMs: number | undefined): void => {
      this.#missing.delete(rightOf(request));
      listener.onOpen?.(dateMs);
    };
    const onData: StreamListener['onData'] = (data) => listener.onData(data);
    return this.#watch(request, () => this.#client.stream(request, { onOpen, onData }));
  }

  /** One for each right that is missing. @param object what they are about */
  findings(object: ObjectRef): readonly Finding[] {
    return [...this.#missing].map(([right, words]) => ({
      reason: 'ClusterForbidden',
      object,
      message: `The host cluster does not let this agent ${right}: ${words}`,
      claimants: [],
      remedy: 'Grant it, as deploy/host-cluster/rbac.yaml does for one DPU.',
    }));
  }

  async #watch<T>(request: KubeRequest, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (thrown) {
      if (thrown instanceof AgentError && thrown.code === 'KUBE_FORBIDDEN') this.#note(request, thrown);
      throw thrown;
    }
  }

  #note(request: KubeRequest, error: AgentError): void {
    const right = rightOf(request);
    if (this.#missing.size >= missingMax && !this.#missing.has(right)) return;
    const words = error.facts['message'];
    this.#missing.set(right, typeof words === 'string' ? words : error.message);
  }
}
