import { describe, expect, it } from 'vitest';
import { findingOf } from '../../src/agent/offload-findings.js';
import type { OffloadFinding } from '../../src/offload/check.js';
import { formatObject } from '../../src/model/condition.js';

const found = (fields: Partial<OffloadFinding>): OffloadFinding => ({
  reason: 'RestartRequired',
  subject: { kind: 'vswitchd', name: '' },
  message: 'A restart of ovs-vswitchd (pid 4711) is needed for max-idle=30000.',
  evidence: {},
  remedy: 'Plan a restart.',
  ...fields,
});

describe('a finding on offload, as one of the status', () => {
  it('keeps reason, sentence and remedy, names what it is about, and is claimed by nobody', () => {
    const finding = findingOf(found({}));
    expect(finding).toEqual({
      reason: 'RestartRequired',
      object: { kind: 'vswitchd', name: '' },
      message: 'A restart of ovs-vswitchd (pid 4711) is needed for max-idle=30000.',
      claimants: [],
      remedy: 'Plan a restart.',
    });
    expect(formatObject(finding.object)).toBe('vswitchd');
  });

  it('says of its evidence what the sentence does not say', () => {
    const evidence = { pid: '4711', keys: 'max-idle', threads: '471', stored: '30000', age: '12 s', empty: '' };
    expect(findingOf(found({ evidence })).message).toBe(
      'A restart of ovs-vswitchd (pid 4711) is needed for max-idle=30000. [threads 471, age 12 s]',
    );
  });

  it('tells a number from a part of another one', () => {
    const message = 'A share of 0.5 and 10 flows.';
    const said = (value: string): boolean => findingOf(found({ message, evidence: { value } })).message === message;
    expect(['0.5', '10', 'flows', 'A'].map(said)).toEqual([true, true, true, true]);
    expect(['0', '5', '1', 'flow', 'a'].map(said)).toEqual([false, false, false, false, false]);
  });
});
