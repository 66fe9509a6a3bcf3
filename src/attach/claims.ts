/**
 * Who may have a representor: one live claim each. Whoever holds it keeps it until the pod is gone or has released it; a
 * newcomer never takes it over, whatever it writes into its annotation. Pure; the holders are told by the rows in the
 * database and by what the loop remembers.
 */

import type { PodView } from '../model/pod.js';

/** What a pod asks for: one of its networks by one function. */
export interface Claim {
  /** `<pod uid>|<nadKey>` */
  readonly key: string;
  readonly pod: PodView;
  /** Name of the representor. */
  readonly device: string;
}

/** The order in which newcomers are served: it depends on nothing but the pods themselves, so a restart changes nothing. */
function compareClaims(a: Claim, b: Claim): number {
  if (a.pod.createdMs !== b.pod.createdMs) return a.pod.createdMs - b.pod.createdMs;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/**
 * The key of the one claim per device that may have it.
 * @param holders device to the keys of those who held it, live or not; the first that is live keeps it
 * @param live keys that still have a right to what they hold, although they may make no usable claim at the moment
 */
export function settleClaims(
  claims: readonly Claim[],
  holders: ReadonlyMap<string, readonly string[]>,
  live: (key: string, device: string) => boolean,
): ReadonlyMap<string, string> {
  const winners = new Map<string, string>();
  for (const [device, keys] of holders) {
    const holder = keys.find((key) => live(key, device));
    if (holder !== undefined) winners.set(device, holder);
  }
  for (const claim of [...claims].sort(compareClaims)) {
    if (!winners.has(claim.device)) winners.set(claim.device, claim.key);
  }
  return winners;
}
