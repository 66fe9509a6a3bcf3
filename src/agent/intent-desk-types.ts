/**
 * The desk at which owners hand in what they want: what it is asked and what it answers. Types only; `intent-desk.ts` is the
 * desk, the API its customer.
 */

import type { Condition, Finding, ObjectRef } from '../model/condition.js';
import type { Unsubscribe } from './ports.js';

/**
 * A bundle as plain data in the words of the configuration file: maps, lists, texts, numbers and booleans, from an untrusted
 * caller. What is not said is absent.
 */
export interface PlainBundle {
  readonly bridges: readonly unknown[];
  /** As ports of the configuration, each with `bridge`. */
  readonly ports: readonly unknown[];
  readonly chains: readonly unknown[];
  readonly attachments: readonly unknown[];
}

export interface IntentRequest {
  readonly owner: string;
  readonly generation: bigint;
  /** Empty: none. */
  readonly idempotencyKey: string;
  readonly bundle: PlainBundle;
  readonly isDryRun: boolean;
  /** Aborted when the caller has gone: the request is dropped when its turn comes. */
  readonly signal?: AbortSignal;
  /** Identity of the caller, for the journal; safe to print. */
  readonly actor: string;
}

/** One thing that is wrong with a bundle. All texts are safe to print. */
export interface BundleViolation {
  /** Path in the bundle: `bridges[0].ports[2].vlan.tag`. */
  readonly field: string;
  /** The value, what is wrong with it, and what is allowed. */
  readonly message: string;
  readonly remedy: string | undefined;
}

/** Two owners want the same object. */
export interface IntentConflict {
  readonly field: string;
  readonly object: ObjectRef;
  /** Who has it: `configuration, bridge br-int`, `controller fleet-1`. */
  readonly holder: string;
  readonly message: string;
}

export interface PlannedChange {
  readonly object: ObjectRef;
  readonly summary: string;
  readonly differences: readonly string[];
  readonly loss: string | undefined;
}

export interface IntentPreview {
  readonly changes: readonly PlannedChange[];
  readonly flowChanges: readonly string[];
  readonly findings: readonly Finding[];
}

export type IntentPhase = 'accepted' | 'applied' | 'ready' | 'degraded';

/** How far a bundle has come. */
export interface IntentStatus {
  readonly owner: string;
  readonly generation: bigint;
  readonly phase: IntentPhase;
  readonly conditions: readonly Condition[];
  readonly findings: readonly Finding[];
  readonly wallMs: number;
}

/** One owner's bundle that is in force. */
export interface StoredIntent {
  readonly owner: string;
  readonly generation: bigint;
  readonly acceptedWallMs: number;
  readonly actor: string;
  readonly bundle: PlainBundle;
}

export type IntentAnswer =
  | {
      readonly kind: 'accepted';
      readonly status: IntentStatus;
      /** Of a dry run. */
      readonly preview: IntentPreview | undefined;
      /** It was accepted before, nothing changed. */
      readonly isRepeated: boolean;
    }
  | { readonly kind: 'invalid'; readonly violations: readonly BundleViolation[] }
  | { readonly kind: 'conflict'; readonly conflicts: readonly IntentConflict[] };

export interface IntentDesk {
  /**
   * Accepts the bundle whole or refuses it whole; what was accepted is safe against loss of power when this returns.
   * @throws AgentError INTENT_GENERATION, INTENT_REPLAYED, INTENT_LIMIT, STATE_UNWRITABLE; nothing was changed then
   */
  apply(request: IntentRequest): Promise<IntentAnswer>;
  /** Whether there was one. @throws AgentError INTENT_GENERATION, STATE_UNWRITABLE */
  delete(owner: string, generation: bigint | undefined, actor: string, signal?: AbortSignal): Promise<boolean>;
  /** Sorted by owner. */
  list(): readonly StoredIntent[];
  get(owner: string): StoredIntent | undefined;
  /** Undefined: the owner has no bundle. */
  status(owner: string): IntentStatus | undefined;
  /** Called when some status may differ. */
  onChange(listener: () => void): Unsubscribe;
  /** The owner's controller is there, until the returned function is called (see `onControllerLoss` of chains). */
  present(owner: string): () => void;
}
