/**
 * What the reconcile loop needs of the world, as interfaces. The adapters implement them with the protocol clients; tests
 * of the loop implement them with a few lines. No word of a wire protocol appears here.
 */

import type { FindNetdev } from '../intent/resolve.js';
import type { Intents } from '../model/intent.js';
import type { NetdevMap } from '../model/netdev.js';
import type { ObservedBridge, ObservedPort, ObservedQos, ObservedRoot, SwitchLiveness } from '../model/observed.js';
import type { ObjectRef } from '../model/condition.js';
import type { Action } from '../plan/action.js';

/** Takes back a subscription. */
export type Unsubscribe = () => void;

/** The database as it is at one instant. */
export interface StoreSnapshot {
  readonly root: ObservedRoot;
  readonly bridges: ReadonlyMap<string, ObservedBridge>;
  readonly ports: ReadonlyMap<string, ObservedPort>;
  /** Rows of table QoS, by uuid. */
  readonly qos: ReadonlyMap<string, ObservedQos>;
}

export type StoreState =
  | { readonly kind: 'synced'; readonly endpoint: string }
  | { readonly kind: 'connecting' | 'closed'; readonly message: string; readonly code: string | undefined };

export type ApplyResult =
  | {
      readonly kind: 'applied';
      /** vswitchd has carried out the change once `cur_cfg` has reached this; undefined when it need not act. */
      readonly nextCfg: number | undefined;
    }
  /** Something changed since the plan was made; nothing was written. The object is whose guard did not hold, if one's. */
  | { readonly kind: 'conflict'; readonly message: string; readonly object?: ObjectRef | undefined }
  /** The database refused it; nothing was written. The object is undefined when no single one is to blame. */
  | {
      readonly kind: 'refused';
      readonly object: ObjectRef | undefined;
      readonly message: string;
      readonly code: string;
    }
  /** The connection was lost; it may have been written. */
  | { readonly kind: 'unknown'; readonly message: string };

/** The Open vSwitch database. */
export interface SwitchStore {
  state(): StoreState;
  /** Undefined until the database has been read completely. Never half a transaction. */
  snapshot(): StoreSnapshot | undefined;
  /** Whether this agent may write: another one on the same database may hold the writer's lock. */
  isWriter(): boolean;
  /** Carries out the actions in one guarded transaction. */
  apply(actions: readonly Action[], comment: string, signal: AbortSignal): Promise<ApplyResult>;
  /** Called when the database or the state of the connection may have changed. */
  onChange(listener: () => void): Unsubscribe;
}

/** The network devices of this machine. */
export interface DeviceSource {
  /** Undefined until they have been read for the first time. */
  snapshot(): NetdevMap | undefined;
  /** Why the last reading failed; undefined when it did not. */
  problem(): string | undefined;
  readonly find: FindNetdev;
  onChange(listener: () => void): Unsubscribe;
}

/** Whether vswitchd answers, asked at its own sockets. */
export interface LivenessSource {
  snapshot(): SwitchLiveness;
  /** Which bridges to ask. */
  watch(bridges: readonly string[]): void;
  onChange(listener: () => void): Unsubscribe;
}

/** What is wanted, merged from all sources. */
export interface IntentSource {
  intents(): Intents;
  onChange(listener: () => void): Unsubscribe;
}
