/**
 * Gives every port of the agent an OpenFlow number that stays: as declared, else as pinned before, else a free one chosen
 * from the port's name. Open vSwitch alone would number ports in no fixed order, silently ignore a request for a number
 * in use, and give a re-created port another number, under which old flows miss it.
 */

import type { DesiredPort, Desired } from '../intent/resolve.js';
import type { Finding } from '../model/condition.js';
import { compareSources } from '../model/intent.js';
import type { Observed, ObservedPort } from '../model/observed.js';
import { isOwnedBy, parsePins } from '../model/ownership.js';
import { chooseOfport, ofportMax } from './identity.js';

export interface OfportAssignment {
  readonly ofports: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
}

function present(observed: Observed, port: DesiredPort): ObservedPort | undefined {
  const found = observed.ports.get(port.name);
  return found?.bridge === port.bridge ? found : undefined;
}

/** The number the port has been pinned to, or has now (an adopted port keeps its number). */
function pinnedOfport(port: ObservedPort, owner: string): number | undefined {
  const main = port.interfaces.find((entry) => entry.name === port.name);
  if (main === undefined) return undefined;
  const pin = Number(parsePins(main.externalIds).get('ofport'));
  if (Number.isInteger(pin) && pin >= 1 && pin <= ofportMax) return pin;
  if (isOwnedBy(main.externalIds, owner) && main.ofportRequest !== undefined) return main.ofportRequest;
  const isReal = main.ofport !== undefined && main.ofport >= 1 && main.ofport <= ofportMax;
  return main.ofportRequest ?? (isReal ? main.ofport : undefined);
}

/** Numbers on the bridge that belong to ports which are not wanted by any intent. */
function foreignOfports(bridge: string, desired: Desired, observed: Observed): Set<number> {
  const taken = new Set<number>();
  for (const port of observed.ports.values()) {
    if (port.bridge !== bridge || desired.ports.get(port.name)?.bridge === bridge) continue;
    for (const entry of port.interfaces) {
      if (entry.ofport !== undefined && entry.ofport > 0) taken.add(entry.ofport);
      if (entry.ofportRequest !== undefined) taken.add(entry.ofportRequest);
    }
  }
  return taken;
}

function claimTwice(port: DesiredPort, ofport: number, winner: DesiredPort): Finding {
  return {
    reason: 'OfportClaimedTwice',
    object: { kind: 'port', name: port.name, bridge: port.bridge },
    message: `Ports ${winner.name} and ${port.name} both want OpenFlow number ${ofport} on ${port.bridge}; ${winner.name} keeps it.`,
    claimants: [winner.intent.source.name, port.intent.source.name],
    remedy: 'Give one of the two another ofport, or none.',
  };
}

function assignOnBridge(
  ports: readonly DesiredPort[],
  taken: Set<number>,
  observed: Observed,
  owner: string,
  result: { readonly ofports: Map<string, number>; readonly findings: Finding[] },
): void {
  const holders = new Map<number, DesiredPort>();
  const take = (port: DesiredPort, ofport: number): void => {
    holders.set(ofport, port);
    taken.add(ofport);
    result.ofports.set(port.name, ofport);
  };
  const open: DesiredPort[] = [];
  for (const port of ports) {
    const declared = port.intent.ofport;
    const winner = declared === undefined ? undefined : holders.get(declared);
    if (declared !== undefined && winner === undefined) take(port, declared);
    else open.push(port);
    if (declared !== undefined && winner !== undefined) result.findings.push(claimTwice(port, declared, winner));
  }
  const fresh: DesiredPort[] = [];
  for (const port of open) {
    const seen = present(observed, port);
    const pinned = seen === undefined ? undefined : pinnedOfport(seen, owner);
    if (pinned !== undefined && !holders.has(pinned)) take(port, pinned);
    else fresh.push(port);
  }
  for (const port of fresh) {
    const chosen = chooseOfport(port.name, taken);
    if (chosen !== undefined) take(port, chosen);
  }
}

/** Who comes first keeps a number that two want: the lower source, then the lower name. */
function comparePorts(a: DesiredPort, b: DesiredPort): number {
  return compareSources(a.intent.source, b.intent.source) || (a.name < b.name ? -1 : 1);
}

/** What is desired is immutable, and the same in nearly every round: it is put in order once. */
const groups = new WeakMap<Desired, ReadonlyMap<string, readonly DesiredPort[]>>();

function portsByBridge(desired: Desired): ReadonlyMap<string, readonly DesiredPort[]> {
  const known = groups.get(desired);
  if (known !== undefined) return known;
  const byBridge = new Map<string, DesiredPort[]>();
  for (const port of [...desired.ports.values()].sort(comparePorts)) {
    if (port.isLocal) continue;
    const list = byBridge.get(port.bridge);
    if (list === undefined) byBridge.set(port.bridge, [port]);
    else list.push(port);
  }
  groups.set(desired, byBridge);
  return byBridge;
}

/** The number of every desired port but the local ones. Independent of the order of the intents. */
export function assignOfports(desired: Desired, observed: Observed, owner: string): OfportAssignment {
  const result = { ofports: new Map<string, number>(), findings: [] as Finding[] };
  for (const [bridge, ports] of portsByBridge(desired)) {
    assignOnBridge(ports, foreignOfports(bridge, desired, observed), observed, owner, result);
  }
  return result;
}
