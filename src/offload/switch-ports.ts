/**
 * The interfaces of the switch as those need them who measure. There may be a thousand, and they are asked for again and again:
 * what is told is made anew only where the database or the devices have changed, and is the same value until then. Pure.
 */

import type { NetdevMap } from '../model/netdev.js';
import { engineOf } from './judge-offload.js';
import { objectsOfPorts, type OffloadObject } from './offload-objects.js';
import type { ObservedSwitch } from './record/database-record.js';
import type { SwitchPort } from './traffic-record.js';

export interface PortsView {
  readonly ports: readonly SwitchPort[];
  /** The same as objects. */
  readonly objects: readonly OffloadObject[];
  /** Names of those that have a device of the kernel. */
  readonly devices: ReadonlySet<string>;
}

interface Made {
  readonly seen: ObservedSwitch;
  readonly netdevs: NetdevMap | undefined;
  readonly view: PortsView;
}

export class SwitchPorts {
  #made: Made | undefined;

  /** @param netdevs of the kernel; undefined: not read yet */
  view(seen: ObservedSwitch, netdevs: NetdevMap | undefined): PortsView {
    if (this.#made !== undefined && isOf(this.#made, seen, netdevs)) return this.#made.view;
    const view = makeView(seen, netdevs);
    this.#made = { seen, netdevs, view };
    return view;
  }
}

function isOf(made: Made, { root, bridges, ports }: ObservedSwitch, netdevs: NetdevMap | undefined): boolean {
  const { seen } = made;
  return seen.ports === ports && seen.bridges === bridges && seen.root === root && made.netdevs === netdevs;
}

function makeView({ root, bridges, ports }: ObservedSwitch, netdevs: NetdevMap | undefined): PortsView {
  const found: SwitchPort[] = [];
  const devices = new Set<string>();
  for (const { bridge, interfaces } of ports.values()) {
    const datapathType = bridges.get(bridge)?.datapathType ?? '';
    const about = { engine: engineOf(datapathType, root), datapathType: datapathType || 'system' };
    for (const { name, type } of interfaces) {
      const netdev = netdevs?.get(name);
      found.push({ name, ...about, isUplink: netdev?.kind === 'uplink' });
      if (type !== 'patch' && type !== 'internal' && netdev !== undefined) devices.add(name);
    }
  }
  return { ports: found, objects: objectsOfPorts(found.map(({ name }) => name)), devices };
}
