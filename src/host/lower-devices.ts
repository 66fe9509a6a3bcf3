/** What a network device lies on: the device below a VLAN or a macvlan, the ports of a bridge, bond or VRF. */

import { readdirSync } from 'node:fs';
import { systemErrorCode } from '../lib/errors.js';

/** The devices right below, as the kernel links them (netdev_adjacent_sysfs_add in net/core/dev.c); none for one that is gone. */
export function lowerDevices(device: string, folder = '/sys/class/net'): readonly string[] {
  if (device.includes('/') || device.startsWith('.')) return [];
  try {
    const links = readdirSync(`${folder}/${device}`).filter((name) => name.startsWith('lower_'));
    return links.map((name) => name.slice('lower_'.length));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return [];
    throw error;
  }
}
