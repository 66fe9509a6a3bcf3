import { describe, expect, it } from 'vitest';
import {
  bundleBase,
  checkBundle,
  contradictionsOf,
  readBundle,
  type PlainBundle,
  type ReadBundle,
} from '../../src/config/bundle.js';
import { buildBundles, isUsable, type UsableBundle } from '../../src/config/bundle-build.js';
import { loadConfig } from '../../src/config/load.js';

type Parts = Partial<PlainBundle>;

const read = (owner: string, parts: Parts): ReadBundle =>
  readBundle(owner, { bridges: [], ports: [], chains: [], attachments: [], ...parts });

const config = `
attach: {bridge: br-pods}
bridges:
  - {name: br-a, hwaddr: 02:00:00:00:00:01, ports: [{name: p0, kind: uplink, uplink: 0, ofport: 7}]}
  - {name: br-b, datapathType: netdev, ports: [{kind: representor, representor: {pf: 0, vf: 3}}]}
  - {name: br-seen, mode: observe}
chains: [{name: fw, bridge: br-a, switches: [{ports: [{kind: uplink, uplink: 0}, {kind: uplink, uplink: 1}]}]}]
`;

/** What is wrong with the bundle beside the configuration above and what others want: `field: message`. */
function faults(parts: Parts, others: readonly ReadBundle[] = [], text = config): readonly string[] {
  const verdict = checkBundle(bundleBase(loadConfig({ text }).config), read('me', parts), others);
  if (verdict.kind === 'valid') return [];
  if (verdict.kind === 'conflict') return verdict.conflicts.map(({ field, message }) => `${field}! ${message}`);
  return verdict.problems.map(({ path, message }) => `${path}: ${message}`);
}

const patch = (bridge: string, peer: string): object => ({ kind: 'patch', peer: { bridge, port: peer } });

