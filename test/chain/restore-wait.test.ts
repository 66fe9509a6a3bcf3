import { describe, expect, it } from 'vitest';
import { restoreWaitFindings, withRestoreWait } from '../../src/chain/restore-wait.js';
import type { Condition } from '../../src/model/condition.js';

const condition = (
  kind: 'chain' | 'chainPort',
  name: string,
  bridge: string,
  reason: Condition['reason'],
): Condition => ({
  object: { kind, name, bridge },
  state: reason === 'Ready' ? 'ready' : 'failed',
  reason,
  message: '',
  evidence: { cookie: '0x1' },
});

const conditions = [
  condition('chain', 'a', 'br-sfc', 'Ready'),
  condition('chain', 'b', 'br-sfc', 'ChainLoop'),
  condition('chain', 'c', 'br-hbn', 'Ready'),
  condition('chainPort', 'a/1/1', 'br-sfc', 'Ready'),
];

describe('chains while flows are restored', () => {
  it('are not ready, keep their evidence, and keep what is worse', () => {
    const told = withRestoreWait(conditions);
    expect(told.map(({ reason }) => reason)).toEqual(['ChainRestoreWait', 'ChainLoop', 'ChainRestoreWait', 'Ready']);
    expect(told[0]).toMatchObject({ state: 'waiting', evidence: { cookie: '0x1' } });
  });

  it('are a finding on each of their bridges when that does not end', () => {
    expect(restoreWaitFindings(conditions).map(({ object }) => object.name)).toEqual(['br-hbn', 'br-sfc']);
    expect(restoreWaitFindings([])).toEqual([]);
  });
});
