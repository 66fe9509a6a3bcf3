/**
 * The chains that are in force so far, and what the next one must not do to them: want a port that is taken, close a loop
 * through patch pairs, or let two tenants meet there. Filled one chain after the other by `validate-chain.ts`.
 */

import { safeText } from '../lib/text.js';
import { checkTenants, tenantsOf } from './check-chain.js';
import {
  portsOf,
  type ChainProblem,
  type Place,
  type ResolvedChain,
  type ResolvedPort,
  type Wire,
} from './resolved.js';

/** One chain's hold on an interface, or on one VLAN of it. */
interface Claim {
  readonly place: Place;
  readonly wire: Wire;
  readonly port: ResolvedPort;
  readonly chain: ResolvedChain;
}

/** A link between two switches, or from a switch to a bridge that no chain has in hand. */
interface Link {
  readonly chain: ResolvedChain;
  readonly port: ResolvedPort;
  readonly from: string;
  readonly to: string;
  /** The same for both ends of one patch pair. */
  readonly id: string;
}

/** A problem, and the port of the newcomer that causes it. */
export interface PortProblem {
  readonly port: ResolvedPort;
  readonly problem: ChainProblem;
}

const wireKey = (wire: Wire): string => (wire.kind === 'tag' ? String(wire.vid) : wire.kind);

function overlaps(a: Wire, b: Wire): boolean {
  return a.kind === 'any' || b.kind === 'any' || wireKey(a) === wireKey(b);
}

/** What a port takes for itself: its interface, and what is behind the patch pair, under the same frames. */
function claimsOf(chain: ResolvedChain): readonly Claim[] {
  return portsOf(chain).flatMap((port) => {
    const { bridge } = chain.intent;
    const places = port.interface === undefined ? [] : [{ bridge, interface: port.interface }];
    if (port.target !== undefined) places.push(port.target);
    return places.map((place) => ({ place, wire: port.wire, port, chain }));
  });
}

const describeWire = (wire: Wire): string =>
  wire.kind === 'any' ? '' : wire.kind === 'tag' ? `VLAN ${wire.vid} of ` : 'the untagged frames of ';

/** Sets of nodes that frames can reach from one another. */
class Reach {
  readonly #parents = new Map<string, string>();

  root(node: string): string {
    let at = node;
    for (let up = this.#parents.get(at); up !== undefined; up = this.#parents.get(at)) at = up;
    return at;
  }

  /** False when the two were connected already. */
  join(a: string, b: string): boolean {
    const [left, right] = [this.root(a), this.root(b)];
    if (left === right) return false;
    this.#parents.set(left, right);
    return true;
  }
}

export class ChainRegistry {
  /** Chains that reach beyond their bridge: the others can neither close a loop nor meet anybody. */
  readonly #linked: ResolvedChain[] = [];
  readonly #claims = new Map<string, Claim[]>();