describe('a bundle', () => {
  it('is right when it holds the rules of the configuration, on bridges of whomever', () => {
    const parts = {
      bridges: [{ name: 'br-m', ports: [{ name: 'x0', ...patch('br-a', 'x1') }] }],
      ports: [
        { bridge: 'br-a', name: 'i0', kind: 'internal' },
        { bridge: 'br-m', kind: 'representor', representor: { pf: 0, vf: 4 } },
      ],
      chains: [
        {
          name: 'c',
          bridge: 'br-m',
          switches: [
            {
              ports: [
                { kind: 'uplink', uplink: 0 },
                { kind: 'uplink', uplink: 1 },
              ],
            },
          ],
        },
      ],
      attachments: [
        { name: 'one', representor: { pf: 0, vf: 5 }, mac: '02:00:00:00:00:0A', ipAddresses: ['10.1.2.3/24'] },
      ],
    };
    expect(faults(parts)).toEqual([]);
  });

  it.each<[string, Parts, string]>([
    [
      'a value that is not allowed',
      { bridges: [{ name: 'br-x', ports: [{}, {}, { name: 'i', kind: 'internal', vlan: { tag: 5000 } }] }] },
      'bridges[0].ports[2].vlan.tag: 5000 is not allowed here; allowed: a whole number from 0 to 4095',
    ],
    ['an unknown key', { bridges: [{ name: 'br-x', failmode: 'x' }] }, 'bridges[0].failmode: unknown key "failmode"'],
    ['what is no map', { ports: ['x'] }, 'ports[0]: "x" is not allowed here; allowed: a map of keys and values'],
    ['a missing bridge', { ports: [{ name: 'i', kind: 'internal' }] }, 'ports[0].bridge: missing; allowed: a name'],
    [
      'a rule over several keys',
      { ports: [{ bridge: 'br-a', name: 'i', kind: 'internal', peer: { bridge: 'a', port: 'b' } }] },
      'ports[0].peer: a port of kind internal has no "peer"',
    ],
    [
      'a bridge that nobody declares',
      { ports: [{ bridge: 'br-c', name: 'i', kind: 'internal' }] },
      'ports[0].bridge: bridge "br-c" is declared neither by the configuration nor by an owner',
    ],
    [
      'a bridge that is only observed',
      { attachments: [{ name: 'a', representor: { pf: 0, vf: 9 }, bridge: 'br-seen' }] },
      'attachments[0].bridge: bridge "br-seen" has mode observe at configuration.bridges[2], so it takes no ports',
    ],
    [
      'a number that the configuration has taken',
      { ports: [{ bridge: 'br-a', name: 'i', kind: 'internal', ofport: 7 }] },
      'ports[0].ofport: 7 is already given at configuration.bridges[0].ports[0].ofport',
    ],
    [
      'an identity that the configuration has taken',
      { bridges: [{ name: 'br-x', hwaddr: '02:00:00:00:00:01' }] },
      'bridges[0].hwaddr: "02:00:00:00:00:01" is already given at configuration.bridges[0].hwaddr',
    ],
    [
      'an attachment that is no function of a host',
      { attachments: [{ name: 'a', representor: { pf: 0 } }] },
      'attachments[0].representor: an attachment is a VF or an SF of a host',
    ],
    [
      'an SF of the DPU as an attachment',
      { attachments: [{ name: 'a', representor: { pf: 0, sf: 1 } }] },
      'attachments[0].representor.controller: an SF without the controller of a host is the own one of the DPU',
    ],
    [
      'an address that is none',
      { attachments: [{ name: 'a', representor: { pf: 0, vf: 9 }, ipAddresses: ['10.0.0.1/33'] }] },
      'attachments[0].ipAddresses[0]: prefix length 33 does not exist; allowed: 0 to 32',
    ],
    [
      'a note that has a key of its own',
      { attachments: [{ name: 'a', representor: { pf: 0, vf: 9 }, externalIds: { 'iface-id': 'x' } }] },
      'attachments[0].externalIds.iface-id: "iface-id" has a key of its own',
    ],
    [
      "the agent's own notes",
      { attachments: [{ name: 'a', representor: { pf: 0, vf: 9 }, externalIds: { 'dpu-agent-owner': 'x' } }] },
      'attachments[0].externalIds.dpu-agent-owner: keys that begin with "dpu-agent-" are the agent\'s own notes',
    ],
    [
      'a key that JavaScript takes for its own',
      { bridges: [JSON.parse('{"name": "b", "externalIds": {"__proto__": "x"}}')] },
      'bridges[0].externalIds.__proto__: this key is not allowed',
    ],
  ])('is refused for %s', (_what, parts, fault) => {
    expect(faults(parts)).toContain(fault);
  });

  it('is told of both sides where its attachments take a name in OVN, or one function, twice', () => {
    const one = { representor: { pf: 0, vf: 8 }, ifaceId: 'ns_pod' };
    const other = read('fleet', { attachments: [{ name: 'a', ...one }] });
    expect(faults({ attachments: [{ name: 'b', ifaceId: 'ns_pod', representor: { pf: 0, vf: 9 } }] }, [other])).toEqual(
      ['attachments[0].ifaceId: "ns_pod" is already given at ["controller fleet"].attachments[0]'],
    );
    expect(
      faults({
        attachments: [
          { name: 'b', ...one },
          { name: 'b', representor: { pf: 1, vf: 8 } },
        ],
      }),
    ).toEqual(['attachments[1].name: "b" is already given at attachments[0].name']);
  });

  it('is told of a fault that lies with somebody else, and only when it is new', () => {
    const text =
      'bridges: [{name: br-a, ports: [{name: x0, kind: patch, peer: {bridge: br-b, port: x1}}]}, {name: br-b}]';
    const declares = { ports: [{ bridge: 'br-b', name: 'x1', ...patch('br-a', 'x9') }] };
    const found = faults(declares, [], text);
    expect(found.length).toBeGreaterThan(0);
    expect(found.some((fault) => fault.includes('configuration.bridges[0].ports[0]'))).toBe(true);
    expect(found.every((fault) => !fault.startsWith('configuration'))).toBe(true);
    // The same fault of another owner is not told to one who has nothing to do with it.
    expect(faults({ bridges: [{ name: 'br-z' }] }, [read('other', declares)], text)).toEqual([]);
  });

  it.each<[string, Parts, string]>([
    ['bridge', { bridges: [{ name: 'br-a' }] }, 'bridges[0].name! bridge br-a belongs to configuration, bridge br-a'],
    [
      'port name',
      { ports: [{ bridge: 'br-b', name: 'p0', kind: 'internal' }] },
      'ports[0].name! port p0 belongs to configuration, port p0 of br-a',
    ],
    [
      'uplink',
      { ports: [{ bridge: 'br-b', kind: 'uplink', uplink: 0 }] },
      'ports[0].uplink! uplink 0 belongs to configuration, port p0 of br-a',
    ],
    [
      'function',
      { attachments: [{ name: 'a', representor: { pf: 0, vf: 3, controller: 1 } }] },
      'attachments[0].representor! VF 3 of PF 0 of controller 1 belongs to configuration, port VF 3 of PF 0 of br-b',
    ],
    [
      'chain',
      {
        chains: [
          {
            name: 'fw',
            bridge: 'br-a',
            switches: [
              {
                ports: [
                  { kind: 'uplink', uplink: 0 },
                  { kind: 'uplink', uplink: 2 },
                ],
              },
            ],
          },
        ],
      },
      'chains[0].name! chain fw belongs to configuration, chain fw',
    ],
  ])('is in conflict with who has the same %s', (_what, parts, conflict) => {
    expect(faults(parts)[0]).toContain(conflict);
  });

  it('is in conflict with another owner, and the answer names both', () => {
    const other = read('fleet-2', { bridges: [{ name: 'br-m' }] });
    expect(faults({ bridges: [{ name: 'br-m' }] }, [other])).toEqual([
      'bridges[0].name! bridge br-m belongs to controller fleet-2, bridge br-m (bridges[0].name), and is wanted by controller me',
    ]);
  });

  it('of hostile data has bounded faults and harms nobody', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 100; level += 1) deep = [deep];
    expect(faults({ bridges: [deep] })).toContain('bridges[0]' + '[0]'.repeat(30) + ': more than 32 levels of nesting');
    const many = Array.from({ length: 4_000 }, () => ({ 'k\u0000': 1 }));
    const found = read('me', { ports: many }).problems;
    expect(found.length).toBeLessThanOrEqual(501);
    expect(JSON.stringify(found)).not.toContain('\\u0000"');
    for (const value of [1n, Symbol('x'), () => 1, Number.NaN]) {
      expect(faults({ bridges: [{ name: value }] })).not.toEqual([]);
    }
  });
});

