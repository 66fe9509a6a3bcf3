import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemFiles } from '../../src/host/file-source.js';
import type { FileSource } from '../../src/host/file-source.js';
import { observeNetdev, observeNetdevs } from '../../src/host/sysfs.js';
import { readDescription, SysfsTree } from '../fakes/sysfs-tree.js';

let tree: SysfsTree;

beforeEach(async () => {
  tree = await SysfsTree.create();
});

afterEach(async () => {
  await tree[Symbol.asyncDispose]();
});

/** The real files, but `fail` may throw a system error for a path. */
function failing(fail: (path: string) => string | undefined): FileSource {
  return {
    ...systemFiles,
    read: async (path, bytesMax) => {
      const code = fail(path);
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      return systemFiles.read(path, bytesMax);
    },
  };
}

const failingAt = (ending: string, code: string): FileSource =>
  failing((path) => (path.endsWith(ending) ? code : undefined));

describe('observeNetdev', () => {
  it('reads every attribute', async () => {
    await tree.add({
      name: 'pf0vf3',
      ifindex: 42,
      address: '0C:42:A1:00:00:01',
      mtu: 9000,
      flags: '0x1103',
      carrierChanges: 7,
      alias: 'rep of pod x',
      switchId: 'A44D3F',
      portName: 'c1pf0vf3',
      driver: 'mlx5_core.sf',
      parentDriver: 'mlx5_core',
    });
    expect(await observeNetdev({ root: tree.root, files: systemFiles }, 'pf0vf3')).toEqual({
      kind: 'read',
      netdev: {
        name: 'pf0vf3',
        ifindex: 42,
        mac: '0c:42:a1:00:00:01',
        mtu: 9000,
        isUp: true,
        hasCarrier: true,
        operstate: 'up',
        isPromiscuous: true,
        carrierChanges: 7,
        alias: 'rep of pod x',
        switchId: 'a44d3f',
        portName: 'c1pf0vf3',
        driverNames: ['mlx5_core.sf', 'mlx5_core'],
      },
    });
  });

  it('does not name the driver of the PCI bridge above a PCI device', async () => {
    await tree.add({ name: 'p0', ifindex: 2, driver: 'mlx5_core' });
    const reading = await observeNetdev({ root: tree.root, files: systemFiles }, 'p0');
    expect(reading).toMatchObject({ netdev: { driverNames: ['mlx5_core'] } });
  });

  it('sees no carrier and no promiscuity on a device that is down', async () => {
    await tree.add({ name: 'p0', ifindex: 2, flags: '0x1002', carrier: '1', operstate: 'down' });
    const reading = await observeNetdev({ root: tree.root, files: systemFiles }, 'p0');
    expect(reading).toMatchObject({ netdev: { isUp: false, hasCarrier: false, isPromiscuous: false } });
  });

  it.each(['ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOENT'])('takes %s on phys_switch_id for none', async (code) => {
    await tree.add({ name: 'p0', ifindex: 2, switchId: 'aa' });
    const reading = await observeNetdev({ root: tree.root, files: failingAt('phys_switch_id', code) }, 'p0');
    expect(reading.kind).toBe('read');
    expect(reading).not.toHaveProperty('netdev.switchId', 'aa');
  });

  it('does not take a lack of file descriptors for a device that left its switch', async () => {
    await tree.add({ name: 'p0', ifindex: 2, switchId: 'aa' });
    const reading = await observeNetdev({ root: tree.root, files: failingAt('phys_switch_id', 'EMFILE') }, 'p0');
    expect(reading).toEqual({ kind: 'unreadable', reason: 'phys_switch_id: EMFILE' });
  });

  it.each(['ENOENT', 'ENODEV', 'EINVAL'])('takes %s on the flags for a device that is vanishing', async (code) => {
    await tree.add({ name: 'p0', ifindex: 2 });
    expect(await observeNetdev({ root: tree.root, files: failingAt('/flags', code) }, 'p0')).toEqual({
      kind: 'vanished',
    });
  });

  it('reads again when the name passes to another device in mid-read', async () => {
    await tree.add({ name: 'p0', ifindex: 2, mtu: 1500 });
    let isSwapped = false;
    const files: FileSource = {
      ...systemFiles,
      read: async (path, bytesMax) => {
        if (path.endsWith('/mtu') && !isSwapped) {
          isSwapped = true;
          await tree.remove('p0');
          await tree.add({ name: 'p0', ifindex: 9, mtu: 9000, address: '02:00:00:00:00:09' });
        }
        return systemFiles.read(path, bytesMax);
      },
    };
    const reading = await observeNetdev({ root: tree.root, files }, 'p0');
    expect(reading).toMatchObject({ netdev: { ifindex: 9, mtu: 9000, mac: '02:00:00:00:00:09' } });
  });

  it('refuses an attribute without end', async () => {
    await tree.add({ name: 'p0', ifindex: 2 });
    await tree.set('p0', 'ifalias', 'x'.repeat(100_000));
    const reading = await observeNetdev({ root: tree.root, files: systemFiles }, 'p0');
    expect(reading).toEqual({ kind: 'unreadable', reason: 'ifalias: LIMIT_EXCEEDED' });
  });

  it('refuses a number that is none', async () => {
    await tree.add({ name: 'p0', ifindex: 2 });
    await tree.set('p0', 'mtu', '1500; reboot');
    expect(await observeNetdev({ root: tree.root, files: systemFiles }, 'p0')).toEqual({
      kind: 'unreadable',
      reason: 'mtu: not a number',
    });
  });
});

describe('observeNetdevs', () => {
  it('reads all devices of a fixture in the order of names', async () => {
    const { devices } = await readDescription('bluefield3');
    for (const device of devices) await tree.add(device);
    const { netdevs, unreadable } = await observeNetdevs({ root: `${tree.root}/`, files: systemFiles });
    expect([...netdevs.keys()]).toEqual(devices.map((device) => device.name).sort());
    expect(unreadable.size).toBe(0);
  });

  it('passes over what is no device and what has no proper name', async () => {
    await tree.add({ name: 'p0', ifindex: 2 });
    await writeFile(tree.path('bonding_masters'), 'bond0\n');
    await mkdir(tree.path('evil\u001b[31m'));
    const { netdevs, unreadable } = await observeNetdevs({ root: tree.root, files: systemFiles });
    expect([...netdevs.keys()]).toEqual(['p0']);
    expect(unreadable.size).toBe(0);
  });

  it('names the device that cannot be read and reads the others', async () => {
    await tree.add({ name: 'p0', ifindex: 2 });
    await tree.add({ name: 'p1', ifindex: 3 });
    const reading = await observeNetdevs({ root: tree.root, files: failingAt('p0/mtu', 'EIO') });
    expect([...reading.netdevs.keys()]).toEqual(['p1']);
    expect([...reading.unreadable]).toEqual([['p0', 'mtu: EIO']]);
  });

  it('rejects when there is no list of devices', async () => {
    await expect(observeNetdevs({ root: `${tree.root}/none`, files: systemFiles })).rejects.toThrow('ENOENT');
  });

  it('stops when the signal is aborted', async () => {
    await tree.add({ name: 'p0', ifindex: 2 });
    const reason = new Error('enough');
    await expect(observeNetdevs({ root: tree.root, files: systemFiles }, AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
  });
});
