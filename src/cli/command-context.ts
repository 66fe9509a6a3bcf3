/** What a command of dpuctl that talks to the API is given. Types only. */

import type { Clock } from '../lib/clock.js';
import type { ApiConnection } from './api-client.js';

export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml';

export interface CommandContext {
  readonly connection: ApiConnection;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Aborted when the person has had enough (Ctrl-C). */
  readonly signal: AbortSignal;
  readonly format: OutputFormat;
  /** Whether standard output is a terminal that can be redrawn. */
  readonly isTerminal: boolean;
  /** To standard output. */
  print(text: string): void;
  /** A line for a person beside the output, to standard error. */
  warn(text: string): void;
}

/** Something is not ready, would change, or was not found. */
export const exitNotReady = 3;
