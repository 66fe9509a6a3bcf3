/**
 * From an endpoint to a connected byte stream: unix socket, TCP, or mutual TLS whose files are read anew for each dial,
 * so that a rotated certificate is used without a restart. Used by the client. It tries once: when to try again, and for
 * how long, is the link's business.
 */

import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import type { NetConnectOpts, Socket } from 'node:net';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { HostLookup } from '../lib/host-lookup.js';
import { formatEndpoint } from './endpoint.js';
import type { Endpoint } from './endpoint.js';

/** The files of mutual TLS, all PEM, as `--private-key`, `--certificate` and `--ca-cert` of Open vSwitch's programs. */
export interface TlsFiles {
  readonly keyFile: string;
  readonly certificateFile: string;
  readonly caFile: string;
  /**
   * Whether the server's certificate must name the host that was dialled. Default false: the chain is checked against
   * `caFile` in any case, but certificates made by ovs-pki(8) carry no host name, and no Open vSwitch client asks for one.
   */
  readonly checksServerName?: boolean;
  /** The name to expect and to send (SNI) when it is not the host of the endpoint. */
  readonly serverName?: string;
}

export interface DialOptions {
  /** Abandons the dial. */
  readonly signal: AbortSignal;
  /** Needed for `ssl:` endpoints. */
  readonly tls?: TlsFiles | undefined;
}

/** TCP keep-alive after this silence, ms: a second line behind the probe, for a peer that lost its power. */
const keepAliveMs = 30_000;

/** As much as Node reads at once into a buffer of its own. */
const readSizeMax = 64 << 10;

/**
 * Connects. The stream is paused, its errors are the caller's from then on. A chunk of its `data` events is valid only
 * during the event: sockets without TLS read into the same buffer again and again.
 * @throws AgentError CONNECT_FAILED, PERMISSION_DENIED, TLS_INVALID, ABORTED
 */
export async function dial(endpoint: Endpoint, options: DialOptions): Promise<Socket> {
  const facts = { endpoint: formatEndpoint(endpoint) };
  if (options.signal.aborted) throw new AgentError('ABORTED', 'the dial was abandoned', { facts });
  switch (endpoint.kind) {
    case 'unix':
      return connected(openPlain({ path: endpoint.path }), 'connect', endpoint, options.signal);
    case 'tcp': {
      const names = new HostLookup();
      const { lookup } = names;
      const socket = openPlain({ host: endpoint.host, port: endpoint.port, lookup, ...tcpOptions });
      socket.once('close', () => names.close());
      return connected(socket, 'connect', endpoint, options.signal);
    }
    case 'tls': {
      const secure = await tlsOptions(endpoint.host, options.tls, facts);
      const names = new HostLookup();
      const { lookup } = names;
      const socket = openTls({ host: endpoint.host, port: endpoint.port, lookup, ...tcpOptions, ...secure }, facts);
      socket.once('close', () => names.close());
      return connected(socket, 'secureConnect', endpoint, options.signal);
    }
  }
}

const tcpOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs } as const;

/** A socket that makes no buffer of 64 KiB for each read, which for a small message costs more than its parsing. */
function openPlain(options: NetConnectOpts): Socket {
  const callback = (size: number, buffer: Uint8Array): boolean => {
    socket.emit('data', Buffer.from(buffer.buffer, buffer.byteOffset, size));
    return true;
  };
  const socket = connect({ ...options, onread: { buffer: Buffer.allocUnsafeSlow(readSizeMax), callback } });
  return socket.pause();
}

/**
 * A text that changes when one of the files does. Comparing two of them tells that a fresh connection would use other
 * certificates; a file that is missing for a moment, as during a rotation, is part of the text and no error.
 */
export async function tlsFingerprint(tls: TlsFiles): Promise<string> {
  const parts = [tls.keyFile, tls.certificateFile, tls.caFile].map(async (path) => {
    try {
      const { mtimeNs, size, ino } = await stat(path, { bigint: true });
      return `${ino}:${size}:${mtimeNs}`;
    } catch (error) {
      return systemErrorCode(error) ?? 'unreadable';
    }
  });
  return (await Promise.all(parts)).join(' ');
}

