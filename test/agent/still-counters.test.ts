import { describe, expect, it } from 'vitest';
import { StillCounters } from '../../src/agent/still-counters.js';
import { known, unknown } from '../../src/model/fact.js';

const counters = known(new Map());
const names = new Set(['rep0-1', 'rep0-2']);

function kept(): StillCounters {
  const still = new StillCounters();
  still.note(counters, '7/1 100', names, 0);
  return still;
}

describe('counters of devices', () => {
  it('are the same while nothing was counted', () => {
    expect(kept().at('7/1 100', names, 10_000)).toBe(counters);
  });

  it.each([
    ['something was counted', '7/1 200', names, 10_000],
    ['another daemon counts', '8/2 100', names, 10_000],
    ['nobody knows', undefined, names, 10_000],
    ['there is one device more', '7/1 100', new Set([...names, 'rep0-3']), 10_000],
    ['a device was made anew under its name', '7/1 100', new Set(names), 10_000],
    ['a minute has passed', '7/1 100', names, 60_000],
  ])('are read again when %s', (_why, mark, wanted, nowMs) => {
    expect(kept().at(mark, wanted, nowMs)).toBeUndefined();
  });

  it('are not kept where they could not be read, or nobody knew what was counted before', () => {
    const still = kept();
    still.note(unknown('ip did not answer in time'), '7/1 100', names, 10_000);
    expect(still.at('7/1 100', names, 11_000)).toBeUndefined();
    still.note(counters, undefined, names, 12_000);
    expect(still.at(undefined, names, 13_000)).toBeUndefined();
  });
});