describe('built bundles', () => {
  const built = (text: string, ...bundles: readonly ReadBundle[]): ReturnType<typeof buildBundles> => {
    const { config: loaded } = loadConfig({ text });
    return buildBundles(
      loaded,
      bundles.filter((bundle): bundle is UsableBundle => isUsable(bundle, loaded)),
    );
  };

  it('give each port to who wants it, implied sides too', () => {
    const parts = { bridges: [{ name: 'br-m', ports: [{ name: 'x0', ...patch('br-a', 'x1') }] }] };
    const other = { ports: [{ bridge: 'br-m', name: 'i0', kind: 'internal' }] };
    const all = built(
      'bridges: [{name: br-a, ports: [{name: p, kind: internal}]}]',
      read('me', parts),
      read('two', other),
    );
    expect(all.get('me')?.bridges.map(({ name }) => name)).toEqual(['br-m']);
    expect(
      all
        .get('me')
        ?.ports.map(({ bridge, port }) => `${port.name} ${bridge}`)
        .sort(),
    ).toEqual(['x0 br-m', 'x1 br-a']);
    expect(all.get('two')).toMatchObject({ bridges: [], ports: [{ bridge: 'br-m', port: { name: 'i0' } }] });
  });

  it('make of an attachment a representor with the notes of OVN, on the bridge of the pods that nobody declares', () => {
    const attachment = {
      name: 'a',
      representor: { pf: 0, vf: 5 },
      ifaceId: 'ns_pod',
      mac: '02:00:00:00:00:0A',
      ipAddresses: ['10.1.2.3/24', 'fd00::3/64'],
      externalIds: { note: '7' },
      mtu: 1400,
    };
    const { bridges, ports } = built('', read('me', { attachments: [attachment] })).get('me') ?? {
      bridges: [],
      ports: [],
    };
    expect(bridges).toMatchObject([{ name: 'br-int', mode: 'share' }]);
    expect(ports).toMatchObject([{ bridge: 'br-int', port: { kind: 'representor', mtu: 1400 } }]);
    expect(ports[0]?.port.interfaceExternalIds).toEqual({
      note: '7',
      'iface-id': 'ns_pod',
      attached_mac: '02:00:00:00:00:0a',
      ip_addresses: '10.1.2.3/24,fd00::3/64',
    });
  });

  it('leave out what cannot be built, and say what contradicts the configuration', () => {
    const { config: loaded } = loadConfig({ text: config });
    const unbuildable = read('old', { ports: [{ bridge: 'br-a', kind: 'internal' }] });
    expect(isUsable(unbuildable, loaded)).toBe(false);
    const claims = read('me', { bridges: [{ name: 'br-a' }] });
    expect(contradictionsOf(bundleBase(loaded), [claims])).toEqual([
      {
        owner: 'me',
        message: '["controller me"].bridges[0].name: "br-a" is already given at configuration.bridges[0].name',
      },
    ]);
  });
});
