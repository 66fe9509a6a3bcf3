import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { chainIntentsOf, intentsOf } from '../../src/adapters/config-intents.js';
import { checkIntent } from '../../src/chain/check-chain.js';
import type { Config } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load.js';
import { arbitraryConfig } from '../config/arbitrary-config.js';

const load = (...lines: readonly string[]): Config => loadConfig({ text: lines.join('\n') }).config;

const withChain = (name: string, ...ports: readonly string[]): Config =>
  load(
    'bridges: [{name: br-sfc}]',
    `chains: [{name: ${name}, switches: [{name: s, ports: [${ports.map((port) => `{${port}}`).join(', ')}]}]}]`,
  );

describe('chainIntentsOf', () => {
  it('gives every chain with its source', () => {
    const config = load(
      'bridges: [{name: br-x}]',
      'chains:',
      '  - name: c',
      '    bridge: br-x',
      '    mtu: 9000',
      '    tenant: red',
      '    joinsTenants: [green, blue]',
      '    onControllerLoss: close',
      '    macMove: refuse',
      '    ageingSeconds: 60',
      '    stationCountMax: 7',
      '    switches: [{ports: [{kind: uplink, uplink: 0}, {kind: uplink, uplink: 1}]}]',
    );
    const port = (number: number) => ({
      name: undefined,
      selector: { kind: 'uplink', port: number },
      vlan: undefined,
      tenant: undefined,
      pinnedMacs: [],
    });
    const expected = {
      name: 'c',
      bridge: 'br-x',
      mtu: 9000,
      tenant: 'red',
      joinsTenants: ['blue', 'green'],
      onControllerLoss: 'close',
      macMove: 'refuse',
      ageingSeconds: 60,
      stationCountMax: 7,
      switches: [{ name: undefined, ports: [port(0), port(1)] }],
      source: { rank: 0, name: 'configuration, chain c' },
    };
    expect(chainIntentsOf(config)).toEqual<readonly unknown[]>([expected]);
  });

  it.each([
    ['kind: representor, representor: {pf: 1}', { kind: 'hostPf', pf: 1, controller: undefined }],
    ['kind: representor, representor: {pf: 0, vf: 3, controller: 2}', { kind: 'hostVf', pf: 0, vf: 3, controller: 2 }],
    ['kind: representor, representor: {pf: 0, sf: 3}', { kind: 'sf', isExternal: false, pf: 0, sf: 3 }],
    ['kind: representor, representor: {pf: 0, sf: 3, controller: 0}', { kind: 'sf', isExternal: false, pf: 0, sf: 3 }],
    [
      'kind: representor, representor: {pf: 0, sf: 3, controller: 1}',
      { kind: 'sf', isExternal: true, pf: 0, sf: 3, controller: 1 },
    ],
    ['kind: service, dpfId: ns/pod/net1', { kind: 'service', dpfId: 'ns/pod/net1' }],
    ['kind: labels, labels: {a: b, c: 1}', { kind: 'labels', labels: new Map([['a', 'b'], ['c', '1']]) }], // prettier-ignore
    ['kind: patch, bridge: br-hbn', { kind: 'patch', bridge: 'br-hbn' }],
    ['kind: patch, bridge: br-hbn, name: pbrsfcbrhbn', { kind: 'patch', bridge: 'br-hbn', name: 'pbrsfcbrhbn' }],
  ])('names the port {%s} by what it is', (port, selector) => {
    const [chain] = chainIntentsOf(withChain('c', 'kind: uplink, uplink: 0', port));
    expect(chain?.switches[0]?.ports[1]?.selector).toEqual(selector);
  });

  it('gives only chains in which the chains themselves find no fault', () => {
    fc.assert(
      fc.property(arbitraryConfig, (plain) => {
        const chains = chainIntentsOf(loadConfig({ text: stringify(plain) }).config);
        expect(chains.flatMap(checkIntent)).toEqual([]);
        expect(chains.map(({ switches }) => switches.map(({ ports }) => ports.length))).toEqual(
          (plain['chains'] as { switches: { ports: unknown[] }[] }[]).map(({ switches }) =>
            switches.map(({ ports }) => ports.length),
          ),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('keeps what is said of a port', () => {
    const said = 'name: web, vlan: {kind: access, tag: 7}, tenant: blue, pinnedMacs: ["0A:00:00:00:00:01"]';
    const [chain] = chainIntentsOf(withChain('c', 'kind: uplink, uplink: 0', `kind: uplink, uplink: 1, ${said}`));
    expect(chain?.switches[0]).toMatchObject({
      name: 's',
      ports: [{}, { name: 'web', vlan: { kind: 'access', tag: 7 }, tenant: 'blue', pinnedMacs: ['0a:00:00:00:00:01'] }],
    });
  });
});

describe('intentsOf', () => {
  it('gives bridges and ports with their sources', () => {
    const intents = intentsOf(
      load('bridges: [{name: a, mode: share, ports: [{kind: representor, representor: {pf: 0, vf: 1}, mtu: 1400}]}]'),
    );
    expect(intents.bridges).toMatchObject([
      { name: 'a', mode: 'share', source: { rank: 0, name: 'configuration, bridge a' } },
    ]);
    expect(intents.ports).toMatchObject([
      {
        name: undefined,
        bridge: 'a',
        mtu: 1400,
        attachment: { kind: 'representor', selector: { kind: 'hostVf', pf: 0, vf: 1 }, type: undefined },
        source: { rank: 0, name: 'configuration, port representor of a' },
      },
    ]);
  });

  it('gives a system interface the empty type of the database', () => {
    const config = load('bridges: [{name: a, ports: [{kind: uplink, uplink: 0, interfaceType: system}]}]');
    expect(intentsOf(config).ports[0]?.attachment).toMatchObject({ kind: 'representor', type: '' });
  });
});
