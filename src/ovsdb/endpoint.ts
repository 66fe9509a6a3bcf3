/**
 * Where an OVSDB server listens, in the notation of Open vSwitch (ovsdb(7), "Connection Methods"): parsed, checked and
 * written back. Used by the client and by whoever reads such a setting. It dials nothing.
 */

import { isIPv6 } from 'node:net';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

/** An active connection method. */
export type Endpoint =
  | { readonly kind: 'unix'; /** Absolute. */ readonly path: string }
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number };

/** The port that IANA gave to OVSDB (RFC 7047 section 6). */
const portDefault = 6640;
/** `sun_path` holds 108 bytes with its end mark. Node reports a longer one as EINVAL without saying why. */
const pathBytesMax = 107;

const remedy = 'Write unix:/path/of.sock, tcp:host:port or ssl:host:port; an IPv6 address in brackets: tcp:[::1]:6640.';

/**
 * Parses one endpoint: `unix:/run/openvswitch/db.sock`, `tcp:192.0.2.1:6640`, `tcp:[2001:db8::1]:6640`, `ssl:host:6640`
 * (or `tls:`). Without a port it is 6640.
 * @throws AgentError ENDPOINT_INVALID
 */
export function parseEndpoint(text: string): Endpoint {
  const colon = text.indexOf(':');
  const method = text.slice(0, Math.max(colon, 0));
  const rest = text.slice(colon + 1);
  switch (method) {
    case 'unix':
      return { kind: 'unix', path: parsePath(text, rest) };
    case 'tcp':
      return { kind: 'tcp', ...parseAddress(text, rest) };
    case 'ssl':
    case 'tls':
      return { kind: 'tls', ...parseAddress(text, rest) };
    case 'punix':
    case 'ptcp':
    case 'pssl':
      throw invalid(text, 'the method listens; a client needs one that connects');
    default:
      throw invalid(text, 'the connection method is not known');
  }
}

/**
 * Parses a list: endpoints of one database cluster, separated by commas.
 * @throws AgentError ENDPOINT_INVALID, also for an empty list
 */
export function parseEndpoints(text: string): readonly Endpoint[] {
  const parts = text.split(',').map((part) => part.trim());
  const endpoints = parts.filter((part) => part !== '').map(parseEndpoint);
  if (endpoints.length === 0) throw invalid(text, 'the list of endpoints is empty');
  return endpoints;
}

/** The endpoint in the notation of Open vSwitch. `parseEndpoint` of it gives an equal endpoint. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  const method = endpoint.kind === 'tls' ? 'ssl' : 'tcp';
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${method}:${host}:${endpoint.port}`;
}

function parsePath(text: string, path: string): string {
  // Open vSwitch's own clients read a relative path against OVS_RUNDIR, every other program against its working
  // directory: refused rather than guessed.
  if (!path.startsWith('/')) throw invalid(text, 'the path of the socket is not absolute');
  if (path.includes('\0')) throw invalid(text, 'the path of the socket holds a NUL');
  if (Buffer.byteLength(path) > pathBytesMax) {
    throw invalid(text, `the path of the socket is longer than ${pathBytesMax} bytes`);
  }
  return path;
}

function parseAddress(text: string, address: string): { host: string; port: number } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(address);
  if (bracketed !== null) {
    const [, host = '', port] = bracketed;
    if (!isIPv6(host)) throw invalid(text, 'what stands in brackets is not an IPv6 address');
    return { host, port: parsePort(text, port) };
  }
  const [host = '', port, ...more] = address.split(':');
  if (more.length > 0) throw invalid(text, 'an IPv6 address needs brackets');
  if (!/^[A-Za-z0-9._-]+$/.test(host)) throw invalid(text, 'the host is missing or holds characters no host name has');
  return { host, port: parsePort(text, port) };
}

function parsePort(text: string, port: string | undefined): number {
  if (port === undefined) return portDefault;
  const value = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (value < 1 || value > 65_535) throw invalid(text, 'the port is not a number from 1 to 65535');
  return value;
}

function invalid(text: string, reason: string): AgentError {
  return new AgentError('ENDPOINT_INVALID', 'an OVSDB endpoint cannot be used', {
    facts: { endpoint: safeText(text), reason },
    remedy,
  });
}
