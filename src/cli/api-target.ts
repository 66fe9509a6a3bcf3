/** Where an agent's API is, and how it is reached. Types, and the parsing of an address. */

import { resolve } from 'node:path';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

/** Certificates of a connection over TCP, as paths of PEM files. */
export interface ApiCertificates {
  /** Authorities of the agent's certificate. */
  readonly caFile: string;
  /** The caller's own certificate and its key. */
  readonly certFile: string;
  readonly keyFile: string;
  /** The name that the agent's certificate must carry, where it is not the host of the address. */
  readonly serverName?: string | undefined;
}

export type ApiTarget =
  | { readonly kind: 'unix'; readonly path: string }
  | ({ readonly kind: 'tls'; readonly host: string; readonly port: number } & ApiCertificates);

/** An address without what it takes to be let in. */
export type ApiAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

const tcpForm = /^(?:\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?)\]|([A-Za-z0-9_.-]+)):(\d{1,5})$/;

/** `unix:/path`, a path, or `host:port`, an IPv6 address in brackets. @throws AgentError USAGE */
export function parseAddress(text: string): ApiAddress {
  const path = text.startsWith('unix:') ? text.slice('unix:'.length) : text.startsWith('/') ? text : undefined;
  // Slashes at the start are folded: to grpc-js, `//` begins the name of a server.
  if (path?.startsWith('/')) return { kind: 'unix', path: resolve(path) };
  const [, literal, name, digits] = tcpForm.exec(text) ?? [];
  const host = literal ?? name;
  const port = Number(digits);
  if (host !== undefined && port >= 1 && port <= 65_535) return { kind: 'tcp', host, port };
  throw new AgentError('USAGE', `"${safeText(text)}" is no address of an agent`, {
    remedy: 'It is unix:/path of a socket, or host:port, such as 192.0.2.7:8443 or [2001:db8::7]:8443.',
  });
}

/** The target for a person: `unix:/run/dpu-node-agent/api.sock`, `dpu-7.example.net:8443`. */
export function describeTarget(target: ApiTarget): string {
  if (target.kind === 'unix') return `unix:${safeText(target.path, 512)}`;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${safeText(host)}:${target.port}`;
}
