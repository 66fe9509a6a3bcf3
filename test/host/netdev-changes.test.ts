import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffNetdevs } from '../../src/host/netdev-changes.js';
import type { Netdev, NetdevChange, NetdevMap } from '../../src/model/netdev.js';

function device(name: string, ifindex: number, more: Partial<Netdev> = {}): Netdev {
  return {
    name,
    ifindex,
    mac: '02:00:00:00:00:01',
    mtu: 1500,
    isUp: true,
    hasCarrier: true,
    operstate: 'up',
    isPromiscuous: false,
    kind: 'other',
    evidence: 'none',
    ...more,
  };
}

const mapOf = (...devices: Netdev[]): NetdevMap => new Map(devices.map((one) => [one.name, one]));

/** What a consumer that keys by name knows after the changes. */
function applyChanges(before: NetdevMap, changes: readonly NetdevChange[]): NetdevMap {
  const after = new Map(before);
  for (const change of changes) if (change.kind === 'vanished') after.delete(change.before.name);
  for (const change of changes) {
    // The old name may by then be another device's, told by a change of its own.
    if (change.kind === 'renamed' && after.get(change.before.name)?.ifindex === change.before.ifindex) {
      after.delete(change.before.name);
    }
    if (change.kind !== 'vanished') after.set(change.netdev.name, change.netdev);
  }
  return after;
}

describe('diffNetdevs', () => {
  it('is empty for the same devices', () => {
    const devices = mapOf(device('p0', 2, { driverNames: ['a', 'b'], alias: 'x' }));
    const copy = mapOf(device('p0', 2, { driverNames: ['a', 'b'], alias: 'x', vf: undefined }));
    expect(diffNetdevs(devices, copy)).toEqual([]);
  });

  it('names the fields that changed', () => {
    const [change] = diffNetdevs(mapOf(device('p0', 2)), mapOf(device('p0', 2, { mtu: 9000, isPromiscuous: true })));
    expect(change).toMatchObject({ kind: 'changed', fields: ['mtu', 'isPromiscuous'] });
  });

  it('tells a re-created device from a changed one by its ifindex', () => {
    const changes = diffNetdevs(mapOf(device('p0', 2)), mapOf(device('p0', 3)));
    expect(changes).toMatchObject([{ kind: 'recreated', before: { ifindex: 2 }, netdev: { ifindex: 3 } }]);
  });

  it('tells a rename as one change', () => {
    const changes = diffNetdevs(mapOf(device('pf0vf0', 2)), mapOf(device('ovn-k8s-mp0', 2, { alias: 'pf0vf0' })));
    expect(changes).toMatchObject([{ kind: 'renamed', before: { name: 'pf0vf0' }, netdev: { name: 'ovn-k8s-mp0' } }]);
  });

  it('tells both names when a device takes the name of another', () => {
    const changes = diffNetdevs(mapOf(device('a', 2), device('b', 3)), mapOf(device('b', 2)));
    expect(changes).toMatchObject([
      { kind: 'vanished', before: { name: 'a' } },
      { kind: 'recreated', before: { ifindex: 3 }, netdev: { name: 'b', ifindex: 2 } },
    ]);
  });

  it('tells both names when the old name of a renamed device is taken at once', () => {
    const changes = diffNetdevs(mapOf(device('a', 2)), mapOf(device('b', 2), device('a', 3)));
    expect(changes.map((change) => change.kind)).toEqual(['recreated', 'renamed']);
  });

  it('leads from any devices to any others', () => {
    const devices = fc
      .uniqueArray(
        fc.record({
          name: fc.constantFrom('a', 'b', 'c', 'd'),
          ifindex: fc.integer({ min: 1, max: 5 }),
          mtu: fc.constantFrom(1500, 9000),
        }),
        { selector: ({ name }) => name },
      )
      .filter((all) => new Set(all.map(({ ifindex }) => ifindex)).size === all.length)
      .map((all) => mapOf(...all.map(({ name, ifindex, mtu }) => device(name, ifindex, { mtu }))));
    fc.assert(
      fc.property(devices, devices, (before, after) => {
        const changes = diffNetdevs(before, after);
        const told = applyChanges(before, changes);
        expect(Object.fromEntries(told)).toEqual(Object.fromEntries(after));
        expect(diffNetdevs(told, after)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});
