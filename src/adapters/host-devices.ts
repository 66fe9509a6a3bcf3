/** The host's inventory as the reconcile loop's device source. */

import type { DeviceSource, Unsubscribe } from '../agent/ports.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { createDevlinkReader } from '../host/devlink-reader.js';
import { createSimulatedFinder } from '../host/finder-simulated.js';
import { createSwitchdevFinder } from '../host/finder-switchdev.js';
import type { RepresentorFinder } from '../host/finder.js';
import { Inventory } from '../host/inventory.js';
import { systemFiles } from '../host/file-source.js';
import { LinkDumpReader } from '../host/link-dump-reader.js';
import { IpLinkMonitor, noLinkMonitor } from '../host/link-monitor.js';
import { sysfsLinkReader, type LinkReader } from '../host/link-reader.js';
import { safeText } from '../lib/text.js';
import type { NetdevMap } from '../model/netdev.js';
import type { FindNetdev } from '../intent/resolve.js';

/** Which device counts as a function of the host. */
export interface FinderSettings {
  readonly finder: 'switchdev' | 'simulated';
  /** The host that is meant where a selector names none. Absent: any for configured ports, 1 for pods. */
  readonly hostController?: number | undefined;
  /** Whether a port name that does not say whose function it is will do. Absent: for configured ports, never for pods. */
  readonly legacyNames?: boolean | undefined;
}

export interface HostDevicesOptions extends FinderSettings {
  /** Directory under which `sys` lies; `/` outside tests and the sandbox. */
  readonly root: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told once while it lasts: the devices are read, but at a higher price than they should be. */
  readonly onTrouble?: ((error: Error) => void) | undefined;
}

/** The finder for ports of the configuration, whose functions a person has chosen. */
export function createFinder(settings: FinderSettings): RepresentorFinder {
  const { finder, hostController, legacyNames = true } = settings;
  if (finder === 'simulated') return createSimulatedFinder({ hostPfTemplate: 'pf{pf}hpf' });
  return createSwitchdevFinder({ acceptsLegacyNames: legacyNames, hostController });
}

/**
 * The finder for functions that a pod names, which the host may have forged: never another host's and, unless somebody has
 * said that the DPU has none of its own, never one of which nothing tells whose it is.
 */
export function createPodFinder(settings: FinderSettings): RepresentorFinder {
  const { hostController = 1, legacyNames = false } = settings;
  return createFinder({ ...settings, hostController, legacyNames });
}

/** `ip` tells of this machine's devices; under another root there is a tree of files that it does not know. */
function linkReader({ root, clock, onTrouble }: HostDevicesOptions): LinkReader {
  if (root !== '/') return sysfsLinkReader({ root, files: systemFiles });
  const onFallback = (why: string): void =>
    onTrouble?.(
      new AgentError('NETDEV_REFUSED', `all network devices are read file by file, which costs more: ${why}`),
    );
  return new LinkDumpReader({ clock, onFallback });
}

export class HostDevices implements DeviceSource {
  readonly find: FindNetdev;
  /** The same for functions that pods name. */
  readonly findForPod: FindNetdev;
  readonly #inventory: Inventory;
  #isRefreshing = false;

  constructor(options: HostDevicesOptions) {
    const { root, clock, random } = options;
    const finder = createFinder(options);
    const podFinder = createPodFinder(options);
    // Events are those of this machine; under another root there is a tree of files that has none.
    const monitor = root === '/' ? new IpLinkMonitor({ clock, random }) : noLinkMonitor;
    const devlink = options.finder === 'switchdev' ? createDevlinkReader({ clock }) : undefined;
    this.#inventory = new Inventory({ links: linkReader(options), clock, random, finder, monitor, devlink });
    this.find = (selector, netdevs) => finder.find(selector, netdevs);
    this.findForPod = (selector, netdevs) => podFinder.find(selector, netdevs);
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

  /** Has everything read anew, devlink too; nothing while that is under way. */
  refresh(): void {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    const done = (): void => void (this.#isRefreshing = false);
    // It fails only once the inventory is closed, when nobody wants a reading any more.
    this.#inventory.refresh().then(done, done);
  }

  close(): Promise<void> {
    return this.#inventory.close();
  }
}
