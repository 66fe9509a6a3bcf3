import { describe, expect, it } from 'vitest';
import { defaultCookieTag } from '../../src/chain/chain-id.js';
import { viewChain } from '../../src/chain/chain-view.js';
import { portNames } from '../../src/chain/describe-flows.js';
import { drawChain } from '../../src/chain/draw-chain.js';
import { chainIntent, chainSwitch, idsOf, sfcPort, validate, worldIndex } from '../fakes/chain-world.js';

const intent = chainIntent('c', [chainSwitch('a', 'b')]);
const verdict = validate([intent], worldIndex({ ports: [sfcPort('a', 7), sfcPort('b', 8)] }), new Map());

describe('a chain as plain data', () => {
  it('survives JSON, and is drawn from it as the chain itself is', () => {
    const drawings = verdict.chains.map((chain) => {
      const view = viewChain(chain, idsOf(verdict), defaultCookieTag);
      const read = JSON.parse(JSON.stringify(view)) as typeof view;
      const rest = { conditions: [], traffic: new Map(), stations: new Map() };
      return [drawChain({ chain: read, ...rest }), drawChain({ chain, ...rest })] as const;
    });
    expect(drawings).toHaveLength(1);
    expect(drawings[0]?.[0]).toBe(drawings[0]?.[1]);
    expect(drawings[0]?.[0]).toContain('#7');
  });

  it('has the cookie of its flows once it has a number', () => {
    const [chain] = verdict.chains;
    if (chain === undefined) throw new Error('the chain is in force');
    expect(viewChain(chain, idsOf(verdict), defaultCookieTag).cookie).toMatch(/^0x5cda[0-9a-f]{12}$/);
    const none = { chains: new Map<string, never>(), retired: new Map<number, number>() };
    expect(viewChain(chain, none, defaultCookieTag).cookie).toBeUndefined();
  });
});

describe('the names of ports', () => {
  it('are known by bridge and number', () => {
    expect(portNames(verdict.chains)).toEqual(
      new Map([
        [
          'br-sfc',
          new Map([
            [7, 'a'],
            [8, 'b'],
          ]),
        ],
      ]),
    );
  });
});
