import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemFiles } from '../../src/host/file-source.js';
import { LinkDumpReader } from '../../src/host/link-dump-reader.js';
import type { LinkDumpReaderOptions } from '../../src/host/link-dump-reader.js';
import { sysfsLinkReader, type LinksReading } from '../../src/host/link-reader.js';
import { systemClock } from '../../src/lib/clock.js';
import { FakeTool } from '../fakes/fake-tool.js';
import { SysfsTree } from '../fakes/sysfs-tree.js';

const signal = new AbortController().signal;

let tree: SysfsTree;
let told: string[];

beforeEach(async () => {
  tree = await SysfsTree.create([
    { name: 'p0', ifindex: 2, switchId: 'aa', portName: 'p0', driver: 'mlx5_core' },
    { name: 'pf0vf3', ifindex: 42, carrierChanges: 7 },
  ]);
  told = [];
});

afterEach(() => tree[Symbol.asyncDispose]());

/** A row of the dump for a device as the tree has it by default. */
const row = (name: string, ifindex: number, changed: object = {}): object => ({
  ifindex,
  ifname: name,
  flags: ['UP', 'LOWER_UP'],
  mtu: 1500,
  operstate: 'UP',
  link_type: 'ether',
  address: '02:00:00:00:00:01',
  promiscuity: 0,
  ...changed,
});

const p0 = row('p0', 2, { phys_switch_id: 'aa', phys_port_name: 'p0' });
const vf = row('pf0vf3', 42);

/** `ip` that writes what a file has, which can be changed. */
async function ipOf(
  ...rows: readonly object[]
): Promise<FakeTool & { write(...rows: readonly object[]): Promise<void> }> {
  const file = join(tree.root, 'dump.json');
  const write = (...rows: readonly object[]): Promise<void> => writeFile(file, JSON.stringify(rows));
  await write(...rows);
  return Object.assign(await FakeTool.create(`cat '${file}'`), { write });
}

const readerOf = (options: Partial<LinkDumpReaderOptions>): LinkDumpReader =>
  new LinkDumpReader({ clock: systemClock, root: tree.root, onFallback: (why) => told.push(why), ...options });

/** The other reader, which shares no way of reading with it. */
const witness = (): Promise<LinksReading> => sysfsLinkReader({ root: tree.root, files: systemFiles }).read(signal);

