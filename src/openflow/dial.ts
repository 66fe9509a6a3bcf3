/**
 * From an endpoint to a connected byte stream: unix socket, TCP or TLS. Used by the client. It tries once; when to try
 * again is the link's business.
 */

import { readFile } from 'node:fs/promises';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { formatEndpoint } from './endpoint.js';
import type { Endpoint } from './endpoint.js';

/** The files of mutual TLS, all PEM. They are read anew for each dial, so that rotated certificates are used. */
export interface TlsFiles {
  readonly keyFile: string;
  readonly certificateFile: string;
  readonly caFile: string;
}

/** TCP keep-alive after this silence, ms. */
const keepAliveMs = 30_000;
const tcpOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs } as const;

/**
 * Connects. The stream's errors are the caller's from then on.
 * @throws AgentError CONNECT_FAILED, PERMISSION_DENIED, TLS_INVALID, ABORTED
 */
export async function dial(endpoint: Endpoint, tls: TlsFiles | undefined, signal: AbortSignal): Promise<Socket> {
  if (signal.aborted) throw abandoned(endpoint);
  switch (endpoint.kind) {
    case 'unix':
      return established(connect({ path: endpoint.path }), 'connect', endpoint, signal);
    case 'tcp':
      return established(connect({ ...endpoint, ...tcpOptions }), 'connect', endpoint, signal);
    case 'tls': {
      const secure = await readTls(endpoint, tls);
      // Certificates of ovs-pki(8) name no host, and no Open vSwitch program asks for one: the chain is what is checked.
      const options = { ...secure, minVersion: 'TLSv1.2', checkServerIdentity: () => undefined } as const;
      const name = isIP(endpoint.host) === 0 ? { servername: endpoint.host } : {};
      const socket = connectTls({ host: endpoint.host, port: endpoint.port, ...tcpOptions, ...options, ...name });
      return established(socket, 'secureConnect', endpoint, signal);
    }
  }
}

async function readTls(
  endpoint: Endpoint,
  tls: TlsFiles | undefined,
): Promise<{ readonly key: Buffer; readonly cert: Buffer; readonly ca: Buffer }> {
  const facts = { endpoint: formatEndpoint(endpoint) };
  if (tls === undefined) throw new AgentError('TLS_INVALID', 'the endpoint needs TLS files', { facts });
  try {
    const [key, cert, ca] = await Promise.all([
      readFile(tls.keyFile),
      readFile(tls.certificateFile),
      readFile(tls.caFile),
    ]);
    return { key, cert, ca };
  } catch (cause) {
    throw new AgentError('TLS_INVALID', 'a TLS file cannot be read', { facts, cause });
  }
}

function established(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.removeListener(event, onConnect).removeListener('error', onError);
    };
    const onConnect = (): void => {
      settle();
      resolve(socket);
    };
    const onError = (cause: unknown): void => {
      settle();
      reject(dialError(cause, endpoint));
    };
    const onAbort = (): void => {
      settle();
      // A socket that is abandoned can still report an error, which nobody waits for any more.
      socket.on('error', () => undefined).destroy();
      reject(abandoned(endpoint));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once(event, onConnect).once('error', onError);
  });
}

function abandoned(endpoint: Endpoint): AgentError {
  return new AgentError('ABORTED', 'the dial was abandoned', { facts: { endpoint: formatEndpoint(endpoint) } });
}

function dialError(cause: unknown, endpoint: Endpoint): AgentError {
  const system = systemErrorCode(cause);
  const facts = { endpoint: formatEndpoint(endpoint), systemError: system ?? toError(cause).message.slice(0, 256) };
  if (system === 'EACCES' || system === 'EPERM') {
    return new AgentError('PERMISSION_DENIED', 'this user may not connect to the switch', {
      facts,
      cause,
      remedy: 'Run as the user or in the group that owns the socket of the bridge.',
    });
  }
  const isTls = endpoint.kind === 'tls' && (system === undefined || !/^E[A-Z]+$/.test(system));
  return new AgentError(isTls ? 'TLS_INVALID' : 'CONNECT_FAILED', 'the switch cannot be reached', {
    facts,
    cause,
    remedy: dialRemedy(system),
  });
}

function dialRemedy(system: string | undefined): string {
  switch (system) {
    case 'ENOENT':
      return 'The socket does not exist: the bridge is not there (yet), or the run directory is another one.';
    case 'ECONNREFUSED':
      return 'Nobody listens: ovs-vswitchd is not running; after a crash its sockets stay behind.';
    default:
      return 'Check that ovs-vswitchd runs and that the bridge listens on this endpoint.';
  }
}
