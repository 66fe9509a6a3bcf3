import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSwitchdevFinder } from '../../src/host/finder-switchdev.js';
import type { SwitchdevFinderOptions } from '../../src/host/finder-switchdev.js';
import type { FindResult, RepresentorSelector } from '../../src/model/netdev.js';
import { describedHost, linkOf, portsByName } from './described-host.js';

const strict: SwitchdevFinderOptions = { acceptsLegacyNames: false };
const lenient: SwitchdevFinderOptions = { acceptsLegacyNames: true };

async function find(
  system: string,
  selector: RepresentorSelector,
  options: SwitchdevFinderOptions = strict,
  hasDevlink = true,
): Promise<FindResult> {
  const finder = createSwitchdevFinder(options);
  return finder.find(selector, await describedHost(system, finder, { hasDevlink }));
}

/** The name found, or the code of the answer. */
function brief(result: FindResult): string {
  if (result.kind === 'found') return result.netdev.name;
  return result.kind === 'missing' ? result.code : `AMBIGUOUS ${result.names.join(' ')}`;
}

const hostVf = (pf: number, vf: number, controller?: number): RepresentorSelector => ({
  kind: 'hostVf',
  pf,
  vf,
  controller,
});
const sf = (isExternal: boolean, number: number): RepresentorSelector => ({
  kind: 'sf',
  isExternal,
  pf: 0,
  sf: number,
});

