/** What the counters need of the world, as interfaces; the adapters implement them. */

import type { ChainView } from '../chain/chain-view.js';
import type { BothWays, SeenBridge } from '../chain/port-counters.js';

/** The counters of one interface, as Open vSwitch put them into its database last. */
export interface InterfaceReading extends BothWays {
  /** Milliseconds since 1970 UTC at which they arrived. */
  readonly wallMs: number;
  /** Of the row: another row of the same name is another interface. */
  readonly uuid: string;
  /** Undefined while it is not known what the device had counted before. */
  readonly plugged: PluggedCounters | undefined;
}

/** What an interface has counted since its row was made or given to another pod, or was seen first. */
export interface PluggedCounters extends BothWays {
  /** Milliseconds since 1970 UTC. */
  readonly sinceWallMs: number;
}

/** Column `statistics` of table Interface. */
export interface InterfaceCounterSource {
  /** Undefined: there is no such row, or it has not been read yet. */
  reading(name: string): InterfaceReading | undefined;
  /** Why the counters are not followed now, one sentence, safe to print; undefined while they are. */
  problem(): string | undefined;
  /** Another number whenever a reading may be another. */
  version(): number;
}

/** The bridges of chains, as the switch counted. */
export interface ChainLook {
  /** Milliseconds since 1970 UTC. */
  readonly wallMs: number;
  /** By bridge; those that did not answer are left out. */
  readonly bridges: ReadonlyMap<string, SeenBridge>;
  /** Why, one sentence for each that did not; safe to print. */
  readonly problems: readonly string[];
}

/** Asks the switch itself. */
export interface ChainCounterSource {
  /** Never rejects for what the switch does, and ends within a limit of its own. */
  look(chains: readonly ChainView[]): Promise<ChainLook>;
}
