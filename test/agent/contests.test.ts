import { describe, expect, it } from 'vitest';
import { Contests, repairEveryMs, repairsAtOnceMax } from '../../src/agent/contests.js';
import { objectKey } from '../../src/model/condition.js';
import { AgentWorld } from '../fakes/agent-world.js';
import { bridgeIntent, mapOf, portIntent } from '../fakes/plan-rows.js';
import type { Action } from '../../src/plan/action.js';

const object = { kind: 'port', name: 'p0', bridge: 'br0' } as const;
const noEdit = { set: new Map(), setKeys: new Map(), deleteKeys: new Map() };
const repair: Action = { kind: 'editPort', object, loss: undefined, differences: [], uuid: 'u', edit: noEdit };
const creation: Action = {
  ...{ kind: 'createPort', object, loss: undefined, differences: [], bridge: 'br0', bridgeUuid: undefined },
  ...{ port: noEdit, interface: noEdit },
};

describe('repairs that somebody undoes', () => {
  it('are made at once for a while, then at a steady pace, and at once again after a time of peace', () => {
    const contests = new Contests();
    for (let count = 0; count < repairsAtOnceMax; count += 1) {
      expect(contests.allowed([repair], 0)).toEqual([repair]);
      contests.note([repair, repair], 0);
    }
    expect(contests.allowed([repair], 0)).toEqual([]);
    expect(contests.nextLookMs([repair], 0)).toBe(repairEveryMs);
    expect(contests.allowed([repair], repairEveryMs)).toEqual([repair]);
    contests.note([repair], repairEveryMs);
    expect(contests.restLeftMs(object, repairEveryMs)).toBe(repairEveryMs);
    const laterMs = repairEveryMs * (repairsAtOnceMax + 2);
    contests.note([], laterMs);
    expect([contests.restLeftMs(object, laterMs), contests.nextLookMs([repair], laterMs)]).toEqual([0, undefined]);
  });

  it('do not keep a bridge from being made whole', () => {
    const contests = new Contests();
    for (let count = 0; count < repairsAtOnceMax; count += 1) contests.note([creation], 0);
    expect(contests.allowed([repair, creation], 0)).toEqual([creation]);
  });
});

describe('the reconcile loop, against a rival who undoes each repair at once', () => {
  it('slows down for the object of the quarrel, says so, and repairs the others at once', async () => {
    const world = new AgentWorld();
    const wanted = portIntent('x0', 'br-a', { externalIds: mapOf({ k: 'mine' }) });
    world.intents = { bridges: [bridgeIntent('br-a')], ports: [wanted, { ...wanted, name: 'x1' }] };
    world.reconciler.start();
    await world.pass(200);
    const spoil = (name: string): void => {
      const port = world.observed.ports.get(name)!;
      const spoilt = { ...port, externalIds: new Map([...port.externalIds, ['k', 'theirs']]) };
      world.observed = { ...world.observed, ports: new Map([...world.observed.ports, [name, spoilt]]) };
      world.notify();
    };
    const repairs = (name: string): number =>
      world.applied.flat().filter((action) => action.kind === 'editPort' && action.object.name === name).length;
    const quarrel = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 10) {
        if (world.observed.ports.get('x0')?.externalIds.get('k') === 'mine') spoil('x0');
        await world.pass(10);
      }
    };
    await quarrel(5_000);
    const before = repairs('x0');
    await quarrel(5_000);
    expect(repairs('x0') - before).toBeGreaterThanOrEqual(4);
    expect(repairs('x0') - before).toBeLessThanOrEqual(6);
    const contested = world.status.conditions.find((entry) => objectKey(entry.object) === 'port:x0');
    expect(contested).toMatchObject({ state: 'failed', reason: 'Contested' });
    spoil('x1');
    await world.pass(50);
    expect(repairs('x1')).toBe(1);
    await world.pass(3_000);
    expect(world.status).toMatchObject({ isReady: true, pendingCount: 0 });
    expect(world.bugs).toEqual([]);
  });
});
