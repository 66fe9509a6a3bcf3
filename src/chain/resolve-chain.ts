/**
 * Turns a chain's selectors into interfaces with numbers, and says which patch ports the agent has to make for it. Pure:
 * the same chain and world give the same answer. Whether the answer is acceptable is for `validate-chain.ts` to say.
 */

import { chainPortKey, describeSelector, switchName, type ChainIntent, type ChainPort } from '../model/chain.js';
import { flowPortMax } from '../model/flow.js';
import type { PortIntent } from '../model/intent.js';
import { findPort, type PairNames, type PortFinding } from './find-port.js';
import type { ChainProblem, Leg, Place, ResolvedChain, ResolvedPort, Wire } from './resolved.js';
import { labelOf, tenantKey, type Hit, type WorldIndex } from './world-index.js';

/** external_ids key on the agent's patch ports: which chain they were made for. For people; nothing reads it. */
const chainKey = 'dpu-agent-chain';

/** What frames look like at `port`: as it says, else in the VLAN that the access ports of its switch give it. */
function wireOf(port: ChainPort, accessTag: number | undefined): Wire {
  if (port.vlan?.kind === 'access') return { kind: 'untagged' };
  const vid = port.vlan?.tag ?? accessTag;
  return vid === undefined ? { kind: 'any' } : { kind: 'tag', vid };
}

/** The number by which flows may name the interface. -1 says that it could not be opened. */
function ofportOf(hit: Hit | undefined): number | undefined {
  const ofport = hit?.interface.ofport;
  return ofport !== undefined && ofport > 0 && ofport <= flowPortMax ? ofport : undefined;
}

const placeOf = (hit: Hit): Place => ({ bridge: hit.port.bridge, interface: hit.interface.name });

function patchIntent(here: Place, there: Place, chain: ChainIntent): PortIntent {
  return {
    name: here.interface,
    bridge: here.bridge,
    attachment: { kind: 'patch', peer: there.interface, peerBridge: there.bridge },
    adopt: false,
    vlan: { tag: undefined, trunks: [], mode: undefined },
    ofport: undefined,
    mtu: undefined,
    options: new Map(),
    otherConfig: new Map(),
    externalIds: new Map(),
    interfaceExternalIds: new Map([[chainKey, chain.name]]),
    source: chain.source,
  };
}

function legOf(finding: PortFinding): Leg | undefined {
  if (finding.kind !== 'found' || finding.ownPair === undefined || finding.target === undefined) return undefined;
  return {
    bridge: finding.ownPair.far.bridge,
    target: finding.target.interface.name,
    targetOfport: ofportOf(finding.target),
    patch: finding.ownPair.far.interface,
    patchOfport: ofportOf(finding.far),
  };
}

function pairPending(key: string, pair: PairNames, chain: ChainIntent): ChainProblem {
  const ends = [pair.near, pair.far].map((end) => `${end.interface} on ${end.bridge}`);
  return {
    reason: 'ChainPatchPending',
    message: `Port ${key} needs the patch pair ${ends.join(' and ')}, which is being made.`,
    claimants: [chain.source.name],
    remedy: 'Nothing, unless it stays: both bridges must be ones to which the agent may add ports.',
  };
}

function problemOf(finding: PortFinding, key: string, chain: ChainIntent): ChainProblem | undefined {
  if (finding.kind === 'problem') return finding.problem;
  return finding.kind === 'pairMissing' ? pairPending(key, finding.pair, chain) : undefined;
}

/** The device on the way with the least room. Patch ports carry whatever comes. */
function smallest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function resolvePort(chain: ChainIntent, switchIndex: number, port: ChainPort, wire: Wire, index: WorldIndex) {
  const key = chainPortKey(chain, switchIndex, port);
  const asker = { key, source: chain.source.name, bridge: chain.bridge };
  const finding = findPort(port.selector, asker, index);
  const near = finding.kind === 'found' ? finding.near : undefined;
  const target = finding.kind === 'problem' ? undefined : finding.target;
  const devices = [near, target].filter((hit) => hit !== undefined && hit.interface.type !== 'patch');
  const { netdevs } = index.world.observed;
  const resolved: ResolvedPort = {
    key,
    words: describeSelector(port.selector),
    intent: port,
    wire,
    interface: near?.interface.name,
    ofport: ofportOf(near),
    target: target === undefined ? undefined : placeOf(target),
    far: finding.kind === 'found' && finding.far !== undefined ? placeOf(finding.far) : undefined,
    leg: legOf(finding),
    mtu: smallest(devices.map((hit) => hit?.interface.mtu)),
    mtuMax: smallest(devices.map((hit) => netdevs.get(hit?.interface.name ?? '')?.mtuMax)),
    linkState: (target ?? near)?.interface.linkState,
    tenant: port.tenant ?? tenantOf(target) ?? tenantOf(near),
    problem: problemOf(finding, key, chain),
  };
  const pair = finding.kind === 'pairMissing' ? finding.pair : finding.kind === 'found' ? finding.ownPair : undefined;
  return { resolved, pair };
}

function tenantOf(hit: Hit | undefined): string | undefined {
  return hit === undefined ? undefined : labelOf(hit, tenantKey);
}

/** The chain with every selector answered as well as the world allows. */
export function resolveChain(chain: ChainIntent, index: WorldIndex): ResolvedChain {
  const pairs: PairNames[] = [];
  const switches = chain.switches.map((entry, switchIndex) => {
    const accessTag = entry.ports.find((port) => port.vlan?.kind === 'access')?.vlan?.tag;
    const ports = entry.ports.map((port) => {
      const { resolved, pair } = resolvePort(chain, switchIndex, port, wireOf(port, accessTag), index);
      if (pair !== undefined) pairs.push(pair);
      return resolved;
    });
    return { name: switchName(chain, switchIndex), index: switchIndex, ports };
  });
  const patches = pairs.flatMap(({ near, far }) => [patchIntent(near, far, chain), patchIntent(far, near, chain)]);
  return { intent: chain, switches, patches };
}
