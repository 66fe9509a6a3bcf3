import { describe, expect, it } from 'vitest';
import { CounterPairs } from '../../src/offload/counter-pairs.js';

describe('pairs of counters', () => {
  it('of one moment take the total for one of the reading before', () => {
    const pairs = new CounterPairs();
    const found = [0, 10, 20].flatMap((atMs) => [
      ...pairs.addSoftware({ atMs, notBeforeMs: atMs, packets: atMs, life: 1 }),
      ...pairs.addTotal({ atMs, packets: 100 + atMs, life: 1 }),
    ]);
    expect(found).toEqual([
      { atMs: 10, totalPackets: 110, partBefore: 0, partPackets: 10, lagMs: 10, epoch: 0 },
      { atMs: 20, totalPackets: 120, partBefore: 10, partPackets: 20, lagMs: 10, epoch: 0 },
    ]);
  });

  it('wait for a count of software that is surely not earlier', () => {
    const pairs = new CounterPairs();
    const software = (atMs: number): readonly unknown[] =>
      pairs.addSoftware({ atMs, notBeforeMs: atMs - 6, packets: atMs, life: 1 });
    software(0);
    pairs.addTotal({ atMs: 0, packets: 0, life: 1 });
    expect(pairs.addTotal({ atMs: 10, packets: 50, life: 1 })).toEqual([]);
    expect([5, 10, 15].flatMap(software)).toEqual([]);
    expect(software(16)).toMatchObject([{ atMs: 10, totalPackets: 50, partBefore: 0, partPackets: 16, lagMs: 16 }]);
  });

  it.each([
    ['the device is another one', { atMs: 20, packets: 500, life: 2 }],
    ['the device counts anew', { atMs: 20, packets: 5, life: 1 }],
  ])('begin anew when %s', (_words, total) => {
    const pairs = new CounterPairs();
    const both = (atMs: number, packets: number, life: number): readonly unknown[] => [
      ...pairs.addSoftware({ atMs, notBeforeMs: atMs, packets: atMs, life: 1 }),
      ...pairs.addTotal({ atMs, packets, life }),
    ];
    both(0, 100, 1);
    expect(both(10, 110, 1)).toMatchObject([{ epoch: 0 }]);
    // Nobody knows of when the first total of another device is.
    expect(both(20, total.packets, total.life)).toEqual([]);
    expect(both(30, total.packets + 10, total.life)).toMatchObject([{ epoch: 1, partBefore: 20 }]);
  });

  it.each([
    ['another ovs-vswitchd counts', { packets: 100, life: 2 }],
    ['software counts anew', { packets: 1, life: 1 }],
  ])('begin anew when %s', (_words, { packets, life }) => {
    const pairs = new CounterPairs();
    pairs.addSoftware({ atMs: 0, notBeforeMs: 0, packets: 50, life: 1 });
    pairs.addTotal({ atMs: 0, packets: 0, life: 1 });
    pairs.addTotal({ atMs: 10, packets: 10, life: 1 });
    expect(pairs.addSoftware({ atMs: 11, notBeforeMs: 11, packets, life })).toEqual([]);
    pairs.addTotal({ atMs: 20, packets: 20, life: 1 });
    pairs.addTotal({ atMs: 30, packets: 30, life: 1 });
    expect(pairs.addSoftware({ atMs: 31, notBeforeMs: 31, packets: packets + 3, life })).toMatchObject([
      { atMs: 30, partBefore: packets, partPackets: packets + 3, epoch: 1 },
    ]);
  });

  it('ignore what is older than the newest, and keep little when one of the two is missing', () => {
    const pairs = new CounterPairs();
    for (let atMs = 0; atMs < 1000; atMs += 1) pairs.addSoftware({ atMs, notBeforeMs: atMs, packets: atMs, life: 1 });
    expect(pairs.size).toBeLessThanOrEqual(16);
    expect(pairs.addSoftware({ atMs: 10, notBeforeMs: 10, packets: 5, life: 1 })).toEqual([]);
    const totals = new CounterPairs();
    for (let atMs = 0; atMs < 1000; atMs += 1) totals.addTotal({ atMs, packets: atMs, life: 1 });
    expect(totals.size).toBeLessThanOrEqual(8);
    expect(totals.addTotal({ atMs: 10, packets: 5, life: 1 })).toEqual([]);
  });
});
