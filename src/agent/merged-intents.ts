/** The intents of all sources as one: the configuration's, and the patch ports that chains need. */

import type { Intents, PortIntent } from '../model/intent.js';
import type { IntentSource, Unsubscribe } from './ports.js';

export class MergedIntents implements IntentSource {
  readonly #base: IntentSource;
  readonly #listeners = new Set<() => void>();
  #patches: readonly PortIntent[] = [];
  /** The same as long as nothing differs: readers compare by identity. */
  #merged: { readonly base: Intents; readonly intents: Intents } | undefined;

  constructor(base: IntentSource) {
    this.#base = base;
  }

  intents(): Intents {
    const base = this.#base.intents();
    if (this.#merged?.base !== base) {
      this.#merged = { base, intents: { ...base, ports: [...base.ports, ...this.#patches] } };
    }
    return this.#merged.intents;
  }

  /** Takes over the patch ports that the chains need now. */
  setPatches(patches: readonly PortIntent[]): void {
    const textOf = (list: readonly PortIntent[]): string =>
      list
        .map(({ name, bridge, mtu, attachment }) => JSON.stringify([bridge, name, mtu, attachment]))
        .sort()
        .join(',');
    const isSame = textOf(patches) === textOf(this.#patches);
    if (!isSame) this.#merged = undefined;
    this.#patches = patches;
    if (!isSame) for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): Unsubscribe {
    const off = this.#base.onChange(listener);
    this.#listeners.add(listener);
    return () => {
      off();
      this.#listeners.delete(listener);
    };
  }
}
