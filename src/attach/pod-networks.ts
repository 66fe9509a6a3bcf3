/**
 * Reads `k8s.ovn.org/pod-networks`: the addresses that OVN gave to each network of a pod. ovnkube-controller writes it; a
 * tenant may have written it before. Each network is read by itself. Gateways, routes and tunnel ids are of no use to the
 * agent and are not looked at.
 */

import { isIPv4, isIPv6 } from 'node:net';
import { safeText } from '../lib/text.js';
import type { AnnotationText } from '../model/pod.js';
import { parseNadKey } from './nad-key.js';
import { isJsonObject, memberOf, nameOfKind, parseObject } from './parse-object.js';
import type { JsonObject, Unparsable } from './parse-object.js';

export type PodNetwork =
  | {
      readonly kind: 'ok';
      /** Lower case, with colons; never zero, never a multicast address. */
      readonly mac: string;
      /** Addresses with their prefix length, as written. Empty on a network without address management. */
      readonly ips: readonly string[];
      /** `primary`, `secondary`, `infrastructure-locked`, or what a newer release says; safe to print. */
      readonly role: string | undefined;
    }
  | { readonly kind: 'invalid'; readonly problem: string };

export type PodNetworksReading =
  | { readonly kind: 'absent' }
  | Unparsable
  /** By nadKey; keys that name no network are left out. */
  | { readonly kind: 'read'; readonly networks: ReadonlyMap<string, PodNetwork> };

/** Two address families, and room for several addresses of each. */
const ipCountMax = 16;

/** Reads the addresses of all networks of a pod. */
export function parsePodNetworks(text: AnnotationText): PodNetworksReading {
  const object = parseObject(text);
  if (object.kind !== 'object') return object;
  const networks = new Map<string, PodNetwork>();
  for (const [key, value] of object.entries) {
    if (parseNadKey(key) !== undefined) networks.set(key, readNetwork(value));
  }
  return { kind: 'read', networks };
}

/** What a step of reading gives: the value, or why there is none. */
type Step<Value> = { readonly value: Value } | { readonly problem: string };

function readNetwork(value: unknown): PodNetwork {
  if (!isJsonObject(value)) return invalid(`The entry is ${nameOfKind(value)}, not an object.`);
  const mac = readMac(value);
  if ('problem' in mac) return invalid(mac.problem);
  const ips = readIps(value);
  if ('problem' in ips) return invalid(ips.problem);
  const role = readOptionalText(value, 'role');
  if ('problem' in role) return invalid(role.problem);
  const shownRole = role.value === undefined ? undefined : safeText(role.value, 64);
  return { kind: 'ok', mac: mac.value, ips: ips.value, role: shownRole };
}

function invalid(problem: string): PodNetwork {
  return { kind: 'invalid', problem };
}

function readMac(object: JsonObject): Step<string> {
  const text = readOptionalText(object, 'mac_address');
  if ('problem' in text) return text;
  if (text.value === undefined) return { problem: 'mac_address is missing.' };
  const mac = normalizeMac(text.value);
  if (mac === undefined) return { problem: `mac_address is "${safeText(text.value, 40)}", which is no MAC address.` };
  if (mac === '00:00:00:00:00:00') return { problem: 'mac_address is zero.' };
  if (isMulticast(mac)) return { problem: `mac_address is ${mac}, which is a multicast address.` };
  return { value: mac };
}

// The three notations of Go's net.ParseMAC, for six bytes; one separator throughout.
const macForms: readonly RegExp[] = [
  /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/,
  /^[0-9a-f]{2}(?:-[0-9a-f]{2}){5}$/,
  /^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}$/,
];

/** A MAC address in lower case with colons, or undefined when `text` is none. */
export function normalizeMac(text: string): string | undefined {
  const lower = text.length > 17 ? '' : text.toLowerCase();
  if (!macForms.some((form) => form.test(lower))) return undefined;
  return lower.replaceAll(/[:.-]/g, '').replaceAll(/(..)(?=.)/g, '$1:');
}

/** IEEE 802: the lowest bit of the first byte. */
function isMulticast(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** `ip_address` is the deprecated single form. It is written too when there is one address, and must then agree. */
function readIps(object: JsonObject): Step<readonly string[]> {
  const list = readList(object);
  if ('problem' in list) return list;
  const single = readOptionalText(object, 'ip_address');
  if ('problem' in single) return single;
  const [first] = list.value;
  if (first === undefined) return checkIps(single.value === undefined ? [] : [single.value]);
  if (single.value !== undefined && single.value !== first) {
    return { problem: 'ip_address differs from the first of ip_addresses.' };
  }
  return checkIps(list.value);
}

function readList(object: JsonObject): Step<readonly string[]> {
  const name = 'ip_addresses';
  const member = memberOf(object, name);
  if (member.kind === 'absent') return { value: [] };
  if (member.kind === 'ambiguous') return { problem: `${name} is given several times with different values.` };
  const list: unknown = member.value;
  if (!Array.isArray(list)) return { problem: `${name} is ${nameOfKind(list)}, not a list.` };
  if (list.length > ipCountMax)
    return { problem: `${name} has ${list.length} members; at most ${ipCountMax} are read.` };
  const texts = list.filter((entry): entry is string => typeof entry === 'string');
  return texts.length === list.length ? { value: texts } : { problem: `${name} holds what is not a string.` };
}

function checkIps(ips: readonly string[]): Step<readonly string[]> {
  const wrong = ips.find((ip) => !isCidr(ip));
  return wrong === undefined
    ? { value: ips }
    : { problem: `"${safeText(wrong, 60)}" is no address with a prefix length.` };
}

/** Whether `text` is an address with its prefix length, `10.1.2.3/24` or `fd00::3/64`; without a zone. */
export function isCidr(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.length > 60 ? [] : text.split('/');
  if (rest.length > 0 || !/^(?:0|[1-9][0-9]{0,2})$/.test(prefix) || address.includes('%')) return false;
  if (isIPv4(address)) return Number(prefix) <= 32;
  return isIPv6(address) && Number(prefix) <= 128;
}

/** Absent and empty are the same to Go. */
function readOptionalText(object: JsonObject, name: string): Step<string | undefined> {
  const member = memberOf(object, name);
  if (member.kind === 'absent') return { value: undefined };
  if (member.kind === 'ambiguous') return { problem: `${name} is given several times with different values.` };
  if (typeof member.value !== 'string') return { problem: `${name} is ${nameOfKind(member.value)}, not a string.` };
  return { value: member.value === '' ? undefined : member.value };
}
