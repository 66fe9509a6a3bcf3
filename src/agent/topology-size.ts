/** About how much memory an object of the topology takes, and how large its message is: enough to bound both. Pure. */

import type { StringMap } from '../model/ownership.js';
import type { TopologyObject } from './topology.js';

/** Names, numbers, a condition with its evidence: about this much in memory, and less in a message. */
const baseBytes = 512;
const interfaceBytes = 512;
const chainPortBytes = 256;

const known = new WeakMap<TopologyObject, number>();

/** Bytes, counted once for each object: a fixed part for what is bounded, and the maps in which anybody may write anything. */
export function approximateBytes(object: TopologyObject): number {
  const before = known.get(object);
  if (before !== undefined) return before;
  const bytes =
    baseBytes + factsBytes(object) + object.conditions.reduce((sum, { message }) => sum + message.length, 0);
  known.set(object, bytes);
  return bytes;
}

function factsBytes({ facts }: TopologyObject): number {
  switch (facts.kind) {
    case 'bridge':
      return facts.observed === undefined ? 0 : mapsBytes(facts.observed.externalIds, facts.observed.otherConfig);
    case 'port': {
      if (facts.observed === undefined) return 0;
      const { externalIds, otherConfig, interfaces } = facts.observed;
      const parts = interfaces.map((entry) => interfaceBytes + mapsBytes(entry.externalIds, entry.options));
      return parts.reduce((sum, bytes) => sum + bytes, mapsBytes(externalIds, otherConfig));
    }
    case 'chain':
      return facts.view.switches.reduce((sum, { ports }) => sum + chainPortBytes * (1 + ports.length), 0);
    case 'representor':
    case 'attachment':
      return 0;
  }
}

function mapsBytes(...maps: readonly StringMap[]): number {
  let sum = 0;
  for (const map of maps) for (const [key, value] of map) sum += key.length + value.length + 16;
  return sum;
}
