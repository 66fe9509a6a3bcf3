/**
 * Patterns of rules, mostly of OVN, that are known to keep flows in software: named where a flow is in software because of one,
 * never where it only has it (TC carries out `check_pkt_len` and NAT, rte_flow does not). Pure.
 */

import { flowActions } from '../model/datapath-flow.js';
import type { DatapathFlow } from '../model/datapath-flow.js';
import type { SoftwareReason } from './software-reason.js';

export const flowPatterns = [
  /** The check of OVN's gateways for packets that exceed the MTU of the other side. */
  'check_pkt_len',
  /** Connection tracking that translates addresses. */
  'ct_nat',
  /** Connection tracking that does not. */
  'ct',
  /** Helpers of connection tracking (FTP, TFTP). */
  'ct_helper',
  /** Choice by hash: groups of type select, of load balancers and of equal routes. */
  'dp_hash',
  /** Samples: sFlow, IPFIX, samples of access lists. */
  'sample',
  /** Cut packets, as of mirrors. */
  'trunc',
] as const;

export type FlowPattern = (typeof flowPatterns)[number];

/** By what the classification of the flow rests on; `software-reason.ts` writes these words. */
const byEvidence: ReadonlyMap<string, FlowPattern> = new Map([
  ['action check_pkt_len', 'check_pkt_len'],
  ['action ct with a helper', 'ct_helper'],
  ['action hash', 'dp_hash'],
  ['action hash_l4', 'dp_hash'],
  ['action hash_sym_l4', 'dp_hash'],
  ['match on dp_hash', 'dp_hash'],
  ['action sample', 'sample'],
  ['action psample', 'sample'],
  ['action trunc', 'trunc'],
]);

/** The pattern that keeps a flow in software; undefined: none that is known. */
export function patternOf({ actions }: Pick<DatapathFlow, 'actions'>, why: SoftwareReason): FlowPattern | undefined {
  if (why.reason !== 'unsupported_action' && why.reason !== 'unsupported_match') return undefined;
  return why.evidence === 'action ct' ? connectionPattern(actions) : byEvidence.get(why.evidence);
}

function connectionPattern(actions: string): FlowPattern {
  const inside = flowActions(actions).flatMap(({ name, inside: text }) => (name === 'ct' ? [text ?? ''] : []));
  return inside.some((text) => text.split(',').some((part) => part.trim().startsWith('nat'))) ? 'ct_nat' : 'ct';
}
