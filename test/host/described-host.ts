/** Devices of a description file as the inventory would see them, without a file system: for tests of pure code. */
import { parseDevlinkPorts } from '../../src/host/devlink.js';
import type { DevlinkPort } from '../../src/host/devlink.js';
import type { RepresentorFinder } from '../../src/host/finder.js';
import type { LinkFacts, NetdevMap } from '../../src/model/netdev.js';
import { readDescription } from '../fakes/sysfs-tree.js';
import type { SysfsDevice } from '../fakes/sysfs-tree.js';

export function linkOf(device: SysfsDevice): LinkFacts {
  return {
    name: device.name,
    ifindex: device.ifindex,
    mac: device.address ?? '02:00:00:00:00:01',
    mtu: device.mtu ?? 1500,
    isUp: true,
    hasCarrier: true,
    operstate: 'up',
    isPromiscuous: false,
    alias: device.alias,
    switchId: device.switchId,
    portName: device.portName,
    driverNames: device.driver === undefined ? undefined : [device.driver],
  };
}

export const noPorts = (): undefined => undefined;

export function portsByName(json: unknown): (link: LinkFacts) => DevlinkPort | undefined {
  const ports = new Map(parseDevlinkPorts(JSON.stringify(json)).ports.map((port) => [port.netdev, port]));
  return (link) => ports.get(link.name);
}

export async function describedHost(
  name: string,
  finder: RepresentorFinder,
  options: { readonly hasDevlink: boolean } = { hasDevlink: true },
): Promise<NetdevMap> {
  const { devices, devlinkPorts } = await readDescription(name);
  const hasPorts = options.hasDevlink && devlinkPorts !== undefined;
  return finder.identify(devices.map(linkOf), hasPorts ? portsByName(devlinkPorts) : noPorts);
}
