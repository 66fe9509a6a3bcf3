import { describe, expect, it } from 'vitest';
import { offloadedDelayMsIn, statisticsMsIn } from '../../src/offload/statistics-timing.js';
import { mapOf } from '../fakes/plan-rows.js';

describe('how old statistics are', () => {
  it.each([
    [undefined, 5_000],
    ['', 5_000],
    ['1000', 5_000],
    ['20000', 20_000],
    ['often', 5_000],
    ['-1', 5_000],
  ])('is never less than five seconds, with stats-update-interval %s', (text, expected) => {
    expect(statisticsMsIn(mapOf(text === undefined ? {} : { 'stats-update-interval': text }))).toBe(expected);
  });
});

describe('the lag of counters in hardware', () => {
  it.each([
    [undefined, 2_000],
    ['0', 0],
    ['500', 500],
    ['3600000', 3_600_000],
    ['3600001', 2_000],
    ['-1', 2_000],
    ['0.5', 2_000],
    ['long', 2_000],
  ])('is what offloaded-stats-delay %s says, where that makes sense', (text, expected) => {
    expect(offloadedDelayMsIn(mapOf(text === undefined ? {} : { 'offloaded-stats-delay': text }))).toBe(expected);
  });
});
