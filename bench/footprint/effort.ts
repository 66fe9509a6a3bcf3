/** How long is looked. */
export interface Effort {
  /** From ready until the agent has come to rest: the first looks at everything are behind it, and so is their garbage, ms. */
  readonly settleMs: number;
  /** How long it is watched doing nothing, ms. */
  readonly idleMs: number;
  readonly scrapeCount: number;
  /** Looks at all devices. */
  readonly lookCount: number;
}

export const efforts: Readonly<Record<'quick' | 'full', Effort>> = {
  quick: { settleMs: 10_000, idleMs: 20_000, scrapeCount: 20, lookCount: 20 },
  full: { settleMs: 30_000, idleMs: 120_000, scrapeCount: 200, lookCount: 100 },
};
