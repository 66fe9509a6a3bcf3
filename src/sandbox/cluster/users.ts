/**
 * Who is asking: bearer tokens (given out here) and client certificates, as users with groups. Tokens can be revoked, so
 * that rotation can be tested. No anonymous access.
 */

import { randomBytes } from 'node:crypto';

export interface UserInfo {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Group whose members may do everything. */
export const mastersGroup = 'system:masters';

const serviceAccountPattern = /^system:serviceaccount:([^:]+):[^:]+$/;

/** A user with the groups that every authenticated user and every service account has. */
export function userOf(name: string, groups: readonly string[] = []): UserInfo {
  const account = serviceAccountPattern.exec(name);
  const implied = account === null ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`];
  return { name, groups: [...new Set([...groups, ...implied, 'system:authenticated'])] };
}

/** A token that is good for a while. */
interface BoundToken {
  readonly user: UserInfo;
  readonly isGood: () => boolean;
}

export class Users {
  readonly #byToken = new Map<string, UserInfo>();
  readonly #bound = new Map<string, BoundToken>();
  readonly #latest = new Map<string, string>();

  /** The user's token, made at the first call. Groups given later than that are for a new token only. */
  tokenFor(name: string, groups: readonly string[] = []): string {
    return this.#latest.get(name) ?? this.newToken(name, groups);
  }

  /** Another token for the user; the ones from before stay good until they are revoked. */
  newToken(name: string, groups: readonly string[] = []): string {
    const known = [...this.#byToken.values()].find((user) => user.name === name);
    const token = newTokenText();
    this.#byToken.set(token, known !== undefined && groups.length === 0 ? known : userOf(name, groups));
    this.#latest.set(name, token);
    return token;
  }

  /** A token that authenticates as long as `isGood` says so; without effect on what `tokenFor` gives. */
  newBoundToken(name: string, isGood: () => boolean): string {
    const token = newTokenText();
    this.#bound.set(token, { user: userOf(name), isGood });
    return token;
  }

  /** Makes a given text a token of the user. */
  addToken(token: string, name: string, groups: readonly string[] = []): void {
    this.#byToken.set(token, userOf(name, groups));
    this.#latest.set(name, token);
  }

  /** From now on requests with this token are answered 401. */
  revoke(token: string): void {
    const user = this.#byToken.get(token);
    this.#byToken.delete(token);
    this.#bound.delete(token);
    if (user !== undefined && this.#latest.get(user.name) === token) this.#latest.delete(user.name);
  }

  /** The user of an Authorization header. */
  authenticate(authorization: string | undefined): UserInfo | undefined {
    const match = /^Bearer\s+(\S+)$/i.exec(authorization ?? '');
    const token = match?.[1] ?? '';
    return this.#byToken.get(token) ?? this.#userOfBound(token);
  }

  #userOfBound(token: string): UserInfo | undefined {
    const bound = this.#bound.get(token);
    if (bound?.isGood() === true) return bound.user;
    this.#bound.delete(token);
    return undefined;
  }
}

function newTokenText(): string {
  return `embedded.${randomBytes(24).toString('base64url')}`;
}
