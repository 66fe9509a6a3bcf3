/**
 * Identities that the agent chooses once and pins: datapath-id and hwaddr of bridges, OpenFlow numbers of ports. Derived
 * from names, so that two runs over the same input choose alike and the order of the intents has no influence.
 */

import { createHash } from 'node:crypto';

/** First and last OpenFlow number that the agent gives out by itself. Open vSwitch fills its own from below. */
export const ofportMin = 32768;
/** Open vSwitch accepts ofport_request 1 to 65279 (ovs-vswitchd.conf.db(5), table Interface). */
export const ofportMax = 65279;

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\u0000')).digest('hex');
}

/** 16 hexadecimal digits, never all zero. `systemId` tells one machine's bridges from another's. */
export function deriveDatapathId(systemId: string, bridge: string): string {
  return `0001${digest('datapath-id', systemId, bridge).slice(0, 12)}`;
}

/** A locally administered unicast MAC: Open vSwitch ignores those of ports when it picks one for a bridge. */
export function deriveHwaddr(systemId: string, bridge: string): string {
  const hex = digest('hwaddr', systemId, bridge);
  return ['02', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4, 6), hex.slice(6, 8), hex.slice(8, 10)].join(':');
}

/** Whether Open vSwitch would take it for other_config:datapath-id; anything else it passes over without a word. */
export function isDatapathId(text: string): boolean {
  return /^(?!0{16}$)[0-9A-Fa-f]{16}$/.test(text);
}

/** Whether Open vSwitch would take it for other_config:hwaddr: one station's address, neither of a group nor all zero. */
export function isHwaddr(text: string): boolean {
  return /^(?!00(:00){5}$)[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}$/.test(text);
}

/** The free number for `name` on a bridge: a hash of the name, then the next that is not `taken`. */
export function chooseOfport(name: string, taken: ReadonlySet<number>): number | undefined {
  const count = ofportMax - ofportMin + 1;
  const start = Number.parseInt(digest('ofport', name).slice(0, 8), 16) % count;
  for (let step = 0; step < count; step += 1) {
    const candidate = ofportMin + ((start + step) % count);
    if (!taken.has(candidate)) return candidate;
  }
  return undefined;
}
