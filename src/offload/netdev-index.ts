/** Devices by name. Pure. */

import type { Netdev } from '../model/netdev.js';

/** Made once for each list: there may be a thousand devices, several ask in each look, and the list stays until one changes. */
const made = new WeakMap<readonly Netdev[], ReadonlyMap<string, Netdev>>();

export function netdevsByName(netdevs: readonly Netdev[]): ReadonlyMap<string, Netdev> {
  const byName = made.get(netdevs) ?? new Map(netdevs.map((netdev) => [netdev.name, netdev]));
  made.set(netdevs, byName);
  return byName;
}
