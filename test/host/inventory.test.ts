import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DevlinkAnswer, DevlinkReader } from '../../src/host/devlink-reader.js';
import { parseDevlinkPorts } from '../../src/host/devlink.js';
import type { DevlinkPorts } from '../../src/host/devlink.js';
import { systemFiles } from '../../src/host/file-source.js';
import type { FileSource } from '../../src/host/file-source.js';
import { createSwitchdevFinder } from '../../src/host/finder-switchdev.js';
import { Inventory, inventoryTiming } from '../../src/host/inventory.js';
import type { InventoryOptions } from '../../src/host/inventory.js';
import type { LinkListener, LinkMonitor, WatchState } from '../../src/host/link-monitor.js';
import { sysfsLinkReader, type LinkReader } from '../../src/host/link-reader.js';
import { systemClock, type Clock } from '../../src/lib/clock.js';
import type { NetdevChange } from '../../src/model/netdev.js';
import { readDescription, SysfsTree } from '../fakes/sysfs-tree.js';

const patience = { timeout: 10_000, interval: 2 };

/** A monitor that speaks when the test says so. */
class FakeMonitor implements LinkMonitor {
  listener: LinkListener | undefined;
  isClosed = false;

  start(listener: LinkListener): void {
    this.listener = listener;
    listener.watchChanged({ mode: 'events' });
  }

