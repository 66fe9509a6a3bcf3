/**
 * Collects the matched fields of a flow's text and resolves what depends on one another: `tp_dst` is a field of the
 * protocol, `nw_src` one of the Ethernet type. Used by the parser of flows. Unlike ovs-ofctl, which drops a field whose
 * prerequisite is missing and thereby widens the match, it refuses.
 */

import { fields } from '../fields.js';
import type { Field, FieldName, FieldValue, Prerequisite } from '../fields.js';
import { normalMatch } from '../match.js';
import type { KnownMatchField, Match } from '../match.js';
import { parseValue } from './field-value.js';
import type { MaskedValue } from './field-value.js';
import { parseNumber, textError } from './notation.js';

/** Shorthands for an Ethernet type, and a protocol. */
const shorthands: ReadonlyMap<string, readonly [number, number?]> = new Map([
  ['ip', [0x0800]],
  ['ipv4', [0x0800]],
  ['ip4', [0x0800]],
  ['icmp', [0x0800, 1]],
  ['icmp4', [0x0800, 1]],
  ['tcp', [0x0800, 6]],
  ['tcp4', [0x0800, 6]],
  ['udp', [0x0800, 17]],
  ['udp4', [0x0800, 17]],
  ['sctp', [0x0800, 132]],
  ['sctp4', [0x0800, 132]],
  ['ipv6', [0x86dd]],
  ['ip6', [0x86dd]],
  ['icmp6', [0x86dd, 58]],
  ['tcp6', [0x86dd, 6]],
  ['udp6', [0x86dd, 17]],
  ['sctp6', [0x86dd, 132]],
  ['arp', [0x0806]],
  ['rarp', [0x8035]],
  ['mpls', [0x8847]],
  ['mplsm', [0x8848]],
]);

/** Names that mean different fields for different packets. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['dl_src', 'eth_src'],
  ['dl_dst', 'eth_dst'],
  ['dl_type', 'eth_type'],
  ['nw_src', 'ip_src'],
  ['nw_dst', 'ip_dst'],
  ['ip_proto', 'nw_proto'],
  ['ip_ecn', 'nw_ecn'],
  ['nw_frag', 'ip_frag'],
  ['tunnel_id', 'tun_id'],
  ['in_port_oxm', 'in_port'],
]);

const transportNames: ReadonlyMap<number, string> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);

export class MatchBuilder {
  readonly #entries = new Map<FieldName, KnownMatchField>();
  /** Fields whose meaning the rest of the text decides. */
  readonly #later: { readonly key: string; readonly value: string }[] = [];

  /** Takes a word or a `key=value`. @returns whether it belongs to a match */
  add(key: string, value: string | undefined): boolean {
    if (value === undefined) return this.#addShorthand(key);
    if (/^(tp|nw|icmp)_(src|dst|type|code|proto)$/.test(key)) {
      this.#later.push({ key, value });
      return true;
    }
    return this.#addVlan(key, value) || this.#addField(key, value);
  }

  /** Whether the match is on a tag, which decides what `mod_vlan_vid` has to do. */
  get hasVlan(): boolean {
    return (Number(this.#entries.get('vlan_vid')?.value ?? 0) & 0x1000) !== 0;
  }

  /** The match in normal form. @throws AgentError OPENFLOW_TEXT_INVALID when a prerequisite is missing */
  build(): Match {
    for (const { key, value } of this.#later) this.#resolve(key, value);
    this.#later.length = 0;
    const match = normalMatch([...this.#entries.values()]);
    const missing = prerequisiteMissing(match);
    if (missing !== undefined) throw textError('a field needs another one to be matched first', missing);
    return match;
  }

  #addShorthand(key: string): boolean {
    const known = shorthands.get(key);
    if (known === undefined) return key === 'eth';
    const [type, protocol] = known;
    this.#set(fields.eth_type, { value: type });
    if (protocol !== undefined) this.#set(fields.nw_proto, { value: protocol });
    return true;
  }

  #addField(key: string, value: string): boolean {
    const name = aliases.get(key) ?? key;
    const field: Field | undefined = Object.hasOwn(fields, name) ? fields[name as FieldName] : undefined;
    if (field === undefined) return false;
    if (field.name === 'nw_tos') {
      this.#set(fields.ip_dscp, { value: parseNumber(value, 255) >>> 2 });
    } else if (value !== '*' && value !== 'ANY') {
      this.#set(field, checkedMask(field, parseValue(field, value), value));
    }
    return true;
  }

  /** OpenFlow 1.0's way to match on a tag: no present bit, and 0xffff for "no tag". */
  #addVlan(key: string, value: string): boolean {
    if (key === 'dl_vlan') {
      const id = parseNumber(value, 0xffff);
      this.#set(fields.vlan_vid, { value: id === 0xffff ? 0 : 0x1000 | (id & 0xfff) });
      return true;
    }
    if (key !== 'dl_vlan_pcp') return false;
    this.#set(fields.vlan_pcp, { value: parseNumber(value, 7) });
    if (!this.#entries.has('vlan_vid')) this.#set(fields.vlan_vid, { value: 0x1000, mask: 0x1000 });
    return true;
  }

  #resolve(key: string, value: string): void {
    const type = this.#entries.get('eth_type')?.value;
    const isArp = type === 0x0806 || type === 0x8035;
    if (key === 'nw_proto') {
      this.#addField(isArp ? 'arp_op' : 'nw_proto', value);
    } else if (key.startsWith('nw_')) {
      const end = key.slice(3);
      this.#addField(isArp ? `arp_${end === 'src' ? 'spa' : 'tpa'}` : key, value);
    } else {
      this.#resolveTransport(key, value, type);
    }
  }

  #resolveTransport(key: string, value: string, type: FieldValue | undefined): void {
    if (key.startsWith('icmp_')) {
      this.#addField(type === 0x86dd ? `icmpv6_${key.slice(5)}` : key, value);
      return;
    }
    const protocol = Number(this.#entries.get('nw_proto')?.value ?? -1);
    const name = transportNames.get(protocol);
    if (name === undefined) throw textError('a port can only be matched with a transport protocol', `${key}=${value}`);
    this.#addField(`${name}_${key.slice(3)}`, value);
  }

  #set(field: Field, { value, mask }: MaskedValue): void {
    this.#entries.set(field.name, { field: field.name, value, mask });
  }
}

