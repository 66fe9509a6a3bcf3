/**
 * What is said of chains whose newest version could not be stored, so that the earlier one, or none, stays in force. Used
 * by the loop of the chains. Pure.
 */

import { chainFingerprint } from '../chain/validate-chain.js';
import type { ChainIntent } from '../model/chain.js';
import type { Condition } from '../model/condition.js';

/**
 * The conditions, with every chain failed whose wanted version is not the one in force.
 * @param why the newest versions could not be stored
 */
export function withUnstored(
  conditions: readonly Condition[],
  wanted: readonly ChainIntent[],
  inForce: ReadonlyMap<string, ChainIntent>,
  why: string,
): readonly Condition[] {
  const isInForce = (chain: ChainIntent): boolean => {
    const held = inForce.get(chain.name);
    return held !== undefined && chainFingerprint(held) === chainFingerprint(chain);
  };
  const waiting = wanted.filter((chain) => !isInForce(chain));
  const names = new Set(waiting.map(({ name }) => name));
  const others = conditions.filter(({ object }) => object.kind !== 'chain' || !names.has(object.name));
  const failed = waiting.map(({ name, bridge }): Condition => {
    const stays = inForce.has(name) ? 'The earlier version stays' : 'It has no flows';
    const message = `${stays}, for the new one could not be stored: ${why}.`;
    return { object: { kind: 'chain', name, bridge }, state: 'failed', reason: 'NotApplied', message, evidence: {} };
  });
  return [...others, ...failed];
}
