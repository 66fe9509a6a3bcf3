import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settleClaims, type Claim } from '../../src/attach/claims.js';
import { podOf } from '../fakes/attach-inputs.js';

const claimOf = (name: string, device: string, createdMs = 1000): Claim => ({
  key: `u-${name}|default`,
  pod: podOf(name, { createdMs }),
  device,
});
const all = (): boolean => true;
const none = (): boolean => false;

describe('claims', () => {
  it.each<[string, readonly Claim[], readonly string[], (key: string) => boolean, string | undefined]>([
    ['nobody', [], [], all, undefined],
    ['the only one', [claimOf('a', 'd')], [], all, 'u-a|default'],
    ['the older pod of two', [claimOf('a', 'd', 2), claimOf('b', 'd', 1)], [], all, 'u-b|default'],
    ['of two that are equally old the first key', [claimOf('b', 'd'), claimOf('a', 'd')], [], all, 'u-a|default'],
    ['its live holder, whoever comes', [claimOf('a', 'd', 1)], ['u-z|default'], all, 'u-z|default'],
    ['a newcomer when the holder is no more', [claimOf('a', 'd')], ['u-z|default'], none, 'u-a|default'],
    ['the next holder when the first is no more', [], ['u-y|x', 'u-z|x'], (key) => key === 'u-z|x', 'u-z|x'],
    ['the first of two live holders', [], ['u-y|x', 'u-z|x'], all, 'u-y|x'],
  ])('go to %s', (_who, claims, holders, live, winner) => {
    const held = new Map(holders.length === 0 ? [] : [['d', holders]]);
    expect(settleClaims(claims, held, live).get('d')).toBe(winner);
  });

  it('ask of each holder whether it is live on that very device', () => {
    const held = new Map([
      ['d', ['k']],
      ['e', ['k']],
    ]);
    const winners = settleClaims([], held, (_key, device) => device === 'e');
    expect([...winners]).toEqual([['e', 'k']]);
  });

  it('have one winner for each device, who asked for it, in whatever order they come', () => {
    const anyClaims = fc.array(
      fc
        .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('x', 'y', 'z'), fc.constantFrom(1, 2))
        .map(([name, device, createdMs]) => claimOf(name, device, createdMs)),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(anyClaims, (claims) => {
        const winners = settleClaims(claims, new Map(), all);
        expect(new Set(winners.keys())).toEqual(new Set(claims.map(({ device }) => device)));
        for (const [device, key] of winners)
          expect(claims.some((c) => c.device === device && c.key === key)).toBe(true);
        expect(settleClaims([...claims].reverse(), new Map(), all)).toEqual(winners);
      }),
    );
  });
});
