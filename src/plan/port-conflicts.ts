/**
 * Why a wanted port is not the agent's to create or change now: somebody else's port, name, interface or patch peer is in
 * the way. Each answer names both claimants. Used by the ports' part of the planner; changes nothing itself.
 */

import { safeText } from '../lib/text.js';
import type { DesiredPort } from '../intent/resolve.js';
import type { Finding } from '../model/condition.js';
import type { ObservedPort } from '../model/observed.js';
import type { PlanInput } from './plan-builder.js';
import { holderOfInterface, isOwnPort, mainInterface } from './own-rows.js';

/** A finding about a port that the caller knows. */
export type Conflict = Omit<Finding, 'object'>;

/** What is in the way of creating or repairing `port`, of which `present` is the existing row; undefined: nothing. */
export function portConflict(input: PlanInput, port: DesiredPort): Conflict | undefined {
  const present = input.observed.ports.get(port.name);
  return (
    nameConflict(input, port) ??
    patchConflict(input, port) ??
    (present === undefined ? memberConflict(input, port) : presentConflict(input, port, present))
  );
}

/** A bridge's name is that of its local port, which Open vSwitch makes itself and which cannot be elsewhere. */
function nameConflict({ observed }: PlanInput, port: DesiredPort): Conflict | undefined {
  if (port.isLocal || !observed.bridges.has(port.name)) return undefined;
  return {
    reason: 'PortOnForeignBridge',
    message: `Port ${port.name} is wanted on ${port.bridge}, but there is a bridge ${port.name} whose local port has that name.`,
    claimants: [port.intent.source.name, `bridge ${port.name}`],
    remedy: 'Remove that bridge, or name the port otherwise.',
  };
}

/** An interface of that name is a member of another port. */
function memberConflict({ observed }: PlanInput, port: DesiredPort): Conflict | undefined {
  const holder = holderOfInterface(observed, port.name);
  if (holder === undefined) return undefined;
  const where = `${safeText(holder.name)} on ${safeText(holder.bridge)}`;
  return {
    reason: 'ForeignPort',
    message: `Interface ${port.name} is already a member of port ${where}.`,
    claimants: [port.intent.source.name, `port ${where}`],
    remedy: 'Take the interface out of that port, or drop the intent.',
  };
}

function presentConflict(input: PlanInput, port: DesiredPort, present: ObservedPort): Conflict | undefined {
  const main = mainInterface(present);
  if (isOwnPort(present, input.owner)) {
    if (main === undefined) return replacedConflict(port, present);
    return present.bridge === port.bridge ? undefined : observedConflict(input, port, present);
  }
  if (present.bridge !== port.bridge) return elsewhereConflict(port, present);
  // A port is taken over as it is; taking members out of somebody's bond would be more than that.
  if (port.intent.adopt && main !== undefined && present.interfaces.length === 1) return undefined;
  return foreignConflict(port, present);
}

/** The agent's port row with somebody else's interface: neither may be changed without breaking the other. */
function replacedConflict(port: DesiredPort, present: ObservedPort): Conflict {
  const names = present.interfaces.map((entry) => safeText(entry.name)).sort();
  return {
    reason: 'ForeignPort',
    message: `The interface of port ${port.name} was replaced by ${names.join(', ')}.`,
    claimants: [port.intent.source.name, 'whoever replaced the interface'],
    remedy: `Remove the port (ovs-vsctl del-port ${safeText(present.bridge)} ${port.name}); it is then made anew.`,
  };
}

/** A bridge in mode observe is not written, not even to take the agent's own port away from it. */
function observedConflict({ desired }: PlanInput, port: DesiredPort, present: ObservedPort): Conflict | undefined {
  if (desired.bridges.get(present.bridge)?.mode !== 'observe') return undefined;
  return {
    reason: 'ReadOnly',
    message: `Port ${port.name} is wanted on ${port.bridge} and lives on ${present.bridge}, which is only observed.`,
    claimants: [port.intent.source.name, `bridge ${present.bridge}`],
    remedy: `Remove it from ${present.bridge} by hand, or set the mode of that bridge to share.`,
  };
}

function elsewhereConflict(port: DesiredPort, present: ObservedPort): Conflict {
  const bridge = safeText(present.bridge);
  return {
    reason: 'PortOnForeignBridge',
    message: `Port ${port.name} is wanted on ${port.bridge} and lives on ${bridge}, without the agent's mark.`,
    claimants: [port.intent.source.name, `whoever put it on ${bridge}`],
    remedy: `Remove it from ${bridge} (ovs-vsctl del-port ${bridge} ${port.name}), or drop the intent.`,
  };
}

function foreignConflict(port: DesiredPort, present: ObservedPort): Conflict {
  const isBond = present.interfaces.length > 1;
  return {
    reason: 'ForeignPort',
    message: `Port ${port.name} is on ${port.bridge} already, without the agent's mark${isBond ? ', as a bond' : ''}.`,
    claimants: [port.intent.source.name, 'whoever made the port'],
    remedy: isBond
      ? 'Remove the port, or drop the intent; a bond is not taken over.'
      : 'Set adopt: true on the port to take it over, or drop the intent.',
  };
}

/** What stands at the other end of a patch port, when it leaves no room for this one. */
function patchConflict({ desired, observed }: PlanInput, port: DesiredPort): Conflict | undefined {
  if (port.peer === undefined) return undefined;
  const source = port.intent.source.name;
  if (port.peer.port === port.name) return peerConflict(port, 'is the port itself', source);
  const wanted = desired.ports.get(port.peer.port);
  if (wanted !== undefined) {
    const misfit = wantedMisfit(port, wanted, port.peer.bridge);
    const { name } = wanted.intent.source;
    return misfit === undefined ? undefined : peerConflict(port, `${misfit}, says ${name}`, name);
  }
  const present = observed.ports.get(port.peer.port);
  const misfit = present === undefined ? undefined : presentMisfit(port, present, port.peer.bridge);
  if (present === undefined || misfit === undefined) return undefined;
  return peerConflict(port, misfit, `port ${safeText(present.name)} on ${safeText(present.bridge)}`);
}

/** Why the wanted port `other` is not the other end of `port`. */
function wantedMisfit(port: DesiredPort, other: DesiredPort, bridge: string): string | undefined {
  if (other.peer === undefined) return 'is no patch port';
  if (other.peer.port !== port.name) return `has the peer ${other.peer.port}`;
  if (other.bridge !== bridge) return `is on ${other.bridge} and not on ${bridge}`;
  return other.peer.bridge === port.bridge ? undefined : `expects its peer on ${other.peer.bridge}`;
}

/** Why the existing port `other`, which no intent wants, is not the other end of `port`. */
function presentMisfit(port: DesiredPort, other: ObservedPort, bridge: string): string | undefined {
  const main = mainInterface(other);
  if (main?.type !== 'patch') return 'is no patch port';
  const peer = main.options.get('peer');
  if (peer !== port.name) return `has the peer ${safeText(peer ?? '(none)')}`;
  return other.bridge === bridge ? undefined : `is on ${safeText(other.bridge)} and not on ${bridge}`;
}

function peerConflict(port: DesiredPort, is: string, holder: string): Conflict {
  return {
    reason: 'PatchPeerTaken',
    message: `Patch port ${port.name} wants the peer ${port.peer?.port ?? ''}, which ${is}.`,
    claimants: [port.intent.source.name, holder],
    remedy: 'Make the two ends name each other and the bridges that they are on, or give one of them another peer.',
  };
}
