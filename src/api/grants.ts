/** What an identity may: everything for root and the agent's own user, viewing for others on the socket, and what was granted. */

import { AgentError } from '../lib/errors.js';
import type { Caller, Role } from './caller.js';
import { identityText, type Identity } from './identity.js';

/** What one identity may; the shape of `api.grpc.grants`. */
export interface Grant {
  readonly identity: string;
  readonly role: Role;
  /** Role controller: owners under which it may write. Absent: any. */
  readonly owners?: readonly string[];
}

export interface GrantRules {
  readonly grants: readonly Grant[];
  /** User of the agent's own process; undefined where there are none. */
  readonly ownUid: number | undefined;
}

/** The names of an identity as grants write them. */
function namesOf(identity: Identity): ReadonlySet<string> {
  switch (identity.kind) {
    case 'process':
      return new Set([`uid:${identity.uid}`, ...identity.gids.map((gid) => `gid:${gid}`)]);
    case 'unknown':
      return new Set();
    case 'certificate':
      return new Set(identity.names);
  }
}

/** Names of hosts do not tell capital letters apart (RFC 4343). */
function comparable(name: string): string {
  return name.startsWith('dns:') ? name.toLowerCase() : name;
}

function ownRoles(identity: Identity, ownUid: number | undefined): readonly Role[] {
  if (identity.kind === 'certificate') return [];
  if (identity.kind === 'process' && (identity.uid === 0 || identity.uid === ownUid)) return ['operator'];
  // The socket's mode and group are the fence; who got past it may look.
  return ['viewer'];
}

/** Whether two callers may do the same. */
export function mayTheSame(one: Caller, other: Caller): boolean {
  const areSame = (a: ReadonlySet<string> | undefined, b: ReadonlySet<string> | undefined): boolean =>
    a === b || (a !== undefined && b !== undefined && a.size === b.size && [...a].every((entry) => b.has(entry)));
  return areSame(one.roles, other.roles) && areSame(one.owners, other.owners);
}

/** @throws AgentError API_FORBIDDEN for a certificate that nothing was granted to */
export function callerOf(identity: Identity, { grants, ownUid }: GrantRules): Caller {
  const names = namesOf(identity);
  const mine = grants.filter((grant) => names.has(comparable(grant.identity)));
  const roles = new Set<Role>([...ownRoles(identity, ownUid), ...mine.map(({ role }) => role)]);
  const text = identityText(identity);
  if (roles.size === 0) {
    throw new AgentError('API_FORBIDDEN', `nothing is granted to ${text}`, {
      facts: { identity: text },
      remedy: 'Grant the identity a role in api.grpc.grants of the configuration.',
    });
  }
  const writing = mine.filter(({ role }) => role === 'controller');
  const isAny = writing.some(({ owners }) => owners === undefined);
  const owners = isAny || writing.length === 0 ? undefined : new Set(writing.flatMap((grant) => grant.owners ?? []));
  return { identity: text, roles, owners };
}
