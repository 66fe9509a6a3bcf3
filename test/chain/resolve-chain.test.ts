import { describe, expect, it } from 'vitest';
import { resolveChain } from '../../src/chain/resolve-chain.js';
import type { ResolvedPort } from '../../src/chain/resolved.js';
import type { ChainPort, ChainPortSelector } from '../../src/model/chain.js';
import type { ObservedPort } from '../../src/model/observed.js';
import { access, chainIntent, chainPort, patchPair, sfcPort, tagged, worldIndex } from '../fakes/chain-world.js';
import { mapOf, marked, netdev, portRow } from '../fakes/plan-rows.js';

/** The one port under test, in a switch with a port that is always there. */
function resolved(port: ChainPort | ChainPortSelector, ports: readonly ObservedPort[], bridge = 'br-sfc') {
  const tested = 'selector' in port ? port : chainPort(port);
  const chain = chainIntent('web', [{ name: undefined, ports: [tested, chainPort('other')] }], { bridge });
  const netdevs = [netdev('pf0vf3', { kind: 'hostVf', pf: 0, vf: 3, mtuMax: 9000 })];
  const index = worldIndex({ ports: [...ports, sfcPort('other', 99, {}, bridge)], netdevs });
  const answer = resolveChain(chain, index);
  const first = answer.switches[0]?.ports[0] as ResolvedPort;
  return { port: first, patches: answer.patches.map(({ name, bridge: on }) => `${name ?? ''} on ${on}`) };
}

const service = (dpfId: string): ChainPortSelector => ({ kind: 'service', dpfId });
const vf3: ChainPortSelector = { kind: 'hostVf', pf: 0, vf: 3 };

describe('a selector', () => {
  it('finds a representor by the function that it stands for, whatever its number', () => {
    expect(resolved(vf3, [sfcPort('pf0vf3', 17)]).port).toMatchObject({
      interface: 'pf0vf3',
      ofport: 17,
      mtu: 1500,
      mtuMax: 9000,
      problem: undefined,
    });
  });

  it('says what is missing when the device is there and is a port of no bridge', () => {
    const { port } = resolved(vf3, []);
    expect(port.problem).toMatchObject({
      reason: 'ChainPortMissing',
      claimants: ['config.yaml:1', 'host VF 3 of PF 0'],
    });
    expect(port.problem?.message).toContain('pf0vf3');
  });

  it('finds a service by its dpf-id', () => {
    const found = sfcPort('en3f0pf0sf5', 5, { externalIds: mapOf({ 'dpf-id': 'ns/fw-1/net1' }) });
    expect(resolved(service('ns/fw-1/net1'), [found]).port.interface).toBe('en3f0pf0sf5');
    expect(resolved(service('ns/fw-1/net2'), [found]).port.problem?.reason).toBe('ChainPortMissing');
  });

  it('finds labels on the port as well as on the interface', () => {
    const found = { ...sfcPort('p0', 1), externalIds: mapOf({ 'dpf-type': 'physical' }) };
    const labels = mapOf({ 'dpf-type': 'physical', id: 'p0' });
    expect(resolved({ kind: 'labels', labels }, [found, sfcPort('p1', 2)]).port.interface).toBe('p0');
  });

  it('names both that it matches', () => {
    const twin = (name: string) => sfcPort(name, 5, { externalIds: mapOf({ 'dpf-id': 'ns/fw/net1' }) });
    const { problem } = resolved(service('ns/fw/net1'), [twin('sf5'), twin('sf6')]).port;
    expect(problem?.reason).toBe('ChainPortAmbiguous');
    expect(problem?.message).toMatch(/sf5 on br-sfc and sf6 on br-sfc/);
  });

  it.each([undefined, -1, 0, 65_534])('has no number for flows while Open vSwitch says %s', (ofport) => {
    expect(resolved(vf3, [sfcPort('pf0vf3', ofport)]).port.ofport).toBeUndefined();
  });

  it('refuses members of a bond', () => {
    const members = ['p0', 'p1'].map((name) => sfcPort(name, 1).interfaces[0] ?? []).flat();
    const bond = portRow('bond0', 'br-sfc', { interfaces: members });
    const labels = mapOf({ id: 'p0' });
    expect(resolved({ kind: 'labels', labels }, [bond]).port.problem?.reason).toBe('ChainPortUnusable');
  });
});

