/** What the desk of owners' intents needs of the world, as interfaces; the adapters implement them. */

import type { ChainIntent } from '../model/chain.js';
import type { Intents } from '../model/intent.js';
import type { AgentError } from '../lib/errors.js';
import type { BundleViolation, IntentConflict, PlainBundle, StoredIntent } from './intent-desk-types.js';

export interface OwnedBundle {
  readonly owner: string;
  readonly bundle: PlainBundle;
}

/** What one owner wants, in the planner's words. */
export interface OwnerIntents {
  readonly intents: Intents;
  readonly chains: readonly ChainIntent[];
  /** What contradicts the configuration or another bundle as they are now, one sentence each; safe to print. */
  readonly contradictions: readonly string[];
}

export type BundleVerdict =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly violations: readonly BundleViolation[] }
  | { readonly kind: 'conflict'; readonly conflicts: readonly IntentConflict[] };

/** Turns bundles into intents, by the rules of the configuration file. */
export interface BundleCompiler {
  /** Whether a bundle can be accepted beside the configuration and the bundles of others. */
  check(asked: OwnedBundle, others: readonly OwnedBundle[]): BundleVerdict;
  /** The configuration's own wishes, and those of each bundle. Never refuses: what contradicts something is told with it. */
  compile(bundles: readonly OwnedBundle[]): CompiledIntents;
}

export interface CompiledIntents {
  readonly configuration: Pick<OwnerIntents, 'intents' | 'chains'>;
  readonly owners: ReadonlyMap<string, OwnerIntents>;
}

/** A bundle that is in force, with what a repetition of its request is known by. */
export interface IntentRecord extends StoredIntent {
  /** Empty: none. */
  readonly idempotencyKey: string;
}

/** Keeps bundles across restarts and losses of power. */
export interface IntentStore {
  /** Every bundle that can be read, sorted by owner; what cannot is told to the one who was named for it, and never thrown. */
  load(): readonly IntentRecord[];
  /** The same, when another may have stored something since it was last read or written here; undefined: nobody has. */
  reload(): readonly IntentRecord[] | undefined;
  /**
   * Takes the store for this process, until it is released or the process ends; nothing where it has it.
   * @throws AgentError STATE_UNWRITABLE; another process has it, or it cannot be made
   */
  claim(): Promise<void>;
  release(): Promise<void>;
  /** Returns once it is safe. @throws AgentError STATE_UNWRITABLE; the earlier bundle is still in force then */
  save(record: IntentRecord): Promise<void>;
  /** Returns once the owner cannot come back. @throws AgentError STATE_UNWRITABLE */
  remove(owner: string): Promise<void>;
}

/**
 * Whether this agent is the one that writes to the switch. `unknown`: the database is not reached, and nobody can say.
 */
export type Standing = 'writer' | 'standby' | 'unknown';

/** Something is wrong with what was stored; nothing is thrown away. */
export interface IntentAlarm {
  /** Undefined: the directory as a whole. */
  readonly owner: string | undefined;
  readonly error: AgentError;
}
