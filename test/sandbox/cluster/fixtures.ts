/** Objects and small waits that the tests of the embedded cluster share. */

import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import type { Json, JsonObject } from '../../../src/sandbox/cluster/json.js';

/** A pod on the node host-1, with more metadata where wanted. */
export function podOf(name: string, metadata: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { nodeName: 'host-1', containers: [{ name: 'c', image: 'example.com/web:1' }] },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: JsonObject;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly body?: Json;
  readonly contentType?: string;
  readonly token?: string;
  readonly accept?: string;
}

/** One request to the server over plain HTTP, as the administrator unless a token is given. */
export async function ask(cluster: ClusterApi, path: string, options: Ask = {}): Promise<Answer> {
  const response = await open(cluster, path, options);
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  const body = response.headers['content-type'] === 'application/json' ? (JSON.parse(text) as JsonObject) : {};
  return { status: response.statusCode ?? 0, headers: response.headers, body, text };
}

/** The response when its head is there. */
export function open(cluster: ClusterApi, path: string, options: Ask = {}): Promise<IncomingMessage> {
  const token = options.token ?? cluster.tokenFor('embedded-admin');
  const headers: Record<string, string> = { 'User-Agent': 'test/1', Accept: options.accept ?? 'application/json' };
  if (token !== '') headers['Authorization'] = `Bearer ${token}`;
  const body = options.body === undefined ? '' : JSON.stringify(options.body);
  if (body !== '') headers['Content-Type'] = options.contentType ?? 'application/json';
  // Node sends the body of a DELETE without any framing when its length is not said.
  headers['Content-Length'] = String(Buffer.byteLength(body));
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${cluster.url}${path}`, { method: options.method ?? 'GET', headers, agent: false });
    request.once('response', resolve);
    request.once('error', reject);
    request.end(body);
  });
}

export interface WatchEvent {
  readonly type: string;
  readonly object: JsonObject;
}

/** An open watch whose events are read one after the other. */
export class TestWatch {
  readonly #lines: AsyncIterator<string, undefined>;
  readonly response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.response = response;
    this.#lines = linesOf(response);
  }

  /** The next event, or undefined at the end in order. Rejects when the connection is cut. */
  async next(): Promise<WatchEvent | undefined> {
    const step = await this.#lines.next();
    return step.done === true ? undefined : (JSON.parse(step.value) as WatchEvent);
  }

  close(): void {
    this.response.destroy();
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string, undefined> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
  return undefined;
}

export async function watch(cluster: ClusterApi, path: string, options: Ask = {}): Promise<TestWatch> {
  return new TestWatch(await open(cluster, path, options));
}
