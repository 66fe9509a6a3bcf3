/** The host's inventory as the reconcile loop's device source. */

import type { DeviceSource, Unsubscribe } from '../agent/ports.js';
import type { Clock } from '../lib/clock.js';
import { createDevlinkReader } from '../host/devlink-reader.js';
import { createSimulatedFinder } from '../host/finder-simulated.js';
import { createSwitchdevFinder } from '../host/finder-switchdev.js';
import type { RepresentorFinder } from '../host/finder.js';
import { Inventory } from '../host/inventory.js';
import { IpLinkMonitor, noLinkMonitor } from '../host/link-monitor.js';
import { safeText } from '../lib/text.js';
import type { NetdevMap } from '../model/netdev.js';
import type { FindNetdev } from '../intent/resolve.js';

export interface HostDevicesOptions {
  readonly finder: 'switchdev' | 'simulated';
  /** Directory under which `sys` lies; `/` outside tests and the sandbox. */
  readonly root: string;
  readonly clock: Clock;
  readonly random: () => number;
}

/** The finder that the configuration names. */
export function createFinder(kind: 'switchdev' | 'simulated'): RepresentorFinder {
  if (kind === 'simulated') return createSimulatedFinder({ hostPfTemplate: 'pf{pf}hpf' });
  return createSwitchdevFinder({ acceptsLegacyNames: true });
}

export class HostDevices implements DeviceSource {
  readonly find: FindNetdev;
  readonly #inventory: Inventory;

  constructor(options: HostDevicesOptions) {
    const { root, clock, random } = options;
    const finder = createFinder(options.finder);
    // Events are those of this machine; under another root there is a tree of files that has none.
    const monitor = root === '/' ? new IpLinkMonitor({ clock, random }) : noLinkMonitor;
    const devlink = options.finder === 'switchdev' ? createDevlinkReader({ clock }) : undefined;
    this.#inventory = new Inventory({ root, clock, random, finder, monitor, devlink });
    this.find = (selector, netdevs) => finder.find(selector, netdevs);
  }

  /** Resolves after the first complete look. */
  start(): Promise<void> {
    return this.#inventory.start();
  }

  snapshot(): NetdevMap | undefined {
    return this.#inventory.status().isSynced ? this.#inventory.snapshot() : undefined;
  }

  problem(): string | undefined {
    const error = this.#inventory.status().lastError;
    return error === undefined ? undefined : safeText(error.message, 512);
  }

  onChange(listener: () => void): Unsubscribe {
    return this.#inventory.onChange(() => listener());
  }

  close(): Promise<void> {
    return this.#inventory.close();
  }
}
