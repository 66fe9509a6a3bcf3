import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countCpuList, MachineReader, prettyName } from '../../src/host/machine-facts.js';

/** A BlueField-3 as its files say. */
const blueField: Readonly<Record<string, string>> = {
  'proc/sys/kernel/hostname': 'dpu-17\n',
  'proc/sys/kernel/osrelease': '5.15.0-1060-bluefield\n',
  'proc/sys/kernel/arch': 'aarch64\n',
  'proc/sys/kernel/random/boot_id': '6e1f0c7a-9d7b-4c0e-a2a5-1f5e0a9d1b11\n',
  'proc/stat': 'cpu  1 2 3\nintr 5 0 0\nctxt 9\nbtime 1700000000\nprocesses 4\n',
  'proc/meminfo': 'MemTotal:       32698268 kB\nMemFree:        1 kB\n',
  'etc/os-release': 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.4 LTS"\n',
  'sys/class/dmi/id/product_name': 'BlueField-3 SmartNIC Main Card\n',
  'sys/class/dmi/id/product_serial': 'MT2334XZ0AB1\n',
  'sys/devices/system/cpu/online': '0-15\n',
  'sys/kernel/mm/hugepages/hugepages-524288kB/nr_hugepages': '4\n',
  'sys/kernel/mm/hugepages/hugepages-524288kB/free_hugepages': '3\n',
  'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '512\n',
  'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages': '0\n',
  'sys/class/net/p0/speed': '200000\n',
  'sys/class/net/p1/speed': '-1\n',
  'sys/class/net/p2/speed': '4294967295\n',
};

describe('the facts of the machine', () => {
  let root = '';
  const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
  };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'machine-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('are those of its files, with huge pages of all sizes', async () => {
    await write(blueField);
    expect(await new MachineReader({ root }).read()).toEqual({
      hostname: 'dpu-17',
      product: 'BlueField-3 SmartNIC Main Card',
      serial: 'MT2334XZ0AB1',
      kernel: '5.15.0-1060-bluefield',
      os: 'Ubuntu 22.04.4 LTS',
      architecture: 'aarch64',
      bootId: '6e1f0c7a-9d7b-4c0e-a2a5-1f5e0a9d1b11',
      bootedWallMs: 1_700_000_000_000,
      cores: 16,
      memoryBytes: 32_698_268 * 1024,
      hugePages: [
        { sizeBytes: 2 * 2 ** 20, total: 512, free: 0 },
        { sizeBytes: 512 * 2 ** 20, total: 4, free: 3 },
      ],
    });
  });

  it('come from the device tree where there is no DMI', async () => {
    const tree = 'sys/firmware/devicetree/base';
    await write({ [`${tree}/model`]: 'https://www.mellanox.com/BlueField\0', [`${tree}/serial-number`]: 'MT1\0' });
    expect(await new MachineReader({ root }).read()).toMatchObject({
      product: 'https://www.mellanox.com/BlueField',
      serial: 'MT1',
    });
  });

  it('are undefined where nothing says them, and never an error', async () => {
    await write({ 'sys/class/dmi/id/product_serial': 'Not Specified\n', 'sys/kernel/mm/hugepages/other/x': '1' });
    const facts = await new MachineReader({ root }).read();
    expect(facts).toMatchObject({ product: undefined, serial: undefined, os: undefined, bootId: undefined });
    expect(facts).toMatchObject({ bootedWallMs: undefined, hugePages: [] });
    expect(facts.cores).toBeGreaterThan(0);
    expect(facts.memoryBytes).toBeGreaterThan(0);
    expect(facts.kernel).not.toBe('');
  });

  it('are escaped and bounded, for firmware and files can say anything', async () => {
    await write({
      'sys/class/dmi/id/product_name': `\u001b[31m${'x'.repeat(2_000)}\n`,
      'proc/sys/kernel/hostname': 'y'.repeat(5_000),
    });
    const facts = await new MachineReader({ root }).read();
    expect(facts.product).toMatch(/^\\u001b\[31mx+…$/);
    expect(facts.product?.length).toBeLessThan(300);
    expect(facts.hostname.length).toBeLessThan(300);
  });

  it('that cannot change are read once, the others each time', async () => {
    await write(blueField);
    const reader = new MachineReader({ root });
    await reader.read();
    await write({ 'proc/sys/kernel/random/boot_id': 'other\n', 'sys/devices/system/cpu/online': '0-3,8\n' });
    expect(await reader.read()).toMatchObject({
      bootId: blueField['proc/sys/kernel/random/boot_id']?.trim(),
      cores: 5,
    });
  });

  it('have the speed of a link, unless the driver does not know it', async () => {
    await write(blueField);
    const reader = new MachineReader({ root });
    expect(await Promise.all(['p0', 'p1', 'p2', 'p3'].map((name) => reader.linkSpeedBps(name)))).toEqual([
      200_000_000_000,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('of this machine are what the kernel says', async () => {
    const facts = await new MachineReader().read();
    expect(facts.bootId).toBe((await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim());
    expect(facts.kernel).toBe((await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim());
    expect(facts.bootedWallMs).toBeGreaterThan(0);
  });
});

describe('a list of CPUs', () => {
  it.each([
    ['0\n', 1],
    ['0-7', 8],
    ['0-1,4,6-7', 5],
    ['', undefined],
    ['a-b', undefined],
    ['5-3', undefined],
    ['0-99999', undefined],
    [undefined, undefined],
  ])('%j has %s', (text, count) => {
    expect(countCpuList(text)).toBe(count);
  });
});

describe('PRETTY_NAME', () => {
  it.each([
    ['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', 'Debian GNU/Linux 12 (bookworm)'],
    ["ID=x\nPRETTY_NAME='One Two'", 'One Two'],
    ['PRETTY_NAME=Plain', 'Plain'],
    ['PRETTY_NAME="a \\"b\\" \\$c"', 'a "b" $c'],
    ['PRETTY_NAME=""', undefined],
    ['NAME=x', undefined],
    [undefined, undefined],
  ])('of %j is %s', (text, name) => {
    expect(prettyName(text)).toBe(name);
  });
});
