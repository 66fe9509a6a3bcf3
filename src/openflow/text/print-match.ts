/**
 * A match as Open vSwitch prints it in dump-flows: its order, its shorthands, its habits with masks. Used by the printer
 * of flows. The order follows match_format() of lib/match.c.
 */

import { fields } from '../fields.js';
import type { FieldName } from '../fields.js';
import type { KnownMatchField, Match } from '../match.js';
import { priorityDefault } from '../flow.js';
import { formatFragment, formatMasked, formatPacketType, formatValue } from './field-value.js';
import { altHex, ctStateFlags, formatFlags, formatPort, hex, paddedHex, tcpFlags } from './notation.js';

type Lookup = ReadonlyMap<FieldName, KnownMatchField>;

const etherType = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  arp: 0x0806,
  rarp: 0x8035,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  nsh: 0x894f,
} as const;

/** The match, with the priority in front when it is not the default; empty for a flow that matches everything. */
export function formatMatch(match: Match, priority: number = priorityDefault): string {
  const entries = new Map<FieldName, KnownMatchField>();
  for (const entry of match) if (entry.field !== 'raw') entries.set(entry.field, entry);
  const parts = priority === priorityDefault ? [] : [`priority=${priority}`];
  parts.push(...metadataParts(entries), ...protocolParts(entries), ...registerParts(entries));
  parts.push(...tunnelParts(entries), ...linkParts(entries), ...networkParts(entries), ...transportParts(entries));
  for (const entry of match) {
    if (entry.field === 'raw') parts.push(`raw=0x${Buffer.from(entry.bytes).toString('hex')}`);
  }
  return parts.join(',');
}

/** `name=value[/mask]` of a field in a given notation, if it is matched. */
function part(entries: Lookup, field: FieldName, name: string, format: (entry: KnownMatchField) => string): string[] {
  const entry = entries.get(field);
  return entry === undefined ? [] : [`${name}=${format(entry)}`];
}

const asAltHex = ({ value, mask }: KnownMatchField): string =>
  formatMasked(altHex(value), mask === undefined ? undefined : altHex(mask));
/** 16-bit values: decimal when exact, hexadecimal with a mask. */
const asShort = ({ value, mask }: KnownMatchField): string =>
  mask === undefined ? value.toString() : `${hex(value)}/${hex(mask)}`;
const asValue = ({ field, value, mask }: KnownMatchField): string => formatValue(fields[field], value, mask);
const asNumber = ({ value }: KnownMatchField): string => value.toString();

function metadataParts(entries: Lookup): string[] {
  return [
    ...part(entries, 'pkt_mark', 'pkt_mark', asAltHex),
    ...part(entries, 'recirc_id', 'recirc_id', asAltHex),
    ...part(entries, 'dp_hash', 'dp_hash', asAltHex),
    ...part(entries, 'conj_id', 'conj_id', asNumber),
    ...part(entries, 'actset_output', 'actset_output', ({ value }) => formatPort(Number(value))),
    ...part(entries, 'ct_state', 'ct_state', ({ value, mask }) =>
      formatFlags(ctStateFlags, Number(value), Number(mask ?? 0xff), 0xff),
    ),
    ...part(entries, 'ct_zone', 'ct_zone', asShort),
    ...part(entries, 'ct_mark', 'ct_mark', asAltHex),
    ...part(entries, 'ct_label', 'ct_label', asValue),
    ...part(entries, 'ct_nw_src', 'ct_nw_src', asValue),
    ...part(entries, 'ct_ipv6_src', 'ct_ipv6_src', asValue),
    ...part(entries, 'ct_nw_dst', 'ct_nw_dst', asValue),
    ...part(entries, 'ct_ipv6_dst', 'ct_ipv6_dst', asValue),
    ...part(entries, 'ct_nw_proto', 'ct_nw_proto', asNumber),
    ...part(entries, 'ct_tp_src', 'ct_tp_src', asShort),
    ...part(entries, 'ct_tp_dst', 'ct_tp_dst', asShort),
    ...part(entries, 'packet_type', 'packet_type', ({ value }) => formatPacketType(Number(value))),
  ];
}

