/**
 * Tells traffic of the control plane by the match and the actions of a flow: what software has to see by design, and what
 * therefore belongs into no ratio of offload. Pure.
 */

import { isWildcard, matchesExactly, matchField, matchFields, maskedValue, subField } from '../model/datapath-flow.js';
import type { DatapathFlow } from '../model/datapath-flow.js';

/** EtherTypes (IEEE 802 Numbers of IANA) whose frames are for a control plane. */
const controlTypes: ReadonlyMap<number, string> = new Map([
  [0x0806, 'ARP'],
  [0x8035, 'RARP'],
  [0x8809, 'LACP'],
  [0x888e, 'EAPOL'],
  [0x88cc, 'LLDP'],
  [0x8902, 'CFM'],
]);

/** BFD (RFC 5881, 5883, 7130). */
const bfdPorts: readonly number[] = [3784, 3785, 4784, 6784];

/** Neighbour discovery (RFC 4861): 133 to 137. */
const neighbourTypes: readonly number[] = [133, 134, 135, 136, 137];

/** 01:80:c2:00:00:00 to 0f: frames that no bridge forwards (IEEE 802.1Q, table 8-1), STP and its like. */
const reservedStart = '01:80:c2:00:00:0';

/** Why ovs-vswitchd itself takes a packet (odp-util.h, slow path reasons) when it is the protocol that wants it. */
const slowProtocols: readonly string[] = ['cfm', 'bfd', 'lacp', 'stp', 'lldp'];

/** The protocol, for a person; undefined: not control traffic. */
export function controlProtocol({ match, actions }: Pick<DatapathFlow, 'match' | 'actions'>): string | undefined {
  return byEtherType(match) ?? byAddress(match) ?? byTransport(match) ?? bySlowPath(actions);
}

function byEtherType(match: string): string | undefined {
  for (const text of matchFields(match, 'eth_type')) {
    const type = maskedValue(text);
    const name = isWildcard(type) ? undefined : controlTypes.get(Number(type.value));
    if (name !== undefined) return name;
  }
  return undefined;
}

function byAddress(match: string): string | undefined {
  const inside = matchField(match, 'eth');
  const destination = inside === undefined ? undefined : subField(inside, 'dst');
  if (destination === undefined || isWildcard(destination)) return undefined;
  return destination.value.toLowerCase().startsWith(reservedStart) ? 'link-local multicast' : undefined;
}

function byTransport(match: string): string | undefined {
  const icmp = matchField(match, 'icmpv6');
  if (icmp !== undefined && neighbourTypes.some((type) => matchesExactly(icmp, 'type', type))) return 'ND';
  const udp = matchField(match, 'udp');
  return udp !== undefined && bfdPorts.some((port) => matchesExactly(udp, 'dst', port)) ? 'BFD' : undefined;
}

function bySlowPath(actions: string): string | undefined {
  const start = actions.indexOf('slow_path(');
  if (start < 0) return undefined;
  const from = start + 'slow_path('.length;
  const end = actions.indexOf(')', from);
  const reasons = actions.slice(from, end < 0 ? undefined : end).split(',');
  return slowProtocols.find((name) => reasons.includes(name))?.toUpperCase();
}
