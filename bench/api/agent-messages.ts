/** What the bench and the agent under test say to each other. */

export type Question = 'figures' | 'versions';

/** Since the last time that it was asked. */
export interface Figures {
  readonly kind: 'figures';
  /** Delay of the event loop, ms. */
  readonly delayP50: number;
  readonly delayP99: number;
  readonly delayMax: number;
  /** Versions of the topology. */
  readonly steps: number;
  readonly ring: { readonly stepCount: number; readonly objectCount: number; readonly sizeBytes: number };
}

/** The topology as the agent has it: names and versions. */
export interface Versions {
  readonly kind: 'versions';
  readonly version: string;
  readonly objects: readonly (readonly [name: string, version: string])[];
}

export type Answer = { readonly kind: 'ready' } | Figures | Versions;