function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.removeListener(event, onConnect);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
    };
    const fail = (error: AgentError): void => {
      settle();
      socket.on('error', ignoreLateError).destroy();
      reject(error);
    };
    const onConnect = (): void => {
      settle();
      resolve(socket);
    };
    const onError = (error: unknown): void => fail(connectError(error, endpoint));
    const onClose = (): void => fail(connectError(new Error('closed during the dial'), endpoint));
    const onAbort = (): void =>
      fail(new AgentError('ABORTED', 'the dial was abandoned', { facts: { endpoint: formatEndpoint(endpoint) } }));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once(event, onConnect).once('error', onError).once('close', onClose);
  });
}

/** The failure has been reported; a socket without a listener would end the process for what it says after that. */
function ignoreLateError(): void {
  return;
}

type Facts = Readonly<Record<string, string>>;

async function tlsOptions(host: string, tls: TlsFiles | undefined, facts: Facts): Promise<ConnectionOptions> {
  if (tls === undefined) {
    throw new AgentError('TLS_INVALID', 'the endpoint needs TLS, but no certificate files are configured', {
      facts,
      remedy: 'Configure the private key, the certificate and the CA certificate of the OVSDB connection.',
    });
  }
  const [key, cert, ca] = await Promise.all([
    readPem(tls.keyFile, facts),
    readPem(tls.certificateFile, facts),
    readPem(tls.caFile, facts),
  ]);
  const name = tls.serverName ?? host;
  return {
    key,
    cert,
    ca,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(tls.checksServerName === true ? {} : { checkServerIdentity: () => undefined }),
  };
}

async function readPem(path: string, facts: Facts): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = systemErrorCode(cause) === 'EACCES' ? 'PERMISSION_DENIED' : 'TLS_INVALID';
    throw new AgentError(code, 'a TLS file cannot be read', {
      facts: { ...facts, path, systemError: systemErrorCode(cause) },
      cause,
      remedy: 'Check that the file exists and that the user of this process may read it.',
    });
  }
}

/** A key that does not fit its certificate throws here, not as an event. */
function openTls(options: ConnectionOptions, facts: Facts): Socket {
  try {
    return connectTls(options);
  } catch (cause) {
    throw tlsError(cause, facts);
  }
}

function connectError(cause: unknown, endpoint: Endpoint): AgentError {
  const facts = { endpoint: formatEndpoint(endpoint) };
  const system = systemErrorCode(cause);
  if (system === 'EACCES' || system === 'EPERM') {
    return new AgentError('PERMISSION_DENIED', 'this user may not connect to the database socket', {
      facts: { ...facts, systemError: system },
      cause,
      // ovsdb-server creates its sockets 0750 and owned by its user, whatever the umask.
      remedy: 'Run as the user or in the group that owns the socket (often openvswitch), or grant it with an ACL.',
    });
  }
  const isTls = endpoint.kind === 'tls' && (system === undefined || !networkErrors.has(system));
  if (isTls) return tlsError(cause, facts);
  return new AgentError('CONNECT_FAILED', 'the database server cannot be reached', {
    facts: { ...facts, systemError: system ?? toError(cause).message },
    cause,
    remedy: connectRemedy(system),
  });
}

const networkErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

function connectRemedy(system: string | undefined): string {
  switch (system) {
    case 'ENOENT':
      return 'The socket does not exist: ovsdb-server has not started, or uses another run directory.';
    case 'ECONNREFUSED':
      // After SIGKILL the socket file stays, and connecting to it is refused.
      return 'Nothing listens there: ovsdb-server is not running; a socket file without a server is left by a crash.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The name cannot be resolved: check it and the resolver of this host.';
    default:
      return 'Check that ovsdb-server runs, that it listens on this endpoint, and that the network lets it through.';
  }
}

function tlsError(cause: unknown, facts: Facts): AgentError {
  return new AgentError('TLS_INVALID', 'the TLS connection to the database server failed', {
    facts: { ...facts, reason: systemErrorCode(cause) ?? toError(cause).message.slice(0, 256) },
    cause,
    remedy:
      'Check that both certificates are valid now, signed by the CA the other side trusts, and that the key fits.',
  });
}
