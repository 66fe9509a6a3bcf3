/**
 * Which tunnel address the traffic of a representor leaves by: ovn-kubernetes notes it at the port when the machine has
 * several uplinks (`Open_vSwitch.external_ids:ovn-pf-encap-ip-mapping`, `p0:10.0.0.1,p1:10.0.1.1`). Pure.
 */

import { isIP } from 'node:net';
import type { Netdev, NetdevMap } from '../model/netdev.js';

/** Key of Open_vSwitch.external_ids. */
export const encapMappingKey = 'ovn-pf-encap-ip-mapping';

export type EncapIp =
  | { readonly kind: 'none' }
  | { readonly kind: 'ip'; readonly ip: string }
  | { readonly kind: 'unknown'; readonly message: string };

function parseMapping(text: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const entry of text.split(',').slice(0, 64)) {
    const split = entry.indexOf(':');
    const [name, ip] = [entry.slice(0, split).trim(), entry.slice(split + 1).trim()];
    if (split > 0 && isIP(ip) !== 0) pairs.set(name, ip);
  }
  return pairs;
}

/** The uplink that the function's physical function sends by: of the same embedded switch, and of the same number. */
export function uplinkOf(device: Netdev, netdevs: NetdevMap): Netdev | undefined {
  const uplinks = [...netdevs.values()]
    .filter((netdev) => netdev.kind === 'uplink' && netdev.switchId === device.switchId)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return uplinks.find(({ port }) => port === device.pf) ?? (uplinks.length === 1 ? uplinks[0] : undefined);
}

/** The tunnel address for the device; `none` when no mapping is declared. */
export function encapIpOf(device: Netdev, netdevs: NetdevMap, mapping: string | undefined): EncapIp {
  if (mapping === undefined || mapping === '') return { kind: 'none' };
  const uplink = uplinkOf(device, netdevs);
  if (uplink === undefined) return { kind: 'unknown', message: `The uplink of ${device.name} is not known.` };
  const ip = parseMapping(mapping).get(uplink.name);
  return ip === undefined ? { kind: 'none' } : { kind: 'ip', ip };
}
