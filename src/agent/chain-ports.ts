/** What the loop of the chains needs of the world, as interfaces; the adapters implement them. */

import type { ChainState } from '../chain/chain-state.js';
import type { FlowChange, ObservedFlows } from '../chain/plan-flows.js';
import type { ChainIntent } from '../model/chain.js';
import type { Unsubscribe } from './ports.js';

export type FlowApplyResult =
  | { readonly kind: 'applied' }
  /** The switch refused it; nothing was changed. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The connection was lost; it may have been changed. */
  | { readonly kind: 'unknown'; readonly message: string };

/** The flow tables of the bridges, over OpenFlow. */
export interface FlowSwitches {
  /** Which bridges to keep a session with. */
  watch(bridges: readonly string[]): void;
  /** The agent's own flows by bridge. A bridge that has not been read completely is left out, never given as empty. */
  snapshot(): ObservedFlows;
  /** Carries out the changes of one bridge as one atomic bundle. */
  apply(bridge: string, changes: readonly FlowChange[], signal: AbortSignal): Promise<FlowApplyResult>;
  onChange(listener: () => void): Unsubscribe;
}

/** Keeps what must outlive the process. */
export interface ChainStateStore {
  load(): ChainState;
  /** Returns once it is safe against loss of power. @throws AgentError STATE_UNWRITABLE */
  save(state: ChainState): Promise<void>;
}

/** The chains that are wanted. */
export interface ChainSource {
  chains(): readonly ChainIntent[];
  /** Names of chains whose controller is lost; absent: none can be. */
  unattended?(): ReadonlySet<string>;
  onChange(listener: () => void): Unsubscribe;
}
