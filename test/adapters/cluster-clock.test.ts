import { describe, expect, it } from 'vitest';
import { ServerClock } from '../../src/adapters/cluster-clock.js';

describe('the clock of the API server', () => {
  it('is unknown before the first answer, and after answers without a date', () => {
    const clock = new ServerClock();
    clock.observe(0, 10, undefined);
    clock.observe(0, 10, NaN);
    expect(clock.skewMs()).toBeUndefined();
  });

  it('is compared with the middle of the request, half a second after the cut-off seconds', () => {
    const clock = new ServerClock();
    clock.observe(1_000_000, 1_000_200, 1_060_000);
    expect(clock.skewMs()).toBe(60_400);
  });

  it('is the median of the last five, so that one slow answer does not move it', () => {
    const clock = new ServerClock();
    for (const [sent, received] of [
      [0, 0],
      [0, 90_000],
      [0, 0],
      [0, 0],
      [0, 0],
    ] as const)
      clock.observe(sent, received, 59_500);
    expect(clock.skewMs()).toBe(60_000);
    for (let answer = 0; answer < 3; answer += 1) clock.observe(0, 0, -500);
    expect(clock.skewMs()).toBe(0);
  });
});
