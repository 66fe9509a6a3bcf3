/**
 * Whose rows are whose: which bridges and ports of the observed state carry the agent's mark. Used by every part of the
 * planner before it names a row in an action. Decides nothing about what should be there.
 */

import type { Observed, ObservedBridge, ObservedInterface, ObservedPort } from '../model/observed.js';
import { isOwnedBy, ownerKey } from '../model/ownership.js';

/** The interface that gives the port its name; a port of the agent has no other. */
export function mainInterface(port: ObservedPort): ObservedInterface | undefined {
  return port.interfaces.find((entry) => entry.name === port.name);
}

/**
 * Whether the agent made the port. Both of its rows carry the mark; where it was wiped from the port's row, that of its
 * interface still counts. A port whose row carries somebody else's mark is theirs, whatever its interface says: otherwise
 * two agents could each take it from the other for ever.
 */
export function isOwnPort(port: ObservedPort, owner: string): boolean {
  if (port.externalIds.has(ownerKey)) return isOwnedBy(port.externalIds, owner);
  const main = mainInterface(port);
  return main !== undefined && isOwnedBy(main.externalIds, owner);
}

/** Whether the agent made the bridge; where the mark was wiped from its row, that of its local port still counts. */
export function isOwnBridge(bridge: ObservedBridge, observed: Observed, owner: string): boolean {
  if (bridge.externalIds.has(ownerKey)) return isOwnedBy(bridge.externalIds, owner);
  const local = observed.ports.get(bridge.name);
  return local !== undefined && local.bridge === bridge.name && isOwnPort(local, owner);
}

/** Snapshots are immutable: who holds which interface is listed once for each, and not for each port that is missing. */
const holders = new WeakMap<Observed['ports'], ReadonlyMap<string, ObservedPort>>();

function holdersOf(ports: Observed['ports']): ReadonlyMap<string, ObservedPort> {
  const known = holders.get(ports);
  if (known !== undefined) return known;
  const byName = new Map<string, ObservedPort>();
  for (const port of ports.values()) {
    for (const { name } of port.interfaces) if (!byName.has(name)) byName.set(name, port);
  }
  holders.set(ports, byName);
  return byName;
}

/**
 * The port that holds an interface of this name. Interface names are unique in the database (ovs-vswitchd.conf.db(5)), so
 * a member of somebody's bond keeps its name from every other port.
 */
export function holderOfInterface(observed: Observed, name: string): ObservedPort | undefined {
  const namesake = observed.ports.get(name);
  if (namesake !== undefined && mainInterface(namesake) !== undefined) return namesake;
  return holdersOf(observed.ports).get(name);
}
