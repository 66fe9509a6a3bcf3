import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { BridgeConfig, PatchPort } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load.js';

const directory = fileURLToPath(new URL('../../docs/examples/', import.meta.url));

const names = ['attach', 'chains', 'observe', 'ovn-hbn', 'ovn-only', 'sandbox'];

const bridgesOf = (name: string): ReadonlyMap<string, BridgeConfig> =>
  new Map(loadConfig({ file: `${directory}${name}.yaml` }).config.bridges.map((bridge) => [bridge.name, bridge]));

const portNames = (bridge: BridgeConfig | undefined): readonly (string | undefined)[] =>
  bridge?.ports.map(({ name }) => name) ?? [];

describe('examples', () => {
  it('are the ones that the documentation names', () => {
    expect(readdirSync(directory).filter((name) => name.endsWith('.yaml'))).toEqual(
      names.map((name) => `${name}.yaml`),
    );
  });

  it.each(names)('%s loads, and both sides of its own pairs exist', (name) => {
    const bridges = bridgesOf(name);
    const patches = [...bridges.values()].flatMap(({ mode, ports }) =>
      mode === 'observe' ? [] : ports.filter((port): port is PatchPort => port.kind === 'patch'),
    );
    for (const { peer } of patches) expect(portNames(bridges.get(peer.bridge))).toContain(peer.port);
  });

  it('attach plugs pods into br-int of somebody else, from pools', () => {
    const { hostCluster, attach, bridges } = loadConfig({ file: `${directory}attach.yaml` }).config;
    expect(hostCluster?.access).toMatchObject({ kind: 'kubeconfig', context: 'dpu@host-cluster' });
    expect(attach).toMatchObject({ mode: 'attach', bridge: 'br-int', reserved: [{ pf: 0, vf: 0 }] });
    expect(attach.pools?.map(({ pf, vfs }) => [pf, vfs.length])).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(bridges).toMatchObject([{ name: 'br-int', mode: 'share' }]);
  });

  it('ovn-only is brp0 of the how-to', () => {
    expect(bridgesOf('ovn-only').get('brp0')).toMatchObject({
      failMode: 'standalone',
      mtu: 1500,
      ports: [
        { name: 'p0', kind: 'uplink' },
        { name: 'pf0hpf', kind: 'representor', vlan: { tag: 3 } },
        { name: 'vtep0', kind: 'internal', vlan: { tag: 2 }, mtu: 1450 },
      ],
    });
  });

  it('ovn-hbn has the bridges and the patch ports of DPF', () => {
    const bridges = bridgesOf('ovn-hbn');
    expect([...bridges.keys()]).toEqual(['br-int', 'br-ovn', 'br-sfc', 'br-hbn']);
    expect(portNames(bridges.get('br-sfc'))).toEqual(expect.arrayContaining(['p0', 'p1', 'puplinkbrsfc']));
    expect(portNames(bridges.get('br-hbn'))).toContain('pen3f0pf0sf10brhbn');
  });

  it('sandbox has both pairs, the functions and the uplinks', () => {
    const bridges = bridgesOf('sandbox');
    expect(portNames(bridges.get('br-int'))).toEqual(['rep0-1', 'rep0-2', 'rep0-3', 'pbrintbrsfc']);
    expect(portNames(bridges.get('br-sfc'))).toEqual(['p0', 'p1', 'pf0hpf', 'pbrsfcbrhbn', 'pbrsfcbrint']);
    expect(portNames(bridges.get('br-hbn'))).toEqual(['pbrhbnbrsfc']);
  });

  it('observe writes nothing', () => {
    const { config } = loadConfig({ file: `${directory}observe.yaml` });
    expect(config.agent.repair).toBe('observe');
    expect(config.bridges.every(({ mode }) => mode === 'observe')).toBe(true);
  });

  it('chains has a cross-connected service, a learning switch of four ports, and VLANs', () => {
    const { chains } = loadConfig({ file: `${directory}chains.yaml` }).config;
    expect(chains.map(({ name, switches }) => [name, ...switches.map(({ ports }) => ports.length)])).toEqual([
      ['p0-fw-hbn', 2, 2],
      ['hosts', 4],
      ['host-vlans', 2, 2],
    ]);
    expect(chains[0]).toMatchObject({
      bridge: 'br-sfc',
      switches: [
        { ports: [{ kind: 'uplink', uplink: 0 }, { kind: 'service' }] },
        { ports: [{ kind: 'labels' }, { kind: 'patch', bridge: 'br-hbn' }] },
      ],
    });
    expect(chains[2]?.switches.map(({ ports }) => ports.map(({ vlan }) => vlan?.tag))).toEqual([
      [100, 100],
      [undefined, 200],
    ]);
  });
});
