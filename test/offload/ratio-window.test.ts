import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RatioWindow, verdictOf, type RatioSample } from '../../src/offload/ratio-window.js';
import type { OffloadVerdict } from '../../src/offload/offload.js';

const timing = { part: 'software', delayMs: 2000, windowMs: 10_000 } as const;

function windowOf(samples: readonly (readonly [atMs: number, total: number, part: number])[]): RatioWindow {
  const window = new RatioWindow(timing);
  for (const [atMs, totalPackets, partPackets] of samples) window.add({ atMs, totalPackets, partPackets });
  return window;
}

describe('the share of hardware over a window', () => {
  it('is of the packets between the oldest and the newest sample', () => {
    expect(
      windowOf([
        [0, 1000, 900],
        [6000, 2000, 950],
      ]).read(),
    ).toEqual({
      kind: 'ratio',
      hardwareShare: 0.95,
      evenShare: 0.95,
      hardwarePackets: 950,
      softwarePackets: 50,
      spanMs: 6000,
    });
  });

  it('counts the other way round where the part is hardware', () => {
    const window = new RatioWindow({ ...timing, part: 'hardware' });
    window.add({ atMs: 0, totalPackets: 0, partPackets: 0 });
    window.add({ atMs: 6000, totalPackets: 100, partPackets: 30 });
    expect(window.read()).toMatchObject({ hardwareShare: 0.3, softwarePackets: 70 });
  });

  it('is unknown before three delays of the counters have passed', () => {
    expect(windowOf([]).read()).toMatchObject({ kind: 'unknown', because: 'short' });
    expect(
      windowOf([
        [0, 0, 0],
        [5999, 1000, 0],
      ]).read(),
    ).toMatchObject({ kind: 'unknown', because: 'short' });
  });

  it('is unknown when nothing passed, and when too little did', () => {
    expect(
      windowOf([
        [0, 5, 5],
        [9000, 5, 5],
      ]).read(),
    ).toMatchObject({ because: 'idle' });
    expect(
      windowOf([
        [0, 5, 5],
        [9000, 8, 8],
      ]).read(),
    ).toMatchObject({ because: 'few' });
  });

  it('begins anew when a counter goes back or belongs to another device', () => {
    const window = windowOf([
      [0, 1_000_000, 0],
      [6000, 0, 0],
    ]);
    expect(window.read()).toMatchObject({ because: 'short' });
    window.add({ atMs: 12_000, totalPackets: 100, partPackets: 100 });
    expect(window.read()).toMatchObject({ hardwareShare: 0, spanMs: 6000 });
    window.add({ atMs: 13_000, totalPackets: 200, partPackets: 200, epoch: 7 });
    expect(window.read()).toMatchObject({ because: 'short' });
    expect(window.resets).toBe(2);
  });

  it('forgets what is older than the window', () => {
    const window = windowOf([
      [0, 0, 0],
      [10_000, 1000, 1000],
      [20_000, 2000, 1000],
    ]);
    expect(window.read()).toMatchObject({ hardwareShare: 1, spanMs: 10_000 });
  });

  it('never holds more than software saw when the counters are read one after the other', () => {
    expect(
      windowOf([
        [0, 0, 0],
        [6000, 99, 100],
      ]).read(),
    ).toMatchObject({ hardwareShare: 0, softwarePackets: 100 });
  });

  it('stays within 0 and 1 and within its memory, whatever the counters do', () => {
    const sample: fc.Arbitrary<RatioSample> = fc.record({
      atMs: fc.nat(100_000),
      totalPackets: fc.nat(),
      partPackets: fc.nat(),
      epoch: fc.constantFrom(undefined, 1),
    });
    fc.assert(
      fc.property(
        fc.array(sample, { maxLength: 300 }),
        fc.constantFrom('software' as const, 'hardware' as const),
        (samples, part) => {
          const window = new RatioWindow({ ...timing, part });
          for (const one of samples) {
            window.add(one);
            const found = window.read();
            if (found.kind === 'unknown') continue;
            expect(found.spanMs).toBeGreaterThanOrEqual(6000);
            expect(found.hardwareShare).toBeGreaterThanOrEqual(0);
            expect(found.hardwareShare).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
    const fast = new RatioWindow(timing);
    for (let atMs = 0; atMs < 40_000; atMs += 1) fast.add({ atMs, totalPackets: atMs, partPackets: 0 });
    expect(fast.size).toBeLessThanOrEqual(26);
    expect(fast.read()).toMatchObject({ hardwareShare: 1 });
  });
});

describe('the verdict on a share', () => {
  it.each([
    [1, 'unknown', 'hardware'],
    [0.95, 'unknown', 'hardware'],
    [0.92, 'unknown', 'partial'],
    [0.92, 'hardware', 'hardware'],
    [0.89, 'hardware', 'partial'],
    [0.92, 'partial', 'partial'],
    [0, 'unknown', 'software'],
    [0.08, 'unknown', 'partial'],
    [0.08, 'software', 'software'],
    [0.11, 'software', 'partial'],
    [0, 'hardware', 'software'],
  ] as const)('of %d after %s is %s', (share, before, verdict) => {
    expect(verdictOf(share, before)).toBe(verdict);
  });

  it('does not change again when it is asked twice', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom<OffloadVerdict>('unknown', 'hardware', 'partial', 'software'),
        (share, before) => {
          const once = verdictOf(share, before);
          expect(verdictOf(share, once)).toBe(once);
        },
      ),
    );
  });
});
