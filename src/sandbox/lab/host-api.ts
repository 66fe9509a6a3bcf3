/**
 * The Kubernetes API as the stand-ins of the host's side use it: plain HTTP, nothing shared with the client of the agent,
 * so that the two cannot be wrong in the same way. For a real cluster, put `kubectl proxy` in between.
 */

import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { text as textOf } from 'node:stream/consumers';

/** What of a pod the stand-ins look at. */
export interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: { readonly nodeName?: string; readonly hostNetwork?: boolean };
  readonly status?: { readonly phase?: string };
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: PodObject;
}

/** An answer that is no success. */
export class ApiFailure extends Error {
  readonly status: number;

  constructor(call: string, status: number, message: string) {
    super(`${call}: ${status} ${message}`);
    this.status = status;
  }
}

export interface HostApiOptions {
  /** Such as `http://127.0.0.1:8001`. */
  readonly server: string;
  readonly token?: string;
  /** Certificate of the authority of an https server, PEM. */
  readonly ca?: string | undefined;
}

/** Calls of a burst wait for one another. */
const callMsMax = 60_000;

/** Connections for calls; each watch has one of its own besides. */
const socketsMax = 16;
const attemptsMax = 10;

export const mergePatch = 'application/merge-patch+json';

/** Null removes the key. */
export type AnnotationChanges = Readonly<Record<string, string | null>>;

export class HostApi {
  readonly #server: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: http.Agent;
  readonly #watchAgent: http.Agent;
  readonly #send: typeof http.request;

  constructor({ server, token, ca }: HostApiOptions) {
    this.#server = server.replace(/\/$/, '');
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const isTls = server.startsWith('https:');
    this.#send = isTls ? https.request : http.request;
    const options = { keepAlive: true, maxSockets: socketsMax, ca };
    this.#agent = isTls ? new https.Agent(options) : new http.Agent(options);
    this.#watchAgent = isTls ? new https.Agent({ ca }) : new http.Agent();
  }

  /** Sends one request and returns the answer's JSON; throws ApiFailure for every status but success. */
  async call(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<unknown> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const answer = await this.#request(method, path, text, contentType, AbortSignal.timeout(callMsMax));
    return JSON.parse(await textOf(answer)) as unknown;
  }

  /** Connections that are open are closed; watches end. */
  close(): void {
    this.#agent.destroy();
    this.#watchAgent.destroy();
  }

  async #request(
    method: string,
    path: string,
    body: string,
    contentType: string,
    signal: AbortSignal,
    agent = this.#agent,
  ): Promise<http.IncomingMessage> {
    // Without a length Node sends the body of a DELETE unframed.
    const size = { 'content-length': String(Buffer.byteLength(body)) };
    const headers = { ...this.#headers, ...size, accept: 'application/json', 'content-type': contentType };
    const request = this.#send(this.#server + path, { method, headers, agent, signal });
    request.end(body);
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw new ApiFailure(`${method} ${path}`, status, (await textOf(answer)).slice(0, 500));
  }

  /** The object, or undefined where there is none. */
  async find(path: string): Promise<unknown> {
    return this.call('GET', path).catch((error: unknown) => {
      if (error instanceof ApiFailure && error.status === 404) return undefined;
      throw error;
    });
  }

  /** Makes the object unless one of its name is there already. */
  async ensure(path: string, object: unknown): Promise<void> {
    await this.call('POST', path, object).catch((error: unknown) => {
      if (!(error instanceof ApiFailure && error.status === 409)) throw error;
    });
  }

  async pod(namespace: string, name: string): Promise<PodObject | undefined> {
    return (await this.find(podPath(namespace, name))) as PodObject | undefined;
  }

  /**
   * Changes annotations through `pods/status`, as ovn-kubernetes does; another writer in between is read and met again.
   * Gives undefined when this incarnation of the pod is gone.
   * @param uid the incarnation that is meant; any when undefined
   */
  async annotate(
    namespace: string,
    name: string,
    uid: string | undefined,
    change: (annotations: Readonly<Record<string, string>>) => AnnotationChanges | undefined,
  ): Promise<PodObject | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const pod = await this.pod(namespace, name);
      if (pod === undefined || (uid !== undefined && pod.metadata.uid !== uid)) return undefined;
      const annotations = change(pod.metadata.annotations ?? {});
      if (annotations === undefined) return pod;
      const { resourceVersion } = pod.metadata;
      const patch = { metadata: { resourceVersion, annotations } };
      try {
        return (await this.call('PATCH', `${podPath(namespace, name)}/status`, patch, mergePatch)) as PodObject;
      } catch (error) {
        if (!(error instanceof ApiFailure && error.status === 409) || attempt >= attemptsMax) throw error;
      }
    }
  }

  /** All pods of the node, and the version from which to watch. */
  async listPods(node: string): Promise<{ readonly items: readonly PodObject[]; readonly resourceVersion: string }> {
    const list = (await this.call('GET', `/api/v1/pods?${onNode(node)}`)) as {
      readonly items: readonly PodObject[] | null;
      readonly metadata: { readonly resourceVersion: string };
    };
    return { items: list.items ?? [], resourceVersion: list.metadata.resourceVersion };
  }

  /** Changes after `resourceVersion`, until the server ends the watch or the signal does. */
  async *watchPods(node: string, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const query = `${onNode(node)}&watch=true&resourceVersion=${encodeURIComponent(resourceVersion)}`;
    const answer = await this.#request(
      'GET',
      `/api/v1/pods?${query}`,
      '',
      'application/json',
      signal,
      this.#watchAgent,
    );
    let rest = '';
    for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line) as WatchEvent;
    }
  }
}

export const podPath = (namespace: string, name: string): string => `/api/v1/namespaces/${namespace}/pods/${name}`;

const onNode = (node: string): string => `fieldSelector=${encodeURIComponent(`spec.nodeName=${node}`)}`;