describe('a port on the bridge of HBN', () => {
  const rep = sfcPort('en3f0pf0sf9', 9, { externalIds: mapOf({ 'dpf-id': 'ns/hbn-1/p0_if' }) }, 'br-hbn');

  it('is reached by the patch pair that the CNI has made, by the names of its ends', () => {
    const pair = patchPair({ name: 'pen3f0pf0sf9brsfc', ofport: 30 }, { name: 'pen3f0pf0sf9brhbn', bridge: 'br-hbn' });
    const { port, patches } = resolved(service('ns/hbn-1/p0_if'), [rep, ...pair]);
    expect(port).toMatchObject({
      interface: 'pen3f0pf0sf9brsfc',
      ofport: 30,
      target: { bridge: 'br-hbn', interface: 'en3f0pf0sf9' },
      leg: undefined,
    });
    expect(patches).toEqual([]);
  });

  it('is reached by whatever the pair is called when its metadata names the representor', () => {
    const far = { externalIds: mapOf({ hbn_rep_ofport: 'en3f0pf0sf9', hbn_netdev: 'p0_if' }) };
    const pair = patchPair({ name: 'whatever', ofport: 31 }, { name: 'else', bridge: 'br-hbn' }, { far });
    expect(resolved(service('ns/hbn-1/p0_if'), [rep, ...pair]).port.ofport).toBe(31);
    const byNetdev = { kind: 'labels', labels: mapOf({ hbn_netdev: 'p0_if' }) } as const;
    expect(resolved(byNetdev, [rep, ...pair]).port.interface).toBe('whatever');
  });

  it('is one port although the CNI gives the same dpf-id to its patch port', () => {
    const near = { externalIds: mapOf({ 'dpf-id': 'ns/hbn-1/p0_if', 'iface-id': 'en3f0pf0sf9' }) };
    const pair = patchPair({ name: 'pen3f0pf0sf9brsfc' }, { name: 'pen3f0pf0sf9brhbn', bridge: 'br-hbn' }, { near });
    const { port } = resolved(service('ns/hbn-1/p0_if'), [rep, ...pair]);
    expect(port).toMatchObject({ interface: 'pen3f0pf0sf9brsfc', target: { interface: 'en3f0pf0sf9' } });
  });

  it('gets a patch pair of the agent when nobody made one, under names that DPF does not use', () => {
    const { port, patches } = resolved(service('ns/hbn-1/p0_if'), [rep]);
    expect(port).toMatchObject({ interface: undefined, problem: { reason: 'ChainPatchPending' } });
    expect(patches).toEqual(['p_en3f0pf0sf9_brsfc_to_brhbn on br-sfc', 'p_en3f0pf0sf9_brhbn_to_brsfc on br-hbn']);
  });

  it('is connected beyond the pair that the agent has made, and the pair is still wanted', () => {
    const own = { externalIds: marked() };
    const pair = patchPair(
      { name: 'p_en3f0pf0sf9_brsfc_to_brhbn', ofport: 40 },
      { name: 'p_en3f0pf0sf9_brhbn_to_brsfc', bridge: 'br-hbn', ofport: 41 },
      { near: own, far: own },
    );
    const { port, patches } = resolved(service('ns/hbn-1/p0_if'), [rep, ...pair]);
    expect(port.ofport).toBe(40);
    expect(port.leg).toEqual({
      bridge: 'br-hbn',
      target: 'en3f0pf0sf9',
      targetOfport: 9,
      patch: 'p_en3f0pf0sf9_brhbn_to_brsfc',
      patchOfport: 41,
    });
    expect(patches).toHaveLength(2);
  });

  it('leaves its own pair for one that the CNI makes later', () => {
    const own = { externalIds: marked() };
    const ours = patchPair(
      { name: 'p_en3f0pf0sf9_brsfc_to_brhbn' },
      { name: 'p_en3f0pf0sf9_brhbn_to_brsfc', bridge: 'br-hbn' },
      { near: own, far: own },
    );
    const theirs = patchPair({ name: 'pen3f0pf0sf9brsfc' }, { name: 'pen3f0pf0sf9brhbn', bridge: 'br-hbn' });
    const { port, patches } = resolved(service('ns/hbn-1/p0_if'), [rep, ...ours, ...theirs]);
    expect(port).toMatchObject({ interface: 'pen3f0pf0sf9brsfc', leg: undefined });
    expect(patches).toEqual([]);
  });

  it('is not taken from a bridge whose flows are somebody else’s', () => {
    const { port, patches } = resolved(vf3, [sfcPort('pf0vf3', 3, {}, 'br-int')]);
    expect(port.problem?.reason).toBe('ChainPortUnusable');
    expect(patches).toEqual([]);
  });
});

