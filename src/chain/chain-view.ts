/**
 * A chain as plain data that survives JSON: its switches, and which interface and number each port is now. Part of the
 * agent's status, from which tools draw and trace chains; says nothing of whether all is well, the conditions do.
 */

import { formatCookie } from '../model/flow-text.js';
import type { ChainPortSelector } from '../model/chain.js';
import { encodeCookie, type ChainIds } from './chain-id.js';
import type { Leg, Place, ResolvedChain, ResolvedPort, Wire } from './resolved.js';

export interface ChainPortView {
  /** `chain/switch/port`. */
  readonly key: string;
  /** The selector in words, safe to print. */
  readonly words: string;
  readonly wire: Wire;
  /** On the chain's bridge. Absent: none was found. */
  readonly interface?: string | undefined;
  readonly ofport?: number | undefined;
  /** What was selected, where a patch port stands in for it. */
  readonly target?: Place | undefined;
  /** Where the patch pair ends, where the port is one. */
  readonly far?: Place | undefined;
  /** What the agent connects on the bridge beyond the patch pair. */
  readonly leg?: Leg | undefined;
  /** The service whose port this is, `<namespace>/<pod>/<interface>`, where the selector says it. */
  readonly dpfId?: string | undefined;
}

export interface ChainSwitchView {
  readonly name: string;
  /** Place in the chain, from 0. */
  readonly index: number;
  readonly ports: readonly ChainPortView[];
}

/** What a drawing of the chain needs; a resolved chain is one too. */
export interface ChainShape {
  readonly intent: {
    readonly name: string;
    readonly bridge: string;
    readonly mtu?: number | undefined;
    readonly tenant?: string | undefined;
  };
  readonly switches: readonly ChainSwitchView[];
}

/** One chain in force. */
export interface ChainView extends ChainShape {
  /** Of the chain's flows, as ovs-ofctl prints it. Absent: it has no number yet. */
  readonly cookie?: string | undefined;
}

function dpfIdOf(selector: ChainPortSelector): string | undefined {
  if (selector.kind === 'service') return selector.dpfId;
  return selector.kind === 'labels' ? selector.labels.get('dpf-id') : undefined;
}

function viewPort(port: ResolvedPort): ChainPortView {
  const { key, words, wire, ofport, target, far, leg } = port;
  const dpfId = dpfIdOf(port.intent.selector);
  return { key, words, wire, interface: port.interface, ofport, target, far, leg, dpfId };
}

/** The chain as of now. */
export function viewChain(chain: ResolvedChain, ids: ChainIds, tag: number): ChainView {
  const { name, bridge, mtu, tenant } = chain.intent;
  const identity = ids.chains.get(name);
  return {
    intent: { name, bridge, mtu, tenant },
    switches: chain.switches.map((entry) => ({
      name: entry.name,
      index: entry.index,
      ports: entry.ports.map(viewPort),
    })),
    cookie: identity === undefined ? undefined : formatCookie(encodeCookie(tag, identity)),
  };
}