function checkedMask(field: Field, pair: MaskedValue, text: string): MaskedValue {
  if (pair.mask === undefined || field.isMaskable || pair.mask === field.ones) return pair;
  throw textError('the field cannot be masked', `${field.name}=${text}`);
}

/** The name of the first field whose prerequisite is not matched, if there is one. */
export function prerequisiteMissing(match: Match): string | undefined {
  const exact = new Map<FieldName, number>();
  const present = new Map<FieldName, number>();
  for (const entry of match) {
    if (entry.field === 'raw' || typeof entry.value === 'bigint') continue;
    present.set(entry.field, entry.value);
    if (entry.mask === undefined) exact.set(entry.field, entry.value);
  }
  for (const entry of match) {
    if (entry.field === 'raw') continue;
    const { needs } = fields[entry.field];
    if (needs !== undefined && !isMet(needs, exact, present)) return entry.field;
  }
  return undefined;
}

type Values = ReadonlyMap<FieldName, number>;

/** ovs-fields(7), "Prerequisites". */
function isMet(needs: Prerequisite, exact: Values, present: Values): boolean {
  const type = exact.get('eth_type');
  const protocol = exact.get('nw_proto');
  const isIp = type === 0x0800 || type === 0x86dd;
  switch (needs) {
    case 'vlan':
      return ((present.get('vlan_vid') ?? 0) & 0x1000) !== 0;
    case 'mpls':
      return type === 0x8847 || type === 0x8848;
    case 'arp':
      return type === 0x0806 || type === 0x8035;
    case 'ipv4':
      return type === 0x0800;
    case 'ipv6':
      return type === 0x86dd;
    case 'ip':
      return isIp;
    case 'tcp':
      return isIp && protocol === 6;
    case 'udp':
      return isIp && protocol === 17;
    case 'sctp':
      return isIp && protocol === 132;
    case 'icmp':
      return type === 0x0800 && protocol === 1;
    case 'icmp6':
      return type === 0x86dd && protocol === 58;
    case 'nd':
      return isNeighbour(exact, [135, 136]);
    case 'ndSolicit':
      return isNeighbour(exact, [135]);
    case 'ndAdvert':
      return isNeighbour(exact, [136]);
    case 'ct':
      return ((present.get('ct_state') ?? 0) & 0x20) !== 0;
  }
}

function isNeighbour(exact: Values, types: readonly number[]): boolean {
  const type = exact.get('icmpv6_type');
  return type !== undefined && types.includes(type) && (exact.get('icmpv6_code') ?? 0) === 0;
}