describe('the reader of the dump', () => {
  it('asks ip once for all devices, without their counters, and tells what sysfs tells', async () => {
    await using ip = await ipOf(vf, p0);
    const { netdevs, unreadable, source } = await readerOf({ tool: ip }).read(signal);
    expect(await ip.calls()).toEqual(['-j -d link show']);
    expect([...netdevs]).toEqual([...(await witness()).netdevs]);
    expect(netdevs.get('p0')).toMatchObject({ driverNames: ['mlx5_core'], switchId: 'aa' });
    expect(netdevs.get('pf0vf3')).toMatchObject({ carrierChanges: 7, driverNames: undefined });
    expect(unreadable.size).toBe(0);
    expect(source).toEqual({ kind: 'dump', singleCount: 0 });
    expect(told).toEqual([]);
  });

  it('reads devices singly that the dump missed or did not tell clearly, and leaves out those that are gone', async () => {
    await tree.add({ name: 'gre0', ifindex: 50, address: '192.0.2.1' });
    await tree.add({ name: 'twice', ifindex: 52 });
    await using ip = await ipOf(
      p0,
      row('gre0', 50, { link_type: 'gre', address: '192.0.2.1' }),
      row('gone', 51),
      row('twice', 51),
      row('twice', 52),
    );
    const { netdevs, source } = await readerOf({ tool: ip }).read(signal);
    expect([...netdevs.keys()]).toEqual(['gre0', 'p0', 'pf0vf3', 'twice']);
    expect([...netdevs]).toEqual([...(await witness()).netdevs]);
    expect(source).toEqual({ kind: 'dump', singleCount: 3 });
  });

  it('names a device that neither of the two ways can read', async () => {
    await tree.set('pf0vf3', 'mtu', 'none');
    await using ip = await ipOf(p0);
    const { netdevs, unreadable } = await readerOf({ tool: ip }).read(signal);
    expect([...netdevs.keys()]).toEqual(['p0']);
    expect([...unreadable]).toEqual([['pf0vf3', 'mtu: not a number']]);
  });

  it('believes sysfs of a name that is another device there', async () => {
    await using ip = await ipOf(p0, row('pf0vf3', 41, { mtu: 9000 }));
    const { netdevs } = await readerOf({ tool: ip }).read(signal);
    expect(netdevs.get('pf0vf3')).toMatchObject({ ifindex: 42, mtu: 1500 });
  });

  it('believes sysfs of a device that has lost a file meanwhile', async () => {
    await using ip = await ipOf(p0, vf);
    await tree.set('pf0vf3', 'carrier_changes', '');
    const { netdevs, source } = await readerOf({ tool: ip }).read(signal);
    expect([...netdevs]).toEqual([...(await witness()).netdevs]);
    expect(source).toEqual({ kind: 'dump', singleCount: 1 });
  });

  it('looks for the driver of a device once, and anew for another device under its name', async () => {
    await using ip = await ipOf(p0);
    const reader = readerOf({ tool: ip });
    const driverNames = async (): Promise<unknown> => (await reader.read(signal)).netdevs.get('p0')?.driverNames;
    expect(await driverNames()).toEqual(['mlx5_core']);
    await rm(tree.path('p0', 'device'));
    expect(await driverNames()).toEqual(['mlx5_core']);
    await tree.remove('p0');
    await tree.add({ name: 'p0', ifindex: 9, driver: 'another' });
    await ip.write(row('p0', 9));
    expect(await driverNames()).toEqual(['another']);
  });

  it.each([
    ['cannot be started', undefined, 'the tool ip cannot be started here (ENOENT)'],
    ['is too old', `echo 'Option "-j" is unknown, try "ip -help".' >&2; exit 255`, 'Option "-j" is unknown'],
    ['fails without a word', 'exit 1', 'the tool ip refused: exit code 1'],
    ['fails in the middle', `echo '[{"ifindex":1'; echo 'Dump terminated' >&2; exit 1`, 'Dump terminated'],
    ['writes garbage', 'head -c 4096 /dev/urandom', 'what ip wrote is no list in JSON'],
    ['breaks off', `echo '[{"ifindex":1,"ifname":"lo'`, 'what ip wrote is no list in JSON'],
    ['writes nothing', 'exit 0', 'ip wrote nothing of any device that can be used'],
    ['writes without end', 'cat /dev/zero', 'the tool ip broke off'],
    ['is killed', 'kill -9 $$', 'the tool ip broke off'],
  ])('reads everything from sysfs where ip %s, and says why', async (_what, script, why) => {
    await using ip = script === undefined ? undefined : await FakeTool.create(script);
    const tool = ip ?? { file: '/nonexistent/ip', args: [] };
    const { netdevs, source } = await readerOf({ tool }).read(signal);
    expect([...netdevs]).toEqual([...(await witness()).netdevs]);
    expect(source).toMatchObject({ kind: 'sysfs', why: expect.stringContaining(why) as unknown });
    expect(told).toHaveLength(1);
  });

  it('waits no longer than it may for an ip that hangs', async () => {
    await using ip = await FakeTool.create('exec sleep 600');
    const { netdevs, source } = await readerOf({ tool: ip, timeoutMs: 50 }).read(signal);
    expect(netdevs.size).toBe(2);
    expect(source).toEqual({ kind: 'sysfs', why: 'the tool ip did not answer in time' });
  });

  it('tries a failed dump again after a minute, and tells once of each time that it fails', async () => {
    let nowMs = 0;
    await using ip = await ipOf();
    const reader = readerOf({ tool: ip, clock: { ...systemClock, nowMs: () => nowMs } });
    const kind = async (): Promise<string> => (await reader.read(signal)).source.kind;
    expect([await kind(), await kind()]).toEqual(['sysfs', 'sysfs']);
    expect(await ip.calls()).toHaveLength(1);
    nowMs = 60_000;
    expect(await kind()).toBe('sysfs');
    expect(await ip.calls()).toHaveLength(2);
    expect(told).toHaveLength(1);
    nowMs = 120_000;
    await ip.write(p0, vf);
    expect([await kind(), await kind()]).toEqual(['dump', 'dump']);
    await ip.write();
    expect(await kind()).toBe('sysfs');
    expect(told).toHaveLength(2);
  });

  it('rejects when the devices cannot be listed, whatever ip says', async () => {
    await using ip = await ipOf(p0);
    await expect(readerOf({ tool: ip, root: join(tree.root, 'none') }).read(signal)).rejects.toThrow('ENOENT');
  });

  it('rejects with the reason of the signal, and takes that for no failure of ip', async () => {
    await using ip = await ipOf(p0, vf);
    const reason = new Error('closed');
    const reader = readerOf({ tool: ip });
    await expect(reader.read(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect((await reader.read(signal)).source.kind).toBe('dump');
  });
});
