import { describe, expect, it } from 'vitest';
import { statusLine } from '../../src/app/status-line.js';
import type { Condition } from '../../src/model/condition.js';
import { statusOf } from '../fakes/api-world.js';
import { ManualClock } from '../config/manual-clock.js';

const port = (name: string, state: Condition['state'], reason: Condition['reason']): Condition => ({
  object: { kind: 'port', name, bridge: 'br-sfc' },
  state,
  reason,
  message: '',
  evidence: {},
});

describe('the line of status', () => {
  const clock = new ManualClock();

  it('says how many objects are ready', () => {
    expect(statusLine(undefined)).toBe('Nothing has been looked at yet.');
    expect(statusLine(statusOf(clock))).toBe('Ready: 1 of 1 objects ready.');
  });

  it('names one that is not, first of those that somebody has to act on', () => {
    const conditions = [
      port('a', 'waiting', 'OfportPending'),
      port('b', 'failed', 'LinkDown'),
      port('c', 'ready', 'Ready'),
    ];
    expect(statusLine(statusOf(clock, { isReady: false, conditions }))).toBe(
      '1 of 3 objects ready; port b on br-sfc: LinkDown.',
    );
    const waiting = statusLine(statusOf(clock, { isReady: false, conditions: conditions.slice(0, 1) }));
    expect(waiting).toBe('0 of 1 objects ready; port a on br-sfc: OfportPending.');
  });

  it('says that the database or the host cluster is missing', () => {
    const ovsdb = { kind: 'connecting', message: 'm', code: 'CONNECT_FAILED' } as const;
    expect(statusLine(statusOf(clock, { ovsdb }))).toBe("Open vSwitch's database cannot be used (CONNECT_FAILED).");
    expect(statusLine(statusOf(clock, { isReady: false }))).toBe(
      '1 of 1 objects ready; the host cluster has not been seen yet.',
    );
  });

  it('is one line of limited length whatever names there are', () => {
    const conditions = [port(`x\nREADY=1${'y'.repeat(500)}`, 'failed', 'LinkDown')];
    const line = statusLine(statusOf(clock, { isReady: false, conditions }));
    expect(line).not.toMatch(/[\n\r]/);
    expect(line.length).toBeLessThan(200);
  });
});
