/** Who calls the API, and what they may. Types and the order of roles; `identity.ts` finds out who it is. */

import { AgentError } from '../lib/errors.js';

/** `viewer` reads. `controller` writes intents of the owners that it was granted. `operator` writes under any owner, and traces. */
export type Role = 'viewer' | 'controller' | 'operator';

/** A caller that was let in. */
export interface Caller {
  /** For the journal, safe to print: `uid 0 (pid 4242)`, `spiffe://fleet/controller`. */
  readonly identity: string;
  readonly roles: ReadonlySet<Role>;
  /** Owners under which a controller may write; undefined: any. */
  readonly owners: ReadonlySet<string> | undefined;
}

const implied: Readonly<Record<Role, readonly Role[]>> = {
  viewer: ['viewer', 'controller', 'operator'],
  controller: ['controller', 'operator'],
  operator: ['operator'],
};

/** Whether the caller may do what needs the role. */
export function hasRole({ roles }: Caller, role: Role): boolean {
  return implied[role].some((entry) => roles.has(entry));
}

/** Whether the caller may write under the owner. */
export function mayWrite({ roles, owners }: Caller, owner: string): boolean {
  return roles.has('operator') || (roles.has('controller') && (owners === undefined || owners.has(owner)));
}

/** @throws AgentError API_FORBIDDEN unless the caller may write under the owner */
export function requireOwner(caller: Caller, owner: string): void {
  if (mayWrite(caller, owner)) return;
  throw new AgentError('API_FORBIDDEN', `${caller.identity} may not write intents of owner ${owner}`, {
    facts: { owner, identity: caller.identity },
    remedy: 'Grant the identity the owner in api.grpc.grants of the configuration.',
  });
}
