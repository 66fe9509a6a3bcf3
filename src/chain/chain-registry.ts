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
  readonly #chains: ResolvedChain[] = [];
  readonly #claims = new Map<string, Claim[]>();

  /** What the chain would do to those that are in force. */
  check(chain: ResolvedChain): readonly PortProblem[] {
    const taken = this.#taken(chain);
    // A port that another chain has is not the newcomer's, so it says nothing about loops.
    return taken.length > 0 ? taken : [...this.#loops(chain), ...this.#meetings(chain)];
  }

  /** Puts the chain in force. */
  add(chain: ResolvedChain): void {
    this.#chains.push(chain);
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

  #loops(chain: ResolvedChain): readonly PortProblem[] {
    const reach = new Reach();
    const links = new Map<string, Link>();
    const problems: PortProblem[] = [];
    const all = [...this.#chains, chain];
    for (const link of all.flatMap((entry) => linksOf(entry, all))) {
      if (links.has(link.id)) continue;
      const isFirst = reach.join(link.from, link.to);
      // Loops among those in force were reported, and cut, when they came.
      if (!isFirst && portsOf(chain).includes(link.port))
        problems.push({ port: link.port, problem: looped(link, links) });
      links.set(link.id, link);
    }
    return problems;
  }

  /** Tenants that the newcomer lets meet through a patch pair with a switch of another chain. */
  #meetings(chain: ResolvedChain): readonly PortProblem[] {
    const all = [...this.#chains, chain];
    const links = all.flatMap((entry) => linksOf(entry, all)).filter(({ to }) => to.startsWith('switch '));
    const reach = new Reach();
    for (const { from, to } of links) reach.join(from, to);
    const problems: PortProblem[] = [];
    for (const { port, from } of links.filter((link) => portsOf(chain).includes(link.port))) {
      const tenants = new Map<string, string>();
      for (const entry of [chain, ...this.#chains]) {
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

/** The links of a chain's ports that are patch ports to somewhere, as opposed to stand-ins for one interface. */
function linksOf(chain: ResolvedChain, all: readonly ResolvedChain[]): readonly Link[] {
  return chain.switches.flatMap((entry) =>
    entry.ports.flatMap((port) => {
      const { far } = port;
      if (far === undefined || port.interface === undefined || port.target !== undefined) return [];
      const from = switchNode(chain, entry.index);
      const other = otherEnd(far, port.wire, all);
      // Frames of two VLANs do not meet on a bridge that no chain has in hand.
      const to = other ?? `bridge ${far.bridge} ${port.wire.kind === 'tag' ? port.wire.vid : ''}`;
      const id = `${[port.interface, far.interface].sort().join(' ')} ${wireKey(port.wire)}`;
      return [{ port, from, to, id }];
    }),
  );
}

/** The switch to which the far end of a patch pair belongs, if a chain has it. */
function otherEnd(far: Place, wire: Wire, all: readonly ResolvedChain[]): string | undefined {
  for (const chain of all) {
    for (const entry of chain.switches) {
      const isThere = entry.ports.some((port) => port.interface === far.interface && overlaps(port.wire, wire));
      if (isThere) return switchNode(chain, entry.index);
    }
  }
  return undefined;
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