/** `tcp6` instead of an Ethernet type and a protocol number. */
interface Shorthand {
  readonly text: string | undefined;
  /** Whether the protocol number is part of it. */
  readonly hasProtocol: boolean;
}

const protocols4: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);
const protocols6: ReadonlyMap<number, string> = new Map([
  [58, 'icmp6'],
  [6, 'tcp6'],
  [17, 'udp6'],
  [132, 'sctp6'],
]);

function shorthand(entries: Lookup): Shorthand {
  const protocol = entries.get('nw_proto')?.value;
  switch (entries.get('eth_type')?.value) {
    case etherType.ipv4:
      return shorthandOf(protocols4, protocol, 'ip');
    case etherType.ipv6:
      return shorthandOf(protocols6, protocol, 'ipv6');
    case etherType.arp:
      return { text: 'arp', hasProtocol: false };
    case etherType.rarp:
      return { text: 'rarp', hasProtocol: false };
    case etherType.mpls:
      return { text: 'mpls', hasProtocol: false };
    case etherType.mplsMulticast:
      return { text: 'mplsm', hasProtocol: false };
    default:
      return { text: undefined, hasProtocol: false };
  }
}

function shorthandOf(names: ReadonlyMap<number, string>, protocol: unknown, plain: string): Shorthand {
  const name = typeof protocol === 'number' ? names.get(protocol) : undefined;
  return name === undefined ? { text: plain, hasProtocol: false } : { text: name, hasProtocol: true };
}

function protocolParts(entries: Lookup): string[] {
  const { text } = shorthand(entries);
  return text === undefined ? [] : [text];
}

const registers = Array.from({ length: 16 }, (_, index) => `reg${index}` as FieldName);

function registerParts(entries: Lookup): string[] {
  return registers.flatMap((name) => part(entries, name, name, asAltHex));
}

function tunnelParts(entries: Lookup): string[] {
  return [
    ...part(entries, 'tun_id', 'tun_id', asAltHex),
    ...part(entries, 'tun_src', 'tun_src', asValue),
    ...part(entries, 'tun_dst', 'tun_dst', asValue),
    ...part(entries, 'tun_ipv6_src', 'tun_ipv6_src', asValue),
    ...part(entries, 'tun_ipv6_dst', 'tun_ipv6_dst', asValue),
    ...part(entries, 'tun_gbp_id', 'tun_gbp_id', asShort),
    ...part(entries, 'tun_gbp_flags', 'tun_gbp_flags', ({ value }) => altHex(value)),
    ...part(entries, 'tun_flags', 'tun_flags', ({ value, mask }) =>
      formatTunnelFlags(Number(value), Number(mask ?? 1)),
    ),
  ];
}

/** Open vSwitch prints its one public flag always with a sign. */
function formatTunnelFlags(value: number, mask: number): string {
  return (mask & 1) === 0 ? '0/0' : `${(value & 1) === 0 ? '-' : '+'}oam`;
}

function linkParts(entries: Lookup): string[] {
  return [
    ...part(entries, 'metadata', 'metadata', asAltHex),
    ...part(entries, 'in_port', 'in_port', ({ value }) => formatPort(Number(value))),
    ...vlanParts(entries),
    ...part(entries, 'eth_src', 'dl_src', asValue),
    ...part(entries, 'eth_dst', 'dl_dst', asValue),
    ...(shorthand(entries).text === undefined
      ? part(entries, 'eth_type', 'dl_type', ({ value }) => paddedHex(value, 4))
      : []),
  ];
}

const vlanPresent = 0x1000;

