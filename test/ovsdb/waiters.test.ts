import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import { Waiters } from '../../src/ovsdb/waiters.js';

/** A clock whose timers the test fires. */
function makeClock(): Clock & { fire(): void; count: number } {
  const timers = new Set<() => void>();
  return {
    nowMs: () => 0,
    wallMs: () => 0,
    after(_delayMs, callback) {
      timers.add(callback);
      return { cancel: () => void timers.delete(callback) };
    },
    fire: () => {
      for (const callback of timers) callback();
    },
    get count() {
      return timers.size;
    },
  };
}

describe('waiters', () => {
  it('resolve at once when it holds already, and later when it comes to hold', async () => {
    const waiters = new Waiters(makeClock());
    await waiters.until(() => true, {});
    let holds = false;
    const waiting = waiters.until(() => holds, {});
    waiters.check();
    holds = true;
    waiters.check();
    await waiting;
  });

  it('give up by signal, by deadline, by failure, and by an error of the test', async () => {
    const clock = makeClock();
    const waiters = new Waiters(clock);
    const controller = new AbortController();
    const aborted = waiters.until(() => false, { signal: controller.signal });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(waiters.until(() => true, { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    const late = waiters.until(() => false, { deadlineMs: 5 });
    clock.fire();
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const failed = waiters.until(() => false, {});
    waiters.fail(new AgentError('CLIENT_CLOSED', 'closed'));
    await expect(failed).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    const broken = waiters.until(() => {
      throw new TypeError('a bug in the predicate');
    }, {});
    await expect(broken).rejects.toThrow(TypeError);
  });

  it('leave no timer behind', async () => {
    const clock = makeClock();
    const waiters = new Waiters(clock);
    let holds = false;
    const waiting = waiters.until(() => holds, { deadlineMs: 5 });
    expect(clock.count).toBe(1);
    holds = true;
    waiters.check();
    await waiting;
    expect(clock.count).toBe(0);
  });
});