  /** What the chain would do to those that are in force. */
  check(chain: ResolvedChain): readonly PortProblem[] {
    const taken = this.#taken(chain);
    // A port that another chain has is not the newcomer's, so it says nothing about loops.
    if (taken.length > 0 || !hasLink(chain)) return taken;
    const links = linksOf([...this.#linked, chain]);
    return [...loops(chain, links), ...this.#meetings(chain, links)];
  }

  /** Puts the chain in force. */
  add(chain: ResolvedChain): void {
    if (hasLink(chain)) this.#linked.push(chain);
    for (const claim of claimsOf(chain)) {
      if (claim.port.problem !== undefined) continue;
      const { interface: name } = claim.place;
      this.#claims.set(name, [...(this.#claims.get(name) ?? []), claim]);
    }
  }

  /** A port of the newcomer that another chain has, or that the newcomer itself names a second time. */
  #taken(chain: ResolvedChain): readonly PortProblem[] {
    const problems = new Map<string, PortProblem>();
    const own: Claim[] = [];
    for (const claim of claimsOf(chain)) {
      const isHolder = (held: Claim): boolean =>
        held.port !== claim.port && held.place.interface === claim.place.interface && overlaps(held.wire, claim.wire);
      const holder = this.#claims.get(claim.place.interface)?.find(isHolder) ?? own.find(isHolder);
      if (holder === undefined) own.push(claim);
      else problems.set(claim.port.key, { port: claim.port, problem: claimed(claim, holder) });
    }
    return [...problems.values()];
  }

  /** Tenants that the newcomer lets meet through a patch pair with a switch of another chain. */
  #meetings(chain: ResolvedChain, links: readonly Link[]): readonly PortProblem[] {
    const reach = new Reach();
    for (const { from, to } of links) if (to.startsWith('switch ')) reach.join(from, to);
    const problems: PortProblem[] = [];
    for (const { port, from } of links.filter((link) => link.chain === chain && link.to.startsWith('switch '))) {
      const tenants = new Map<string, string>();
      for (const entry of [chain, ...this.#linked]) {
        const isReached = entry.switches.some(({ index }) => reach.root(switchNode(entry, index)) === reach.root(from));
        if (!isReached) continue;
        for (const [tenant, where] of tenantsOf(entry)) if (!tenants.has(tenant)) tenants.set(tenant, where);
      }
      const problem = checkTenants(chain.intent, tenants);
      if (problem !== undefined) problems.push({ port, problem });
    }
    return problems;
  }
}

/** Loops that the newcomer, the last of the chains, closes. Those among chains in force were cut when they came. */
function loops(chain: ResolvedChain, links: readonly Link[]): readonly PortProblem[] {
  const reach = new Reach();
  const seen = new Map<string, Link>();
  const problems: PortProblem[] = [];
  for (const link of links) {
    if (seen.has(link.id)) continue;
    const isFirst = reach.join(link.from, link.to);
    if (!isFirst && link.chain === chain) problems.push({ port: link.port, problem: looped(link, seen) });
    seen.set(link.id, link);
  }
  return problems;
}

function claimed(claim: Claim, holder: Claim): ChainProblem {
  const what = `${describeWire(claim.wire)}${safeText(claim.place.interface)} on ${safeText(claim.place.bridge)}`;
  const [mine, theirs] = [claim.chain.intent, holder.chain.intent];
  return {
    reason: 'ChainPortClaimedTwice',
    message: `Port ${claim.port.key} (${mine.source.name}) wants ${what}, which port ${holder.port.key} (${theirs.source.name}) has.`,
    claimants: [`chain ${safeText(mine.name)}`, `chain ${safeText(theirs.name)}`],
    remedy: 'Take the port out of one of the two chains, or give each of them a VLAN of its own there.',
  };
}

const switchNode = (chain: ResolvedChain, index: number): string => `switch ${chain.intent.name}/${index}`;

/** Whether the port leads somewhere, as opposed to standing in for one interface. */
function isLink(port: ResolvedPort): port is ResolvedPort & { readonly far: Place; readonly interface: string } {
  return port.far !== undefined && port.interface !== undefined && port.target === undefined;
}

function hasLink(chain: ResolvedChain): boolean {
  return chain.switches.some((entry) => entry.ports.some(isLink));
}

/** The switches that have a patch port, by the name of the port. */
function endsOf(chains: readonly ResolvedChain[]): ReadonlyMap<string, readonly { node: string; wire: Wire }[]> {
  const ends = new Map<string, { node: string; wire: Wire }[]>();
  for (const chain of chains) {
    for (const entry of chain.switches) {
      for (const port of entry.ports.filter(isLink)) {
        const end = { node: switchNode(chain, entry.index), wire: port.wire };
        ends.set(port.interface, [...(ends.get(port.interface) ?? []), end]);
      }
    }
  }
  return ends;
}

/** Where the patch ports of the chains lead: to a switch of a chain, else to a bridge that no chain has in hand. */
function linksOf(chains: readonly ResolvedChain[]): readonly Link[] {
  const ends = endsOf(chains);
  const link = (chain: ResolvedChain, index: number, port: ResolvedPort): Link[] => {
    if (!isLink(port)) return [];
    const { far, wire } = port;
    const other = ends.get(far.interface)?.find((end) => overlaps(end.wire, wire));
    // Frames of two VLANs do not meet on a bridge that no chain has in hand.
    const to = other?.node ?? `bridge ${far.bridge} ${wire.kind === 'tag' ? wire.vid : ''}`;
    const id = `${[port.interface, far.interface].sort().join(' ')} ${wireKey(wire)}`;
    return [{ chain, port, from: switchNode(chain, index), to, id }];
  };
  return chains.flatMap((chain) =>
    chain.switches.flatMap((entry) => entry.ports.flatMap((port) => link(chain, entry.index, port))),
  );
}

function looped(link: Link, links: ReadonlyMap<string, Link>): ChainProblem {
  const others = [...links.values()].filter(({ to, from }) => to === link.to || from === link.to || from === link.from);
  const names = [...new Set(others.map(({ port }) => port.key))].filter((key) => key !== link.port.key).sort();
  const rest = names.length === 0 ? 'itself' : names.join(', ');
  return {
    reason: 'ChainLoop',
    message: `Port ${link.port.key} leads to ${link.to.trim()}, which ${rest} reaches too: frames would circle.`,
    claimants: [link.port.key, ...names],
    remedy: 'Take one of these patch ports out, or give each a VLAN of its own.',
  };
}
