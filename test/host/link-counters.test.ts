import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ethtoolCounters, linkCounters, statsCounters } from '../../src/host/link-counters.js';
import type { JsonObject } from '../../src/host/tool-answer.js';

const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../fixtures/host-offload', name), 'utf8');
const rowsOf = (name: string): readonly JsonObject[] => JSON.parse(fixture(name)) as readonly JsonObject[];

const uncounted = { cpuPackets: undefined, cpuBytes: undefined };

describe('counters of ip stats', () => {
  it('are both directions, and what the CPU saw of them', () => {
    const found = statsCounters(rowsOf('ip-stats-representors.json'), new Set(['p0', 'pf0hpf', 'pf0vf1', 'gone']));
    expect(Object.fromEntries(found)).toEqual({
      p0: { ifindex: 6, packets: 13_500_000, bytes: 19_327_352_832, ...uncounted },
      pf0hpf: { ifindex: 10, packets: 30, bytes: 4_500, cpuPackets: 30, cpuBytes: 4_500 },
      pf0vf1: { ifindex: 12, packets: 0, bytes: 0, cpuPackets: 0, cpuBytes: 0 },
    });
  });

  it('may be above 2^53, and then never shrink', () => {
    const total = (rx: string): number | undefined =>
      statsCounters(
        JSON.parse(
          `[{"ifindex":1,"ifname":"a","group":"link","stats64":{"rx":{"packets":1,"bytes":${rx}},"tx":{"packets":0,"bytes":7}}}]`,
        ) as readonly JsonObject[],
        new Set(['a']),
      ).get('a')?.bytes;
    const growing = ['9007199254740991', '9007199254740993', '9007199254740994', '18014398509481985'].map(total);
    expect(growing.every((bytes) => bytes !== undefined)).toBe(true);
    expect(growing).toEqual([...growing].sort((a = 0, b = 0) => a - b));
    expect(total('18014398509481985')).toBeCloseTo(2 ** 54, -2);
    // -1 of a driver, unsigned.
    expect(total('18446744073709551615')).toBeUndefined();
  });

  it('of a device that was made anew meanwhile are not mixed', () => {
    const rows = rowsOf('ip-stats-representors.json').map((row) =>
      row['ifname'] === 'pf0vf0' && row['group'] === 'offload' ? { ...row, ifindex: 99 } : row,
    );
    expect(statsCounters(rows, new Set(['pf0vf0'])).get('pf0vf0')).toMatchObject({ ifindex: 11, ...uncounted });
  });

  it('are those that the kernel wrote', () => {
    const stats = statsCounters(rowsOf('ip-stats-veth.json'), new Set(['rep0-1', 'eth0-1']));
    expect(stats.get('rep0-1')).toEqual({ ifindex: 3, packets: 16, bytes: 1_304, ...uncounted });
    expect([...stats.keys()].sort()).toEqual(['eth0-1', 'rep0-1']);
    // The other question gives the same counters, read a moment later.
    const links = linkCounters(rowsOf('ip-link-veth.json'), new Set(['rep0-1']));
    expect(links.get('rep0-1')).toMatchObject({ ifindex: 3, ...uncounted });
    expect(links.get('rep0-1')?.packets).toBeGreaterThanOrEqual(16);
  });

  it.each([
    [{ ifname: 'a' }],
    [{ ifname: 'a', ifindex: '1', stats64: { rx: { packets: 1, bytes: 1 }, tx: { packets: 1, bytes: 1 } } }],
    [{ ifname: 'a', ifindex: 1, stats64: { rx: { packets: 1, bytes: 1 } } }],
    [{ ifname: 'a', ifindex: 1, stats64: { rx: { packets: -1, bytes: 1 }, tx: { packets: 1, bytes: 1 } } }],
    [{ ifname: 'a', ifindex: 1, stats64: { rx: { packets: 0.5, bytes: 1 }, tx: { packets: 1, bytes: 1 } } }],
    [{ ifname: 'a', ifindex: 1, stats64: 'many' }],
  ])('are none of %j', (row) => {
    expect(linkCounters([row], new Set(['a'])).size).toBe(0);
  });
});

describe('counters of ethtool', () => {
  it('tell what a representor passed on, and what of it its network device saw', () => {
    expect(ethtoolCounters(fixture('ethtool-representor.txt'))).toEqual({
      packets: 6_003_000_000,
      bytes: 9_004_000_000_000,
      cpuPackets: 1_500,
      cpuBytes: 126_000,
    });
  });

  it('of any other device tell nothing of the kind', () => {
    expect(ethtoolCounters(fixture('ethtool-uplink.txt'))).toBeUndefined();
    expect(ethtoolCounters('no stats available\n')).toBeUndefined();
  });
});
