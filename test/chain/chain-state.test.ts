import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateChainIds, noChainIds } from '../../src/chain/chain-id.js';
import { formatChainState, parseChainState, type ChainState } from '../../src/chain/chain-state.js';
import { chainFingerprint } from '../../src/chain/validate-chain.js';
import type { ChainPortSelector } from '../../src/model/chain.js';
import { access, chainIntent, chainPort, chainSwitch } from '../fakes/chain-world.js';
import { mapOf } from '../fakes/plan-rows.js';

const selectors: readonly ChainPortSelector[] = [
  { kind: 'uplink', port: 0 },
  { kind: 'hostPf', pf: 0 },
  { kind: 'hostVf', controller: 1, pf: 0, vf: 3 },
  { kind: 'sf', isExternal: false, pf: 0, sf: 5 },
  { kind: 'service', dpfId: 'ns/pod/net1' },
  { kind: 'labels', labels: mapOf({ app: 'fw', role: 'in' }) },
  { kind: 'patch', bridge: 'br-hbn', name: 'to-hbn' },
];
const chain = chainIntent(
  'edge',
  [
    chainSwitch(
      ...selectors.map((selector) => chainPort(selector, { vlan: access(7), pinnedMacs: ['02:00:00:00:00:01'] })),
    ),
  ],
  { mtu: 9000, tenant: 'acme', joinsTenants: ['blue'], macMove: 'refuse', onControllerLoss: 'close' },
);
const first = allocateChainIds(noChainIds, ['edge', 'gone']);
const state: ChainState = { ids: allocateChainIds(first, ['edge']), accepted: new Map([['edge', chain]]) };

describe('the state of chains', () => {
  it('comes back as it was, so that what was in force still is', () => {
    const back = parseChainState(formatChainState(state));
    expect(back?.ids).toEqual(state.ids);
    expect(back?.ids.retired.size).toBe(1);
    expect(chainFingerprint(back?.accepted.get('edge') ?? chainIntent('none', []))).toBe(chainFingerprint(chain));
    expect(back?.accepted.get('edge')?.source).toEqual(chain.source);
  });

  it('is none when the text was cut anywhere', () => {
    const text = formatChainState(state);
    for (let length = 0; length < text.length; length += 1)
      expect(parseChainState(text.slice(0, length))).toBeUndefined();
  });

  it('is none when two chains would share a number', () => {
    const id = state.ids.chains.get('edge') ?? { id: 1, generation: 1 };
    const shared = {
      ids: {
        chains: new Map([
          ['edge', id],
          ['other', id],
        ]),
        retired: new Map(),
      },
      accepted: new Map(),
    };
    expect(parseChainState(formatChainState(shared))).toBeUndefined();
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parseChainState(text)).toBeUndefined();
      }),
    );
  });

  it('is none of another version', () => {
    expect(parseChainState(formatChainState(state).replace('"version":1', '"version":2'))).toBeUndefined();
  });
});
