/**
 * What the gate found out about a call, for the adapter that carries it out. Kept beside the call's metadata object, which
 * grpc-js hands through unchanged: what a client writes into its metadata cannot forge an entry.
 */

import type { Metadata } from '@grpc/grpc-js';
import type { CallContext } from './service.js';

const admitted = new WeakMap<Metadata, CallContext>();

export function admit(metadata: Metadata, context: CallContext): void {
  admitted.set(metadata, context);
}

/** Undefined: the call did not pass the gate, and must not be carried out. */
export function contextOf(metadata: Metadata): CallContext | undefined {
  return admitted.get(metadata);
}
