/**
 * A chain whose selectors have been answered: which interface each port is now, under which OpenFlow number, and what is
 * wrong with it. Types only; made by `resolve-chain.ts`, judged by `validate-chain.ts`, programmed by `pipeline.ts`.
 */

import type { ChainIntent, ChainPort } from '../model/chain.js';
import type { PortIntent } from '../model/intent.js';
import type { Reason } from '../model/reasons.js';

/** What is wrong with a chain or one of its ports, with both sides by name. */
export interface ChainProblem {
  readonly reason: Reason;
  readonly message: string;
  /** Everybody who is part of it. */
  readonly claimants: readonly string[];
  readonly remedy: string;
}

/** Frames as they are on the wire of a port: all, those without a tag, or those of one VLAN. */
export type Wire =
  { readonly kind: 'any' } | { readonly kind: 'untagged' } | { readonly kind: 'tag'; readonly vid: number };

/** Two ports of another bridge that the agent connects, because it made the patch pair that ends there. */
export interface Leg {
  readonly bridge: string;
  readonly target: string;
  /** Undefined while it is not known. */
  readonly targetOfport: number | undefined;
  readonly patch: string;
  readonly patchOfport: number | undefined;
}

/** An interface on a bridge. */
export interface Place {
  readonly bridge: string;
  readonly interface: string;
}

export interface ResolvedPort {
  /** `chain/switch/port`. */
  readonly key: string;
  /** The selector in words. */
  readonly words: string;
  readonly intent: ChainPort;
  readonly wire: Wire;
  /** The interface on the chain's bridge. Undefined: none, see `problem`. */
  readonly interface: string | undefined;
  /** 1 to 0xfeff. Undefined while Open vSwitch has not said, or could not open the interface: no flow may name it. */
  readonly ofport: number | undefined;
  /** What was selected, where a patch port stands in for it on the chain's bridge; else the interface itself. */
  readonly target: Place | undefined;
  /** Where the patch pair ends, where the port is one. */
  readonly far: Place | undefined;
  readonly leg: Leg | undefined;
  /** The smallest MTU on the way through this port that is known, bytes. */
  readonly mtu: number | undefined;
  /** The largest that its device can be set to, where the kernel says so. */
  readonly mtuMax: number | undefined;
  readonly linkState: 'up' | 'down' | undefined;
  /** Owner of the interface, where a label on it says so. */
  readonly tenant: string | undefined;
  readonly problem: ChainProblem | undefined;
}

export interface ResolvedSwitch {
  readonly name: string;
  readonly index: number;
  readonly ports: readonly ResolvedPort[];
}

export interface ResolvedChain {
  readonly intent: ChainIntent;
  readonly switches: readonly ResolvedSwitch[];
  /** Patch ports that the agent has to make, or has made and keeps, for this chain. */
  readonly patches: readonly PortIntent[];
}

/** All ports of the chain. */
export function portsOf(chain: ResolvedChain): readonly ResolvedPort[] {
  return chain.switches.flatMap((entry) => entry.ports);
}
