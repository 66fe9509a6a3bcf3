/**
 * What the library tells about itself: typed events on one diagnostics channel. Logs and metrics subscribe; the library
 * writes no log. Publishing costs next to nothing while nobody listens.
 */

import { channel } from 'node:diagnostics_channel';
import type { AgentError } from '../lib/errors.js';
import type { LockState } from './lock-table.js';

/** Name of the channel: `diagnostics_channel.subscribe(ovsdbChannelName, (message) => …)` gets an OvsdbEvent. */
export const ovsdbChannelName = 'dpu.ovsdb';

/** Something that the schema of the server lacks. Without a column it is the whole table. */
export interface Missing {
  readonly table: string;
  readonly column?: string;
}

interface Common {
  readonly database: string;
  /** In the notation of Open vSwitch. */
  readonly endpoint: string;
}

export type OvsdbEvent = Common &
  (
    | { readonly kind: 'connected' }
    /** A dial failed or a connection ended; `wasSynced` tells whether it had served its purpose. */
    | { readonly kind: 'lost'; readonly error: AgentError; readonly wasSynced: boolean }
    | {
        readonly kind: 'synced';
        /** Rows in the replica. */
        readonly rowCount: number;
        /** Rows that differ from the replica before. */
        readonly changeCount: number;
        /** Whether the server sent only what was missed. */
        readonly isResumed: boolean;
        /** From the connection on, ms. */
        readonly durationMs: number;
      }
    | { readonly kind: 'missing'; readonly missing: readonly Missing[] }
    | { readonly kind: 'lock'; readonly name: string; readonly state: LockState }
    /** The listeners of one change took long, and everything else in this process waited. */
    | { readonly kind: 'slowListeners'; readonly durationMs: number }
  );

const ovsdbChannel = channel(ovsdbChannelName);

/** Publishes one event. */
export function publish(event: OvsdbEvent): void {
  if (ovsdbChannel.hasSubscribers) ovsdbChannel.publish(event);
}
