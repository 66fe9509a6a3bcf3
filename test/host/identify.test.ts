import { describe, expect, it } from 'vitest';
import type { DevlinkPort } from '../../src/host/devlink.js';
import { createSwitchdevFinder } from '../../src/host/finder-switchdev.js';
import { identifyNetdevs } from '../../src/host/identify.js';
import type { DeviceIdentity, NetdevMap } from '../../src/model/netdev.js';
import { describedHost, linkOf, noPorts } from './described-host.js';

const finder = createSwitchdevFinder({ acceptsLegacyNames: true });

function kinds(netdevs: NetdevMap): Record<string, string> {
  return Object.fromEntries([...netdevs.values()].map(({ name, kind, evidence }) => [name, `${kind} ${evidence}`]));
}

/** One device on a switch of its own, with a devlink port. */
function identifyOne(portName: string | undefined, port?: Partial<DevlinkPort>): DeviceIdentity | undefined {
  const link = linkOf({ name: 'x', ifindex: 1, switchId: 'aa', ...(portName === undefined ? {} : { portName }) });
  const portOf = (): DevlinkPort | undefined =>
    port === undefined ? undefined : { handle: 'h', flavour: 'pcivf', ...port };
  return identifyNetdevs([link], portOf).get('x');
}

describe('identifyNetdevs', () => {
  it('tells the functions of BlueField-3 apart by devlink', async () => {
    expect(kinds(await describedHost('bluefield3', finder))).toEqual({
      lo: 'other none',
      oob_net0: 'other none',
      p0: 'uplink devlink',
      p1: 'uplink devlink',
      pf0hpf: 'hostPf devlink',
      pf1hpf: 'hostPf devlink',
      pf0vf0: 'hostVf devlink',
      pf0vf1: 'hostVf devlink',
      pf0vf10: 'hostVf devlink',
      pf1vf0: 'hostVf devlink',
      c1pf0sf1: 'hostSf devlink',
      en3f0pf0sf4: 'localSf devlink',
      pf0vf0local: 'localVf devlink',
      enp3s0f0s4: 'other none',
    });
  });

  it('comes to the same kinds by port names alone, since the switch has names with controllers', async () => {
    const withDevlink = await describedHost('bluefield3', finder);
    const without = await describedHost('bluefield3', finder, { hasDevlink: false });
    for (const [name, netdev] of withDevlink) expect(without.get(name)?.kind).toBe(netdev.kind);
    expect(without.get('pf0vf0local')).toMatchObject({ kind: 'localVf', evidence: 'portName', isExternal: false });
  });

  it('takes names without controller for the host on firmware that knows one host, and says that it guesses', async () => {
    expect(kinds(await describedHost('bluefield2', finder))).toMatchObject({
      p0: 'uplink devlink',
      pf0hpf: 'hostPf legacyName',
      pf0vf0: 'hostVf legacyName',
      pf1vf0: 'hostVf legacyName',
      en3f0pf0sf0: 'localSf portName',
      enp3s0f0s0: 'other none',
      tmfifo_net0: 'other none',
    });
  });

  it('lets devlink decide whose a name without controller is', () => {
    const external = identifyOne('pf0vf3', { pf: 0, vf: 3, isExternal: true });
    expect(external).toMatchObject({ kind: 'hostVf', evidence: 'devlink', controller: undefined });
    const local = identifyOne('pf0vf3', { pf: 0, vf: 3, isExternal: false, controller: 0 });
    expect(local).toMatchObject({ kind: 'localVf', evidence: 'devlink', isExternal: false });
    const numbered = identifyOne('pf0vf3', { pf: 0, vf: 3, controller: 2 });
    expect(numbered).toMatchObject({ kind: 'hostVf', evidence: 'devlink', controller: 2 });
    const hostSf = identifyOne('pf0sf4', { flavour: 'pcisf', pf: 0, sf: 4, isExternal: true, controller: 1 });
    expect(hostSf).toMatchObject({ kind: 'hostSf', controller: 1, sf: 4 });
  });

  it('knows a device without port name by devlink', () => {
    expect(identifyOne(undefined, { pf: 0, vf: 3, controller: 1, isExternal: true })).toMatchObject({ kind: 'hostVf' });
    expect(identifyOne(undefined, { flavour: 'physical', port: 1 })).toMatchObject({ kind: 'uplink', port: 1 });
  });

  it.each<[string, string | undefined, Partial<DevlinkPort>]>([
    ['another VF', 'c1pf0vf3', { pf: 0, vf: 4, controller: 1, isExternal: true }],
    ['another PF', 'c1pf0vf3', { pf: 1, vf: 3, controller: 1, isExternal: true }],
    ['another controller', 'c1pf0vf3', { pf: 0, vf: 3, controller: 2, isExternal: true }],
    ['another owner', 'c1pf0vf3', { pf: 0, vf: 3, controller: 0, isExternal: false }],
    ['another kind', 'c1pf0vf3', { flavour: 'pcisf', pf: 0, sf: 3, controller: 1 }],
    ['an uplink', 'c1pf0vf3', { flavour: 'physical', port: 0 }],
    ['another port', 'p0', { flavour: 'physical', port: 1 }],
    ['no function at all', 'c1pf0vf3', { flavour: 'virtual' }],
    ['a VF without number', 'c1pf0vf3', { pf: 0 }],
    ['nothing of the owner, without a port name', undefined, { pf: 0, vf: 3 }],
  ])('believes neither source when devlink says %s', (_what, portName, port) => {
    expect(identifyOne(portName, port)).toMatchObject({ kind: 'other', evidence: 'conflict' });
  });

  it('takes nothing for a representor that is no switch port', async () => {
    const netdevs = await describedHost('legacy-mode', finder);
    expect([...netdevs.values()].every((netdev) => netdev.kind === 'other')).toBe(true);
    const plain = identifyNetdevs([linkOf({ name: 'p0', ifindex: 1, portName: 'p0' })], noPorts);
    expect(plain.get('p0')?.kind).toBe('other');
  });

  it('tells what devlink knows of the function behind the representor', async () => {
    const netdevs = await describedHost('bluefield3', finder);
    expect(netdevs.get('pf0vf0')).toMatchObject({ functionMac: '02:aa:00:00:00:00', functionOpstate: 'attached' });
    expect(netdevs.get('pf0vf1')).toMatchObject({ functionMac: undefined, functionOpstate: 'detached' });
  });
});
