/** A walk through a chain as plain data without the inner form of a trace: what the API tells. Pure. */

import type { ChainView } from '../chain-view.js';
import { describeLookup } from './text.js';
import type { TraceHop, TraceHopExit, TracePort } from './walk.js';

export interface AnswerPort {
  readonly bridge: string;
  readonly ofport: number;
  readonly name: string | undefined;
  readonly words: string | undefined;
  readonly problem: string | undefined;
  readonly service: string | undefined;
  readonly entersBridge: string | undefined;
}

export interface AnswerHop {
  readonly bridge: string;
  readonly switch: string | undefined;
  readonly enters: AnswerPort | undefined;
  readonly service: string | undefined;
  /** Look-ups, one line each; safe to print. */
  readonly steps: readonly string[];
  readonly exits: readonly AnswerPort[];
  readonly opaque: readonly string[];
  readonly death: string | undefined;
}

/** Of a hop; a packet that is looked up more often tells nobody anything. */
const stepsMax = 64;

function answerPort(port: TracePort & Partial<TraceHopExit>): AnswerPort {
  const { bridge, ofport, name, words, problem, service, entersBridge } = port;
  return { bridge, ofport, name, words, problem, service, entersBridge };
}

/** The hops of a walk. */
export function answerHops(chain: ChainView, hops: readonly TraceHop[]): readonly AnswerHop[] {
  return hops.map((hop) => ({
    bridge: hop.bridge,
    switch: hop.switch,
    enters: hop.enters === undefined ? undefined : answerPort(hop.enters),
    service: hop.service,
    steps: hop.steps.slice(0, stepsMax).map((step) => describeLookup(step, chain)),
    exits: hop.exits.map(answerPort),
    opaque: hop.opaque,
    death: hop.death,
  }));
}
