import { describe, expect, it } from 'vitest';

import type { Clock } from '../../src/lib/clock.js';
import { Alarm } from '../../src/ovsdb/alarm.js';

/** A clock whose timers fire when the test says so. */
class ManualClock implements Clock {
  now = 0;
  readonly timers: { atMs: number; callback: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.now;
  }

  after(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { atMs: this.now + delayMs, callback };
    this.timers.push(timer);
    return { cancel: () => void this.timers.splice(this.timers.indexOf(timer), 1) };
  }

  advance(toMs: number): void {
    this.now = toMs;
    for (const timer of this.timers.filter(({ atMs }) => atMs <= toMs)) {
      this.timers.splice(this.timers.indexOf(timer), 1);
      timer.callback();
    }
  }
}

describe('Alarm', () => {
  it('keeps one timer, for what is due first', () => {
    const clock = new ManualClock();
    const alarm = new Alarm(clock, () => Infinity);
    expect(alarm.within(100)).toBe(100);
    expect(alarm.within(200)).toBe(200);
    expect(clock.timers.map(({ atMs }) => atMs)).toEqual([100]);
    alarm.within(50);
    expect(clock.timers.map(({ atMs }) => atMs)).toEqual([50]);
  });

  it('rings again for what is due next', () => {
    const clock = new ManualClock();
    const rung: number[] = [];
    const alarm = new Alarm(clock, (nowMs) => {
      rung.push(nowMs);
      return rung.length === 1 ? 250 : Infinity;
    });
    alarm.within(100);
    for (const at of [99, 100, 249, 250, 1000]) clock.advance(at);
    expect(rung).toEqual([100, 250]);
    expect(clock.timers).toEqual([]);
  });

  it('is silent once canceled, and can be asked again', () => {
    const clock = new ManualClock();
    const rung: number[] = [];
    const alarm = new Alarm(clock, (nowMs) => {
      rung.push(nowMs);
      return Infinity;
    });
    alarm.within(100);
    alarm.cancel();
    clock.advance(500);
    expect(rung).toEqual([]);
    alarm.within(10);
    clock.advance(510);
    expect(rung).toEqual([510]);
  });
});
