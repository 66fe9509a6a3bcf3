/**
 * One HTTP request and its answer, as plain data: the body within its limit, the query, the content types; and the answer
 * as bytes with the right headers. Used by the HTTP front and the verbs.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isObject, parseJson } from './json.js';
import type { Json, JsonObject } from './json.js';
import { decodeProtobuf, protobufType } from './protobuf-body.js';
import { badRequest, tooLarge, unsupportedMediaType } from './status.js';
import { parseYaml } from './yaml-text.js';

/** What identifies the server as the embedded one, in `/version` and in a header of every answer. */
export const serverName = 'embedded+dpu-node-agent';

/** The largest body of a request, bytes (apiserver, MaxRequestBodyBytes). */
export const bodyBytesMax = 3 * 1024 * 1024;

/** A request without its socket. */
export interface Call {
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly contentType: string;
  readonly userAgent: string;
  readonly body: Buffer;
}

/** An answer that is not a watch. */
export interface Reply {
  readonly status: number;
  readonly body: JsonObject | Buffer | string;
  readonly contentType?: string;
  readonly retryAfterSeconds?: number | undefined;
}

/** The media type of a header without its parameters. */
export function mediaType(header: string): string {
  return (header.split(';')[0] ?? '').trim().toLowerCase();
}

/** Reads the whole body. Throws StatusError 413 without waiting for the rest. */
export async function readBody(request: IncomingMessage, bytesMax = bodyBytesMax): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not end the connection: the refusal has still to be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      request.resume();
      throw tooLarge(`Request entity too large: limit is ${bytesMax}`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body as an object. Throws StatusError 400 or 415. */
export function objectBody(call: Call): JsonObject {
  const value = jsonBody(call);
  if (!isObject(value)) throw badRequest('the body of the request is not an object');
  return value;
}

/** The body as JSON, read from JSON or YAML. Throws StatusError 400 or 415. */
export function jsonBody(call: Call): Json {
  const type = mediaType(call.contentType);
  if (type === 'application/yaml') return parseYaml(call.body.toString());
  if (type === protobufType) return decodeProtobuf(call.body);
  if (type !== 'application/json' && type !== '' && type !== '*/*') {
    throw unsupportedMediaType(['application/json', 'application/yaml']);
  }
  return parsedBody(call);
}

/** The body as JSON whatever its content type says. Throws StatusError 400. */
export function parsedBody(call: Call): Json {
  const value = parseJson(call.body.toString());
  if (value === undefined) throw badRequest("couldn't get version/kind; json parse error: invalid JSON in the body");
  return value;
}

/** Writes the answer. Does nothing when the client is gone. */
export function sendReply(response: ServerResponse, reply: Reply): void {
  if (response.destroyed || response.headersSent) return;
  const isRaw = typeof reply.body === 'string' || Buffer.isBuffer(reply.body);
  const bytes = isRaw ? Buffer.from(reply.body as string) : Buffer.from(`${JSON.stringify(reply.body)}\n`);
  response.statusCode = reply.status;
  response.setHeader('Content-Type', reply.contentType ?? 'application/json');
  response.setHeader('Content-Length', bytes.length);
  response.setHeader('Cache-Control', 'no-cache, private');
  if (reply.retryAfterSeconds !== undefined) response.setHeader('Retry-After', reply.retryAfterSeconds);
  response.end(bytes);
}
