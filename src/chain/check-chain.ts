/**
 * What can be said against one chain without looking at the others: numbers out of range, contradictions, ports that do
 * not answer, an MTU that does not fit, tenants that must not meet. Used by `validate-chain.ts`, which knows the others.
 */

import { safeText } from '../lib/text.js';
import { portCountMax, switchCountMax, switchName, type ChainIntent, type ChainSwitch } from '../model/chain.js';
import { portsOf, type ChainProblem, type ResolvedChain, type ResolvedPort, type ResolvedSwitch } from './resolved.js';

/** Least and most that `mtu` may say: IPv4's minimum, and the largest that OpenFlow's ports of a BlueField take. */
const mtuMin = 68;
const mtuMax = 65_535;
const vlanMax = 4094;
const ageingSecondsMax = 65_535;
const macForm = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

function invalid(chain: ChainIntent, message: string): ChainProblem {
  return {
    reason: 'ChainInvalid',
    message: `Chain ${safeText(chain.name)}: ${message}`,
    claimants: [chain.source.name],
    remedy: 'Correct the chain.',
  };
}

const isWithin = (value: number, min: number, max: number): boolean =>
  Number.isInteger(value) && value >= min && value <= max;

function repeated(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter((value, place) => values.indexOf(value) !== place))].sort();
}

/** A unicast address: the lowest bit of the first octet is clear (IEEE 802-2014 section 8.2.2). */
function isUnicast(mac: string): boolean {
  return macForm.test(mac) && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0;
}

function* switchFaults(chain: ChainIntent, entry: ChainSwitch, name: string): Generator<string> {
  const { ports } = entry;
  if (!isWithin(ports.length, 2, portCountMax)) {
    yield `switch ${name} has ${ports.length} port(s); it takes 2 to ${portCountMax}.`;
  }
  for (const twice of repeated(ports.flatMap((port) => port.name ?? []))) {
    yield `switch ${name} has two ports called ${safeText(twice)}.`;
  }
  for (const { vlan } of ports) {
    if (vlan !== undefined && !isWithin(vlan.tag, 1, vlanMax))
      yield `VLAN ${vlan.tag} is not between 1 and ${vlanMax}.`;
  }
  const tags = new Set(ports.flatMap(({ vlan }) => (vlan?.kind === 'access' ? [vlan.tag] : [])));
  if (tags.size > 1) {
    yield `the access ports of switch ${name} are in VLANs ${[...tags].sort((a, b) => a - b).join(' and ')}; use one switch for each.`;
  }
  for (const mac of ports.flatMap((port) => port.pinnedMacs)) {
    if (!isUnicast(mac)) yield `the pinned address ${safeText(mac)} is not a unicast MAC in lower case with colons.`;
  }
  for (const mac of repeated(ports.flatMap((port) => port.pinnedMacs))) {
    yield `the address ${safeText(mac)} is pinned twice in switch ${name}.`;
  }
  for (const { selector } of ports) {
    if (selector.kind === 'labels' && selector.labels.size === 0) yield `a port of switch ${name} names no label.`;
    if (selector.kind === 'patch' && selector.bridge === chain.bridge) {
      yield `a patch port leads from ${safeText(chain.bridge)} to itself.`;
    }
  }
}

function* chainFaults(chain: ChainIntent): Generator<string> {
  const { switches, mtu } = chain;
  if (!isWithin(switches.length, 1, switchCountMax))
    yield `it has ${switches.length} switches; 1 to ${switchCountMax}.`;
  for (const twice of repeated(switches.map((_entry, place) => switchName(chain, place)))) {
    yield `two switches are called ${safeText(twice)}.`;
  }
  if (mtu !== undefined && !isWithin(mtu, mtuMin, mtuMax)) yield `MTU ${mtu} is not between ${mtuMin} and ${mtuMax}.`;
  if (!isWithin(chain.ageingSeconds, 1, ageingSecondsMax)) {
    yield `ageing after ${chain.ageingSeconds} s is not between 1 and ${ageingSecondsMax}.`;
  }
  if (!isWithin(chain.stationCountMax, 1, 0xffff_ffff)) yield 'the number of stations is not a positive whole number.';
  for (const [place, entry] of switches.entries())
    yield* switchFaults(chain, entry, safeText(switchName(chain, place)));
}

/** Faults that the chain has by itself, in any world. */
export function checkIntent(chain: ChainIntent): readonly ChainProblem[] {
  return [...chainFaults(chain)].map((message) => invalid(chain, message));
}

