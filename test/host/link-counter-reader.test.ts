import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LinkCounterReader } from '../../src/host/link-counter-reader.js';
import { systemClock } from '../../src/lib/clock.js';
import { FakeTool } from '../fakes/fake-tool.js';
import { filesOf } from '../fakes/file-texts.js';

const signal = new AbortController().signal;
const path = (name: string): string => join(import.meta.dirname, '../fixtures/host-offload', name);
const noEthtool = { file: '/nonexistent/ethtool', args: [] };
const unknownObject = `echo 'Object "stats" is unknown, try "ip help".' >&2; exit 255`;
const statsCall = '-j stats show group link group offload subgroup cpu_hit';

const row = (name: string, ifindex: number): string =>
  `{"ifindex":${ifindex},"ifname":"${name}","stats64":{"rx":{"packets":1,"bytes":1},"tx":{"packets":1,"bytes":1}}}`;
const oldIp = (names: readonly string[]): string =>
  `case "$*" in *stats*) ${unknownObject} ;; esac; echo '[${names.map((name, at) => row(name, at + 1)).join(',')}]'`;
const repNames = [...Array(40).keys()].map((n) => `rep${String(n).padStart(2, '0')}`);
const mlx5 = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    names.map((name) => [`/sys/class/net/${name}/device/driver`, '-> ../../bus/pci/drivers/mlx5_core']),
  );

describe('the counters of devices', () => {
  it('are asked for once', async () => {
    await using ip = await FakeTool.create(`cat '${path('ip-stats-representors.json')}'`);
    const reader = new LinkCounterReader({ clock: systemClock, ipTools: [ip], ethtool: noEthtool, files: filesOf({}) });
    expect(await reader.read(new Set(['pf0hpf', 'p0']), signal)).toMatchObject({ kind: 'known' });
    expect(await ip.calls()).toEqual([statsCall]);
    expect(await reader.read(new Set(), signal)).toEqual({ kind: 'known', value: new Map() });
    expect(await ip.calls()).toHaveLength(1);
  });

  it('come from the ip that knows, which is remembered', async () => {
    await using old = await FakeTool.create(unknownObject);
    await using vendor = await FakeTool.create(`cat '${path('ip-stats-representors.json')}'`);
    const ipTools = [old, vendor] as const;
    const reader = new LinkCounterReader({ clock: systemClock, ipTools, ethtool: noEthtool, files: filesOf({}) });
    for (let reading = 0; reading < 2; reading += 1) {
      const fact = await reader.read(new Set(['pf0hpf']), signal);
      expect(fact).toEqual({
        kind: 'known',
        value: new Map([['pf0hpf', { ifindex: 10, packets: 30, bytes: 4_500, cpuPackets: 30, cpuBytes: 4_500 }]]),
      });
    }
    expect(await old.calls()).toHaveLength(1);
    expect(await vendor.calls()).toHaveLength(2);
  });

  it('come without those of the CPU from an old ip, which is asked anew after a minute', async () => {
    await using ip = await FakeTool.create(oldIp(['a', 'b']));
    let nowMs = 0;
    const reader = new LinkCounterReader({
      clock: { ...systemClock, nowMs: () => nowMs },
      ipTools: [ip],
      ethtool: noEthtool,
      files: filesOf({}),
    });
    const once = async (): Promise<void> => {
      expect(await reader.read(new Set(['b']), signal)).toEqual({
        kind: 'known',
        value: new Map([['b', { ifindex: 2, packets: 2, bytes: 2, cpuPackets: undefined, cpuBytes: undefined }]]),
      });
    };
    await once();
    await once();
    expect(await ip.calls()).toEqual([statsCall, '-j -s link show', '-j -s link show']);
    nowMs = 60_000;
    await once();
    expect((await ip.calls()).slice(3)).toEqual([statsCall, '-j -s link show']);
  });

  it.each([
    ['nothing is to be started', undefined, 'cannot be started'],
    ['ip refuses everything', 'echo no >&2; exit 1', 'refused: no'],
    ['ip writes nonsense', 'echo nonsense', 'no list in JSON'],
    ['no device is here', `echo '[]'`, 'another network namespace'],
  ])('are unknown when %s', async (_, body, why) => {
    await using ip = await FakeTool.create(body ?? '');
    const ipTools = [body === undefined ? noEthtool : ip] as const;
    const reader = new LinkCounterReader({ clock: systemClock, ipTools, ethtool: noEthtool, files: filesOf({}) });
    expect(await reader.read(new Set(['p0']), signal)).toEqual({
      kind: 'unknown',
      why: expect.stringContaining(why) as string,
    });
  });
});

