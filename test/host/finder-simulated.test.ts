import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSimulatedFinder } from '../../src/host/finder-simulated.js';
import type { SimulatedFinderOptions } from '../../src/host/finder-simulated.js';
import type { FindResult, RepresentorSelector } from '../../src/model/netdev.js';
import { describedHost, linkOf, noPorts } from './described-host.js';

const named = { hostPfTemplate: 'pf{pf}hpf', localSfTemplate: 'en3f0pf{pf}sf{sf}' };

async function find(selector: RepresentorSelector, options: SimulatedFinderOptions = {}): Promise<FindResult> {
  const finder = createSimulatedFinder(options);
  return finder.find(selector, await describedHost('simulated', finder));
}

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

describe('the simulated finder', () => {
  it('finds representors by name', async () => {
    expect(brief(await find(hostVf(0, 2)))).toBe('rep0-2');
    expect(brief(await find(hostVf(1, 0, 1)))).toBe('rep1-0');
    expect(brief(await find({ kind: 'uplink', port: 0 }))).toBe('p0');
    expect(brief(await find(hostVf(0, 9)))).toBe('DEVICE_ABSENT');
    expect(brief(await find(hostVf(0, 2, 2)))).toBe('DEVICE_ABSENT');
  });

  it('finds by alias where no device has the name, and does not let an alias outdo a name', async () => {
    expect(brief(await find(hostVf(0, 7)))).toBe('enp7s0');
    const finder = createSimulatedFinder();
    const netdevs = await describedHost('simulated', finder);
    expect(netdevs.get('enp8s0')?.kind).toBe('other');
  });

  it('is undecided between two devices with the same alias', () => {
    const finder = createSimulatedFinder();
    const links = ['a', 'b'].map((name, index) => linkOf({ name, ifindex: index + 1, alias: 'rep0-3' }));
    expect(brief(finder.find(hostVf(0, 3), finder.identify(links, noPorts)))).toBe('AMBIGUOUS a b');
  });

  it('knows PFs and sub-functions only by a configured template', async () => {
    expect(brief(await find({ kind: 'hostPf', pf: 0 }))).toBe('UNSUPPORTED');
    expect(brief(await find({ kind: 'hostPf', pf: 0 }, named))).toBe('pf0hpf');
    expect(brief(await find({ kind: 'hostPf', pf: 1 }, named))).toBe('DEVICE_ABSENT');
    const localSf: RepresentorSelector = { kind: 'sf', isExternal: false, pf: 0, sf: 4 };
    expect(brief(await find(localSf))).toBe('UNSUPPORTED');
    expect(brief(await find(localSf, named))).toBe('en3f0pf0sf4');
    expect(brief(await find({ ...localSf, controller: 1 }, named))).toBe('DEVICE_ABSENT');
    expect(brief(await find({ kind: 'sf', isExternal: true, pf: 0, sf: 4 }, named))).toBe('UNSUPPORTED');
  });

  it('says that its identities are simulated', async () => {
    const result = await find(hostVf(0, 2));
    expect(result).toMatchObject({ netdev: { evidence: 'simulated', isExternal: true, pf: 0, vf: 2 } });
  });

  it('takes the characters of a template literally', () => {
    const finder = createSimulatedFinder({ hostPfTemplate: 'h.f{pf}' });
    const links = ['hxf0', 'h.f1'].map((name, index) => linkOf({ name, ifindex: index + 1 }));
    const netdevs = finder.identify(links, noPorts);
    expect(netdevs.get('hxf0')?.kind).toBe('other');
    expect(netdevs.get('h.f1')?.kind).toBe('hostPf');
  });

  it.each(['rep00-3', 'rep0-03', 'rep-1-3', 'rep0-3-4', 'rep0-4096', 'rep256-0', 'REP0-3', 'xrep0-3', 'p00', 'p1x'])(
    'does not take %s for a representor',
    (name) => {
      const netdevs = createSimulatedFinder().identify([linkOf({ name, ifindex: 1, alias: name })], noPorts);
      expect(netdevs.get(name)?.kind).toBe('other');
    },
  );

  it('never finds a device of another kind or number, and never throws', async () => {
    const finder = createSimulatedFinder(named);
    const netdevs = await describedHost('simulated', finder);
    const number = fc.oneof(fc.nat({ max: 8 }), fc.integer(), fc.double());
    fc.assert(
      fc.property(
        fc.constantFrom('hostVf' as const, 'uplink' as const, 'hostPf' as const),
        number,
        number,
        (kind, a, b) => {
          const result = finder.find(
            kind === 'uplink' ? { kind, port: a } : kind === 'hostPf' ? { kind, pf: a } : { kind, pf: a, vf: b },
            netdevs,
          );
          if (result.kind !== 'found') return;
          const { netdev } = result;
          expect(netdev.kind).toBe(kind);
          if (kind === 'hostVf') expect([netdev.name, netdev.alias]).toContain(`rep${a}-${b}`);
          if (kind === 'uplink') expect(netdev.name).toBe(`p${a}`);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