/** A port is in a switch once: a second time, frames would have to go back where they came from. */
function checkTwice(chain: ResolvedChain, entry: ResolvedSwitch): readonly ChainProblem[] {
  const seen = new Map<string, ResolvedPort>();
  const problems: ChainProblem[] = [];
  for (const port of entry.ports) {
    if (port.interface === undefined) continue;
    const first = seen.get(port.interface);
    if (first === undefined) seen.set(port.interface, port);
    else {
      problems.push({
        reason: 'ChainLoop',
        message: `Ports ${first.key} and ${port.key} of one switch are the same interface, ${safeText(port.interface)}.`,
        claimants: [first.key, port.key],
        remedy: `Remove one of the two from switch ${safeText(entry.name)} of chain ${safeText(chain.intent.name)}.`,
      });
    }
  }
  return problems;
}

/** Why packets of the chain's size do not pass the port; undefined: they do, or nothing is known. */
export function checkMtu(chain: ChainIntent, port: ResolvedPort): ChainProblem | undefined {
  if (chain.mtu === undefined || port.mtu === undefined || port.mtu >= chain.mtu) return undefined;
  const name = safeText(port.target?.interface ?? port.interface ?? port.key);
  const limit = port.mtuMax !== undefined && port.mtuMax < chain.mtu ? `, and can have ${port.mtuMax} at most` : '';
  return {
    reason: 'ChainMtuUnfit',
    message: `Chain ${safeText(chain.name)} is to carry an MTU of ${chain.mtu}, but ${name} (port ${port.key}) has ${port.mtu}${limit}.`,
    claimants: [chain.source.name, `interface ${name}`],
    remedy:
      limit === ''
        ? `Raise the MTU of ${name} to ${chain.mtu}, on both of its sides, or lower that of the chain.`
        : `Lower the MTU of the chain to ${port.mtuMax ?? port.mtu}.`,
  };
}

/** Everybody whose ports the chain connects, with one port of each. */
export function tenantsOf(chain: ResolvedChain): ReadonlyMap<string, string> {
  const tenants = new Map<string, string>();
  if (chain.intent.tenant !== undefined) tenants.set(chain.intent.tenant, `chain ${chain.intent.name}`);
  for (const { tenant, key } of portsOf(chain)) {
    if (tenant !== undefined && !tenants.has(tenant)) tenants.set(tenant, `port ${key}`);
  }
  return tenants;
}

/** Tenants that the chain was not told to connect with its own. */
function uninvited(chain: ChainIntent, tenants: Iterable<string>): ReadonlySet<string> {
  return new Set([...tenants].filter((tenant) => tenant !== chain.tenant && !chain.joinsTenants.includes(tenant)));
}

/** What speaks against the meeting of `tenants`, each with where it comes from. */
export function checkTenants(chain: ChainIntent, tenants: ReadonlyMap<string, string>): ChainProblem | undefined {
  if (tenants.size < 2) return undefined;
  const [tenant] = uninvited(chain, tenants.keys());
  if (tenant === undefined) return undefined;
  const [other = ''] = [...tenants.keys()].filter((name) => name !== tenant);
  const [ours, theirs] = [other, tenant].map((name) => `${safeText(name)} (${safeText(tenants.get(name) ?? '')})`);
  return {
    reason: 'ChainTenantsJoined',
    message: `Chain ${safeText(chain.name)} connects tenant ${ours} with tenant ${theirs}.`,
    claimants: [chain.source.name, `tenant ${safeText(other)}`, `tenant ${safeText(tenant)}`],
    remedy: `Name ${safeText(tenant)} among the tenants that the chain may join, or take the port out.`,
  };
}

/** The ports of tenants that must not meet in this chain, as the labels of the interfaces are now. */
export function portsOfUninvited(chain: ResolvedChain): readonly { port: ResolvedPort; problem: ChainProblem }[] {
  const tenants = tenantsOf(chain);
  const problem = checkTenants(chain.intent, tenants);
  if (problem === undefined) return [];
  const names = uninvited(chain.intent, tenants.keys());
  return portsOf(chain).flatMap((port) => (names.has(port.tenant ?? '') ? [{ port, problem }] : []));
}

/** Whether a problem is only that something has yet to be made, which accepting the chain brings about. */
export function isPending(problem: ChainProblem): boolean {
  return problem.reason === 'ChainPatchPending';
}

/** What speaks against accepting the chain as the world is now, other chains aside. */
export function checkResolved(chain: ResolvedChain): readonly ChainProblem[] {
  const ports = portsOf(chain);
  const unanswered = ports.flatMap(({ problem }) => (problem === undefined || isPending(problem) ? [] : [problem]));
  const unfit = ports.flatMap((port) => checkMtu(chain.intent, port) ?? []);
  const joined = checkTenants(chain.intent, tenantsOf(chain)) ?? [];
  return [...unanswered, ...chain.switches.flatMap((entry) => checkTwice(chain, entry)), ...unfit].concat(joined);
}
