/**
 * Builders of chains and of the ports that they select, with defaults, for tests of chains. Ports are told apart by a
 * label, as the ports of services are, unless a test says otherwise.
 */

import { allocateChainIds, defaultCookieTag, noChainIds, type ChainIds } from '../../src/chain/chain-id.js';
import { desireFlows, type DesiredFlows } from '../../src/chain/desired-flows.js';
import { validateChains, type ChainsVerdict } from '../../src/chain/validate-chain.js';
import { defaultLegBridges, indexWorld, type WorldIndex } from '../../src/chain/world-index.js';
import type { ChainIntent, ChainPort, ChainPortSelector, ChainSwitch, ChainVlan } from '../../src/model/chain.js';
import type { FindNetdev } from '../../src/intent/resolve.js';
import type { Netdev } from '../../src/model/netdev.js';
import type { ObservedInterface, ObservedPort } from '../../src/model/observed.js';
import { bridgeRow, findByVf, mapOf, owner, portRow } from './plan-rows.js';

/** Selects the port whose interface has this label. */
export function labelled(id: string): ChainPortSelector {
  return { kind: 'labels', labels: mapOf({ id }) };
}

export function chainPort(selector: ChainPortSelector | string, fields: Partial<ChainPort> = {}): ChainPort {
  return {
    name: undefined,
    selector: typeof selector === 'string' ? labelled(selector) : selector,
    vlan: undefined,
    tenant: undefined,
    pinnedMacs: [],
    ...fields,
  };
}

export const tagged = (tag: number): ChainVlan => ({ kind: 'tagged', tag });
export const access = (tag: number): ChainVlan => ({ kind: 'access', tag });

export function chainSwitch(...ports: readonly (ChainPort | string)[]): ChainSwitch {
  return { name: undefined, ports: ports.map((port) => (typeof port === 'string' ? chainPort(port) : port)) };
}

export function chainIntent(
  name: string,
  switches: readonly ChainSwitch[],
  fields: Partial<ChainIntent> = {},
): ChainIntent {
  return {
    name,
    bridge: 'br-sfc',
    switches,
    mtu: undefined,
    onControllerLoss: 'keep',
    tenant: undefined,
    joinsTenants: [],
    macMove: 'allow',
    ageingSeconds: 300,
    stationCountMax: 4096,
    source: { rank: 0, name: 'config.yaml:1' },
    ...fields,
  };
}

/** A port with one interface of its name, which carries the name as its label. */
export function sfcPort(
  name: string,
  ofport: number | undefined,
  main: Partial<ObservedInterface> = {},
  bridge = 'br-sfc',
): ObservedPort {
  const externalIds = mapOf({ id: name, ...Object.fromEntries(main.externalIds ?? []) });
  return portRow(name, bridge, {}, { type: '', ofport, ...main, externalIds });
}

/** Both ends of a patch pair. */
export function patchPair(
  near: { readonly name: string; readonly bridge?: string; readonly ofport?: number },
  far: { readonly name: string; readonly bridge: string; readonly ofport?: number },
  fields: { readonly near?: Partial<ObservedInterface>; readonly far?: Partial<ObservedInterface> } = {},
): readonly ObservedPort[] {
  const end = (name: string, bridge: string, peer: string, ofport: number, extra: Partial<ObservedInterface> = {}) =>
    portRow(name, bridge, {}, { type: 'patch', options: mapOf({ peer }), ofport, mtu: undefined, ...extra });
  return [
    end(near.name, near.bridge ?? 'br-sfc', far.name, near.ofport ?? 50, fields.near),
    end(far.name, far.bridge, near.name, far.ofport ?? 60, fields.far),
  ];
}

export interface WorldFields {
  readonly ports: readonly ObservedPort[];
  readonly netdevs?: readonly Netdev[];
  readonly find?: FindNetdev;
}

export function worldIndex({ ports, netdevs = [], find = findByVf }: WorldFields): WorldIndex {
  const bridges = new Map(['br-sfc', 'br-hbn', 'br-int', 'br-ovn'].map((name) => [name, bridgeRow(name)]));
  return indexWorld({
    observed: {
      bridges,
      ports: new Map(ports.map((port) => [port.name, port])),
      netdevs: new Map(netdevs.map((entry) => [entry.name, entry])),
    },
    find,
    owner,
    declared: new Map(),
    legBridges: defaultLegBridges,
  });
}

export function validate(
  wanted: readonly ChainIntent[],
  index: WorldIndex,
  accepted: ReadonlyMap<string, ChainIntent> = new Map(),
): ChainsVerdict {
  return validateChains({ wanted, accepted, index });
}

export function idsOf(verdict: ChainsVerdict, stored: ChainIds = noChainIds): ChainIds {
  return allocateChainIds(stored, verdict.accepted.keys());
}

export function flowsOf(verdict: ChainsVerdict, ids = idsOf(verdict), closed: readonly string[] = []): DesiredFlows {
  return desireFlows(verdict.chains, ids, { tag: defaultCookieTag, closed: new Set(closed) });
}
