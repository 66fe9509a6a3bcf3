/**
 * Reads what `ip -j -d link show` writes, strictly. Pure; used by `link-dump-reader.ts`, which reads from sysfs each device that is
 * missing here. So a row of which anything is in doubt is left out: it costs a little time and misleads nobody.
 *
 * What sysfs and the dump tell is made from the same fields of the kernel's `struct net_device` (net/core/net-sysfs.c and
 * net/core/rtnetlink.c); the comments below say where that needs a reason.
 */
import { known, unknown, type Fact } from '../model/fact.js';
import type { LinkFacts } from '../model/netdev.js';
import { isNetdevName } from './netdev-name.js';
import { rowsOf, type JsonObject } from './tool-answer.js';

/** What a dump tells of a device. */
export type DumpedLink = Omit<LinkFacts, 'carrierChanges' | 'driverNames'>;

/** `-d`, for without it `ip` writes neither promiscuity nor port name; no `-s`, see `link-dump-reader.ts`. */
export const dumpArgs = ['-j', '-d', 'link', 'show'] as const;

/**
 * The types whose address `ip` writes as sysfs does. That of a tunnel it writes as an IP address (ll_addr_n2a of iproute2), others
 * have none, or a long one.
 */
const plainLinkTypes = new Set<unknown>(['ether', 'loopback']);
const macPattern = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/** `oper_states` of iproute2's ip/ipaddress.c: the kernel's own words (net/core/net-sysfs.c) in capitals. */
const operstates = new Set(['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP']);

/** `ip` cuts an identity of 32 bytes, the longest one, to 31 (hexstring_n2a in 64 bytes). */
const switchIdPattern = /^[0-9a-f]{1,60}$/;

/** Devices by name; unknown when nothing of the text can be used, for every network namespace has a loopback device at least. */
export function parseLinkDump(output: Fact<string>): Fact<ReadonlyMap<string, DumpedLink>> {
  const rows = rowsOf('ip', output);
  if (rows.kind === 'unknown') return rows;
  const links = new Map<string, DumpedLink>();
  const doubtful = new Set<string>();
  for (const row of rows.value) {
    const link = linkOf(row);
    if (link === undefined) continue;
    // A name can pass to another device while the kernel writes: which of the two has it, only a look tells.
    if (links.has(link.name)) doubtful.add(link.name);
    links.set(link.name, link);
  }
  for (const name of doubtful) links.delete(name);
  return links.size === 0 ? unknown('ip wrote nothing of any device that can be used') : known(links);
}

function linkOf(row: JsonObject): DumpedLink | undefined {
  const { ifname, ifindex, mtu, promiscuity, operstate, flags, address, link_type: linkType } = row;
  if (typeof ifname !== 'string' || !isNetdevName(ifname)) return undefined;
  if (!isCount(ifindex) || !isCount(mtu) || !isCount(promiscuity)) return undefined;
  if (typeof operstate !== 'string' || !operstates.has(operstate)) return undefined;
  if (!Array.isArray(flags)) return undefined;
  if (!plainLinkTypes.has(linkType) || typeof address !== 'string' || !macPattern.test(address)) return undefined;
  const texts = textsOf(row);
  if (texts === undefined) return undefined;
  const isUp = flags.includes('UP');
  return {
    name: ifname,
    ifindex,
    mac: address,
    mtu,
    isUp,
    hasCarrier: isUp && flags.includes('LOWER_UP'),
    operstate: operstate.toLowerCase(),
    // The flag PROMISC of netlink is what a person has set; the kernel's own flag, which sysfs shows, is set while this is not 0
    // (__dev_set_promiscuity of net/core/dev.c).
    isPromiscuous: promiscuity > 0,
    ...texts,
  };
}

/** Texts that may be missing; undefined where one is there and cannot be believed. */
function textsOf(row: JsonObject): Pick<DumpedLink, 'alias' | 'switchId' | 'portName'> | undefined {
  const { ifalias: alias, phys_switch_id: switchId, phys_port_name: portName } = row;
  if (!isTextOrAbsent(alias) || !isTextOrAbsent(switchId) || !isTextOrAbsent(portName)) return undefined;
  if (switchId !== undefined && !switchIdPattern.test(switchId)) return undefined;
  return { alias, switchId, portName };
}

/**
 * Whether it is absent, or a text of which no character is in doubt: iproute2 before 5.3 writes a backslash as if it were the end
 * of a line (its commit ed54f764).
 */
function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '' && !value.includes('\n'));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
