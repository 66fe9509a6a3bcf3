/** What holds for all flows of one datapath, from everything that is known. Pure. */

import type { Netdev } from '../../model/netdev.js';
import { tunnelTypes } from '../checks/ports.js';
import type { Effective } from '../effective-settings.js';
import type { TierContext } from '../flow-tier.js';
import type { ConnectionFacts, InterfaceFacts } from '../offload-facts.js';
import type { OffloadEngine } from '../offload.js';
import type { OffloadPort, SoftwareContext } from '../software-reason.js';
import { isTrueWord } from '../setting-rule.js';
import { standsForUplink } from '../uplink-stand-in.js';

export interface PortSources {
  /** Of the datapath. */
  readonly engine: OffloadEngine;
  readonly rows: ReadonlyMap<string, InterfaceFacts>;
  readonly devices: ReadonlyMap<string, Netdev>;
  /** `dpif/offload/show`; undefined: not known. */
  readonly providers: ReadonlyMap<string, string> | undefined;
}

export interface ContextSources extends PortSources {
  readonly isInEffect: boolean | undefined;
  /** What is in effect of a setting of the root row. */
  readonly effective: (key: string) => Effective;
  readonly hardwareTable: ConnectionFacts | undefined;
  readonly tcFlags: 'said' | 'silent' | undefined;
}

/** The ports that Open vSwitch makes for itself in each datapath. */
const localPorts = new Set(['ovs-system', 'ovs-netdev', 'ovs-doca']);
/** Devices that Open vSwitch makes for tunnels (dpif-netlink-rtnl.c, netdev-vport.c): `vxlan_sys_4789`, `genev_sys_6081`. */
const tunnelDevice = /^(?:vxlan|genev|gre|erspan|ip6gre|ip6erspan|gtpu|bareudp|srv6|lisp|stt)_sys(?:_|$)/;

export function makeContext(sources: ContextSources): SoftwareContext & TierContext {
  const { engine, isInEffect, effective, hardwareTable, tcFlags } = sources;
  const made = new Map<string, OffloadPort | undefined>();
  const delayMs = Number(wordOf(effective('offloaded-stats-delay')) ?? Number.NaN);
  return {
    engine,
    tcFlags,
    isInEffect,
    tcPolicy: policyOf(wordOf(effective('tc-policy'))),
    isCtIpv6InEffect: ctIpv6(effective),
    ctFill: hardwareTable === undefined ? undefined : fillOf(hardwareTable),
    insertionDelayMs: Number.isSafeInteger(delayMs) && delayMs >= 0 ? delayMs : undefined,
    port: (name) => {
      if (!made.has(name) && made.size < portsMax) made.set(name, offloadPort(name, sources));
      return made.has(name) ? made.get(name) : offloadPort(name, sources);
    },
  };
}

/** Names come from the flows of a dump, which are as they are; what is kept of them is bounded. */
const portsMax = 16_384;

/** Undefined: nothing is known of it. */
export function offloadPort(name: string, sources: PortSources): OffloadPort | undefined {
  const { rows, devices, providers } = sources;
  const row = rows.get(name);
  const device = devices.get(name);
  if (localPorts.has(name) || row?.type === 'internal') return { kind: 'internal' };
  if (tunnelDevice.test(name) || (row !== undefined && tunnelTypes.has(row.type))) return { kind: 'tunnel' };
  // Where ovs-vswitchd tells its providers, a port that it leaves out has none.
  const provider = providers === undefined ? providerOf(row, device, sources) : providers.get(name);
  if (row === undefined && device === undefined && provider === undefined) return undefined;
  return {
    kind: provider === undefined ? 'other' : 'offloadable',
    provider,
    eswitch: device?.switchId,
    isExempt: row?.otherConfig.get('hw-offload-priority') === 'none',
  };
}

/**
 * Where nobody says which provider has the port, its type and its device do: DPDK and DOCA have ports of their own types, TC
 * has representors, and the bonds of them.
 */
function providerOf(
  row: InterfaceFacts | undefined,
  device: Netdev | undefined,
  { engine, devices }: PortSources,
): string | undefined {
  if (row !== undefined && /^(?:dpdk|doca)$/.test(row.type)) return engine === 'doca' ? 'doca' : row.type;
  if (device?.switchId !== undefined) return engine === 'tc' ? 'tc' : undefined;
  if (row === undefined || row.type !== '' || engine !== 'tc') return undefined;
  return standsForUplink(row.name, devices) ? 'tc' : undefined;
}

const wordOf = (effective: Effective): string | undefined => (effective.kind === 'known' ? effective.value : undefined);

function policyOf(word: string | undefined): SoftwareContext['tcPolicy'] {
  return word === 'none' || word === 'skip_sw' || word === 'skip_hw' ? word : undefined;
}

/** The key has an older name, `doca-ct-ipv6`; a yes of either is a yes. */
function ctIpv6(effective: ContextSources['effective']): boolean | undefined {
  const older = wordOf(effective('doca-ct-ipv6'));
  if (isTrueWord(older)) return true;
  const word = wordOf(effective('hw-offload-ct-ipv6-enabled'));
  return word === undefined ? undefined : isTrueWord(word);
}

const fillOf = ({ count, limit }: ConnectionFacts): number => (limit === 0 ? 1 : count / limit);
