/** Devices above the uplinks, which stand for them on the switch. Pure. */

import type { Netdev } from '../model/netdev.js';

/**
 * Whether a device is a bond of uplinks, or lies on one in another way. The kernel's files as they are read here do not say
 * what lies on what; a bond gives its members its own address (networking/bonding.rst of Linux, fail_over_mac none), and a
 * VLAN has that of the device below. Where the address is another one, the name has to do.
 */
export function standsForUplink(name: string, netdevs: ReadonlyMap<string, Netdev>): boolean {
  const netdev = netdevs.get(name);
  if (netdev !== undefined && netdev.kind !== 'other') return false;
  if (/bond|lag|team/.test(name)) return true;
  if (netdev === undefined || netdev.mac === '') return false;
  for (const other of netdevs.values()) if (other.kind === 'uplink' && other.mac === netdev.mac) return true;
  return false;
}