describe('a patch to another bridge', () => {
  const toOvn = { kind: 'patch', bridge: 'br-ovn' } as const;

  it.each([
    ['puplinkbrsfc', 'puplinkbrovn'],
    ['puplinkbrsfctobrovn', 'puplinkbrovntobrsfc'],
    ['p_br-sfc_to_br-ovn_0a1b2c3d', 'p_br-ovn_to_br-sfc_0a1b2c3d'],
  ])('is DPF’s %s', (near, far) => {
    const { port, patches } = resolved(toOvn, patchPair({ name: near, ofport: 7 }, { name: far, bridge: 'br-ovn' }));
    expect(port).toMatchObject({ interface: near, ofport: 7, far: { bridge: 'br-ovn', interface: far } });
    expect(patches).toEqual([]);
  });

  it('is not one that stands for a single port of the other bridge', () => {
    const toHbn = { kind: 'patch', bridge: 'br-hbn' } as const;
    const pair = patchPair({ name: 'psf9brsfc' }, { name: 'psf9brhbn', bridge: 'br-hbn' });
    const { port, patches } = resolved(toHbn, [sfcPort('sf9', 9, {}, 'br-hbn'), ...pair]);
    expect(port.problem?.reason).toBe('ChainPatchPending');
    expect(patches).toEqual(['p_brsfc_to_brhbn on br-sfc', 'p_brhbn_to_brsfc on br-hbn']);
  });

  it('needs a name where there are two', () => {
    const ports = [
      ...patchPair({ name: 'one', ofport: 7 }, { name: 'eno', bridge: 'br-ovn' }),
      ...patchPair({ name: 'two', ofport: 8 }, { name: 'owt', bridge: 'br-ovn' }),
    ];
    expect(resolved(toOvn, ports).port.problem?.message).toMatch(/one and two/);
    expect(resolved({ ...toOvn, name: 'two' }, ports).port.ofport).toBe(8);
  });

  it('is missing while the other bridge is', () => {
    expect(resolved({ kind: 'patch', bridge: 'br-none' }, []).port.problem?.reason).toBe('ChainPortMissing');
  });
});

describe('the wire of a port', () => {
  const wires = (...vlans: readonly ChainPort['vlan'][]) => {
    const ports = vlans.map((vlan, place) => chainPort(`p${place}`, { vlan }));
    const chain = chainIntent('web', [{ name: undefined, ports }]);
    return resolveChain(chain, worldIndex({ ports: [] })).switches[0]?.ports.map(({ wire }) => wire);
  };

  it('takes every frame, or those of one VLAN', () => {
    expect(wires(undefined, tagged(5))).toEqual([{ kind: 'any' }, { kind: 'tag', vid: 5 }]);
  });

  it('is untagged on an access port, and in its VLAN on the others', () => {
    expect(wires(access(5), undefined, tagged(6))).toEqual([
      { kind: 'untagged' },
      { kind: 'tag', vid: 5 },
      { kind: 'tag', vid: 6 },
    ]);
  });
});
