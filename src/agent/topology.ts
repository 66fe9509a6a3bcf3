/**
 * The topology as watchers see it: objects with versions, one snapshot, ordered changes. Types only; `topology-hub.ts` keeps
 * them, the API sends them.
 */

import type { AttachmentView } from '../attach/attachment-view.js';
import type { ChainView } from '../chain/chain-view.js';
import type { Condition, ObjectRef } from '../model/condition.js';
import type { BridgeMode } from '../model/intent.js';
import type { Netdev } from '../model/netdev.js';
import type { ObservedBridge, ObservedPort } from '../model/observed.js';

/** What sort of object the topology has. */
export type TopologyKind = 'bridge' | 'port' | 'representor' | 'attachment' | 'chain';

/** Names an object of the topology; an attachment is named `namespace/pod` and, but for the default network, ` network`. */
export interface TopologyRef extends Omit<ObjectRef, 'kind'> {
  readonly kind: TopologyKind;
}

export interface BridgeFacts {
  readonly kind: 'bridge';
  /** Undefined: it is wanted and not in the database. */
  readonly observed: ObservedBridge | undefined;
  /** Undefined: nobody wants it. */
  readonly mode: BridgeMode | undefined;
  /** Who wants it, for a person. */
  readonly source: string | undefined;
}

export interface PortFactsView {
  readonly kind: 'port';
  /** Undefined: it is wanted and not in the database. */
  readonly observed: ObservedPort | undefined;
}

export interface RepresentorFacts {
  readonly kind: 'representor';
  readonly netdev: Netdev;
  /** The bridge whose port it is; undefined: none. */
  readonly bridge: string | undefined;
}

export interface AttachmentFacts {
  readonly kind: 'attachment';
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly view: AttachmentView;
}

export interface ChainFacts {
  readonly kind: 'chain';
  readonly view: ChainView;
}

export type TopologyFacts = BridgeFacts | PortFactsView | RepresentorFacts | AttachmentFacts | ChainFacts;

/** One object as of a version; immutable, and the same value as long as nothing about it differs. */
export interface TopologyObject {
  readonly ref: TopologyRef;
  /** Of the topology, at which it became what it is. */
  readonly version: bigint;
  /** What is said of it; of a chain also of its ports. Empty: it is not the agent's business. */
  readonly conditions: readonly Condition[];
  readonly facts: TopologyFacts;
}

/** Everything at one version, sorted by kind and name. */
export interface TopologySnapshot {
  readonly version: bigint;
  readonly objects: readonly TopologyObject[];
}

/** What changed in one step. */
export interface TopologyDelta {
  /** After the step. */
  readonly version: bigint;
  readonly changed: readonly TopologyObject[];
  readonly removed: readonly TopologyRef[];
}

/** What a watcher is told next. */
export type TopologyEvent =
  | ({ readonly kind: 'delta' } & TopologyDelta)
  | { readonly kind: 'bookmark'; readonly version: bigint }
  /** The steps that the watcher has not seen are no longer kept. */
  | { readonly kind: 'startOver' };

/** Reads the topology; any number of readers, none of which costs the others anything. */
export interface TopologySource {
  snapshot(): TopologySnapshot;
  /**
   * The steps after a version, in order, for ever; ends after `startOver`, and when the signal is aborted. Nothing is kept
   * for a reader: a slow one gets steps late, several as one, or has to start over.
   */
  watch(after: bigint, signal: AbortSignal): AsyncIterable<TopologyEvent>;
}
