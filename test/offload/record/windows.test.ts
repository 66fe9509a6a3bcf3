import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { known } from '../../../src/model/fact.js';
import { CounterTable } from '../../../src/offload/record/counter-growth.js';
import { NewestReading } from '../../../src/offload/record/newest-reading.js';
import { SampleWindow } from '../../../src/offload/record/sample-window.js';
import { Since } from '../../../src/offload/record/since.js';

const totals = (entries: Record<string, number>): ReadonlyMap<string, number> => new Map(Object.entries(entries));

describe('a window of samples', () => {
  it('spans at least its length once it was watched for so long, and is bounded', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(steps, (gaps) => {
        const window = new SampleWindow<number>(60_000);
        let atMs = 0;
        for (const gap of gaps) {
          atMs += gap;
          window.add(atMs, atMs);
        }
        const span = window.span();
        const watchedMs = atMs - (gaps[0] ?? 0);
        expect(window.size).toBeLessThanOrEqual(26);
        expect(span?.newest ?? atMs).toBe(atMs);
        // What is thinned out is never the oldest, and the edge keeps one sample at or before it.
        expect(span?.spanMs ?? 0).toBeGreaterThanOrEqual(Math.min(watchedMs, 60_000));
        expect(span?.spanMs ?? 0).toBeLessThanOrEqual(60_000 + 20_000 + 60_000 / 24);
      }),
    );
  });

  it('leaves out what is not newer, and begins anew when told', () => {
    const window = new SampleWindow<number>(1_000);
    window.add(10, 1);
    window.add(10, 2);
    window.add(5, 3);
    expect(window.span()).toBeUndefined();
    window.add(20, 4);
    expect(window.span()).toEqual({ oldest: 1, newest: 4, spanMs: 10 });
    window.clear();
    expect([window.size, window.newestAtMs]).toEqual([0, undefined]);
  });
});

describe('growth of counters', () => {
  it('takes two readings, and names only what grew', () => {
    const table = new CounterTable({ windowMs: 60_000, isAbsentZero: true });
    table.add(0, totals({ a: 5, b: 1 }));
    expect(table.read()).toBeUndefined();
    table.add(10_000, totals({ a: 7, b: 1, c: 4 }));
    expect(table.read()).toEqual({ windowMs: 10_000, growth: totals({ a: 2, c: 4 }) });
  });

  it('takes the first total of a counter that nobody saw before for its start, unless absence means zero', () => {
    const table = new CounterTable({ windowMs: 60_000, isAbsentZero: false });
    table.add(0, totals({ a: 5 }));
    table.add(10_000, totals({ a: 5, b: 100 }));
    expect(table.read()?.growth).toEqual(new Map());
    table.add(20_000, totals({ a: 5, b: 103 }));
    expect(table.read()?.growth).toEqual(totals({ b: 3 }));
  });

  it('counts on after a counter began anew, and forgets all when told', () => {
    const table = new CounterTable({ windowMs: 60_000, isAbsentZero: false });
    for (const [index, total] of [100, 110, 0, 4].entries()) table.add(index * 10_000, totals({ a: total }));
    expect(table.read()?.growth).toEqual(totals({ a: 14 }));
    table.clear();
    expect(table.read()).toBeUndefined();
  });

  it('is never negative, and is all that was counted where nothing began anew', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 2, maxLength: 40 }), fc.boolean(), (steps, isRising) => {
        const table = new CounterTable({ windowMs: 1_000_000, isAbsentZero: true });
        let total = 0;
        const seen = steps.map((step) => (total = isRising ? total + step : step));
        for (const [index, value] of seen.entries()) table.add(index * 100_000, totals({ a: value }));
        const growth = table.read()?.growth.get('a') ?? 0;
        expect(growth).toBeGreaterThanOrEqual(0);
        if (!isRising) return;
        const first = seen[Math.max(0, seen.length - 11)] ?? 0;
        expect(growth).toBe(total - first);
      }),
    );
  });
});

describe('since when something has been so', () => {
  it('is told from the first look, survives others, and is forgotten with the first that finds it healed', () => {
    const since = new Since();
    since.note(['a'], 10);
    since.note(['a', 'b'], 20);
    expect([since.firstMs('a'), since.firstMs('b')]).toEqual([10, 20]);
    since.note(['b'], 30);
    since.note(['a', 'b'], 40);
    expect([since.firstMs('a'), since.firstMs('b')]).toEqual([40, 20]);
  });
});

describe('the newest reading', () => {
  const reading = (readAtMs: number) => ({ readAtMs, value: known(readAtMs) });
  const made = (...atMs: readonly number[]): NewestReading<ReturnType<typeof reading>> => {
    const newest = new NewestReading<ReturnType<typeof reading>>(10_000);
    for (const at of atMs) newest.note(reading(at));
    return newest;
  };
  const told = (newest: ReturnType<typeof made>, nowMs: number) => newest.fact(nowMs, ({ value }) => value);

  it('speaks for three periods, then says when it was and why there is none', () => {
    const newest = made(0);
    newest.failed('no answer in time');
    expect(told(newest, 30_000)).toEqual(known(0));
    expect(told(newest, 30_001)).toEqual({ kind: 'unknown', why: 'it was last read 30 s ago: no answer in time' });
    newest.note(reading(31_000));
    newest.note(reading(41_000));
    expect(told(newest, 71_000)).toEqual(known(41_000));
    expect(told(newest, 80_000)).toMatchObject({ why: 'it was last read 39 s ago: nothing newer came' });
  });

  it('speaks for longer where readings come more seldom, up to six times', () => {
    expect(told(made(0, 20_000), 80_000)).toEqual(known(20_000));
    expect(told(made(0, 20_000), 80_001).kind).toBe('unknown');
    expect(told(made(0, 600_000), 780_000)).toEqual(known(600_000));
    expect(told(made(0, 600_000), 780_001).kind).toBe('unknown');
  });

  it('is gone at once when what it was of is gone', () => {
    const newest = made(0);
    newest.forget('it was restarted');
    expect(told(newest, 1)).toEqual({ kind: 'unknown', why: 'it was restarted' });
    expect(newest.newest).toBeUndefined();
  });
});
