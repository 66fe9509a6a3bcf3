/**
 * The flows of a chain. A cross-connect is decided in table 0 by one look-up; a learning switch goes through the tables
 * below. Registers and metadata stay inside the switch, so what reaches the datapath is: port, addresses and VLAN in,
 * outputs and VLAN changes out, which hardware takes. No flow names a port whose number is not known.
 */

import type { Flow, FlowAction, FlowMatch } from '../model/flow.js';
import { encodeCookie, sharedChainId, switchMetadata, type ChainIdentity } from './chain-id.js';
import { learningFlows } from './learning-switch.js';
import type { Leg, ResolvedChain, ResolvedPort, ResolvedSwitch, Wire } from './resolved.js';
import { priorities, tables } from './tables.js';

/** A flow and the chain that it serves; undefined: it serves all chains of the bridge. */
export interface ChainFlow {
  readonly bridge: string;
  readonly chain: string | undefined;
  readonly flow: Flow;
}

export interface PipelineOptions {
  /** The agent's cookie tag. */
  readonly tag: number;
  /** Chains whose traffic is to stop: their controller is lost and they asked for it. */
  readonly closed: ReadonlySet<string>;
}

/** A port that flows may name. */
export type LivePort = ResolvedPort & { readonly ofport: number };

function isLive(port: ResolvedPort): port is LivePort {
  return port.ofport !== undefined && port.problem === undefined;
}

/** The ports of a switch that flows may name, sorted by number, so that the order of the intent has no influence. */
export function livePorts(entry: ResolvedSwitch): readonly LivePort[] {
  return entry.ports.filter(isLive).sort((a, b) => a.ofport - b.ofport);
}

function ingressMatch(port: LivePort): FlowMatch {
  const { wire } = port;
  switch (wire.kind) {
    case 'any':
      return { inPort: port.ofport };
    case 'untagged':
      return { inPort: port.ofport, vlan: { kind: 'untagged' } };
    case 'tag':
      return { inPort: port.ofport, vlan: { kind: 'tag', vid: wire.vid } };
  }
}

function ingressActions(wire: Wire): readonly FlowAction[] {
  return wire.kind === 'tag' ? [{ kind: 'popVlan' }] : [];
}

function egressActions(port: LivePort): readonly FlowAction[] {
  const output: FlowAction = { kind: 'output', port: port.ofport };
  return port.wire.kind === 'tag' ? [{ kind: 'pushVlan' }, { kind: 'setVlan', vid: port.wire.vid }, output] : [output];
}

/** Everything that a switch puts into one flow of table 0: what comes in at `port` does `then`. */
function classify(port: LivePort, cookie: bigint, then: readonly FlowAction[]): Flow {
  const priority = port.wire.kind === 'any' ? priorities.classify : priorities.classifyVlan;
  const actions = then.length === 0 ? [] : [...ingressActions(port.wire), ...then];
  return {
    table: tables.classify,
    priority,
    match: ingressMatch(port),
    actions,
    cookie,
    idleTimeout: 0,
    hardTimeout: 0,
  };
}

/** A station that is pinned to the other port cannot be behind this one. */
function pinnedElsewhere(port: LivePort, other: ResolvedPort, cookie: bigint): readonly Flow[] {
  return other.intent.pinnedMacs.map((mac) => ({
    ...classify(port, cookie, []),
    priority: priorities.classifyPinned,
    match: { ...ingressMatch(port), ethSrc: { value: mac } },
  }));
}

function crossConnect(entry: ResolvedSwitch, cookie: bigint): readonly Flow[] {
  return livePorts(entry).flatMap((port) => {
    const other = entry.ports.find((candidate) => candidate !== port);
    if (other === undefined) return [];
    const then = isLive(other) ? egressActions(other) : [];
    return [classify(port, cookie, then), ...pinnedElsewhere(port, other, cookie)];
  });
}

function learningSwitch(
  chain: ResolvedChain,
  entry: ResolvedSwitch,
  identity: ChainIdentity,
  cookie: bigint,
): readonly Flow[] {
  const metadata = switchMetadata(identity, entry.index);
  const ports = livePorts(entry);
  const enter: readonly FlowAction[] = [
    { kind: 'writeMetadata', value: metadata },
    { kind: 'goto', table: tables.admit },
  ];
  return [
    ...ports.map((port) => classify(port, cookie, enter)),
    ...learningFlows({ chain: chain.intent, declared: entry.ports, ports, metadata, cookie }),
  ];
}

function switchFlows(
  chain: ResolvedChain,
  entry: ResolvedSwitch,
  identity: ChainIdentity,
  cookie: bigint,
  isClosed: boolean,
): readonly Flow[] {
  if (isClosed) return livePorts(entry).map((port) => classify(port, cookie, []));
  if (entry.ports.length === 2) return crossConnect(entry, cookie);
  return learningSwitch(chain, entry, identity, cookie);
}

/** Beyond a patch pair of the agent's own making, nobody else connects its end with what was selected. */
function legFlows(leg: Leg, cookie: bigint): readonly Flow[] {
  const oneWay = (from: number, to: number | undefined): Flow => ({
    table: tables.classify,
    priority: priorities.classify,
    match: { inPort: from },
    actions: to === undefined ? [] : [{ kind: 'output', port: to }],
    cookie,
    idleTimeout: 0,
    hardTimeout: 0,
  });
  const { targetOfport: target, patchOfport: patch } = leg;
  return [
    ...(target === undefined ? [] : [oneWay(target, patch)]),
    ...(patch === undefined ? [] : [oneWay(patch, target)]),
  ];
}

/** The flows of one chain, on all bridges that it touches. */
export function chainFlows(
  chain: ResolvedChain,
  identity: ChainIdentity,
  options: PipelineOptions,
): readonly ChainFlow[] {
  const { name, bridge } = chain.intent;
  const cookie = encodeCookie(options.tag, identity);
  const isClosed = options.closed.has(name);
  const own = chain.switches.flatMap((entry) => switchFlows(chain, entry, identity, cookie, isClosed));
  const far = chain.switches
    .flatMap((entry) => entry.ports)
    .flatMap(({ leg }) =>
      leg === undefined ? [] : legFlows(leg, cookie).map((flow) => ({ bridge: leg.bridge, flow })),
    );
  return [...own.map((flow) => ({ bridge, flow })), ...far].map((entry) => ({ ...entry, chain: name }));
}

/**
 * What comes in at a port of a chain and belongs to none of the port's VLANs is dropped, and not left to the flows of
 * others: a port that is part of a chain is part of nothing else.
 */
export function guardFlows(chains: readonly ResolvedChain[], options: PipelineOptions): readonly ChainFlow[] {
  const cookie = encodeCookie(options.tag, { id: sharedChainId, generation: 0 });
  const guards = new Map<string, ChainFlow>();
  for (const chain of chains) {
    const { bridge } = chain.intent;
    for (const port of chain.switches.flatMap(livePorts)) {
      if (port.wire.kind === 'any') continue;
      const flow: Flow = {
        ...classify(port, cookie, []),
        priority: priorities.guard,
        match: { inPort: port.ofport },
      };
      guards.set(`${bridge} ${port.ofport}`, { bridge, chain: undefined, flow });
    }
  }
  return [...guards.values()];
}
