import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createFinder, createPodFinder, HostDevices, type FinderSettings } from '../../src/adapters/host-devices.js';
import { systemClock } from '../../src/lib/clock.js';
import type { RepresentorFinder } from '../../src/host/finder.js';
import type { LinkFacts } from '../../src/model/netdev.js';

const link = (index: number, name: string, portName: string): LinkFacts =>
  ({ name, ifindex: index, portName, switchId: 'aa' }) as LinkFacts;

/** The device that the finder gives for VF `vf` of PF 0, or why it gives none. */
function vfOf(finder: RepresentorFinder, links: readonly LinkFacts[], vf: number): string {
  const found = finder.find(
    { kind: 'hostVf', pf: 0, vf },
    finder.identify(links, () => undefined),
  );
  if (found.kind === 'found') return found.netdev.name;
  return found.kind === 'missing' ? found.code : found.kind;
}

const legacy = [link(1, 'rep', 'pf0vf3')];
const second = [link(1, 'rep', 'c2pf0vf3')];
const both = [link(1, 'one', 'c1pf0vf3'), link(2, 'two', 'c2pf0vf3')];

const answers = (settings: FinderSettings): readonly string[] =>
  [createFinder(settings), createPodFinder(settings)].flatMap((finder) =>
    [legacy, second, both].map((links) => vfOf(finder, links, 3)),
  );

describe('the finders', () => {
  it('take a port name without owner for configured ports only, and no other host for pods', () => {
    expect(answers({ finder: 'switchdev' })).toEqual([
      ...['rep', 'rep', 'ambiguous'],
      ...['LEGACY_NAME_REFUSED', 'OTHER_CONTROLLER', 'one'],
    ]);
  });

  it('do for both what the configuration says', () => {
    expect(answers({ finder: 'switchdev', hostController: 2, legacyNames: false })).toEqual([
      ...['OTHER_CONTROLLER', 'rep', 'two'],
      ...['OTHER_CONTROLLER', 'rep', 'two'],
    ]);
    expect(answers({ finder: 'switchdev', legacyNames: true })).toEqual([
      ...['rep', 'rep', 'ambiguous'],
      ...['rep', 'OTHER_CONTROLLER', 'one'],
    ]);
    expect(answers({ finder: 'switchdev', legacyNames: false })[0]).toBe('LEGACY_NAME_REFUSED');
  });

  it('go by names in a simulation, for pods too', () => {
    const links = [link(1, 'rep0-3', '')];
    expect(vfOf(createFinder({ finder: 'simulated' }), links, 3)).toBe('rep0-3');
    expect(vfOf(createPodFinder({ finder: 'simulated' }), links, 3)).toBe('rep0-3');
  });
});

describe('the devices of a machine', () => {
  it('are read anew when that is asked for, once for many who ask at once, and not after the end', async () => {
    const root = await mkdtemp(join(tmpdir(), 'devices-'));
    const device = join(root, 'sys', 'class', 'net', 'rep0-3');
    await mkdir(device, { recursive: true });
    const facts = { ifindex: '7', flags: '0x1003', mtu: '1500', operstate: 'up', address: '0a:00:00:00:00:07' };
    for (const [name, text] of Object.entries(facts)) await writeFile(join(device, name), `${text}\n`);
    const devices = new HostDevices({ root, clock: systemClock, random: () => 0.5, finder: 'simulated' });
    await devices.start();
    expect(devices.snapshot()?.get('rep0-3')?.mtu).toBe(1500);
    await writeFile(join(device, 'mtu'), '9000\n');
    let changes = 0;
    devices.onChange(() => (changes += 1));
    for (let asked = 0; asked < 100; asked += 1) devices.refresh();
    await vi.waitFor(() => expect(devices.snapshot()?.get('rep0-3')?.mtu).toBe(9000), { timeout: 4_000, interval: 5 });
    expect(changes).toBe(1);
    await devices.close();
    devices.refresh();
    await rm(root, { recursive: true });
  });

  it('are those of this machine under /, where ip tells of all at once', async () => {
    const troubles: Error[] = [];
    const options = { root: '/', clock: systemClock, random: () => 0.5, finder: 'simulated' } as const;
    const devices = new HostDevices({ ...options, onTrouble: (error) => troubles.push(error) });
    await devices.start();
    expect(devices.snapshot()?.get('lo')).toMatchObject({ ifindex: 1, mac: '00:00:00:00:00:00' });
    // Where there is no ip they are read all the same, and somebody is told.
    const hasIp = spawnSync('ip', ['-j', '-d', 'link', 'show']).status === 0;
    expect(troubles).toMatchObject(hasIp ? [] : [{ code: 'NETDEV_REFUSED' }]);
    await devices.close();
  });
});