describe('the switchdev finder', () => {
  it.each<[RepresentorSelector, string]>([
    [{ kind: 'uplink', port: 0 }, 'p0'],
    [{ kind: 'uplink', port: 1 }, 'p1'],
    [{ kind: 'uplink', port: 2 }, 'DEVICE_ABSENT'],
    [{ kind: 'hostPf', pf: 1 }, 'pf1hpf'],
    [hostVf(0, 1), 'pf0vf1'],
    [hostVf(0, 10), 'pf0vf10'],
    [hostVf(0, 0), 'pf0vf0'],
    [hostVf(0, 11), 'HOST_VF_ABSENT'],
    [hostVf(2, 0), 'HOST_VFS_ABSENT'],
    [hostVf(0, 0, 2), 'OTHER_CONTROLLER'],
    [sf(true, 1), 'c1pf0sf1'],
    [sf(false, 4), 'en3f0pf0sf4'],
    [sf(true, 4), 'DEVICE_ABSENT'],
    [sf(false, 1), 'DEVICE_ABSENT'],
  ])('answers %j on BlueField-3 with %s, with devlink and without', async (selector, expected) => {
    expect(brief(await find('bluefield3', selector))).toBe(expected);
    expect(brief(await find('bluefield3', selector, strict, false))).toBe(expected);
  });

  it('finds by what the kernel says, whatever udev or ovn-kubernetes named the device', async () => {
    expect(brief(await find('renamed', hostVf(0, 0)))).toBe('ovn-k8s-mp0');
    expect(brief(await find('renamed', hostVf(0, 1)))).toBe('c1pf0vf1');
    expect(brief(await find('renamed', hostVf(0, 10)))).toBe('pf0vf1');
    expect(brief(await find('renamed', { kind: 'uplink', port: 0 }))).toBe('enp3s0f0np0');
  });

  it('accepts names without controller only where that is switched on', async () => {
    expect(brief(await find('bluefield2', hostVf(0, 1), lenient))).toBe('pf0vf1');
    expect(brief(await find('bluefield2', hostVf(0, 1, 1), lenient))).toBe('pf0vf1');
    expect(brief(await find('bluefield2', { kind: 'hostPf', pf: 0 }, lenient))).toBe('pf0hpf');
    expect(brief(await find('bluefield2', hostVf(0, 1), strict))).toBe('LEGACY_NAME_REFUSED');
    expect(brief(await find('bluefield2', hostVf(0, 1, 2), lenient))).toBe('OTHER_CONTROLLER');
  });

  it('does not take a VF of the DPU for one of the host, even with names without controller switched on', async () => {
    const finder = createSwitchdevFinder(lenient);
    const netdevs = new Map(await describedHost('bluefield3', finder, { hasDevlink: false }));
    netdevs.delete('pf0vf0');
    expect(brief(finder.find(hostVf(0, 0), netdevs))).toBe('HOST_VF_ABSENT');
  });

  it('is undecided between two hosts until it is told which', async () => {
    expect(brief(await find('multi-controller', hostVf(0, 1)))).toBe('AMBIGUOUS c1pf0vf1 c2pf0vf1');
    expect(brief(await find('multi-controller', hostVf(0, 1, 2)))).toBe('c2pf0vf1');
    const options = { ...strict, hostController: 1 };
    expect(brief(await find('multi-controller', hostVf(0, 1), options))).toBe('c1pf0vf1');
    expect(brief(await find('multi-controller', hostVf(0, 7), options))).toBe('OTHER_CONTROLLER');
    expect(brief(await find('multi-controller', hostVf(0, 7, 2), options))).toBe('c2pf0vf7');
  });

  it('keeps to the embedded switch of the configured uplink', async () => {
    const ofP0 = { ...strict, uplinkNames: ['p0'] };
    expect(brief(await find('two-eswitches', hostVf(0, 0)))).toBe('AMBIGUOUS c1pf0vf0 q0vf0');
    expect(brief(await find('two-eswitches', hostVf(0, 0), ofP0))).toBe('c1pf0vf0');
    expect(brief(await find('two-eswitches', hostVf(0, 0), { ...strict, uplinkNames: ['q0'] }))).toBe('q0vf0');
    expect(brief(await find('two-eswitches', hostVf(0, 5), ofP0))).toBe('OTHER_ESWITCH');
    expect(brief(await find('two-eswitches', hostVf(0, 0), { ...strict, uplinkNames: ['p9', 'lo'] }))).toBe(
      'ESWITCH_UNKNOWN',
    );
    expect(brief(await find('two-eswitches', { kind: 'uplink', port: 0 }, ofP0))).toBe('p0');
  });

  it('says that there is no switch in legacy and in NIC mode', async () => {
    expect(brief(await find('legacy-mode', hostVf(0, 0)))).toBe('NO_SWITCHDEV');
    expect(brief(await find('legacy-mode', { kind: 'uplink', port: 0 }))).toBe('NO_SWITCHDEV');
    expect(brief(await find('nic-mode', hostVf(0, 0)))).toBe('NO_SWITCHDEV');
  });

  it('says that the sources contradict one another instead of choosing one', () => {
    const finder = createSwitchdevFinder(lenient);
    const link = linkOf({ name: 'x', ifindex: 1, switchId: 'aa', portName: 'c1pf0vf3' });
    const row = { netdev: 'x', flavour: 'pcivf', pfnum: 0, vfnum: 4, controller: 1, external: true };
    const netdevs = finder.identify([link], portsByName({ port: { h: row } }));
    expect(brief(finder.find(hostVf(0, 3), netdevs))).toBe('IDENTITY_CONFLICT');
    expect(brief(finder.find(hostVf(0, 4), netdevs))).toBe('HOST_VFS_ABSENT');
  });

  it('refuses numbers out of range, fractions and what is no number', async () => {
    for (const bad of [-1, 1.5, Number.NaN, Infinity, 4096, 2 ** 53]) {
      expect(brief(await find('bluefield3', hostVf(0, bad), lenient))).toBe('SELECTOR_INVALID');
    }
    expect(brief(await find('bluefield3', { kind: 'uplink', port: -1 }))).toBe('SELECTOR_INVALID');
    expect(brief(await find('bluefield3', hostVf(0, 0, 256)))).toBe('SELECTOR_INVALID');
    expect(brief(await find('bluefield3', hostVf('0' as unknown as number, 0)))).toBe('SELECTOR_INVALID');
  });

  const number = fc.oneof(fc.nat({ max: 12 }), fc.integer(), fc.double());
  const selectors: fc.Arbitrary<RepresentorSelector> = fc.oneof(
    fc.record({ kind: fc.constant('uplink' as const), port: number }),
    fc.record({ kind: fc.constant('hostPf' as const), controller: fc.option(number, { nil: undefined }), pf: number }),
    fc.record({
      kind: fc.constant('hostVf' as const),
      controller: fc.option(number, { nil: undefined }),
      pf: number,
      vf: number,
    }),
    fc.record({ kind: fc.constant('sf' as const), isExternal: fc.boolean(), pf: number, sf: number }),
  );

  it.each(['bluefield2', 'bluefield3', 'renamed', 'multi-controller', 'two-eswitches', 'legacy-mode', 'nic-mode'])(
    'never finds a device of another kind or number on %s, and never throws',
    async (system) => {
      const finder = createSwitchdevFinder(lenient);
      const netdevs = await describedHost(system, finder);
      fc.assert(
        fc.property(selectors, (selector) => {
          const result = finder.find(selector, netdevs);
          if (result.kind !== 'found') return;
          const { netdev } = result;
          const kind = selector.kind === 'sf' ? (selector.isExternal ? 'hostSf' : 'localSf') : selector.kind;
          expect(netdev.kind).toBe(kind);
          expect(netdev).toMatchObject(
            Object.fromEntries(Object.entries(selector).filter(([key]) => ['port', 'pf', 'vf', 'sf'].includes(key))),
          );
          expect(netdev.switchId).toBeDefined();
        }),
        { numRuns: 500 },
      );
    },
  );
});
