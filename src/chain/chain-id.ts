/**
 * Numbers of chains and the cookies that carry them. Every flow of the agent says in its cookie that it is the agent's,
 * which chain it serves, by which layout of tables, and in which life of that chain; so ownership needs no memory but the
 * switch's own. Numbers are derived from names, and the map of those given is data that the caller keeps.
 *
 *   63          48 47                24 23     16 15            0
 *   +-------------+--------------------+---------+---------------+
 *   | agent's tag |     chain id       | layout  |  generation   |
 *   +-------------+--------------------+---------+---------------+
 */

import { createHash } from 'node:crypto';
import { assert } from '../lib/assert.js';

/** The agent's tag where the configuration says nothing else: `5c` for service chain, `da` for DPU agent. */
export const defaultCookieTag = 0x5cda;
/** Grows whenever the same flow means something else than before, so that flows of the old meaning are seen as stale. */
export const pipelineLayout = 1;
/** Chain id of flows that serve all chains of a bridge. Never given to a chain. */
export const sharedChainId = 0;

const chainIdMax = 0xff_ffff;
const generationMax = 0xffff;
/** Ids of removed chains whose last generation is remembered. */
const retiredCountMax = 4096;

/** A chain's number, and which of its lives this is, from 1: what an earlier life learned is not believed. */
export interface ChainIdentity {
  readonly id: number;
  readonly generation: number;
}

/** What is given out and what was. The caller stores it; without it the same names get the same ids all the same. */
export interface ChainIds {
  readonly chains: ReadonlyMap<string, ChainIdentity>;
  /** Last generation under ids that no chain has now. */
  readonly retired: ReadonlyMap<number, number>;
}

export const noChainIds: ChainIds = { chains: new Map(), retired: new Map() };

export interface CookieParts extends ChainIdentity {
  readonly tag: number;
  readonly layout: number;
}

export function encodeCookie(tag: number, identity: ChainIdentity, layout = pipelineLayout): bigint {
  assert(tag > 0 && tag <= 0xffff, 'a cookie tag has 16 bits and is not 0');
  assert(identity.id <= chainIdMax && identity.generation <= generationMax, 'a chain identity fits its bits');
  const low = BigInt(layout) * 0x1_0000n + BigInt(identity.generation);
  return (BigInt(tag) << 48n) | (BigInt(identity.id) << 24n) | low;
}

export function decodeCookie(cookie: bigint): CookieParts {
  return {
    tag: Number(cookie >> 48n),
    id: Number((cookie >> 24n) & 0xff_ffffn),
    layout: Number((cookie >> 16n) & 0xffn),
    generation: Number(cookie & 0xffffn),
  };
}

/** Selects every flow of the agent, whatever its chain. */
export function cookieRange(tag: number): { readonly cookie: bigint; readonly mask: bigint } {
  return { cookie: BigInt(tag) << 48n, mask: 0xffffn << 48n };
}

export function isOwnCookie(cookie: bigint, tag: number): boolean {
  return cookie >> 48n === BigInt(tag);
}

/** The value of `metadata` while a frame is in a switch of the chain: 24 bits id, 16 generation, 8 place from 1. */
export function switchMetadata(identity: ChainIdentity, switchIndex: number): bigint {
  assert(switchIndex >= 0 && switchIndex < 255, 'the place of a switch fits 8 bits');
  return (BigInt(identity.id) << 24n) | (BigInt(identity.generation) << 8n) | BigInt(switchIndex + 1);
}

/** The free id for `name`: a hash of the name, then the next that is not taken. */
function chooseId(name: string, taken: ReadonlySet<number>): number {
  assert(taken.size < chainIdMax, 'there is a free chain id');
  const hash = Number.parseInt(createHash('sha256').update(`chain\u0000${name}`).digest('hex').slice(0, 8), 16);
  let id = (hash % chainIdMax) + 1;
  while (taken.has(id)) id = (id % chainIdMax) + 1;
  return id;
}

const nextGeneration = (last: number | undefined): number => ((last ?? 0) % generationMax) + 1;

/** A chain whose number it was comes back as another life of it. */
function give(name: string, taken: Set<number>, retired: Map<number, number>): ChainIdentity {
  const id = chooseId(name, taken);
  const generation = nextGeneration(retired.get(id));
  taken.add(id);
  retired.delete(id);
  return { id, generation };
}

/**
 * The numbers of `names`. A chain that has one keeps it; the others are served in the order of their names, so the order
 * of the input has no influence. No two chains ever share a number.
 */
export function allocateChainIds(stored: ChainIds, names: Iterable<string>): ChainIds {
  const wanted = [...new Set(names)].sort();
  const chains = new Map<string, ChainIdentity>();
  const retired = new Map(stored.retired);
  const taken = new Set([...stored.chains.values()].map(({ id }) => id));
  for (const name of wanted) {
    const kept = stored.chains.get(name);
    if (kept !== undefined) chains.set(name, kept);
  }
  for (const name of wanted) if (!chains.has(name)) chains.set(name, give(name, taken, retired));
  for (const [name, { id, generation }] of stored.chains) if (!chains.has(name)) retired.set(id, generation);
  const newest = [...retired].slice(-retiredCountMax);
  return { chains: new Map([...chains].sort(([a], [b]) => (a < b ? -1 : 1))), retired: new Map(newest) };
}

/** Starts another life of the chain: all that its switches have learned is forgotten. */
export function renewChain(stored: ChainIds, name: string): ChainIds {
  const identity = stored.chains.get(name);
  if (identity === undefined) return stored;
  const renewed = { ...identity, generation: nextGeneration(identity.generation) };
  return { ...stored, chains: new Map(stored.chains).set(name, renewed) };
}
