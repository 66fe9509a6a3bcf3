import { describe, expect, it } from 'vitest';
import { Trigger } from '../../src/lib/trigger.js';
import { ManualClock } from '../config/manual-clock.js';

interface Bench {
  readonly clock: ManualClock;
  readonly trigger: Trigger;
  readonly runs: number[];
  readonly errors: unknown[];
  /** Ends the run under way. */
  finish: (error?: Error) => void;
}

function bench(gatherMs = 20): Bench {
  const clock = new ManualClock();
  const made: Bench = {
    clock,
    runs: [],
    errors: [],
    finish: () => undefined,
    trigger: new Trigger({
      clock,
      gatherMs,
      onError: (error) => made.errors.push(error),
      work: (signal) => {
        made.runs.push(clock.nowMs());
        return new Promise<void>((resolve, reject) => {
          made.finish = (error) => (error === undefined ? resolve() : reject(error));
          signal.addEventListener('abort', () => resolve());
        });
      },
    }),
  };
  return made;
}

/** Lets promises that are settled already be heard. */
async function heard(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe('a trigger', () => {
  it('turns a burst into one run after the gathering time of its first event', () => {
    const { trigger, clock, runs } = bench();
    trigger.fire();
    clock.advance(15);
    trigger.fire();
    expect(runs).toEqual([]);
    clock.advance(5);
    expect(runs).toEqual([20]);
  });

  it('runs once more, and only once, when it was fired during a run', async () => {
    const made = bench();
    made.trigger.fire();
    made.clock.advance(20);
    for (let times = 0; times < 5; times += 1) made.trigger.fire();
    made.clock.advance(100);
    expect(made.runs).toEqual([20]);
    made.finish();
    await heard();
    made.clock.advance(20);
    expect(made.runs).toEqual([20, 140]);
    made.finish();
    await heard();
    made.clock.advance(1_000);
    expect(made.runs).toHaveLength(2);
  });

  it('keeps the earliest of its appointments', () => {
    const { trigger, clock, runs } = bench();
    trigger.fireWithin(1_000);
    trigger.fireWithin(300);
    trigger.fireWithin(600);
    clock.advance(299);
    expect(runs).toEqual([]);
    clock.advance(1);
    expect(runs).toEqual([300]);
  });

  it('keeps an appointment that was made during a run', async () => {
    const made = bench();
    made.trigger.fire();
    made.clock.advance(20);
    made.trigger.fireWithin(500);
    made.finish();
    await heard();
    made.clock.advance(499);
    expect(made.runs).toHaveLength(1);
    made.clock.advance(1);
    expect(made.runs).toEqual([20, 520]);
  });

  it('hands on what a run throws, and runs again when fired', async () => {
    const made = bench();
    made.trigger.fire();
    made.clock.advance(20);
    made.finish(new Error('broken'));
    await heard();
    expect(made.errors).toMatchObject([{ message: 'broken' }]);
    made.trigger.fire();
    made.clock.advance(20);
    expect(made.runs).toHaveLength(2);
  });

  it('once closed has ended its run and starts none', async () => {
    const made = bench();
    made.trigger.fire();
    made.clock.advance(20);
    made.trigger.fire();
    await made.trigger.close();
    made.trigger.fire();
    made.clock.advance(1_000);
    expect(made.runs).toHaveLength(1);
    expect(made.clock.timerCount).toBe(0);
  });
});
