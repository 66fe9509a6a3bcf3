/**
 * Decides which version of each chain is in force. A chain is accepted or refused whole; a refused one leaves its earlier
 * version in place, and the others as they are. What was accepted stays accepted when the world changes under it: ports
 * that then fail are left out of the flows and shown in conditions. Pure; the caller keeps the map of accepted versions.
 */

import { safeText } from '../lib/text.js';
import type { ChainIntent } from '../model/chain.js';
import type { Finding } from '../model/condition.js';
import { compareSources, type PortIntent } from '../model/intent.js';
import { ChainRegistry, type PortProblem } from './chain-registry.js';
import { checkIntent, checkResolved, portsOfUninvited } from './check-chain.js';
import { resolveChain } from './resolve-chain.js';
import type { ChainProblem, ResolvedChain } from './resolved.js';
import type { WorldIndex } from './world-index.js';

export interface ChainsInput {
  /** All that is wanted, by whomever. The order has no meaning. */
  readonly wanted: readonly ChainIntent[];
  /** What was in force before, by name: the `accepted` of the last verdict. */
  readonly accepted: ReadonlyMap<string, ChainIntent>;
  readonly index: WorldIndex;
}

/** A version that is not taken, and why. */
export interface Refusal {
  readonly intent: ChainIntent;
  /** At least one. */
  readonly problems: readonly ChainProblem[];
  /** The earlier version, which stays in force. */
  readonly keeps: ChainIntent | undefined;
}

export interface ChainsVerdict {
  /** What is in force, by name. To be kept, across restarts too: without it an accepted chain starts over as a new one. */
  readonly accepted: ReadonlyMap<string, ChainIntent>;
  /** The versions in force, resolved; sorted by name. */
  readonly chains: readonly ResolvedChain[];
  readonly refusals: readonly Refusal[];
  readonly findings: readonly Finding[];
  /** Patch ports that the chains need, for the planner of ports. */
  readonly patches: readonly PortIntent[];
}

/** A text that is equal for equal versions of a chain; where the chain was written down does not count. */
export function chainFingerprint(intent: ChainIntent): string {
  const sorted = (entries: readonly [string, unknown][]): unknown =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).filter(([, value]) => value !== undefined);
  return JSON.stringify({ ...intent, source: undefined }, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return sorted(value instanceof Map ? ([...value] as [string, unknown][]) : Object.entries(value));
  });
}

/** One version of one chain, on its way through the checks. */
interface Candidate {
  readonly intent: ChainIntent;
  readonly before: ChainIntent | undefined;
  /** It was in force already: it cannot be refused any more, only lose ports. */
  readonly isSettled: boolean;
}

