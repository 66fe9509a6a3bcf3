/** A packet that a person describes for a trace, and its description as ofproto/trace wants it (ovs-fields(7)). */

import { isIPv4, isIPv6 } from 'node:net';
import type { Wire } from '../resolved.js';
import { AgentError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';

const protocols = ['udp', 'tcp', 'sctp', 'icmp', 'arp'] as const;
export type Protocol = (typeof protocols)[number];

export interface Packet {
  readonly protocol: Protocol;
  /** Lower case with colons. */
  readonly srcMac: string;
  readonly dstMac: string;
  readonly srcIp: string;
  readonly dstIp: string;
  readonly srcPort: number | undefined;
  readonly dstPort: number | undefined;
  /** VLAN on the wire of the port where it enters. Undefined: none, or the one that the port carries. */
  readonly vlan: number | undefined;
  readonly ttl: number;
}

/** A ping between addresses that nobody has (RFC 5737), from one locally administered MAC to another. */
export const defaultPacket: Packet = {
  protocol: 'icmp',
  srcMac: '02:00:00:00:00:01',
  dstMac: '02:00:00:00:00:02',
  srcIp: '192.0.2.1',
  dstIp: '192.0.2.2',
  srcPort: undefined,
  dstPort: undefined,
  vlan: undefined,
  ttl: 64,
};

type Draft = { -readonly [K in keyof Packet]?: Packet[K] };

const macForm = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;
const remedy = 'For example 10.0.0.1,10.0.0.2,udp,dport=53; see dpuctl trace --help.';
const refuse = (message: string): AgentError => new AgentError('API_INVALID', message, { remedy });

const numberKeys = {
  sport: { field: 'srcPort', max: 65_535 },
  dport: { field: 'dstPort', max: 65_535 },
  vlan: { field: 'vlan', max: 4_094 },
  ttl: { field: 'ttl', max: 255 },
} as const;

const isProtocol = (word: string): word is Protocol => (protocols as readonly string[]).includes(word);

/** Source first, destination second; a third is one too many. */
function takeAddress(draft: Draft, word: string, src: 'srcMac' | 'srcIp', dst: 'dstMac' | 'dstIp'): void {
  if (draft[src] === undefined) draft[src] = word;
  else if (draft[dst] === undefined) draft[dst] = word;
  else throw refuse(`"${word}" is a third address; a packet has a source and a destination`);
}

function takeNumber(draft: Draft, word: string): void {
  const [, key = '', digits = ''] = /^(\w+)=(\d{1,5})$/.exec(word) ?? [];
  const entry = Object.entries(numberKeys).find(([name]) => name === key)?.[1];
  if (entry === undefined) throw refuse(`"${safeText(word, 80)}" is nothing that describes a packet`);
  const value = Number(digits);
  if (value > entry.max) throw refuse(`${key} is at most ${entry.max}, not ${digits}`);
  draft[entry.field] = value;
}

function take(draft: Draft, word: string): void {
  if (isProtocol(word)) draft.protocol = word;
  else if (macForm.test(word)) takeAddress(draft, word.toLowerCase(), 'srcMac', 'dstMac');
  else if (isIPv4(word) || (isIPv6(word) && !word.includes('%'))) takeAddress(draft, word, 'srcIp', 'dstIp');
  else takeNumber(draft, word);
}

/** @throws AgentError API_INVALID */
export function parsePacket(text: string): Packet {
  const draft: Draft = {};
  for (const word of text.split(',')) take(draft, word.trim());
  if (draft.srcIp !== undefined && isIPv6(draft.srcIp)) draft.dstIp ??= '2001:db8::2';
  const packet = { ...defaultPacket, ...draft };
  if (isIPv6(packet.srcIp) !== isIPv6(packet.dstIp)) throw refuse('one address is IPv4 and the other IPv6');
  if (isIPv6(packet.srcIp) && packet.protocol === 'arp') throw refuse('ARP is of IPv4');
  const hasPorts = ['udp', 'tcp', 'sctp'].includes(packet.protocol);
  if (!hasPorts && (packet.srcPort ?? packet.dstPort) !== undefined) throw refuse(`${packet.protocol} has no ports`);
  return packet;
}

function protocolFields(packet: Packet): readonly string[] {
  const { protocol, srcIp, dstIp, srcPort, dstPort, ttl } = packet;
  if (protocol === 'arp') return ['arp', `arp_spa=${srcIp}`, `arp_tpa=${dstIp}`, 'arp_op=1'];
  const isSix = isIPv6(srcIp);
  const names = isSix ? ['ipv6_src', 'ipv6_dst'] : ['nw_src', 'nw_dst'];
  const ports = [
    ...(srcPort === undefined ? [] : [`${protocol}_src=${srcPort}`]),
    ...(dstPort === undefined ? [] : [`${protocol}_dst=${dstPort}`]),
    ...(protocol !== 'icmp' ? [] : isSix ? ['icmpv6_type=128'] : ['icmp_type=8']),
  ];
  const word = isSix ? `${protocol}6` : protocol;
  return [word, `${names[0] ?? ''}=${srcIp}`, `${names[1] ?? ''}=${dstIp}`, `nw_ttl=${ttl}`, ...ports];
}

/** The frame as it comes in at a port: with the VLAN that the port carries, unless the person named one. */
export function formatTraceFlow(packet: Packet, ofport: number, wire: Wire): string {
  const vid = packet.vlan ?? (wire.kind === 'tag' ? wire.vid : undefined);
  const vlan = vid === undefined ? [] : [`dl_vlan=${vid}`, 'dl_vlan_pcp=0'];
  const [word = '', ...rest] = protocolFields(packet);
  const addresses = [`dl_src=${packet.srcMac}`, `dl_dst=${packet.dstMac}`];
  return [word, `in_port=${ofport}`, ...vlan, ...addresses, ...rest].join(',');
}

/** `udp 10.0.0.1 → 10.0.0.2:53`. */
export function describePacket(packet: Packet): string {
  const end = (ip: string, port: number | undefined): string =>
    port === undefined ? ip : isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
  const { srcMac, dstMac, vlan } = packet;
  const tag = vlan === undefined ? '' : `, VLAN ${vlan}`;
  const ends = `${end(packet.srcIp, packet.srcPort)} → ${end(packet.dstIp, packet.dstPort)}`;
  return `${packet.protocol} ${ends} (${srcMac} → ${dstMac}${tag})`;
}