/** vlan_vid and vlan_pcp are one tag for Open vSwitch: printed as dl_vlan, dl_vlan_pcp, or as vlan_tci when partial. */
function vlanParts(entries: Lookup): string[] {
  const vid = entries.get('vlan_vid');
  const pcp = entries.get('vlan_pcp');
  if (vid === undefined && pcp === undefined) return [];
  const vidValue = Number(vid?.value ?? 0);
  const vidMask = vid === undefined ? 0 : Number(vid.mask ?? 0x1fff);
  const isPresent = (vidMask & vidValue & vlanPresent) !== 0;
  const idMask = vidMask & 0xfff;
  if (isPresent && (idMask === 0 || idMask === 0xfff) && (idMask !== 0 || pcp !== undefined)) {
    const id = idMask === 0 ? [] : [`dl_vlan=${vidValue & 0xfff}`];
    return pcp === undefined ? id : [...id, `dl_vlan_pcp=${pcp.value}`];
  }
  const tci = vidValue | (Number(pcp?.value ?? 0) << 13);
  const mask = vidMask | (pcp === undefined ? 0 : 0xe000);
  return [`vlan_tci=${formatMasked(paddedHex(tci, 4), mask === 0xffff ? undefined : paddedHex(mask, 4))}`];
}

function networkParts(entries: Lookup): string[] {
  const protocol = shorthand(entries).hasProtocol ? [] : part(entries, 'nw_proto', 'nw_proto', asNumber);
  return [
    ...part(entries, 'ipv6_src', 'ipv6_src', asValue),
    ...part(entries, 'ipv6_dst', 'ipv6_dst', asValue),
    ...part(entries, 'ipv6_label', 'ipv6_label', ({ value, mask }) =>
      formatMasked(paddedHex(value, 5), mask === undefined ? undefined : paddedHex(mask, 5)),
    ),
    ...part(entries, 'arp_spa', 'arp_spa', asValue),
    ...part(entries, 'arp_tpa', 'arp_tpa', asValue),
    ...part(entries, 'ip_src', 'nw_src', asValue),
    ...part(entries, 'ip_dst', 'nw_dst', asValue),
    ...protocol,
    ...part(entries, 'arp_op', 'arp_op', asNumber),
    ...part(entries, 'arp_sha', 'arp_sha', asValue),
    ...part(entries, 'arp_tha', 'arp_tha', asValue),
    ...part(entries, 'ip_dscp', 'nw_tos', ({ value }) => String(Number(value) << 2)),
    ...part(entries, 'nw_ecn', 'nw_ecn', asNumber),
    ...part(entries, 'nw_ttl', 'nw_ttl', asNumber),
    ...part(entries, 'mpls_label', 'mpls_label', asNumber),
    ...part(entries, 'mpls_tc', 'mpls_tc', asNumber),
    ...part(entries, 'mpls_ttl', 'mpls_ttl', asNumber),
    ...part(entries, 'mpls_bos', 'mpls_bos', asNumber),
    ...part(entries, 'ip_frag', 'nw_frag', ({ value, mask }) => formatFragment(Number(value), Number(mask ?? 3))),
  ];
}

function transportParts(entries: Lookup): string[] {
  return [
    ...part(entries, 'icmp_type', 'icmp_type', asShort),
    ...part(entries, 'icmp_code', 'icmp_code', asShort),
    ...part(entries, 'icmpv6_type', 'icmp_type', asShort),
    ...part(entries, 'icmpv6_code', 'icmp_code', asShort),
    ...part(entries, 'nd_target', 'nd_target', asValue),
    ...part(entries, 'nd_sll', 'nd_sll', asValue),
    ...part(entries, 'nd_tll', 'nd_tll', asValue),
    ...(['tcp_src', 'udp_src', 'sctp_src'] as const).flatMap((name) => part(entries, name, 'tp_src', asShort)),
    ...(['tcp_dst', 'udp_dst', 'sctp_dst'] as const).flatMap((name) => part(entries, name, 'tp_dst', asShort)),
    ...part(entries, 'tcp_flags', 'tcp_flags', ({ value, mask }) =>
      formatFlags(tcpFlags, Number(value), Number(mask ?? 0xfff) & 0xfff, 0xfff),
    ),
  ];
}