  say(state: WatchState): void {
    this.listener?.watchChanged(state);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

/** A devlink that answers what the test has put there, and counts. */
class FakeDevlink implements DevlinkReader {
  answer: DevlinkAnswer<DevlinkPorts> = { kind: 'answered', value: { ports: [], rejected: new Map() } };
  portsCount = 0;

  ports(): Promise<DevlinkAnswer<DevlinkPorts>> {
    this.portsCount += 1;
    return Promise.resolve(this.answer);
  }

  eswitches(): ReturnType<DevlinkReader['eswitches']> {
    return Promise.resolve({ kind: 'answered', value: [] });
  }

  info(): ReturnType<DevlinkReader['info']> {
    return Promise.resolve({ kind: 'answered', value: [] });
  }
}

let tree: SysfsTree;
let monitor: FakeMonitor;
let inventory: Inventory;
let told: NetdevChange[];

const quick = { ...inventoryTiming, coalesceMs: 1, devlinkSettleMs: 600_000, retry: { baseMs: 1, capMs: 5 } };

const linksOf = (files: FileSource): LinkReader => sysfsLinkReader({ root: tree.root, files });

function create(more: Partial<InventoryOptions> = {}): void {
  inventory = new Inventory({
    links: linksOf(systemFiles),
    clock: systemClock,
    random: () => 0.5,
    finder: createSwitchdevFinder({ acceptsLegacyNames: false }),
    monitor,
    timing: quick,
    ...more,
  });
  inventory.onChange((changes) => told.push(...changes));
}

beforeEach(async () => {
  tree = await SysfsTree.create([{ name: 'p0', ifindex: 2, switchId: 'aa', portName: 'p0' }]);
  monitor = new FakeMonitor();
  told = [];
  create();
});

afterEach(async () => {
  await inventory.close();
  await tree[Symbol.asyncDispose]();
});

describe('Inventory', () => {
  it('knows nothing before its first look and everything after it', async () => {
    expect(inventory.status().isSynced).toBe(false);
    expect(inventory.snapshot().size).toBe(0);
    await inventory.start();
    expect(inventory.status()).toMatchObject({ isSynced: true, watch: { mode: 'events' } });
    expect(inventory.snapshot().get('p0')).toMatchObject({ kind: 'uplink', port: 0 });
    expect(told).toMatchObject([{ kind: 'appeared', netdev: { name: 'p0' } }]);
    await inventory.start();
  });

  it('finds what a fixture describes, devlink included', async () => {
    const { devices, devlinkPorts } = await readDescription('bluefield3');
    await tree.remove('p0');
    for (const device of devices) await tree.add(device);
    const devlink = new FakeDevlink();
    devlink.answer = { kind: 'answered', value: parseDevlinkPorts(JSON.stringify(devlinkPorts)) };
    create({ devlink });
    await inventory.start();
    expect(inventory.find({ kind: 'hostVf', pf: 0, vf: 10 })).toMatchObject({
      netdev: { name: 'pf0vf10', evidence: 'devlink', functionMac: '02:aa:00:00:00:0a' },
    });
    expect(inventory.status().devlink).toMatchObject({ kind: 'answered', portCount: 12 });
  });

  it('tells what appeared, changed, was re-created, renamed and vanished', async () => {
    await inventory.start();
    const before = inventory.snapshot().get('p0');
    told = [];
    const look = async (count: number): Promise<void> => {
      monitor.listener?.look();
      await vi.waitFor(() => expect(told).toHaveLength(count), patience);
    };
    await tree.add({ name: 'pf0vf0', ifindex: 20 });
    await look(1);
    await tree.set('pf0vf0', 'mtu', '9000');
    await look(2);
    await tree.remove('pf0vf0');
    await tree.add({ name: 'pf0vf0', ifindex: 21 });
    await look(3);
    await tree.rename('pf0vf0', 'ovn-k8s-mp0');
    await look(4);
    await tree.remove('ovn-k8s-mp0');
    await look(5);
    expect(told).toMatchObject([
      { kind: 'appeared', netdev: { name: 'pf0vf0' } },
      { kind: 'changed', fields: ['mtu'] },
      { kind: 'recreated', before: { ifindex: 20 }, netdev: { ifindex: 21 } },
      { kind: 'renamed', before: { name: 'pf0vf0' }, netdev: { name: 'ovn-k8s-mp0' } },
      { kind: 'vanished', before: { name: 'ovn-k8s-mp0' } },
    ]);
    expect(inventory.snapshot().get('p0')).toBe(before);
  });

  it('says nothing and keeps its map when nothing differs', async () => {
    await inventory.start();
    const snapshot = inventory.snapshot();
    told = [];
    await inventory.refresh();
    await inventory.refresh();
    expect(told).toEqual([]);
    expect(inventory.snapshot()).toBe(snapshot);
  });

  it('makes few looks of many events', async () => {
    await inventory.start();
    const { lookCount } = inventory.status();
    for (let event = 0; event < 1000; event += 1) monitor.listener?.look();
    await tree.set('p0', 'mtu', '9000');
    monitor.listener?.look();
    await vi.waitFor(() => expect(inventory.snapshot().get('p0')?.mtu).toBe(9000), patience);
    expect(inventory.status().lookCount - lookCount).toBeLessThanOrEqual(2);
  });

  it('keeps what it knows when the devices cannot be listed, and heals', async () => {
    let isBroken = false;
    const files: FileSource = {
      ...systemFiles,
      list: (path) => (isBroken ? Promise.reject(new Error('EIO')) : systemFiles.list(path)),
    };
    create({ links: linksOf(files) });
    await inventory.start();
    told = [];
    isBroken = true;
    monitor.listener?.look();
    await vi.waitFor(() => expect(inventory.status().failureCount).toBeGreaterThan(1), patience);
    expect(inventory.status().lastError?.message).toBe('EIO');
    expect(inventory.snapshot().size).toBe(1);
    isBroken = false;
    await vi.waitFor(() => expect(inventory.status().lastError).toBeUndefined(), patience);
    expect(told).toEqual([]);
  });

  it('keeps a device that cannot be read this time, and says which', async () => {
    let isBroken = false;
    const files: FileSource = {
      ...systemFiles,
      read: (path, bytesMax) =>
        isBroken && path.endsWith('p0/mtu')
          ? Promise.reject(Object.assign(new Error('EMFILE'), { code: 'EMFILE' }))
          : systemFiles.read(path, bytesMax),
    };
    create({ links: linksOf(files) });
    await inventory.start();
    told = [];
    isBroken = true;
    await inventory.refresh();
    expect([...inventory.status().unreadable]).toEqual([['p0', 'mtu: EMFILE']]);
    expect(inventory.snapshot().has('p0')).toBe(true);
    expect(told).toEqual([]);
  });

  it('polls while there are no events, and says so', async () => {
    create({ timing: { ...quick, pollMs: 5 } });
    await inventory.start();
    monitor.say({ mode: 'polling', reason: 'no ip' });
    expect(inventory.watch).toEqual({ mode: 'polling', reason: 'no ip' });
    await tree.set('p0', 'mtu', '9000');
    await vi.waitFor(() => expect(inventory.snapshot().get('p0')?.mtu).toBe(9000), patience);
  });

  it('reads everything now and then although no event came', async () => {
    create({ timing: { ...quick, fullMs: 5, fullMsMax: 5 } });
    await inventory.start();
    await tree.set('p0', 'mtu', '9000');
    await vi.waitFor(() => expect(inventory.snapshot().get('p0')?.mtu).toBe(9000), patience);
  });

  it('rests the longer between looks at everything the longer they take, and five minutes at most', async () => {
    let nowMs = 0;
    let lookMs = 10;
    const waits: number[] = [];
    const clock: Clock = {
      ...systemClock,
      nowMs: () => nowMs,
      after: (delayMs, then, isBackground) => {
        waits.push(delayMs);
        return systemClock.after(delayMs, then, isBackground);
      },
    };
    const files = linksOf(systemFiles);
    const links: LinkReader = {
      read: async (signal) => {
        nowMs += lookMs;
        return files.read(signal);
      },
    };
    create({ clock, links });
    await inventory.start();
    expect(waits.at(-1)).toBe(60_000);
    lookMs = 90;
    await inventory.refresh();
    expect(waits.at(-1)).toBe(90_000);
    lookMs = 5_000;
    await inventory.refresh();
    expect(waits.at(-1)).toBe(300_000);
    // A look for an event does not put it off.
    const { lookCount } = inventory.status();
    nowMs += 100_000;
    monitor.listener?.look();
    await vi.waitFor(() => expect(inventory.status().lookCount).toBe(lookCount + 1), patience);
    expect(waits.at(-1)).toBe(195_000);
  });

  it('says what its devices were read from', async () => {
    expect(inventory.status().source).toBeUndefined();
    await inventory.start();
    expect(inventory.status().source).toEqual({ kind: 'sysfs' });
  });

  it('asks devlink for new devices and on request, not for each event', async () => {
    const devlink = new FakeDevlink();
    create({ devlink });
    await inventory.start();
    expect(devlink.portsCount).toBe(1);
    const { lookCount } = inventory.status();
    await tree.set('p0', 'mtu', '9000');
    monitor.listener?.look();
    await vi.waitFor(() => expect(inventory.status().lookCount).toBe(lookCount + 1), patience);
    expect(devlink.portsCount).toBe(1);
    await inventory.refresh();
    expect(devlink.portsCount).toBe(2);
  });

  it('asks devlink once more when a device is new, since the driver ties it to its port a little later', async () => {
    const devlink = new FakeDevlink();
    create({ devlink, timing: { ...quick, devlinkSettleMs: 1 } });
    await inventory.start();
    await vi.waitFor(() => expect(devlink.portsCount).toBe(2), patience);
  });

  it('stands by what devlink said of the same device while devlink does not answer', async () => {
    await tree.add({ name: 'pf0vf3', ifindex: 30, switchId: 'aa', portName: 'pf0vf3' });
    const row = { netdev: 'pf0vf3', flavour: 'pcivf', pfnum: 0, vfnum: 3, controller: 1, external: true };
    const devlink = new FakeDevlink();
    devlink.answer = { kind: 'answered', value: parseDevlinkPorts(JSON.stringify({ port: { h: row } })) };
    create({ devlink });
    await inventory.start();
    told = [];
    devlink.answer = { kind: 'unavailable', code: 'TIMED_OUT', reason: 'slow' };
    await inventory.refresh();
    expect(inventory.status().devlink).toMatchObject({ kind: 'unavailable', code: 'TIMED_OUT' });
    expect(inventory.find({ kind: 'hostVf', pf: 0, vf: 3 }).kind).toBe('found');
    expect(told).toEqual([]);
    // Another device under the same name is not the one of which devlink spoke.
    await tree.remove('pf0vf3');
    await tree.add({ name: 'pf0vf3', ifindex: 31, switchId: 'aa', portName: 'pf0vf3' });
    await inventory.refresh();
    expect(inventory.find({ kind: 'hostVf', pf: 0, vf: 3 })).toMatchObject({ code: 'LEGACY_NAME_REFUSED' });
  });

  it('resolves a refresh only with a look that began after it', async () => {
    await inventory.start();
    monitor.listener?.look();
    const early = inventory.refresh();
    await tree.set('p0', 'mtu', '1400');
    const late = inventory.refresh();
    await Promise.all([early, late]);
    expect(inventory.snapshot().get('p0')?.mtu).toBe(1400);
  });

  it('tells nothing to a listener that has left', async () => {
    const heard: NetdevChange[] = [];
    const leave = inventory.onChange((changes) => heard.push(...changes));
    leave();
    await inventory.start();
    expect(told).toHaveLength(1);
    expect(heard).toEqual([]);
  });

  it('ends the monitor and refuses to be asked again when closed', async () => {
    await inventory.start();
    const waiting = inventory.refresh();
    const refused = expect(waiting).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await inventory.close();
    await inventory.close();
    await refused;
    expect(monitor.isClosed).toBe(true);
    await expect(inventory.refresh()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });

  it('gives up its start when it is closed before a look succeeded', async () => {
    create({ links: sysfsLinkReader({ root: '/nonexistent', files: systemFiles }) });
    const started = expect(inventory.start()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await vi.waitFor(() => expect(inventory.status().failureCount).toBeGreaterThan(0), patience);
    await inventory.close();
    await started;
  });
});
