/**
 * A configuration as the file would write it: the inverse of build.ts. Used to say where each value comes from and to show
 * the configuration in effect; what it gives can be loaded again.
 */
import { assert } from '../lib/assert.js';
import type {
  AttachConfig,
  BridgeConfig,
  ChainConfig,
  ChainPortConfig,
  ClusterAccess,
  Config,
  HostClusterConfig,
  PatchPort,
  PortConfig,
} from './config.js';
import type { ConfigPath } from './path.js';
import { vfRangesText } from './vf-ranges.js';

/** Plain data of a YAML document. */
export type FileValue = string | number | boolean | FileList | FileMap;
export type FileList = readonly FileValue[];
export interface FileMap {
  readonly [key: string]: FileValue;
}

/** `config` in the words of the file. */
export function fileShapeOf(config: Config): FileMap {
  const { hostCluster, attach, bridges, chains, ...sections } = config;
  const ports = new Map(bridges.flatMap((bridge) => bridge.ports).map((port) => [port.name, port]));
  return {
    ...mapOf(sections),
    ...(hostCluster === undefined ? {} : { hostCluster: clusterShape(hostCluster) }),
    attach: attachShape(attach),
    bridges: bridges.map((bridge) => bridgeShape(bridge, ports)),
    chains: chains.map(chainShape),
  };
}

function clusterShape({ access, ...rest }: HostClusterConfig): FileMap {
  return mapOf({ ...accessShape(access), ...rest });
}

function accessShape(access: ClusterAccess): object {
  const { kind, ...keys } = access;
  if (kind === 'inCluster') return { inCluster: true };
  if (access.kind !== 'server') return keys;
  const { server, identity, authority } = access;
  const { kind: _identity, ...shown } = identity ?? { kind: 'none' };
  const signer = authority?.kind === 'data' ? { caData: authority.pem } : { caFile: authority?.caFile };
  return { server, ...shown, ...(authority === undefined ? {} : signer) };
}

function attachShape({ pools, ...rest }: AttachConfig): FileMap {
  if (pools === undefined) return mapOf(rest);
  return mapOf({ ...rest, pools: pools.map(({ pf, vfs }) => ({ pf, vfs: vfRangesText(vfs) })) });
}

type PortsByName = ReadonlyMap<string | undefined, PortConfig>;

function bridgeShape(bridge: BridgeConfig, all: PortsByName): FileMap {
  const { ports, ...rest } = bridge;
  const written = ports.filter((port) => port.kind !== 'patch' || !port.isImplied);
  return { ...mapOf(rest), ports: written.map((port) => portShape(port, all)) };
}

function portShape(port: PortConfig, all: PortsByName): FileMap {
  const { name, ...rest } = port;
  const named = name === undefined ? {} : { name };
  if (rest.kind === 'patch') {
    const { isImplied: _isImplied, ...patch } = rest;
    return mapOf({ ...named, ...patch, ...createPeerShape(rest.peer, all) });
  }
  if (rest.kind === 'representor') {
    const { kind: _kind, ...selector } = rest.representor;
    return mapOf({ ...named, ...rest, representor: selector });
  }
  return mapOf({ ...named, ...rest });
}

/** Only where it decides something: a side that is written down is made in any case. */
function createPeerShape(peer: PatchPort['peer'], all: PortsByName): { readonly createPeer?: boolean } {
  const other = all.get(peer.port);
  if (other === undefined) return { createPeer: false };
  return other.kind === 'patch' && other.isImplied ? { createPeer: true } : {};
}

function chainShape(chain: ChainConfig): FileMap {
  const { switches, ...rest } = chain;
  return {
    ...mapOf(rest),
    switches: switches.map(({ ports, ...settings }) => ({ ...mapOf(settings), ports: ports.map(chainPortShape) })),
  };
}

function chainPortShape(port: ChainPortConfig): FileMap {
  if (port.kind !== 'representor') return mapOf(port);
  const { kind: _kind, ...selector } = port.representor;
  return mapOf({ ...port, representor: selector });
}

function mapOf(value: object): FileMap {
  return Object.fromEntries(Object.entries(value).map(([key, child]: [string, unknown]) => [key, valueOf(child)]));
}

function valueOf(value: unknown): FileValue {
  if (Array.isArray(value)) return value.map(valueOf);
  if (typeof value === 'object' && value !== null) return mapOf(value);
  const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  assert(isScalar, 'a configuration holds nothing but maps, lists, text, numbers and booleans');
  return value;
}

/** Whether people see it as one value: a scalar, a list of scalars, or anything empty. */
export function isLeaf(value: FileValue): boolean {
  if (isList(value)) return value.every((item) => typeof item !== 'object');
  return typeof value !== 'object' || Object.keys(value).length === 0;
}

/** Array.isArray does not narrow a readonly list. */
export function isList(value: FileValue): value is FileList {
  return Array.isArray(value);
}

/** The paths of all leaves, in their order. */
export function leafPathsOf(value: FileValue, path: ConfigPath = []): readonly ConfigPath[] {
  if (isLeaf(value)) return [path];
  if (isList(value)) return value.flatMap((item, index) => leafPathsOf(item, [...path, index]));
  if (typeof value !== 'object') return [path];
  return Object.entries(value).flatMap(([key, child]) => leafPathsOf(child, [...path, key]));
}
