/**
 * What a client can be told, and what holds when it is not told. Every default has its reason beside it.
 */

import { assert } from '../lib/assert.js';
import { systemClock } from '../lib/clock.js';
import type { Clock } from '../lib/clock.js';
import type { LinkTiming } from '../lib/link.js';
import { parseEndpoint } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import type { TableMonitor } from './monitor-plan.js';
import { rpcLimitsDefault } from './rpc.js';
import type { RpcLimits } from './rpc.js';
import type { ServerWish } from './server-row.js';
import type { TlsFiles } from './transport.js';
import type { DatabaseTypes, TableName } from './types.js';

/** What to monitor, per table; tables that are not named are not monitored. */
export type MonitorWish<Database extends DatabaseTypes> = {
  readonly [Table in TableName<Database>]?: TableMonitor;
};

export interface OvsdbClientOptions<Database extends DatabaseTypes> {
  /** Where the database is served, in the notation of Open vSwitch; several for a cluster. Tried in random order. */
  readonly endpoints: readonly string[];
  /** Name of the database, for example `Open_vSwitch`. */
  readonly database: string;
  readonly monitor: MonitorWish<Database>;
  /** For `ssl:` endpoints. */
  readonly tls?: TlsFiles | undefined;
  /** Talk to the leader of the cluster only: its data is newest. Default false: any connected member serves. */
  readonly leaderOnly?: boolean;
  /** Talk to this cluster only: its uuid, or the first digits of it. */
  readonly clusterId?: string;
  /** Silence after which the server is probed, and the time it has to answer, ms. Default 30 s on unix, else 10 s. */
  readonly probeMs?: number;
  /** Of the link; see `LinkTiming`. */
  readonly timing?: Partial<Omit<LinkTiming, 'freeTries'>>;
  readonly limits?: Partial<RpcLimits>;
  /** The patience of calls that name none, ms. Default 30 s. */
  readonly callMsMax?: number;
  /** Whether a started client keeps the process running. Default true. */
  readonly keepsProcessAlive?: boolean;
  readonly clock?: Clock;
  /** Source of jitter and of the order of endpoints, in [0, 1). */
  readonly random?: () => number;
}

/** The options with nothing left open. */
export interface ClientSettings {
  /** In the order in which they are tried. */
  readonly endpoints: readonly Endpoint[];
  readonly wish: ServerWish;
  readonly monitor: ReadonlyMap<string, TableMonitor>;
  readonly tls: TlsFiles | undefined;
  readonly timing: LinkTiming;
  readonly limits: RpcLimits;
  readonly callMsMax: number;
  readonly keepsProcessAlive: boolean;
  readonly clock: Clock;
  readonly random: () => number;
}

/** ovsdb-server probes its TCP and TLS clients after 5 s, and composes a large dump without answering for a second. */
const probeMsTcp = 10_000;
/** A unix socket does not lose its peer unnoticed; this finds a server that hangs. */
const probeMsUnix = 30_000;

/**
 * Checks the options and fills in the defaults.
 * @throws AgentError ENDPOINT_INVALID
 */
export function settleOptions<Database extends DatabaseTypes>(options: OvsdbClientOptions<Database>): ClientSettings {
  const random = options.random ?? cheapRandom();
  const endpoints = shuffle(options.endpoints.map(parseEndpoint), random);
  assert(endpoints.length > 0, 'a client needs an endpoint');
  const isLocal = endpoints.every((endpoint) => endpoint.kind === 'unix');
  return {
    endpoints,
    wish: { database: options.database, leaderOnly: options.leaderOnly ?? false, clusterId: options.clusterId },
    monitor: new Map(Object.entries<TableMonitor | undefined>(options.monitor).filter(isNamed)),
    tls: options.tls,
    timing: {
      dialMsMax: 10_000,
      probeMs: options.probeMs ?? (isLocal ? probeMsUnix : probeMsTcp),
      usefulMsMin: 5000,
      // A local server is one process away: look often, it costs a failed connect.
      backoff: { baseMs: isLocal ? 250 : 1000, capMs: isLocal ? 2000 : 8000 },
      ...options.timing,
      freeTries: endpoints.length - 1,
    },
    limits: { ...rpcLimitsDefault, ...options.limits },
    callMsMax: options.callMsMax ?? 30_000,
    keepsProcessAlive: options.keepsProcessAlive ?? true,
    clock: options.clock ?? systemClock,
    random,
  };
}

function isNamed(entry: [string, TableMonitor | undefined]): entry is [string, TableMonitor] {
  return entry[1] !== undefined;
}

/** Fisher and Yates: hundreds of clients with the same list spread over the servers. */
function shuffle<T>(items: readonly T[], random: () => number): readonly T[] {
  const left = [...items];
  const shuffled: T[] = [];
  while (left.length > 0) shuffled.push(...left.splice(Math.floor(random() * left.length), 1));
  return shuffled;
}

/** Jitter needs no quality, only to differ between processes. */
function cheapRandom(): () => number {
  let words = new Uint32Array(64);
  let used = words.length;
  return () => {
    if (used === words.length) {
      words = crypto.getRandomValues(words);
      used = 0;
    }
    used += 1;
    return (words[used - 1] ?? 0) / 2 ** 32;
  };
}
