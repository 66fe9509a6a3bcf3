/**
 * The inventory against the real kernel: veth devices in a network namespace of its own. devlink and switchdev need a
 * driver that this machine does not have; the simulated finder stands in.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDevlinkReader } from '../../../src/host/devlink-reader.js';
import { createSimulatedFinder } from '../../../src/host/finder-simulated.js';
import { Inventory, inventoryTiming } from '../../../src/host/inventory.js';
import { LinkDumpReader } from '../../../src/host/link-dump-reader.js';
import { IpLinkMonitor } from '../../../src/host/link-monitor.js';
import { applyLinkChanges } from '../../../src/host/link-batch.js';
import { systemClock } from '../../../src/lib/clock.js';
import type { LinkChange, NetdevChange } from '../../../src/model/netdev.js';
import { PrivateNetns } from './private-netns.js';

const patience = { timeout: 20_000, interval: 10 };

// Far beyond the patience: what these tests see, they see by events.
const eventsOnly = { ...inventoryTiming, fullMs: 600_000, pollMs: 600_000 };

let netns: PrivateNetns;
let inventory: Inventory;
let told: NetdevChange[];

beforeEach(async () => {
  netns = await PrivateNetns.create();
  netns.ip('link', 'add', 'rep0-3', 'type', 'veth', 'peer', 'name', 'eth0-3');
  told = [];
  inventory = new Inventory({
    links: new LinkDumpReader({ clock: systemClock, root: netns.root, tool: netns.tool }),
    clock: systemClock,
    random: Math.random,
    finder: createSimulatedFinder(),
    monitor: new IpLinkMonitor({ clock: systemClock, random: Math.random, tool: netns.tool }),
    devlink: createDevlinkReader({ clock: systemClock }),
    timing: eventsOnly,
  });
  inventory.onChange((changes) => told.push(...changes));
  await inventory.start();
  // The extra look a second after the monitor's start has passed: from here on it listens.
  await vi.waitFor(() => expect(inventory.status().lookCount).toBeGreaterThanOrEqual(2), patience);
  told = [];
});

afterEach(async () => {
  await inventory.close();
  await netns[Symbol.asyncDispose]();
});

const change = (...changes: readonly LinkChange[]) =>
  applyLinkChanges(changes, { clock: systemClock, tool: netns.tool });

const ofName = (name: string): readonly NetdevChange[] =>
  told.filter((entry) => (entry.kind === 'vanished' ? entry.before.name : entry.netdev.name) === name);

describe('Inventory on a real kernel', () => {
  it('reads a veth device as a simulated representor', () => {
    expect(inventory.watch).toEqual({ mode: 'events' });
    expect([...inventory.snapshot().keys()]).toEqual(['eth0-3', 'lo', 'rep0-3']);
    expect(inventory.find({ kind: 'hostVf', pf: 0, vf: 3 })).toMatchObject({
      kind: 'found',
      netdev: { name: 'rep0-3', mtu: 1500, isUp: false, hasCarrier: false, operstate: 'down', switchId: undefined },
    });
    expect(inventory.status().unreadable.size).toBe(0);
  });

  it('sees a device appear and vanish', async () => {
    netns.ip('link', 'add', 'rep0-4', 'type', 'veth', 'peer', 'name', 'eth0-4');
    await vi.waitFor(() => expect(ofName('rep0-4')).toMatchObject([{ kind: 'appeared' }]), patience);
    netns.ip('link', 'del', 'rep0-4');
    await vi.waitFor(() => expect(ofName('rep0-4')).toMatchObject([{}, { kind: 'vanished' }]), patience);
    expect(inventory.find({ kind: 'hostVf', pf: 0, vf: 4 })).toMatchObject({ code: 'DEVICE_ABSENT' });
  });

  it('sees a device that was deleted and made again under its name as re-created', async () => {
    const before = inventory.snapshot().get('rep0-3');
    netns.batch(['link del rep0-3', 'link add rep0-3 type veth peer name eth0-3']);
    await vi.waitFor(() => expect(inventory.snapshot().get('rep0-3')?.ifindex).not.toBe(before?.ifindex), patience);
    const after = inventory.snapshot().get('rep0-3');
    expect(after?.ifindex).toBeGreaterThan(before?.ifindex ?? Infinity);
    expect(ofName('rep0-3').some((change) => change.kind === 'recreated' || change.kind === 'appeared')).toBe(true);
  });

  it('sees a rename, and finds the device by the alias that keeps its old name', async () => {
    netns.batch(['link set dev rep0-3 name ovn-k8s-mp0', 'link set dev ovn-k8s-mp0 alias rep0-3']);
    await vi.waitFor(() => expect(inventory.snapshot().get('ovn-k8s-mp0')?.alias).toBe('rep0-3'), patience);
    expect(ofName('ovn-k8s-mp0')[0]).toMatchObject({ kind: 'renamed', before: { name: 'rep0-3' } });
    expect(inventory.snapshot().has('rep0-3')).toBe(false);
    expect(inventory.find({ kind: 'hostVf', pf: 0, vf: 3 })).toMatchObject({ netdev: { name: 'ovn-k8s-mp0' } });
  });

  it('sees a carrier come and go, and promiscuity', async () => {
    await change({ name: 'rep0-3', isUp: true }, { name: 'eth0-3', isUp: true });
    const device = (): unknown => inventory.snapshot().get('rep0-3');
    await vi.waitFor(() => expect(device()).toMatchObject({ isUp: true, hasCarrier: true, operstate: 'up' }), patience);
    netns.ip('link', 'set', 'dev', 'rep0-3', 'promisc', 'on');
    await vi.waitFor(() => expect(device()).toMatchObject({ isPromiscuous: true }), patience);
    await change({ name: 'eth0-3', isUp: false });
    await vi.waitFor(() => expect(device()).toMatchObject({ isUp: true, hasCarrier: false }), patience);
    await change({ name: 'rep0-3', isUp: false });
    await vi.waitFor(() => expect(device()).toMatchObject({ isUp: false, hasCarrier: false }), patience);
  });

  it('sees a burst of new devices whole', async () => {
    const commands = Array.from({ length: 100 }, (_, i) => `link add rep1-${i} type veth peer name eth1-${i}`);
    const { lookCount } = inventory.status();
    netns.batch(commands);
    await vi.waitFor(() => expect(inventory.snapshot().size).toBe(203), patience);
    expect(told).toHaveLength(200);
    expect(inventory.status().lookCount - lookCount).toBeLessThan(100);
    expect(inventory.find({ kind: 'hostVf', pf: 1, vf: 99 }).kind).toBe('found');
  });

  it('says why devlink has no say, or what it said', () => {
    expect(['answered', 'unavailable']).toContain(inventory.status().devlink.kind);
  });

  it('sees a new MTU', async () => {
    await change({ name: 'rep0-3', mtu: 9000 });
    await vi.waitFor(() => expect(inventory.snapshot().get('rep0-3')?.mtu).toBe(9000), patience);
    expect(ofName('rep0-3')).toMatchObject([{ kind: 'changed', fields: ['mtu'] }]);
  });
});
