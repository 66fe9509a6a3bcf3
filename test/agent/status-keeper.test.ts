import { describe, expect, it } from 'vitest';
import { StatusKeeper } from '../../src/agent/status-keeper.js';
import type { AgentStatus } from '../../src/agent/status.js';
import type { PodFacts } from '../../src/attach/attachment-view.js';

const status = (wallMs: number): AgentStatus => ({ wallMs }) as AgentStatus;
const pods = (name: string): readonly PodFacts[] => [{ name } as PodFacts];

describe('the keeper of the status', () => {
  it('has none before the first look, then always the newest', () => {
    const keeper = new StatusKeeper();
    expect(keeper.current()).toBeUndefined();
    expect(keeper.pods()).toEqual([]);
    keeper.set(status(1));
    keeper.set(status(2));
    expect(keeper.current()?.wallMs).toBe(2);
  });

  it('makes the pods when somebody asks, once for each look', () => {
    const keeper = new StatusKeeper();
    let count = 0;
    const make = (name: string) => () => {
      count += 1;
      return pods(name);
    };
    keeper.setPods(make('a'));
    keeper.setPods(make('b'));
    expect(count).toBe(0);
    expect(keeper.pods()).toEqual(pods('b'));
    expect(keeper.pods()).toBe(keeper.pods());
    expect(count).toBe(1);
    keeper.setPods(make('c'));
    expect(keeper.pods()).toEqual(pods('c'));
    expect(count).toBe(2);
  });

  it('tells the lease as it is now, which is renewed between two looks', () => {
    const keeper = new StatusKeeper();
    const held = (renewedWallMs: number) => ({ kind: 'held', renewedWallMs, message: undefined }) as const;
    let renewedWallMs = 1;
    keeper.setLive(() => ({ lease: held(renewedWallMs), clockSkewMs: 5 }));
    keeper.set(status(1));
    expect(keeper.current()?.attach).toBeUndefined();
    keeper.set({ ...status(2), attach: { lease: held(1), bridge: 'br-int' } } as unknown as AgentStatus);
    renewedWallMs = 9;
    expect(keeper.current()).toMatchObject({ wallMs: 2, attach: { lease: held(9), clockSkewMs: 5, bridge: 'br-int' } });
  });

  it('tells listeners of each status until they have had enough', () => {
    const keeper = new StatusKeeper();
    let told = 0;
    const stop = keeper.onChange(() => (told += 1));
    keeper.set(status(1));
    stop();
    keeper.set(status(2));
    expect(told).toBe(1);
  });
});