function compareIntents(a: ChainIntent, b: ChainIntent): number {
  return compareSources(a.source, b.source) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function mergeByName(wanted: readonly ChainIntent[], findings: Finding[]): readonly ChainIntent[] {
  const keyed = wanted.map((intent) => ({ intent, text: chainFingerprint(intent) }));
  keyed.sort((a, b) => compareIntents(a.intent, b.intent) || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  const merged = new Map<string, (typeof keyed)[number]>();
  for (const entry of keyed) {
    const winner = merged.get(entry.intent.name);
    if (winner === undefined) merged.set(entry.intent.name, entry);
    else if (winner.text !== entry.text) findings.push(claimedTwice(winner.intent, entry.intent));
  }
  return [...merged.values()].map(({ intent }) => intent);
}

function claimedTwice(winner: ChainIntent, loser: ChainIntent): Finding {
  return {
    reason: 'ChainClaimedTwice',
    object: { kind: 'chain', name: loser.name, bridge: loser.bridge },
    message: `Chain ${safeText(loser.name)} is described by ${winner.source.name} and, otherwise, by ${loser.source.name}; the former holds.`,
    claimants: [winner.source.name, loser.source.name],
    remedy: 'Remove the chain from one of the two, or make them say the same.',
  };
}

function refusalFinding({ intent, problems, keeps }: Refusal): Finding {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const stays = keeps === undefined ? 'It has no flows.' : 'Its earlier version stays.';
  return {
    reason: 'ChainRefused',
    object: { kind: 'chain', name: intent.name, bridge: intent.bridge },
    message: `Chain ${safeText(intent.name)} of ${intent.source.name} is refused: ${first?.message ?? ''}${more} ${stays}`,
    claimants: [...new Set(problems.flatMap(({ claimants }) => claimants))],
    remedy: first?.remedy ?? '',
  };
}

/** The chain with the ports that cannot be had marked as such. */
function without(chain: ResolvedChain, problems: readonly PortProblem[]): ResolvedChain {
  if (problems.length === 0) return chain;
  const byKey = new Map(problems.map(({ port, problem }) => [port.key, problem]));
  const switches = chain.switches.map((entry) => ({
    ...entry,
    ports: entry.ports.map((port) => ({ ...port, problem: port.problem ?? byKey.get(port.key) })),
  }));
  return { ...chain, switches };
}

interface Outcome {
  readonly chains: readonly ResolvedChain[];
  readonly refused: ReadonlyMap<string, readonly ChainProblem[]>;
}

/** Takes the candidates in order; each is held against those before it. */
function takeInOrder(candidates: readonly Candidate[], resolve: (intent: ChainIntent) => ResolvedChain): Outcome {
  const registry = new ChainRegistry();
  const chains: ResolvedChain[] = [];
  const refused = new Map<string, readonly ChainProblem[]>();
  for (const { intent, isSettled } of candidates) {
    const resolved = resolve(intent);
    const against = [...(isSettled ? portsOfUninvited(resolved) : []), ...registry.check(resolved)];
    if (!isSettled && against.length > 0) {
      refused.set(
        intent.name,
        against.map(({ problem }) => problem),
      );
      continue;
    }
    const taken = without(resolved, against);
    registry.add(taken);
    chains.push(taken);
  }
  return { chains, refused };
}

/** Chains in force come first, so that no newcomer takes their ports; then by source and name. */
function inOrder(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...candidates].sort(
    (a, b) => Number(b.isSettled) - Number(a.isSettled) || compareIntents(a.intent, b.intent),
  );
}

/** The version that the refusals so far leave of a chain; undefined: none. */
function versionOf(candidate: Candidate, refused: ReadonlyMap<string, unknown>): Candidate | undefined {
  if (!refused.has(candidate.intent.name)) return candidate;
  const { before } = candidate;
  return before === undefined ? undefined : { intent: before, before, isSettled: true };
}

/** What speaks against a version by itself. */
function checkAlone(candidate: Candidate, resolve: (intent: ChainIntent) => ResolvedChain): readonly ChainProblem[] {
  if (candidate.isSettled) return [];
  const shape = checkIntent(candidate.intent);
  return shape.length > 0 ? shape : checkResolved(resolve(candidate.intent));
}

/** The patch ports of all chains, each once. */
function patchesOf(chains: readonly ResolvedChain[]): readonly PortIntent[] {
  const patches = new Map<string, PortIntent>();
  for (const chain of chains) {
    for (const patch of chain.patches)
      if (patch.name !== undefined && !patches.has(patch.name)) patches.set(patch.name, patch);
  }
  return [...patches.values()].sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
}

/** Which version of each chain is in force. */
export function validateChains({ wanted, accepted, index }: ChainsInput): ChainsVerdict {
  const findings: Finding[] = [];
  const cache = new Map<ChainIntent, ResolvedChain>();
  const resolve = (intent: ChainIntent): ResolvedChain => {
    const known = cache.get(intent) ?? resolveChain(intent, index);
    cache.set(intent, known);
    return known;
  };
  const candidates = mergeByName(wanted, findings).map((intent): Candidate => {
    const before = accepted.get(intent.name);
    return { intent, before, isSettled: before !== undefined && chainFingerprint(before) === chainFingerprint(intent) };
  });
  const refused = new Map<string, readonly ChainProblem[]>();
  for (const candidate of candidates) {
    const problems = checkAlone(candidate, resolve);
    if (problems.length > 0) refused.set(candidate.intent.name, problems);
  }
  // An earlier version that stays holds its ports, which may refuse others in turn. Refusals only grow, so this ends.
  let outcome: Outcome;
  do {
    outcome = takeInOrder(inOrder(candidates.flatMap((entry) => versionOf(entry, refused) ?? [])), resolve);
    for (const [name, problems] of outcome.refused) refused.set(name, problems);
  } while (outcome.refused.size > 0);
  const refusals = candidates
    .filter(({ intent }) => refused.has(intent.name))
    .map(({ intent, before }) => ({ intent, problems: refused.get(intent.name) ?? [], keeps: before }))
    .sort((a, b) => (a.intent.name < b.intent.name ? -1 : 1));
  const chains = [...outcome.chains].sort((a, b) => (a.intent.name < b.intent.name ? -1 : 1));
  return {
    accepted: new Map(chains.map(({ intent }) => [intent.name, intent])),
    chains,
    refusals,
    findings: [...findings, ...refusals.map(refusalFinding)],
    patches: patchesOf(chains),
  };
}
