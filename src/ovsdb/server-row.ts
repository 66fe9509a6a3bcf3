/**
 * What a server tells about one of its databases in the table `Database` of `_Server` (ovsdb-server(5)), and whether that
 * makes it the server we want. Used by the session. Pure; the memory of what was seen before is passed in and out.
 */

import { AgentError } from '../lib/errors.js';
import type { Json, JsonObject } from './types.js';

/** The columns to ask for. `schema` is left out: it is large, and get_schema gives it. */
export const serverColumns = ['name', 'model', 'connected', 'leader', 'cid', 'sid', 'index'] as const;

/** One row of `_Server.Database`. */
export interface ServerRow {
  readonly name: string;
  /** `relay` since Open vSwitch 2.16. A model we do not know is treated like `standalone`. */
  readonly model: string;
  /** Whether the server has a usable connection to the cluster or to what it relays. */
  readonly isConnected: boolean;
  readonly isLeader: boolean;
  /** Cluster and server identity: lower-case uuids, absent on a standalone server. */
  readonly cid: string | undefined;
  readonly sid: string | undefined;
  /** Raft log index that the server has applied; grows. Absent unless clustered. */
  readonly index: number | bigint | undefined;
}

/** What we demand of a server. */
export interface ServerWish {
  readonly database: string;
  readonly leaderOnly: boolean;
  /** Only this cluster, by its uuid or the beginning of it. */
  readonly clusterId?: string | undefined;
}

/** The newest state of the cluster that was seen, to refuse a member that lags behind it. */
export interface ClusterMemory {
  readonly cid: string | undefined;
  readonly indexMin: number | bigint;
}

export const clusterMemoryEmpty: ClusterMemory = { cid: undefined, indexMin: 0 };

/** Reads the columns of a complete row as they stand in a monitor's update. Missing ones have the schema's default. */
export function parseServerRow(json: JsonObject): ServerRow {
  const name = json['name'];
  const model = json['model'];
  const index = optional(json['index']);
  return {
    name: typeof name === 'string' ? name : '',
    model: typeof model === 'string' ? model : 'standalone',
    isConnected: json['connected'] === true,
    isLeader: json['leader'] === true,
    cid: uuidOf(json['cid']),
    sid: uuidOf(json['sid']),
    index: typeof index === 'number' || typeof index === 'bigint' ? index : undefined,
  };
}

/** Why this server is not the one we want, or undefined when it is. */
export function judgeServer(
  row: ServerRow | undefined,
  wish: ServerWish,
  memory: ClusterMemory,
): AgentError | undefined {
  const facts = { database: wish.database, model: row?.model, serverId: row?.sid };
  const unfit = (message: string): AgentError => new AgentError('CONNECT_FAILED', message, { facts });
  if (row === undefined) {
    return new AgentError('OVSDB_UNKNOWN_DATABASE', 'the server has no such database', { facts });
  }
  if (wish.clusterId !== undefined && row.cid?.startsWith(wish.clusterId.toLowerCase()) !== true) {
    return unfit('the server belongs to another cluster');
  }
  if (!row.isConnected) return unfit('the server has no connection to its cluster');
  // A standalone server always says that it leads; a relay never does (ovsdb-server(5)).
  if (wish.leaderOnly && !row.isLeader) {
    return unfit(
      row.model === 'relay' ? 'the server is a relay, which never leads' : 'the server does not lead its cluster',
    );
  }
  if (isStale(row, memory)) return unfit('the server lags behind what was already seen of its cluster');
  return undefined;
}

/** The memory after a server was accepted. */
export function rememberServer(row: ServerRow, memory: ClusterMemory): ClusterMemory {
  if (row.model !== 'clustered' || row.index === undefined) return memory;
  if (row.cid !== memory.cid) return { cid: row.cid, indexMin: row.index };
  return row.index > memory.indexMin ? { cid: row.cid, indexMin: row.index } : memory;
}

function isStale(row: ServerRow, memory: ClusterMemory): boolean {
  if (row.model !== 'clustered' || memory.cid === undefined || row.cid !== memory.cid) return false;
  return row.index === undefined || row.index < memory.indexMin;
}

/** An optional column: `["set", []]`, `["set", [x]]` or x. */
function optional(json: Json | undefined): Json | undefined {
  if (!isArray(json) || json[0] !== 'set') return json;
  const [, members] = json;
  return isArray(members) ? members[0] : undefined;
}

function uuidOf(json: Json | undefined): string | undefined {
  const value = optional(json);
  if (!isArray(value) || value[0] !== 'uuid') return undefined;
  const [, text] = value;
  return typeof text === 'string' ? text.toLowerCase() : undefined;
}

function isArray(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}
