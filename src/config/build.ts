/**
 * Makes the configuration that the agent sees from data that passed every check: kinds of ports become separate types, the
 * sides that `createPeer` implies are added, spelling is made uniform. Never fails for what a person wrote.
 */
import { attachOf, hostClusterOf } from './build-attach.js';
import { chainOf } from './build-chain.js';
import { offloadOf } from './build-offload.js';
import { known, selectorOf } from './build-selector.js';
import type {
  BridgeConfig,
  Config,
  DeviceSettings,
  PortConfig,
  PortSettings,
  RepresentorPort,
  VlanConfig,
} from './config.js';
import { withImpliedPeers } from './patch-peers.js';
import type { BridgeInput, ConfigInput, PortInput } from './schema.js';

/** @param input output of the schema to which no rule objects */
export function buildConfig(input: ConfigInput): Config {
  const { hostCluster, attach, offload, ...rest } = input;
  return {
    ...rest,
    ...(hostCluster === undefined ? {} : { hostCluster: hostClusterOf(hostCluster) }),
    attach: attachOf(attach, { hasCluster: hostCluster !== undefined, finder: input.representors.finder }),
    offload: offloadOf(offload),
    bridges: bridgesOf(input.bridges),
    chains: input.chains.map(chainOf),
  };
}

/** Bridges with the ports that are written down, in that order, then those that are implied. */
export function bridgesOf(inputs: readonly BridgeInput[]): readonly BridgeConfig[] {
  return withImpliedPeers(inputs, inputs.map(bridgeOf));
}

function bridgeOf(input: BridgeInput): BridgeConfig {
  const { datapathId, hwaddr, protocols, ports, ...rest } = input;
  return {
    ...rest,
    ...(datapathId === undefined ? {} : { datapathId: datapathId.toLowerCase() }),
    ...(hwaddr === undefined ? {} : { hwaddr: hwaddr.toLowerCase() }),
    // The names sort by version: OpenFlow10 to OpenFlow15.
    ...(protocols === undefined ? {} : { protocols: [...protocols].sort() }),
    ports: ports.map(portOf),
  };
}

/** One port as it is written down. */
export function portOf(input: PortInput): PortConfig {
  const { kind, name } = input;
  switch (kind) {
    case 'system':
    case 'internal':
    case 'dpdk':
      return { kind, name: known(name), ...deviceSettings(input) };
    case 'patch':
      return { kind, name: known(name), peer: known(input.peer), isImplied: false, ...settings(input) };
    case 'representor':
      return { kind, representor: selectorOf(known(input.representor)), ...foundDevice(input) };
    case 'uplink':
      return { kind, uplink: known(input.uplink), ...foundDevice(input) };
  }
}

type FoundDevice = Pick<RepresentorPort, keyof DeviceSettings | 'name' | 'interfaceType'>;

function foundDevice(input: PortInput): FoundDevice {
  const { name, interfaceType } = input;
  return {
    ...(name === undefined ? {} : { name }),
    ...(interfaceType === undefined ? {} : { interfaceType }),
    ...deviceSettings(input),
  };
}

function deviceSettings(input: PortInput): DeviceSettings {
  return { ...(input.mtu === undefined ? {} : { mtu: input.mtu }), ...settings(input) };
}

function settings(input: PortInput): PortSettings {
  const { vlan, ofport, options, otherConfig, externalIds, interfaceExternalIds, adopt } = input;
  return {
    ...(vlan === undefined ? {} : { vlan: vlanOf(vlan) }),
    ...(ofport === undefined ? {} : { ofport }),
    options,
    otherConfig,
    externalIds,
    interfaceExternalIds,
    adopt,
  };
}

function vlanOf(vlan: NonNullable<PortInput['vlan']>): VlanConfig {
  const { trunks, ...rest } = vlan;
  return trunks === undefined ? rest : { ...rest, trunks: [...trunks].sort((a, b) => a - b) };
}
