import { describe, expect, it } from 'vitest';
import {
  allocateChainIds,
  cookieRange,
  decodeCookie,
  defaultCookieTag,
  encodeCookie,
  isOwnCookie,
  noChainIds,
  switchMetadata,
} from '../../src/chain/chain-id.js';

describe('the cookie of a flow', () => {
  it('holds tag, chain, layout and generation, each in its bits', () => {
    const cookie = encodeCookie(defaultCookieTag, { id: 0xabcdef, generation: 0x1234 }, 7);
    expect(cookie).toBe(0x5cda_abcd_ef07_1234n);
    expect(decodeCookie(cookie)).toEqual({ tag: defaultCookieTag, id: 0xabcdef, layout: 7, generation: 0x1234 });
  });

  it('tells the agent’s flows from those of others, by its range too', () => {
    const cookie = encodeCookie(defaultCookieTag, { id: 1, generation: 1 });
    const range = cookieRange(defaultCookieTag);
    expect(isOwnCookie(cookie, defaultCookieTag)).toBe(true);
    expect(cookie & range.mask).toBe(range.cookie);
    expect(isOwnCookie(cookie, 0x5cdb)).toBe(false);
    expect(isOwnCookie(0n, defaultCookieTag)).toBe(false);
  });

  it('differs in metadata between the switches and lives of a chain', () => {
    const values = [
      switchMetadata({ id: 5, generation: 1 }, 0),
      switchMetadata({ id: 5, generation: 1 }, 1),
      switchMetadata({ id: 5, generation: 2 }, 0),
      switchMetadata({ id: 6, generation: 1 }, 0),
    ];
    expect(new Set(values).size).toBe(4);
  });
});

describe('the number of a chain', () => {
  it('comes from its name, so it is the same again when what was stored is lost', () => {
    const stored = allocateChainIds(noChainIds, ['web', 'dns']);
    expect(allocateChainIds(noChainIds, ['dns', 'web'])).toEqual(stored);
    expect(stored.chains.get('web')?.generation).toBe(1);
  });

  it('goes on with the next generation when a chain comes back', () => {
    const first = allocateChainIds(noChainIds, ['web']);
    const gone = allocateChainIds(first, []);
    const again = allocateChainIds(gone, ['web']).chains.get('web');
    expect(again).toEqual({ id: first.chains.get('web')?.id, generation: 2 });
  });

  it('is another one when the one of its name is taken', () => {
    const id = allocateChainIds(noChainIds, ['web']).chains.get('web')?.id ?? 0;
    const taken = { chains: new Map([['squatter', { id, generation: 1 }]]), retired: new Map() };
    expect(allocateChainIds(taken, ['squatter', 'web']).chains.get('web')?.id).toBe(id + 1);
  });
});
