/**
 * What is wanted by everybody: the configuration and the bundles of all owners, as one source for the loops. It changes as a
 * whole, and counts its changes, so that one can tell which of them a status has seen.
 */

import type { ChainIntent } from '../model/chain.js';
import type { Intents } from '../model/intent.js';
import type { ChainSource } from './chain-ports.js';
import type { CompiledIntents } from './intent-ports.js';
import type { IntentSource, Unsubscribe } from './ports.js';

const noNames: ReadonlySet<string> = new Set();

/** The intents and chains of all in one list each. The order has no meaning: rank and name of the source decide. */
export function combine({ configuration, owners }: CompiledIntents): {
  readonly intents: Intents;
  readonly chains: readonly ChainIntent[];
} {
  const all = [configuration, ...owners.values()];
  return {
    intents: {
      bridges: all.flatMap(({ intents }) => intents.bridges),
      ports: all.flatMap(({ intents }) => intents.ports),
    },
    chains: all.flatMap(({ chains }) => chains),
  };
}

export class AllIntents implements IntentSource, ChainSource {
  readonly #listeners = new Set<() => void>();
  #intents: Intents;
  #chains: readonly ChainIntent[];
  #unattended = noNames;
  #revision = 1;

  constructor(first: CompiledIntents) {
    const { intents, chains } = combine(first);
    this.#intents = { ...intents, revision: this.#revision };
    this.#chains = chains;
  }

  intents(): Intents {
    return this.#intents;
  }

  chains(): readonly ChainIntent[] {
    return this.#chains;
  }

  unattended(): ReadonlySet<string> {
    return this.#unattended;
  }

  /** Grows with each change of what is wanted. */
  get revision(): number {
    return this.#revision;
  }

  /** Takes over everything that is wanted now. */
  replace(compiled: CompiledIntents): void {
    const { intents, chains } = combine(compiled);
    this.#revision += 1;
    this.#intents = { ...intents, revision: this.#revision };
    this.#chains = chains;
    this.#tell();
  }

  /** Takes over which chains have lost their controller. */
  setUnattended(names: ReadonlySet<string>): void {
    const isSame = names.size === this.#unattended.size && [...names].every((name) => this.#unattended.has(name));
    if (isSame) return;
    this.#unattended = names;
    this.#tell();
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
