import { describe, expect, it } from 'vitest';
import { hasRole } from '../../src/api/caller.js';
import { callerOf, type Grant } from '../../src/api/grants.js';
import type { Identity } from '../../src/api/identity.js';

const user = (uid: number, ...gids: number[]): Identity => ({ kind: 'process', uid, gids, pid: 7 });
const certificate = (...names: string[]): Identity => ({ kind: 'certificate', names, endsMs: 0 });
const caller = (identity: Identity, grants: readonly Grant[] = []): ReturnType<typeof callerOf> =>
  callerOf(identity, { grants, ownUid: 990 });

describe('on the socket', () => {
  it("root and the agent's own user may everything", () => {
    expect([0, 990].map((uid) => hasRole(caller(user(uid)), 'operator'))).toEqual([true, true]);
  });

  it('others, and whoever cannot be told, may look', () => {
    for (const identity of [user(1000), { kind: 'unknown', reason: 'no ss' } as const]) {
      expect([...caller(identity).roles]).toEqual(['viewer']);
    }
  });

  it('a grant to a user or one of its groups adds to that', () => {
    const grants: Grant[] = [
      { identity: 'uid:1000', role: 'controller', owners: ['a'] },
      { identity: 'gid:50', role: 'controller', owners: ['b'] },
      { identity: 'gid:51', role: 'operator' },
    ];
    expect(caller(user(1000, 1000, 50), grants)).toMatchObject({
      roles: new Set(['viewer', 'controller']),
      owners: new Set(['a', 'b']),
    });
    expect(hasRole(caller(user(1001, 51), grants), 'operator')).toBe(true);
  });

  it('numbers that only begin alike are others', () => {
    expect([...caller(user(10_000), [{ identity: 'uid:1000', role: 'operator' }]).roles]).toEqual(['viewer']);
  });
});

describe('a certificate', () => {
  it('may nothing without a grant', () => {
    expect(() => caller(certificate('spiffe://fleet/a'))).toThrow(expect.objectContaining({ code: 'API_FORBIDDEN' }));
    expect(() => caller(certificate(), [{ identity: 'uid:0', role: 'operator' }])).toThrow('nothing is granted');
  });

  it('may what is granted to any of its names, host names in any case', () => {
    const grants: Grant[] = [{ identity: 'dns:Ctl.Example', role: 'viewer' }];
    expect([...caller(certificate('uri:x:y', 'dns:ctl.example'), grants).roles]).toEqual(['viewer']);
  });

  it('writes under any owner when one of its grants names none', () => {
    const grants: Grant[] = [
      { identity: 'cn:a', role: 'controller', owners: ['x'] },
      { identity: 'cn:a', role: 'controller' },
    ];
    expect(caller(certificate('cn:a'), grants).owners).toBeUndefined();
  });
});
