/**
 * Makes the chains that the agent sees from data that passed every check: kinds of ports become separate types, addresses
 * and sets are written in one way. Used by build.ts; never fails for what a person wrote.
 */
import { known, selectorOf } from './build-selector.js';
import type { ChainConfig, ChainPortConfig, ChainPortSettings } from './config.js';
import type { ChainInput, ChainPortInput } from './schema-chain.js';

/** @param input a chain to which no rule objects */
export function chainOf(input: ChainInput): ChainConfig {
  const { joinsTenants, switches, ...rest } = input;
  return {
    ...rest,
    joinsTenants: [...joinsTenants].sort(),
    switches: switches.map(({ ports, ...settings }) => ({ ...settings, ports: ports.map(portOf) })),
  };
}

function portOf(input: ChainPortInput): ChainPortConfig {
  const { kind } = input;
  switch (kind) {
    case 'uplink':
      return { kind, uplink: known(input.uplink), ...settings(input) };
    case 'representor':
      return { kind, representor: selectorOf(known(input.representor)), ...settings(input) };
    case 'service':
      return { kind, dpfId: known(input.dpfId), ...settings(input) };
    case 'labels':
      return { kind, labels: known(input.labels), ...settings(input) };
    case 'patch':
      return { kind, bridge: known(input.bridge), ...settings(input) };
  }
}

function settings(input: ChainPortInput): ChainPortSettings {
  const { name, vlan, tenant, pinnedMacs } = input;
  return {
    ...(name === undefined ? {} : { name }),
    ...(vlan === undefined ? {} : { vlan }),
    ...(tenant === undefined ? {} : { tenant }),
    pinnedMacs: pinnedMacs.map((mac) => mac.toLowerCase()).sort(),
  };
}
