/**
 * The connections of one client: kept alive and bounded in number for calls, one each for watches, so that neither starves
 * the other. Other certificates or another address make new connections; what is under way on old ones goes on. Used by
 * KubeClient.
 */

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { AgentOptions } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { HostLookup } from '../lib/host-lookup.js';
import type { Access } from './credentials.js';
import type { TlsMaterial } from './tls-material.js';

/** What a request is for: an answer, or a stream of events that lasts. */
export type Lane = 'calls' | 'streams';

export interface PoolLimits {
  /** Connections for calls at one time; further calls wait for one. */
  readonly callSocketsMax: number;
  /** Watches at one time. */
  readonly streamSocketsMax: number;
}

/** A connection that was idle for this long is closed, ms: well below what load balancers forget without a word. */
const idleMsMax = 45_000;

/** TCP keep-alive after this silence, ms: a second line of defence against a peer that lost its power. */
const keepAliveMs = 15_000;

interface Lanes {
  readonly generation: number;
  readonly calls: HttpAgent;
  readonly streams: HttpAgent;
}

export class ConnectionPool {
  readonly #limits: PoolLimits;
  readonly #names = new HostLookup();
  #lanes: Lanes | undefined;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  agent(access: Access, lane: Lane): HttpAgent {
    if (this.#lanes?.generation !== access.generation) {
      this.closeIdle();
      this.#lanes = this.#open(access);
    }
    return this.#lanes[lane];
  }

  /**
   * Drops the connections that nobody uses. After one of them proved dead the others are likely dead too, and each would
   * cost a request its deadline to find out.
   */
  closeIdle(): void {
    const sockets = Object.values(this.#lanes?.calls.freeSockets ?? {}).flatMap((list) => list ?? []);
    for (const socket of sockets) socket.destroy();
  }

  /** Ends every connection, for good. */
  close(): void {
    this.#names.close();
    this.#lanes?.calls.destroy();
    this.#lanes?.streams.destroy();
    this.#lanes = undefined;
  }

  #open(access: Access): Lanes {
    const { callSocketsMax, streamSocketsMax } = this.#limits;
    const { lookup } = this.#names;
    const common = { noDelay: true, keepAliveMsecs: keepAliveMs, lookup, ...tlsOptions(access.tls) };
    const make = (options: AgentOptions): HttpAgent =>
      access.url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
    return {
      generation: access.generation,
      calls: make({ ...common, keepAlive: true, maxSockets: callSocketsMax, timeout: idleMsMax }),
      streams: make({ ...common, keepAlive: false, maxSockets: streamSocketsMax }),
    };
  }
}

function tlsOptions(tls: TlsMaterial): AgentOptions {
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: tls.verifiesServer,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...nameOptions(tls.serverName),
  };
}

/** An IP address may be expected in the certificate, but not be sent as server name (RFC 6066 section 3). */
function nameOptions(name: string | undefined): AgentOptions {
  if (name === undefined) return {};
  if (isIP(name) === 0) return { servername: name };
  return { servername: '', checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate) };
}
