import { describe, expect, it } from 'vitest';
import { delay, systemClock, type Clock, type Timer } from '../../src/lib/clock.js';

/** A clock that stands still; its timers fire by hand. */
function stoppedClock() {
  const timers: { delayMs: number; callback: () => void; isCancelled: boolean }[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    wallMs: () => 0,
    after(delayMs, callback): Timer {
      const timer = { delayMs, callback, isCancelled: false };
      timers.push(timer);
      return { cancel: () => (timer.isCancelled = true) };
    },
  };
  return { clock, timers };
}

describe('a delay', () => {
  it('ends when its timer fires', async () => {
    const { clock, timers } = stoppedClock();
    const waiting = delay(clock, 70);
    expect(timers).toMatchObject([{ delayMs: 70 }]);
    timers[0]?.callback();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('is refused at once when it was given up before', async () => {
    const { clock, timers } = stoppedClock();
    await expect(delay(clock, 70, AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up');
    expect(timers).toEqual([]);
  });

  it('ends with the reason when it is given up, and cancels its timer', async () => {
    const { clock, timers } = stoppedClock();
    const controller = new AbortController();
    const waiting = delay(clock, 70, controller.signal);
    controller.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
    expect(timers[0]?.isCancelled).toBe(true);
  });

  it('is not touched by a signal that comes too late', async () => {
    const { clock, timers } = stoppedClock();
    const controller = new AbortController();
    const waiting = delay(clock, 70, controller.signal);
    timers[0]?.callback();
    controller.abort(new Error('too late'));
    await expect(waiting).resolves.toBeUndefined();
    expect(timers[0]?.isCancelled).toBe(false);
  });
});

describe('the system clock', () => {
  it('never goes back', () => {
    const before = systemClock.nowMs();
    expect(systemClock.nowMs()).toBeGreaterThanOrEqual(before);
  });

  it('knows the date', () => {
    expect(new Date(systemClock.wallMs()).getUTCFullYear()).toBeGreaterThanOrEqual(2024);
  });

  it('fires once after the delay, also when it is negative', async () => {
    await new Promise<void>((resolve) => void systemClock.after(-5, resolve));
    await expect(delay(systemClock, 1)).resolves.toBeUndefined();
  });

  it('does not fire a timer that was cancelled', async () => {
    let isFired = false;
    systemClock.after(0, () => (isFired = true)).cancel();
    await delay(systemClock, 2);
    expect(isFired).toBe(false);
  });

  it('waits for longer than Node’s timers can, rather than firing at once', async () => {
    let isFired = false;
    const timer = systemClock.after(2 ** 40, () => (isFired = true), true);
    await delay(systemClock, 2);
    timer.cancel();
    expect(isFired).toBe(false);
  });
});
