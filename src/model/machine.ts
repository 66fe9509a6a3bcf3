/** The machine that the agent runs on. Types only; `src/host/machine-facts.ts` reads it. */

/** What cannot be read is undefined. Foreign text is escaped and bounded. */
export interface MachineFacts {
  readonly hostname: string;
  readonly product: string | undefined;
  readonly serial: string | undefined;
  readonly firmware: string | undefined;
  readonly kernel: string;
  readonly os: string | undefined;
  readonly architecture: string;
  readonly bootId: string | undefined;
  readonly bootedWallMs: number | undefined;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly hugePages: readonly { readonly sizeBytes: number; readonly total: number; readonly free: number }[];
}
