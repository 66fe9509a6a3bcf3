import { describe, expect, it } from 'vitest';
import { isStarted } from '../../src/agent/started.js';
import type { AgentStatus } from '../../src/agent/status.js';
import type { Condition } from '../../src/model/condition.js';
import { statusOf } from '../fakes/api-world.js';
import { ManualClock } from '../config/manual-clock.js';

const status = (fields: Partial<AgentStatus> = {}): AgentStatus => statusOf(new ManualClock(), fields);

const about = (kind: 'bridge' | 'port', reason: Condition['reason']): Condition => ({
  object: { kind, name: 'x' },
  state: reason === 'Ready' ? 'ready' : 'failed',
  reason,
  message: '',
  evidence: {},
});

describe('a start', () => {
  it('is complete when the bridges are right', () => {
    expect(isStarted(status())).toBe(true);
  });

  it('is not while the database, ovs-vswitchd, a bridge or a change is missing', () => {
    expect(isStarted(status({ ovsdb: { kind: 'connecting', message: '', code: undefined } }))).toBe(false);
    expect(isStarted(status({ vswitchd: 'silent' }))).toBe(false);
    expect(isStarted(status({ conditions: [about('bridge', 'BridgeNotMade')] }))).toBe(false);
    expect(isStarted(status({ conditions: [about('bridge', 'Ready'), about('bridge', 'VswitchdDenied')] }))).toBe(
      false,
    );
    expect(isStarted(status({ pendingCount: 1 }))).toBe(false);
  });

  it('does not wait for what only others can bring', () => {
    const conditions = [
      about('bridge', 'PortsNotReady'),
      about('bridge', 'BridgeAbsent'),
      about('port', 'NetdevMissing'),
      about('port', 'LinkDown'),
    ];
    expect(isStarted(status({ isReady: false, conditions }))).toBe(true);
  });

  it('does not wait for changes that the agent is not to make', () => {
    for (const repair of ['observe', 'standby', 'bootGrace'] as const) {
      expect(isStarted(status({ repair, pendingCount: 3 }))).toBe(true);
    }
  });

  it('does not wait for a bridge that it is to look at only, but for one that will be repaired', () => {
    const conditions = [about('bridge', 'ReadOnly')];
    const complete = (repair: AgentStatus['repair']): boolean => isStarted(status({ repair, conditions }));
    expect(complete('observe')).toBe(true);
    // Before the writer's lock has been granted an agent is in standby, too.
    expect([complete('standby'), complete('bootGrace'), complete('on')]).toEqual([false, false, false]);
  });
});
