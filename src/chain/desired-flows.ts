/**
 * All flows that the chains want, by bridge and key, and what their switches may learn. Made of the accepted chains;
 * `plan-flows.ts` compares it with what is in the switch.
 */

import type { Flow, FlowKey } from '../model/flow.js';
import { flowKey } from '../model/flow-text.js';
import { encodeCookie, switchMetadata, type ChainIds } from './chain-id.js';
import { carriesVlans } from './learning-switch.js';
import { chainFlows, guardFlows, livePorts, type PipelineOptions } from './pipeline.js';
import type { ResolvedChain } from './resolved.js';

/** A flow and the chain that it serves; undefined: it serves all chains of the bridge. */
export interface DesiredFlow {
  readonly chain: string | undefined;
  readonly flow: Flow;
}

/** What a learning switch may have learned: its flows are the chain's although nobody planned them. */
export interface LearningScope {
  readonly chain: string;
  readonly cookie: bigint;
  readonly metadata: bigint;
  readonly ofports: ReadonlySet<number>;
  readonly learnsHomes: boolean;
  readonly carriesVlans: boolean;
}

export interface DesiredFlows {
  /** The agent's cookie tag. */
  readonly tag: number;
  readonly flows: ReadonlyMap<string, ReadonlyMap<FlowKey, DesiredFlow>>;
  /** By bridge, then by the metadata of the switch. */
  readonly scopes: ReadonlyMap<string, ReadonlyMap<bigint, LearningScope>>;
}

/** The value of `key`, made if it is not there. */
function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = make();
  map.set(key, made);
  return made;
}

function scopesOf(chain: ResolvedChain, ids: ChainIds, tag: number): readonly LearningScope[] {
  const identity = ids.chains.get(chain.intent.name);
  if (identity === undefined) return [];
  return chain.switches
    .filter((entry) => entry.ports.length > 2)
    .map((entry) => ({
      chain: chain.intent.name,
      cookie: encodeCookie(tag, identity),
      metadata: switchMetadata(identity, entry.index),
      ofports: new Set(livePorts(entry).map(({ ofport }) => ofport)),
      learnsHomes: chain.intent.macMove === 'refuse',
      carriesVlans: carriesVlans(entry.ports),
    }));
}

/**
 * What should be in the switches. Chains without a number in `ids` get no flows; allocate before. Where two chains want
 * the same flow, which validation prevents, the first name keeps it.
 */
export function desireFlows(chains: readonly ResolvedChain[], ids: ChainIds, options: PipelineOptions): DesiredFlows {
  const flows = new Map<string, Map<FlowKey, DesiredFlow>>();
  const scopes = new Map<string, Map<bigint, LearningScope>>();
  const sorted = [...chains].sort((a, b) => (a.intent.name < b.intent.name ? -1 : 1));
  const wanted = sorted.flatMap((chain) => {
    const identity = ids.chains.get(chain.intent.name);
    return identity === undefined ? [] : chainFlows(chain, identity, options);
  });
  for (const { bridge, chain, flow } of [...wanted, ...guardFlows(sorted, options)]) {
    const onBridge = entryOf(flows, bridge, () => new Map<FlowKey, DesiredFlow>());
    const key = flowKey(flow);
    if (!onBridge.has(key)) onBridge.set(key, { chain, flow });
  }
  for (const chain of sorted.filter(({ intent }) => !options.closed.has(intent.name))) {
    const onBridge = entryOf(scopes, chain.intent.bridge, () => new Map<bigint, LearningScope>());
    for (const scope of scopesOf(chain, ids, options.tag)) onBridge.set(scope.metadata, scope);
  }
  return { tag: options.tag, flows, scopes };
}
