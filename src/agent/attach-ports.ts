/** What the loop of the attachments needs of the world, as interfaces; the adapters implement them. */

import type { AttachAction } from '../attach/attach-action.js';
import type { ConnectionStatus } from '../attach/connection-status.js';
import type { NetworkLookup } from '../attach/network-lookup.js';
import type { LinkChange } from '../model/netdev.js';
import type { PodView } from '../model/pod.js';
import type { ApplyResult, DeviceSource, Unsubscribe } from './ports.js';

/** The connection to the API server of the host cluster. */
export type ClusterState =
  /** What was read is complete, and changes arrive. */
  | { readonly kind: 'synced'; readonly server: string }
  /** What was read last is still there, but changes do not arrive now. */
  | {
      readonly kind: 'stale';
      readonly server: string;
      readonly sinceWallMs: number;
      readonly message: string;
      readonly code: string | undefined;
    }
  /** Nothing has been read completely yet. */
  | {
      readonly kind: 'connecting';
      readonly server: string;
      readonly message: string;
      readonly code: string | undefined;
    };

export interface PodSnapshot {
  /** The pods of the host node, by uid. */
  readonly pods: ReadonlyMap<string, PodView>;
  /** Uids that a DELETED event named, newest last, bounded: these are certainly gone, and not merely absent from a list. */
  readonly deleted: ReadonlySet<string>;
}

/** The pods of one host node. */
export interface PodSource {
  state(): ClusterState;
  /** Undefined until they have been listed completely once. What was read last stays while the server is away. */
  snapshot(): PodSnapshot | undefined;
  /** Name of the node whose pods these are; undefined while nobody has said. */
  nodeName(): string | undefined;
  /** Another name stands for other pods; without effect where the configuration names the node. */
  setNodeName(name: string): void;
  onChange(listener: () => void): Unsubscribe;
}

/** The NetworkAttachmentDefinitions of the host cluster; read only once somebody has asked for one. */
export interface NetworkSource {
  /** A property, not a method: it is handed to the planner. */
  readonly find: NetworkLookup;
  onChange(listener: () => void): Unsubscribe;
}

export type StatusResult =
  | { readonly kind: 'written' }
  /** The pod was changed meanwhile: look again. */
  | { readonly kind: 'conflict' }
  /** This incarnation of the pod is gone. */
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly code: string;
      readonly retryAfterMs: number | undefined;
    };

/** Writes the connection-status annotation of one pod (JSON patch on pods/status, test on uid first). */
export interface StatusWriter {
  /** @param changes nadKey to the status that it shall have; undefined removes the key. Other keys stay. */
  write(
    pod: PodView,
    changes: ReadonlyMap<string, ConnectionStatus | undefined>,
    signal: AbortSignal,
  ): Promise<StatusResult>;
}

/** Kubernetes Events about pods. Best effort, bounded, aggregated; never blocks. */
export interface EventSink {
  report(pod: PodView, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** The DPU's lease in the host cluster. */
export type LeaseState =
  /** The feature is switched off. */
  | { readonly kind: 'disabled' }
  /** Not read yet; whether another writer renews it is not known. */
  | { readonly kind: 'unknown'; readonly message: string }
  /** Nobody else renews it; this agent renews it while it is able to plug. */
  | { readonly kind: 'held'; readonly renewedWallMs: number | undefined; readonly message: string | undefined }
  /** Somebody else renews it: this agent must not plug. */
  | { readonly kind: 'foreign'; readonly holder: string; readonly seenWallMs: number };

export interface LeaseKeeper {
  state(): LeaseState;
  /** How far the API server's clock is ahead of this machine's, ms; undefined while unknown. */
  clockSkewMs(): number | undefined;
  /** The host node whose DPU this is: the lease is named after it. */
  setNodeName(name: string): void;
  /** Whether the agent is able to plug now; while it is not, the lease is not renewed. */
  setAble(isAble: boolean): void;
  onChange(listener: () => void): Unsubscribe;
}

/** The network devices of this machine, as pods may name them. */
export interface PodDeviceSource extends DeviceSource {
  /** Has them read anew soon, with what no event tells; a change is told as every other. Never throws. */
  refresh(): void;
}

/** Changes links of this machine. */
export interface LinkSetter {
  /** Carries all of them out; gives for each that failed its name and a sentence. Never throws for what the kernel says. */
  apply(changes: readonly LinkChange[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
}

/** The attachments' rows in the Open vSwitch database. */
export interface AttachStore {
  /** Carries out the actions in one guarded transaction. */
  applyAttach(actions: readonly AttachAction[], comment: string, signal: AbortSignal): Promise<ApplyResult>;
}
