/**
 * Where a switch listens, in the notation of Open vSwitch: parsed, checked and written back. Used by the client and by
 * whoever reads such a setting. It dials nothing.
 */

import { isIPv6 } from 'node:net';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

/** An active connection method. */
export type Endpoint =
  | { readonly kind: 'unix'; /** Absolute. */ readonly path: string }
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number };

/** The port that IANA gave to OpenFlow. */
const portDefault = 6653;
/** `sun_path` holds 108 bytes with its end mark. */
const pathBytesMax = 107;

/**
 * Parses `unix:/run/openvswitch/br0.mgmt`, `tcp:192.0.2.1:6653`, `tcp:[2001:db8::1]`, `ssl:host:6653` (or `tls:`).
 * @throws AgentError ENDPOINT_INVALID
 */
export function parseEndpoint(text: string): Endpoint {
  const [, method = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  switch (method) {
    case 'unix':
      return { kind: 'unix', path: parsePath(text, rest) };
    case 'tcp':
      return { kind: 'tcp', ...parseAddress(text, rest) };
    case 'ssl':
    case 'tls':
      return { kind: 'tls', ...parseAddress(text, rest) };
    default:
      throw invalid(text, 'the connection method is not unix, tcp or ssl');
  }
}

/** The endpoint in the notation of Open vSwitch. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${endpoint.kind === 'tls' ? 'ssl' : 'tcp'}:${host}:${endpoint.port}`;
}

function parsePath(text: string, path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw invalid(text, 'the path of the socket is not absolute');
  if (Buffer.byteLength(path) > pathBytesMax) {
    throw invalid(text, `the path of the socket is longer than ${pathBytesMax} bytes`);
  }
  return path;
}

function parseAddress(text: string, address: string): { host: string; port: number } {
  const parts = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(address);
  if (parts === null) throw invalid(text, 'host:port is expected, an IPv6 address in brackets');
  const [, bracketed, plain, portText] = parts;
  if (bracketed !== undefined && !isIPv6(bracketed)) throw invalid(text, 'in brackets stands no IPv6 address');
  const port = portText === undefined ? portDefault : Number(portText);
  if (port < 1 || port > 65_535) throw invalid(text, 'the port is not a number from 1 to 65535');
  return { host: bracketed ?? plain ?? '', port };
}

function invalid(text: string, reason: string): AgentError {
  return new AgentError('ENDPOINT_INVALID', 'an OpenFlow endpoint cannot be used', {
    facts: { endpoint: safeText(text), reason },
    remedy: 'Write unix:/path/of/bridge.mgmt, tcp:host:port or ssl:host:port; an IPv6 address in brackets.',
  });
}
