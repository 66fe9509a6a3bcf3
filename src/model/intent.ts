/**
 * What somebody wants, as the planner sees it: bridges and ports, each with its source. Sources (the configuration file, a
 * controller, host-cluster pods) are turned into these types at the edge; nothing here knows where they came from.
 */

import type { RepresentorSelector } from './netdev.js';
import type { StringMap } from './ownership.js';

/** `own`: the agent creates and repairs it. `share`: it adds its ports to it. `observe`: it only reads. */
export type BridgeMode = 'own' | 'share' | 'observe';

/** Who wants it. Where two want the same thing, the lower rank keeps it, then the lower name. */
export interface Source {
  /** 0 configuration, 1 controller, 2 host-cluster pod. */
  readonly rank: number;
  /** For a person: `config.yaml:12`, `controller fleet-1 intent 7`, `pod ns/name`. */
  readonly name: string;
}

export interface BridgeIntent {
  readonly name: string;
  readonly mode: BridgeMode;
  /** Take over an existing bridge of this name that carries no mark. */
  readonly adopt: boolean;
  /** Undefined: not the intent's business (new bridges then get Open vSwitch's default). */
  readonly datapathType: string | undefined;
  readonly failMode: 'secure' | 'standalone' | undefined;
  /** OpenFlow versions; empty: not the intent's business. */
  readonly protocols: readonly string[];
  /** 16 hexadecimal digits. Undefined: pinned by the agent at creation. */
  readonly datapathId: string | undefined;
  readonly hwaddr: string | undefined;
  /** MTU of the bridge's local port. */
  readonly mtu: number | undefined;
  readonly otherConfig: StringMap;
  readonly externalIds: StringMap;
  readonly source: Source;
}

export interface VlanIntent {
  readonly tag: number | undefined;
  readonly trunks: readonly number[];
  readonly mode: 'access' | 'trunk' | 'native-tagged' | 'native-untagged' | undefined;
}

/** What is behind a port. */
export type Attachment =
  | { readonly kind: 'system' }
  | { readonly kind: 'internal' }
  /** `type`: the OVS interface type, `dpdk` where nothing else is said. */
  | { readonly kind: 'dpdk'; readonly type: string }
  | { readonly kind: 'patch'; readonly peer: string; readonly peerBridge: string }
  /** A representor or uplink, found by what it is. */
  | {
      readonly kind: 'representor';
      readonly selector: RepresentorSelector;
      /** The OVS interface type; undefined: what the bridge's datapath wants. */
      readonly type: string | undefined;
    };

export interface PortIntent {
  /** Name of port and interface. Undefined for a representor that takes the name of the device that is found. */
  readonly name: string | undefined;
  readonly bridge: string;
  readonly attachment: Attachment;
  readonly adopt: boolean;
  readonly vlan: VlanIntent;
  readonly ofport: number | undefined;
  readonly mtu: number | undefined;
  readonly options: StringMap;
  readonly otherConfig: StringMap;
  readonly externalIds: StringMap;
  readonly interfaceExternalIds: StringMap;
  readonly source: Source;
}

/** Everything that is wanted. The order of the lists has no meaning. */
export interface Intents {
  readonly bridges: readonly BridgeIntent[];
  readonly ports: readonly PortIntent[];
  /** Counts the changes of the source, so that one can tell which of them something has seen. */
  readonly revision?: number;
}

/** `a` before `b` when both want the same thing. */
export function compareSources(a: Source, b: Source): number {
  return a.rank - b.rank || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
