import { describe, expect, it } from 'vitest';
import { StatusKeeper } from '../../src/agent/status-keeper.js';
import { AgentHealth } from '../../src/api/agent-health.js';
import { ManualClock } from '../config/manual-clock.js';
import { agentStatus, attachStatus } from '../cli/attach-shapes.js';

const service = 'dpu.agent.v1.NodeService';

function world() {
  const clock = new ManualClock();
  const keeper = new StatusKeeper();
  const health = new AgentHealth(keeper, clock, [service]);
  const wellParts = () => [...health.current()].filter(([, isWell]) => isWell).map(([part]) => part);
  return { clock, keeper, health, wellParts };
}

describe('the health of the agent', () => {
  it('serves nothing but its services before the first look', () => {
    expect(world().wellParts()).toEqual(['live', service]);
  });

  it('is not alive when there was no look for a minute', () => {
    const { clock, wellParts } = world();
    clock.advance(60_000);
    expect(wellParts()).toEqual(['live', service]);
    clock.advance(1);
    expect(wellParts()).toEqual([service]);
  });

  it('serves every part of an agent that is well, as long as its status is fresh', () => {
    const { clock, keeper, wellParts } = world();
    const status = agentStatus({ wallMs: clock.wallMs(), isReady: true, vswitchd: 'alive', attach: attachStatus() });
    keeper.set(status);
    expect(wellParts()).toEqual(['', 'ovsdb', 'vswitchd', 'ports', 'chains', 'started', 'attach', 'live', service]);
    clock.advance(status.freshMs + 1);
    expect(wellParts()).toEqual([service]);
  });

  it('is looked at again when the status grows old, though nothing changes', () => {
    const { clock, keeper, health, wellParts } = world();
    const status = agentStatus({ wallMs: clock.wallMs(), isReady: true, vswitchd: 'alive', attach: undefined });
    keeper.set(status);
    const seen: (readonly string[])[] = [];
    const unsubscribe = health.onChange(() => seen.push(wellParts()));
    clock.advance(status.freshMs * 2);
    expect(seen.at(-1)).toEqual([service]);
    unsubscribe();
    expect(clock.timerCount).toBe(0);
  });

  it('tells the parts apart', () => {
    const { clock, keeper, wellParts } = world();
    const condition = (kind: 'port' | 'chain', state: 'ready' | 'failed') =>
      ({ object: { kind, name: 'x' }, state, reason: 'Ready', message: '', evidence: {} }) as const;
    const base = agentStatus({ wallMs: clock.wallMs(), isReady: false, vswitchd: 'alive', attach: undefined });
    keeper.set({ ...base, conditions: [condition('port', 'failed'), condition('chain', 'ready')] });
    expect(wellParts()).toEqual(['ovsdb', 'vswitchd', 'chains', 'started', 'live', service]);
    keeper.set({ ...base, conditions: [condition('chain', 'failed')], vswitchd: 'silent' });
    expect(wellParts()).toEqual(['ovsdb', 'ports', 'live', service]);
    keeper.set({ ...base, ovsdb: { kind: 'connecting', message: 'm', code: undefined } });
    expect(wellParts()).toEqual(['vswitchd', 'live', service]);
  });
});
