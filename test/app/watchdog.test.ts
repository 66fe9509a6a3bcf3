import { describe, expect, it } from 'vitest';
import { StatusKeeper } from '../../src/agent/status-keeper.js';
import { ServiceReport } from '../../src/app/watchdog.js';
import type { ServiceState } from '../../src/host/service-notify.js';
import { statusOf } from '../fakes/api-world.js';
import { ManualClock } from '../config/manual-clock.js';

/** A report on an agent of which nothing is known yet, and what it tells. */
function world(watchdog: 'set' | 'none' = 'set') {
  const clock = new ManualClock();
  const keeper = new StatusKeeper();
  const told: ServiceState[] = [];
  const api = { isListening: true };
  const watchdogMs = watchdog === 'set' ? 60_000 : undefined;
  const notify = { watchdogMs, tell: (state: ServiceState) => void told.push(state) };
  const report = new ServiceReport({ notify, status: keeper, isListening: () => api.isListening, clock });
  const look = (fields: Parameters<typeof statusOf>[1] = {}): void => keeper.set(statusOf(clock, fields));
  const since = (): ServiceState[] => told.splice(0);
  return { clock, keeper, report, look, since, api };
}

const notStarted = { pendingCount: 1 };
const extension = { EXTEND_TIMEOUT_USEC: '80000000' };

describe('the report to a service manager', () => {
  it('is ready once, when the start is complete and the API listens', () => {
    const { report, look, since, clock, api } = world();
    api.isListening = false;
    report.start();
    look(notStarted);
    expect(since()).toEqual([]);
    look();
    expect(since()).toEqual([]);
    api.isListening = true;
    clock.advance(30_000);
    expect(since()).toContainEqual({ READY: '1', WATCHDOG: '1', STATUS: 'Ready: 1 of 1 objects ready.' });
    look();
    look(notStarted);
    expect(since().some((state) => 'READY' in state)).toBe(false);
  });

  it('feeds the watchdog three times within its time while every loop looks, so that one may be lost', () => {
    const { report, look, since, clock } = world();
    look();
    report.start();
    since();
    for (let beats = 0; beats < 5; beats += 1) {
      clock.advance(20_000);
      expect(since()).toEqual([{ WATCHDOG: '1' }]);
      look();
    }
  });

  it('stops to when a loop has not looked for too long, though others do, and the wall clock is set', () => {
    const { report, look, since, clock } = world();
    look();
    report.start();
    clock.advance(60_000);
    since();
    const hung = 0;
    // Its freshMs is 75 s; another loop goes on.
    look({ oldestLookWallMs: hung });
    clock.advance(30_000);
    look({ oldestLookWallMs: hung });
    expect(since()).toEqual([]);
    clock.advance(600_000);
    look({ oldestLookWallMs: hung });
    expect(since()).toEqual([]);
    // A look in a time that the wall clock has left behind is a look all the same.
    look({ oldestLookWallMs: -3_600_000 });
    clock.advance(20_000);
    expect(since()).toEqual([{ WATCHDOG: '1' }]);
  });

  it('asks for more time during the start for as long as the loops look, and no longer', () => {
    const { report, look, since, clock } = world();
    report.start();
    clock.advance(30_000);
    // Nothing has been looked at: nothing proves that this is a start that goes on.
    expect(since().filter((state) => 'EXTEND_TIMEOUT_USEC' in state)).toEqual([]);
    look(notStarted);
    clock.advance(30_000);
    expect(since()).toContainEqual(extension);
    clock.advance(60_000);
    since();
    clock.advance(300_000);
    expect(since()).toEqual([]);
  });

  it('feeds nothing where no watchdog is set', () => {
    const { report, look, since, clock } = world('none');
    look();
    report.start();
    expect(since()).toEqual([{ READY: '1', STATUS: 'Ready: 1 of 1 objects ready.' }]);
    clock.advance(60_000);
    expect(since()).toEqual([]);
  });

  it('tells the line of status when it has become another, at most every two seconds', () => {
    const { report, look, since, clock } = world();
    look();
    report.start();
    since();
    look({ conditions: [] });
    look(notStarted);
    expect(since()).toEqual([]);
    clock.advance(2_000);
    expect(since()).toEqual([]);
    look({ ovsdb: { kind: 'closed', message: '', code: undefined } });
    clock.advance(2_000);
    expect(since()).toEqual([{ STATUS: "Open vSwitch's database cannot be used (closed)." }]);
  });

  it('tells of a reload before and after it, also of one that fails', () => {
    const { report, look, since } = world();
    let count = 0;
    report.start();
    report.reload(() => (count += 1));
    expect(since()).toEqual([]);
    look();
    since();
    report.reload(() => (count += 1));
    expect(since()).toEqual([{ RELOADING: '1' }, { READY: '1' }]);
    const fail = (): void => {
      throw new Error('x');
    };
    expect(() => report.reload(fail)).toThrow('x');
    expect(since()).toEqual([{ RELOADING: '1' }, { READY: '1' }]);
    expect(count).toBe(2);
  });

  it('says that it ends, and nothing after that', () => {
    const { report, look, since, clock } = world();
    look();
    report.start();
    since();
    look(notStarted);
    report.stop();
    expect(since()).toMatchObject([{ STOPPING: '1' }]);
    look();
    clock.advance(600_000);
    expect(since()).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });
});
