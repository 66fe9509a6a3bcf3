/**
 * What the library tells about itself: typed events on one diagnostics channel. Logs and metrics subscribe; the library
 * writes no log. Publishing costs next to nothing while nobody listens.
 */

import { channel } from 'node:diagnostics_channel';
import type { AgentError } from '../lib/errors.js';

/** Name of the channel: `diagnostics_channel.subscribe(kubeChannelName, (message) => …)` gets a KubeEvent. */
export const kubeChannelName = 'dpu.kube';

interface Common {
  readonly server: string;
  /** Path of the collection. */
  readonly path: string;
}

export type KubeEvent = Common &
  (
    | {
        readonly kind: 'listed';
        readonly objectCount: number;
        /** From the first request on, ms. */
        readonly durationMs: number;
        /** Whether there had been a list before. */
        readonly isRelist: boolean;
      }
    /** A list or watch failed; it is tried again after `retryMs`. */
    | { readonly kind: 'failed'; readonly error: AgentError; readonly retryMs: number }
    /** What is held is current again, or for the first time. */
    | { readonly kind: 'synced' }
  );

const kubeChannel = channel(kubeChannelName);

/** Publishes one event. */
export function publish(event: KubeEvent): void {
  if (kubeChannel.hasSubscribers) kubeChannel.publish(event);
}