describe('counters of representors that only ethtool has', () => {
  const readerOf = (ip: FakeTool, ethtool: FakeTool, texts: Record<string, string>) =>
    new LinkCounterReader({ clock: systemClock, ipTools: [ip], ethtool, files: filesOf(texts) });

  it('are asked for in turn, thirty-two at a time', async () => {
    await using ip = await FakeTool.create(oldIp(repNames));
    await using ethtool = await FakeTool.create(`cat '${path('ethtool-representor.txt')}'`);
    const reader = readerOf(ip, ethtool, mlx5(repNames));
    const counted = async (): Promise<readonly string[]> => {
      const fact = await reader.read(new Set(repNames), signal);
      if (fact.kind === 'unknown') throw new Error(fact.why);
      expect(fact.value.size).toBe(40);
      return [...fact.value].filter(([, { cpuPackets }]) => cpuPackets === 1_500).map(([name]) => name);
    };
    expect(await counted()).toEqual(repNames.slice(0, 32));
    expect(await counted()).toEqual([...repNames.slice(0, 24), ...repNames.slice(32)]);
    expect(await ethtool.calls()).toHaveLength(64);
  });

  it('replace all counters of the device, so that they are of one moment', async () => {
    await using ip = await FakeTool.create(oldIp(['pf0vf0']));
    await using ethtool = await FakeTool.create(`cat '${path('ethtool-representor.txt')}'`);
    // An old kernel: no device behind the representor, but a name of its port.
    const reader = readerOf(ip, ethtool, { '/sys/class/net/pf0vf0/phys_port_name': 'pf0vf0\n' });
    expect(await reader.read(new Set(['pf0vf0']), signal)).toEqual({
      kind: 'known',
      value: new Map([
        [
          'pf0vf0',
          { ifindex: 1, packets: 6_003_000_000, bytes: 9_004_000_000_000, cpuPackets: 1_500, cpuBytes: 126_000 },
        ],
      ]),
    });
  });

  it('are not asked of other devices, and of an uplink once', async () => {
    await using ip = await FakeTool.create(oldIp(['p0', 'veth0', 'tap0', '-x']));
    await using ethtool = await FakeTool.create(`cat '${path('ethtool-uplink.txt')}'`);
    const texts = { ...mlx5(['p0']), '/sys/class/net/tap0/device/driver': '-> ../drivers/virtio_net' };
    const reader = readerOf(ip, ethtool, texts);
    await reader.read(new Set(['p0', 'veth0', 'tap0', '-x']), signal);
    await reader.read(new Set(['p0', 'veth0', 'tap0', '-x']), signal);
    expect(await ethtool.calls()).toEqual(['-S p0']);
  });

  it('are not asked for where ip has counted', async () => {
    await using ip = await FakeTool.create(`cat '${path('ip-stats-representors.json')}'`);
    await using ethtool = await FakeTool.create(`cat '${path('ethtool-representor.txt')}'`);
    await readerOf(ip, ethtool, mlx5(['pf0hpf', 'pf0vf0'])).read(new Set(['pf0hpf', 'pf0vf0']), signal);
    expect(await ethtool.calls()).toEqual([]);
  });
});
