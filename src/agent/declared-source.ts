/**
 * Tells the loop of the attachments which devices belong to declared ports, for the very devices that it looks at: what
 * another loop saw a moment ago may be another world. Resolves each pair of intents and devices once.
 */

import { declaredDevices, type DeclaredDevices } from '../intent/declared.js';
import type { FindNetdev } from '../intent/resolve.js';
import type { Intents } from '../model/intent.js';
import type { NetdevMap } from '../model/netdev.js';
import type { IntentSource, Unsubscribe } from './ports.js';

interface Kept {
  readonly intents: Intents;
  readonly netdevs: NetdevMap;
  readonly devices: DeclaredDevices;
}

export class DeclaredSource {
  readonly #intents: IntentSource;
  readonly #find: FindNetdev;
  #kept: Kept | undefined;

  constructor(intents: IntentSource, find: FindNetdev) {
    this.#intents = intents;
    this.#find = find;
  }

  /** The devices that declared ports use, or will use once they are there. */
  devices(netdevs: NetdevMap): DeclaredDevices {
    const intents = this.#intents.intents();
    if (this.#kept?.intents === intents && this.#kept.netdevs === netdevs) return this.#kept.devices;
    const devices = declaredDevices(intents, netdevs, this.#find);
    this.#kept = { intents, netdevs, devices };
    return devices;
  }

  /** Called when something else may be declared. */
  onChange(listener: () => void): Unsubscribe {
    return this.#intents.onChange(listener);
  }
}
