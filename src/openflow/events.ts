/**
 * What the client tells the rest of the process: the events that callers subscribe to, and the channel on which its
 * doings are published for logs and metrics. The library itself logs nothing.
 */

import { channel } from 'node:diagnostics_channel';
import type { FlowRemoved } from './flow.js';
import type { PacketIn } from './wire/packets.js';
import type { PortStatus } from './wire/ports.js';
import type { Features } from './wire/session-messages.js';
import type { Version } from './version.js';

/** Where the client stands. */
export type ClientState =
  | { readonly kind: 'idle' | 'connecting' | 'closed' }
  /** Not connected; why the last try failed. */
  | { readonly kind: 'waiting'; readonly error: Error | undefined }
  | { readonly kind: 'ready'; readonly version: Version; readonly features: Features };

/** Events of the client, with their arguments. */
export interface OpenFlowEvents {
  state: [ClientState];
  portStatus: [PortStatus];
  flowRemoved: [FlowRemoved];
  packetIn: [PacketIn];
}

/** What is published on the diagnostics channel `dpu.openflow`. */
export type OpenFlowDiagnostic = { readonly endpoint: string } & (
  | { readonly kind: 'ready'; readonly version: string }
  | { readonly kind: 'lost'; readonly error: Error }
  | { readonly kind: 'refused'; readonly name: string; readonly xid: number }
  | { readonly kind: 'strayError'; readonly name: string; readonly xid: number }
  | { readonly kind: 'packetsDropped'; readonly count: number }
  | { readonly kind: 'changed'; readonly messages: number; readonly refused: number; readonly ms: number }
);

const diagnostics = channel('dpu.openflow');

/** Publishes, if anybody listens. */
export function publish(event: OpenFlowDiagnostic): void {
  if (diagnostics.hasSubscribers) diagnostics.publish(event);
}
