import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNetworkDefinition } from '../../src/attach/network-definition.js';
import { anyText, trickyTexts, unparsableTexts } from './hostile-texts.js';

const parse = (value: unknown): ReturnType<typeof parseNetworkDefinition> =>
  parseNetworkDefinition(JSON.stringify(value));

describe('parseNetworkDefinition', () => {
  it('reads what ovn-kubernetes asks for', () => {
    const config = {
      cniVersion: '0.3.1',
      name: 'blue-net',
      type: 'ovn-k8s-cni-overlay',
      topology: 'layer2',
      subnets: '10.100.0.0/16',
      mtu: 1300,
      netAttachDefName: 'ns-a/blue',
    };
    expect(parse(config)).toEqual({ networkName: 'blue-net', mtu: 1300 });
  });

  it.each([
    [{ name: 'a' }, { networkName: 'a', mtu: undefined }],
    [
      { Name: 'a', MTU: 9000 },
      { networkName: 'a', mtu: 9000 },
    ],
    [
      { name: 'a', mtu: 0 },
      { networkName: 'a', mtu: undefined },
    ],
    [
      { name: 'a', mtu: null },
      { networkName: 'a', mtu: undefined },
    ],
    [
      { name: 'cluster_udn_ns.Blue-1', mtu: 68 },
      { networkName: 'cluster_udn_ns.Blue-1', mtu: 68 },
    ],
    [
      { name: 'a', plugins: [{ type: 'ovn-k8s-cni-overlay', mtu: 1400, name: 'b' }] },
      { networkName: 'a', mtu: 1400 },
    ],
    [
      {
        name: 'a',
        mtu: 1,
        plugins: [
          { type: 'tuning', mtu: 5 },
          { type: 'ovn-k8s-cni-overlay', mtu: 1400 },
        ],
      },
      { networkName: 'a', mtu: 1400 },
    ],
    [
      { name: 'a', plugins: [null, { type: 'other', mtu: 1400 }] },
      { networkName: 'a', mtu: 1400 },
    ],
  ])('reads %j', (config, expected) => expect(parse(config)).toEqual(expected));

  it.each([
    [{}],
    [{ mtu: 1500 }],
    [{ name: '' }],
    [{ name: 5 }],
    [{ name: null }],
    [{ name: 'a b' }],
    [{ name: '-a' }],
    [{ name: 'a/b' }],
    [{ name: 'a\n' }],
    [{ name: 'a'.repeat(254) }],
    [{ NAME: 'a', Name: 'b' }],
    [{ name: 'a', mtu: '1500' }],
    [{ name: 'a', mtu: 67 }],
    [{ name: 'a', mtu: 65_536 }],
    [{ name: 'a', mtu: -1 }],
    [{ name: 'a', mtu: 1500.5 }],
    [{ name: 'a', mtu: 1e300 }],
    [{ name: 'a', MTU: 1, Mtu: 2 }],
    [{ name: 'a', plugins: [] }],
    [{ name: 'a', plugins: [5] }],
    [{ name: 'a', plugins: {} }],
    [{ name: 'a', plugins: 'x' }],
    [{ name: 'a', plugins: Array(17).fill({ type: 'tuning' }) }],
    [{ plugins: [{ name: 'a', type: 'ovn-k8s-cni-overlay' }] }],
  ])('refuses %j', (config) => expect(parse(config)).toBeUndefined());

  it.each(unparsableTexts.filter(([name]) => name !== 'more bytes than characters'))('refuses %s', (_, text) => {
    expect(parseNetworkDefinition(text)).toBeUndefined();
  });

  it.each([...trickyTexts, undefined, 'null', `{"name":"a","x":"${'x'.repeat(70_000)}"}`])('refuses %.60j', (text) => {
    expect(parseNetworkDefinition(text)).toBeUndefined();
  });

  it('refuses a text that was not kept', () => {
    expect(parseNetworkDefinition({ sizeBytes: 100_000 })).toBeUndefined();
  });

  it('never throws, and gives only names that may be written anywhere', () => {
    const config = fc
      .record({ name: fc.string(), mtu: fc.jsonValue(), plugins: fc.jsonValue() }, { requiredKeys: ['name'] })
      .map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(fc.oneof(anyText, config), (text) => {
        const definition = parseNetworkDefinition(text);
        if (definition === undefined) return;
        expect(definition.networkName).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/);
        expect(definition.mtu ?? 1500).toSatisfy((mtu: number) => Number.isInteger(mtu) && mtu >= 68 && mtu <= 65_535);
      }),
    );
  });
});
