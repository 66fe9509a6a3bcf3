import { describe, expect, it } from 'vitest';
import { StatusBoard } from '../../src/agent/status-board.js';
import type { AgentStatus, PortsStatus } from '../../src/agent/status.js';
import type { Condition, ConditionState, Finding } from '../../src/model/condition.js';

const condition = (kind: 'port' | 'chain', name: string, state: ConditionState): Condition => ({
  object: { kind, name, bridge: 'br-sfc' },
  state,
  reason: state === 'ready' ? 'Ready' : 'ChainFlowsUnread',
  message: 'so it is',
  evidence: {},
});

const finding = (name: string): Finding => ({
  reason: 'ChainFlowBlocked',
  object: { kind: 'chain', name },
  message: 'so it is',
  claimants: [],
  remedy: 'none',
});

const offloadFinding: Finding = {
  reason: 'RestartRequired',
  object: { kind: 'vswitchd', name: '' },
  message: 'so it is',
  claimants: [],
  remedy: 'none',
};

const ports = (fields: Partial<PortsStatus> = {}): PortsStatus => ({
  wallMs: 1_000,
  freshMs: 5_000,
  ovsdb: { kind: 'synced', endpoint: 'unix:/db.sock' },
  vswitchd: 'alive',
  repair: 'on',
  isReady: true,
  conditions: [condition('port', 'p0', 'ready')],
  findings: [],
  pendingCount: 0,
  appliedRounds: 0,
  appliedActions: 0,
  journal: [],
  ...fields,
});

const chains = (state: ConditionState, findings: readonly Finding[] = []) => ({
  conditions: [condition('chain', 'wire', state)],
  findings,
  patches: [],
  views: [],
});

function board(): { readonly board: StatusBoard; readonly seen: AgentStatus[] } {
  const seen: AgentStatus[] = [];
  return { board: new StatusBoard('/run/ovs', (status) => seen.push(status)), seen };
}

describe('the status of the whole agent', () => {
  it('is shown once the loop of the ports has looked, with what both loops say', () => {
    const { board: made, seen } = board();
    made.setChains(chains('ready', [finding('wire')]), 900);
    expect(seen).toEqual([]);
    made.setPorts(ports({ findings: [finding('p0')] }));
    expect(seen).toHaveLength(1);
    expect(seen[0]?.conditions.map(({ object }) => object.name)).toEqual(['p0', 'wire']);
    expect(seen[0]?.findings.map(({ object }) => object.name)).toEqual(['p0', 'wire']);
    expect(seen[0]?.ovsRunDir).toBe('/run/ovs');
  });

  it('has what is found of offload beside the rest, until it is gone, and is as ready as it was', () => {
    const { board: made, seen } = board();
    made.setOffload([offloadFinding], 900);
    expect(seen).toEqual([]);
    made.setPorts(ports({ findings: [finding('p0')] }));
    made.setOffload([offloadFinding, offloadFinding], 2_000);
    made.setOffload([], 3_000);
    expect(seen.map(({ findings }) => findings.map(({ reason }) => reason))).toEqual([
      ['ChainFlowBlocked', 'RestartRequired'],
      ['ChainFlowBlocked', 'RestartRequired', 'RestartRequired'],
      ['ChainFlowBlocked'],
    ]);
    expect(seen.map(({ isReady, wallMs }) => [isReady, wallMs])).toEqual([
      [true, 1_000],
      [true, 2_000],
      [true, 3_000],
    ]);
    // Looking at offload proves nothing of the loops.
    expect(seen.at(-1)?.oldestLookWallMs).toBe(1_000);
  });

  it.each([
    [true, 'ready', true],
    [true, 'waiting', false],
    [true, 'failed', false],
    [false, 'ready', false],
  ] as const)('with ports ready: %s and a chain %s is ready: %s', (isReady, state, expected) => {
    const { board: made, seen } = board();
    made.setChains(chains(state), 900);
    made.setPorts(ports({ isReady }));
    expect(seen.at(-1)?.isReady).toBe(expected);
  });

  it('carries the time of the newest look, whichever loop had it', () => {
    const { board: made, seen } = board();
    made.setPorts(ports({ wallMs: 1_000 }));
    made.setChains(chains('ready'), 1_500);
    made.setChains(chains('ready'), 700);
    expect(seen.map(({ wallMs }) => wallMs)).toEqual([1_000, 1_500, 1_000]);
  });

  it('carries the time of the oldest look too, so that a loop that hangs does not pass for alive', () => {
    const { board: made, seen } = board();
    made.setPorts(ports({ wallMs: 1_000 }));
    made.setChains(chains('ready'), 9_000);
    made.setIntents([], 9_500);
    expect(seen.map(({ oldestLookWallMs }) => oldestLookWallMs)).toEqual([1_000, 1_000, 1_000]);
    made.setPorts(ports({ wallMs: 12_000 }));
    expect(seen.at(-1)?.oldestLookWallMs).toBe(9_000);
  });

  it('tells once that flows wait to be restored, where the supervisor of offload tells it', () => {
    const stuck = (kind: 'bridge' | 'vswitchd', name: string): Finding => ({
      ...finding(name),
      reason: 'RestoreWaitStuck',
      object: { kind, name },
    });
    const { board: made, seen } = board();
    made.setPorts(ports());
    made.setChains(chains('ready', [stuck('bridge', 'br-sfc'), finding('wire')]), 2_000);
    expect(seen.at(-1)?.findings.map(({ object }) => object.name)).toEqual(['br-sfc', 'wire']);
    made.setOffload([stuck('vswitchd', '')], 3_000);
    expect(seen.at(-1)?.findings.map(({ object }) => object.kind)).toEqual(['chain', 'vswitchd']);
    made.setOffload([], 4_000);
    expect(seen.at(-1)?.findings.map(({ object }) => object.kind)).toEqual(['bridge', 'chain']);
  });
});
