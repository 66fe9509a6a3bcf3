/** What a rung of the ladder of `dpuctl offload why` is, and what the ladder is made from. Types and short forms. */

import type { ListSoftwareFlowsResponse, OffloadRow, OffloadStatus } from '../gen/proto/dpu/agent/v1/offload_pb.js';

/** `advisory`: as it should be or not, it does not decide. */
export type OffloadRungState = 'ok' | 'broken' | 'unknown' | 'advisory';

export interface OffloadRung {
  /** Stable. */
  readonly name: 'engine' | 'configured' | 'inEffect' | 'port' | 'measured' | 'share' | 'whyNot' | 'flows';
  readonly state: OffloadRungState;
  /** What was seen, one sentence or a few words, safe to print. */
  readonly seen: string;
  /** More of it, a line each. */
  readonly details: readonly string[];
  /** What a person can do; empty: nothing has to be done. */
  readonly remedy: string;
}

export const offloadRungTitles: Readonly<Record<OffloadRung['name'], string>> = {
  engine: 'engine',
  configured: 'configured?',
  inEffect: 'in effect?',
  port: 'port',
  measured: 'measured?',
  share: 'share',
  whyNot: 'why not',
  flows: 'largest flows',
};

/** Which object, as a person names it. */
export interface OffloadSubject {
  readonly kind: 'pod' | 'port' | 'chain' | 'node';
  /** Empty for the node. */
  readonly name: string;
  /** Of a pod. */
  readonly network: string;
}

export interface OffloadLadderInput {
  readonly subject: OffloadSubject;
  readonly status: OffloadStatus;
  /** Undefined for the node. */
  readonly row: OffloadRow | undefined;
  /** The largest of its flows in software; a sentence: why they are not known. */
  readonly flows: ListSoftwareFlowsResponse | string;
  /** Devices of an eSwitch that the agent sees; undefined: not known. */
  readonly devices: ReadonlySet<string> | undefined;
  readonly nowWallMs: number;
}

export function rung(
  name: OffloadRung['name'],
  state: OffloadRungState,
  seen: string,
  more: Partial<Pick<OffloadRung, 'details' | 'remedy'>> = {},
): OffloadRung {
  return { name, state, seen, details: more.details ?? [], remedy: more.remedy ?? '' };
}
