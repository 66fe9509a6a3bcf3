/** Turns what a person wrote into the configuration file, or an owner into a bundle, into the planner's words. */

import type {
  BridgeConfig,
  ChainConfig,
  ChainPortConfig,
  Config,
  PortConfig,
  RepresentorSelector as ConfigSelector,
} from '../config/config.js';
import type { ChainIntent, ChainPort, ChainPortSelector } from '../model/chain.js';
import type { Attachment, BridgeIntent, Intents, PortIntent, Source, VlanIntent } from '../model/intent.js';
import type { RepresentorSelector } from '../model/netdev.js';

const mapOf = (record: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(record));

/** Controller 0 is the DPU itself; the host is 1 and above. A function of no named controller is the host's, but for SFs. */
function selectorOf(config: ConfigSelector): RepresentorSelector {
  const controller = config.controller === undefined || config.controller === 0 ? undefined : config.controller;
  switch (config.kind) {
    case 'pf':
      return { kind: 'hostPf', pf: config.pf, controller };
    case 'vf':
      return { kind: 'hostVf', pf: config.pf, vf: config.vf, controller };
    case 'sf':
      return { kind: 'sf', isExternal: controller !== undefined, pf: config.pf, sf: config.sf, controller };
  }
}

function interfaceType(type: string | undefined): string | undefined {
  return type === 'system' ? '' : type;
}

function attachmentOf(port: PortConfig): Attachment {
  switch (port.kind) {
    case 'system':
    case 'internal':
      return { kind: port.kind };
    case 'dpdk':
      return { kind: 'dpdk', type: 'dpdk' };
    case 'patch':
      return { kind: 'patch', peer: port.peer.port, peerBridge: port.peer.bridge };
    case 'uplink':
      return {
        kind: 'representor',
        selector: { kind: 'uplink', port: port.uplink },
        type: interfaceType(port.interfaceType),
      };
    case 'representor':
      return {
        kind: 'representor',
        selector: selectorOf(port.representor),
        type: interfaceType(port.interfaceType),
      };
  }
}

function vlanOf(port: PortConfig): VlanIntent {
  return { tag: port.vlan?.tag, trunks: port.vlan?.trunks ?? [], mode: port.vlan?.mode };
}

/** Who wants something, and how that one is called before what it wants: `configuration`, `controller fleet-1`. */
export interface Holder {
  readonly rank: number;
  readonly name: string;
}

const configuration: Holder = { rank: 0, name: 'configuration' };

const sourceOf = ({ rank, name }: Holder, what: string): Source => ({ rank, name: `${name}, ${what}` });

/** The intent for a port of the named bridge. */
export function portIntent(bridge: string, port: PortConfig, holder = configuration): PortIntent {
  return {
    name: port.name,
    bridge,
    attachment: attachmentOf(port),
    adopt: port.adopt,
    vlan: vlanOf(port),
    ofport: port.ofport,
    mtu: port.kind === 'patch' ? undefined : port.mtu,
    options: mapOf(port.options),
    otherConfig: mapOf(port.otherConfig),
    externalIds: mapOf(port.externalIds),
    interfaceExternalIds: mapOf(port.interfaceExternalIds),
    source: sourceOf(holder, `port ${port.name ?? port.kind} of ${bridge}`),
  };
}

/** The intent for a bridge without its ports. */
export function bridgeIntent(bridge: Omit<BridgeConfig, 'ports'>, holder = configuration): BridgeIntent {
  return {
    name: bridge.name,
    mode: bridge.mode,
    adopt: bridge.adopt,
    datapathType: bridge.datapathType,
    failMode: bridge.failMode,
    protocols: bridge.protocols ?? [],
    datapathId: bridge.datapathId,
    hwaddr: bridge.hwaddr,
    mtu: bridge.mtu,
    otherConfig: mapOf(bridge.otherConfig),
    externalIds: mapOf(bridge.externalIds),
    source: sourceOf(holder, `bridge ${bridge.name}`),
  };
}

/** The intents of a configuration. */
export function intentsOf(config: Config): Intents {
  return {
    bridges: config.bridges.map((bridge) => bridgeIntent(bridge)),
    ports: config.bridges.flatMap((bridge) => bridge.ports.map((port) => portIntent(bridge.name, port))),
  };
}

function chainSelector(port: ChainPortConfig): ChainPortSelector {
  switch (port.kind) {
    case 'uplink':
      return { kind: 'uplink', port: port.uplink };
    case 'representor':
      return selectorOf(port.representor);
    case 'service':
      return { kind: 'service', dpfId: port.dpfId };
    case 'labels':
      return { kind: 'labels', labels: mapOf(port.labels) };
    case 'patch':
      return { kind: 'patch', bridge: port.bridge, name: port.name };
  }
}

function chainPort(port: ChainPortConfig): ChainPort {
  const { name, vlan, tenant, pinnedMacs } = port;
  return { name, selector: chainSelector(port), vlan, tenant, pinnedMacs };
}

export function chainIntent(chain: ChainConfig, holder = configuration): ChainIntent {
  return {
    name: chain.name,
    bridge: chain.bridge,
    switches: chain.switches.map(({ name, ports }) => ({ name, ports: ports.map(chainPort) })),
    mtu: chain.mtu,
    onControllerLoss: chain.onControllerLoss,
    tenant: chain.tenant,
    joinsTenants: chain.joinsTenants,
    macMove: chain.macMove,
    ageingSeconds: chain.ageingSeconds,
    stationCountMax: chain.stationCountMax,
    source: sourceOf(holder, `chain ${chain.name}`),
  };
}

/** The service chains of a configuration, in the order of the file. */
export function chainIntentsOf(config: Config): readonly ChainIntent[] {
  return config.chains.map((chain) => chainIntent(chain));
}
