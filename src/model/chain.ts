/**
 * The nouns of service chains: what somebody wants connected, in words that survive every renumbering. A port is named by
 * what it is and never by its OpenFlow number. Types, limits and the words for a selector; `src/chain` gives them meaning.
 */

import { unreachable } from '../lib/assert.js';
import { safeText } from '../lib/text.js';
import type { Source } from './intent.js';
import type { RepresentorSelector } from './netdev.js';
import type { StringMap } from './ownership.js';

/** The bridge of chains for which nothing else is said. */
export const defaultChainBridge = 'br-sfc';
/** How long a learned station stays after its last frame, seconds; the default of IEEE 802.1D. */
export const defaultAgeingSeconds = 300;
/** Stations that one chain may learn: a hostile port must not be able to fill the switch with addresses. */
export const defaultStationCountMax = 4096;
/** As many switches and ports as DPF's ServiceChain allows. */
export const switchCountMax = 50;
export const portCountMax = 50;

/** Finds a port by what it is. Every form must match exactly one interface. */
export type ChainPortSelector =
  /** An uplink, or a PF, VF or SF, by its representor. */
  | RepresentorSelector
  /** The interface whose external_ids carry this `dpf-id`: `<namespace>/<pod>/<interface>`, as DPF's CNI writes it. */
  | { readonly kind: 'service'; readonly dpfId: string }
  /** The interface whose external_ids, with those of its port, hold every one of these pairs; at least one. */
  | { readonly kind: 'labels'; readonly labels: StringMap }
  /** The patch port towards another bridge; `name` where there is more than one. */
  | { readonly kind: 'patch'; readonly bridge: string; readonly name?: string | undefined };

/**
 * What a frame looks like on the wire of a port, as opposed to inside the switch.
 *
 * - `access`: untagged on the wire, in VLAN `tag` on the other ports of the switch that say nothing themselves.
 * - `tagged`: only frames of VLAN `tag`; the tag is taken off on the way in and put on again on the way out.
 */
export interface ChainVlan {
  readonly kind: 'access' | 'tagged';
  /** 1 to 4094. */
  readonly tag: number;
}

export interface ChainPort {
  /** For people, unique in its switch. Undefined: the words of the selector. */
  readonly name: string | undefined;
  readonly selector: ChainPortSelector;
  /** Undefined: every frame as it is, unless a port of the switch is an `access` port. */
  readonly vlan: ChainVlan | undefined;
  /** Whose port it is, where that differs from the chain's tenant. */
  readonly tenant: string | undefined;
  /** Stations that are behind this port and nowhere else: unicast MACs, lower case with colons. */
  readonly pinnedMacs: readonly string[];
}

/** Two ports make a cross-connect, three or more a learning switch. */
export interface ChainSwitch {
  /** Unique in its chain. Undefined: its place, from 1. */
  readonly name: string | undefined;
  readonly ports: readonly ChainPort[];
}

export interface ChainIntent {
  readonly name: string;
  readonly bridge: string;
  readonly switches: readonly ChainSwitch[];
  /** The largest packet that must pass, bytes as of an MTU. Undefined: not the intent's business. */
  readonly mtu: number | undefined;
  /** What happens to the traffic while the controller that wants the chain cannot be reached. */
  readonly onControllerLoss: 'keep' | 'close';
  readonly tenant: string | undefined;
  /** Other tenants whose ports this chain may connect with its own. */
  readonly joinsTenants: readonly string[];
  /** `refuse`: a station stays where it was first seen until it has been silent for the ageing time. */
  readonly macMove: 'allow' | 'refuse';
  /** 1 to 65535. */
  readonly ageingSeconds: number;
  readonly stationCountMax: number;
  readonly source: Source;
}

function describeFunction(controller: number | undefined, words: string): string {
  return controller === undefined ? words : `${words} of host ${controller}`;
}

/** The selector in a few words: `uplink 0`, `VF 3 of PF 0`, `service ns/pod/net1`. Safe to print. */
export function describeSelector(selector: ChainPortSelector): string {
  switch (selector.kind) {
    case 'uplink':
      return `uplink ${selector.port}`;
    case 'hostPf':
      return describeFunction(selector.controller, `host PF ${selector.pf}`);
    case 'hostVf':
      return describeFunction(selector.controller, `host VF ${selector.vf} of PF ${selector.pf}`);
    case 'sf':
      return describeFunction(
        selector.controller,
        `${selector.isExternal ? 'host' : 'local'} SF ${selector.sf} of PF ${selector.pf}`,
      );
    case 'service':
      return `service ${safeText(selector.dpfId)}`;
    case 'labels':
      return `labels ${[...selector.labels]
        .map(([key, value]) => `${safeText(key)}=${safeText(value)}`)
        .sort()
        .join(',')}`;
    case 'patch':
      return `patch to ${safeText(selector.bridge)}${selector.name === undefined ? '' : ` (${safeText(selector.name)})`}`;
    default:
      return unreachable(selector);
  }
}

/** The switch's name for people: its own, or its place. */
export function switchName(chain: ChainIntent, index: number): string {
  return chain.switches[index]?.name ?? String(index + 1);
}

/** `chain/switch/port`: names one port of one chain to people and in conditions. */
export function chainPortKey(chain: ChainIntent, switchIndex: number, port: ChainPort): string {
  return `${chain.name}/${switchName(chain, switchIndex)}/${port.name ?? describeSelector(port.selector)}`;
}
