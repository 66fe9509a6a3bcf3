/**
 * What a request must be to reach a route: GET or HEAD, without a body, for a host that this listener may be called by. Pure.
 *
 * The host matters on a loopback address, where nobody is asked who they are: a page in a browser on the same machine can
 * have its own name resolve to 127.0.0.1 and then read answers (DNS rebinding). Such a request carries that name.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { problem, type HttpProblem } from './http-error.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[v6]:port`, as the configuration has checked it. */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

/** Whether only processes of this machine reach the address. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** The host of a Host header, without port and brackets; undefined where it is none. */
export function hostOf(header: string): string | undefined {
  const bracketed = /^\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?$/.exec(header);
  if (bracketed !== null) return bracketed[1];
  return /^([^:[\]/@\s]+)(?::\d{1,5})?$/.exec(header)?.[1]?.toLowerCase();
}

export const bodyRemedy = 'Send the request without a body, and what it asks for in its path and query.';
const hostRemedy = 'Call the address that api.http.listen names, localhost, or an IP address.';

/** Undefined: it may come in. @param listenHost the host that the configuration names */
export function refusal(
  method: string | undefined,
  headers: IncomingHttpHeaders,
  listenHost: string,
): HttpProblem | undefined {
  if (method !== 'GET' && method !== 'HEAD') {
    const remedy = 'Change things over gRPC, as with dpuctl apply; HTTP only reads.';
    return problem(405, 'API_INVALID', 'only GET and HEAD are answered', remedy, { allow: 'GET, HEAD' });
  }
  const length = headers['content-length'];
  if ((length !== undefined && Number(length) !== 0) || headers['transfer-encoding'] !== undefined) {
    return problem(413, 'API_INVALID', 'a request has no body here', bodyRemedy);
  }
  if (!isLoopbackHost(listenHost) || headers.host === undefined) return undefined;
  const host = hostOf(headers.host);
  const isKnown = host !== undefined && (isIP(host) !== 0 || host === 'localhost' || host === listenHost.toLowerCase());
  return isKnown
    ? undefined
    : problem(403, 'API_FORBIDDEN', 'the host that the request names is not this one', hostRemedy);
}
