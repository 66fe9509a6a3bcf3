import { describe, expect, it } from 'vitest';
import type { ApplyResult } from '../../src/agent/ports.js';
import type { Action } from '../../src/plan/action.js';
import { AgentWorld } from '../fakes/agent-world.js';
import { bridgeIntent, bridgeRow, marked, netdev, ownPortRow, portIntent } from '../fakes/plan-rows.js';

const twoBridges = { bridges: [bridgeIntent('br-a'), bridgeIntent('br-b')], ports: [portIntent('int0', 'br-a')] };

function started(world: AgentWorld): AgentWorld {
  world.intents = twoBridges;
  world.reconciler.start();
  return world;
}

const names = (actions: readonly Action[] | undefined): readonly string[] =>
  (actions ?? []).map((action) => `${action.kind} ${action.object.name}`);

describe('the reconcile loop', () => {
  it('gathers events, writes once, looks again, and is ready', async () => {
    const world = started(new AgentWorld());
    for (let burst = 0; burst < 10; burst += 1) world.notify();
    await world.pass(10);
    expect(world.applied).toHaveLength(0);
    await world.pass(100);
    expect(world.applied).toHaveLength(1);
    expect(world.status).toMatchObject({ isReady: true, appliedRounds: 1, pendingCount: 0, repair: 'on' });
    expect(world.journal.map((entry) => entry.outcome)).toEqual(['applied']);
  });

  it('writes nothing for as long as nothing differs, and looks at its own pace', async () => {
    const world = started(new AgentWorld({ fullResyncMs: 1_000 }));
    await world.pass(200);
    const shown = world.statuses.length;
    await world.pass(5_000);
    expect(world.applied).toHaveLength(1);
    expect(world.statuses.length - shown).toBe(5);
  });

  it('plans nothing before every input has been read, and names the one that has not', async () => {
    const world = started(new AgentWorld());
    world.state = { kind: 'connecting', message: 'nobody listens', code: 'CONNECT_FAILED' };
    await world.pass(50);
    expect(world.status.conditions).toMatchObject([
      { object: { name: 'br-a' }, reason: 'OvsdbUnavailable', message: 'nobody listens' },
      { object: { name: 'br-b' }, reason: 'OvsdbUnavailable' },
    ]);
    world.state = { kind: 'synced', endpoint: 'unix:/db.sock' };
    world.isInitialised = false;
    world.notify();
    await world.pass(50);
    expect(world.status.conditions[0]?.message).toContain('never initialised');
    world.isInitialised = true;
    world.netdevs = undefined;
    world.deviceProblem = 'EACCES';
    world.notify();
    await world.pass(50);
    expect(world.status.conditions[0]).toMatchObject({ reason: 'NetdevsUnknown' });
    expect(world.status.conditions[0]?.message).toContain('EACCES');
    expect(world.applied).toHaveLength(0);
    world.netdevs = new Map();
    world.notify();
    await world.pass(100);
    expect(world.status.isReady).toBe(true);
  });

  it('asks nobody at the switch while the database is away', async () => {
    const world = started(new AgentWorld());
    await world.pass(100);
    expect(world.watched).toEqual(['br-a', 'br-b']);
    world.state = { kind: 'connecting', message: 'lost', code: 'CONNECTION_LOST' };
    world.notify();
    await world.pass(50);
    expect(world.watched).toEqual([]);
  });

  it('writes nothing when told to observe, when another one writes, and while the machine boots', async () => {
    for (const [options, isWriter, repair] of [
      [{ repair: 'observe' as const }, true, 'observe'],
      [{}, false, 'standby'],
      [{ bootGraceMs: 60_000 }, true, 'bootGrace'],
    ] as const) {
      const world = new AgentWorld(options);
      world.isWriter = isWriter;
      started(world);
      await world.pass(500);
      expect(world.applied).toEqual([]);
      expect(world.status).toMatchObject({ repair, isReady: false });
      expect(world.status.conditions.map((entry) => entry.reason)).toContain('ReadOnly');
    }
  });

  it('begins to write by itself when the grace of the boot is over, and at once when the lock comes', async () => {
    const booting = started(new AgentWorld({ bootGraceMs: 2_000 }));
    await booting.pass(2_100);
    expect(booting.applied).toHaveLength(1);
    const second = new AgentWorld();
    second.isWriter = false;
    started(second);
    await second.pass(100);
    second.isWriter = true;
    second.notify();
    await second.pass(100);
    expect(second.applied).toHaveLength(1);
  });

  it('leaves out what was refused and goes on with the rest, and tries again later', async () => {
    const world = started(new AgentWorld());
    let isPoisoned = true;
    world.answer = (actions): ApplyResult | undefined => {
      const bad = actions.find((action) => action.object.name === 'int0');
      if (bad === undefined || !isPoisoned) return undefined;
      return { kind: 'refused', object: bad.object, message: 'out of range', code: 'OVSDB_CONSTRAINT' };
    };
    await world.pass(200);
    expect(world.applied).toHaveLength(2);
    expect(world.status.conditions.filter((entry) => entry.state !== 'ready')).toMatchObject([
      { object: { name: 'br-a' }, reason: 'PortsNotReady' },
      { object: { name: 'int0' }, reason: 'TransactionRefused' },
    ]);
    expect(world.status.conditions.find((entry) => entry.object.name === 'int0')?.message).toContain('out of range');
    isPoisoned = false;
    await world.pass(1_500);
    expect(world.status.isReady).toBe(true);
  });

  it('finds the one to blame for a refusal that names nobody, and applies all others', async () => {
    const world = new AgentWorld();
    const ports = Array.from({ length: 30 }, (_unused, index) => portIntent(`int${index}`, 'br-a'));
    world.intents = { bridges: [bridgeIntent('br-a')], ports };
    world.answer = (actions): ApplyResult | undefined =>
      actions.some((action) => action.object.name === 'int17')
        ? { kind: 'refused', object: undefined, message: 'at the commit', code: 'OVSDB_CONSTRAINT' }
        : undefined;
    world.reconciler.start();
    await world.pass(1_000);
    expect(world.observed.ports.size).toBe(30);
    expect(world.observed.ports.has('int17')).toBe(false);
    const refused = world.status.conditions.find((entry) => entry.object.name === 'int17');
    expect(refused?.reason).toBe('TransactionRefused');
    expect(world.bugs).toEqual([]);
  });

  it('looks again with growing waits after conflicts and lost connections, and believes the world alone', async () => {
    const world = started(new AgentWorld());
    world.answer = (): ApplyResult => ({ kind: 'unknown', message: 'the connection was lost' });
    await world.pass(10_000);
    const tries = world.applied.length;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(20);
    expect(world.status.appliedRounds).toBe(0);
    world.answer = () => undefined;
    await world.pass(10_000);
    expect(world.status.isReady).toBe(true);
    expect(world.applied.length).toBe(tries + 1);
  });

  it('removes an orphan only after it was seen often and long enough', async () => {
    const world = new AgentWorld();
    const bridge = bridgeRow('br-old', { externalIds: marked() });
    world.observed = { ...world.observed, bridges: new Map([['br-old', bridge]]) };
    world.reconciler.start();
    await world.pass(500);
    expect(world.applied).toEqual([]);
    expect(world.status.findings).toMatchObject([{ reason: 'OrphanPending' }]);
    await world.pass(1_500);
    expect(world.applied.map(names)).toEqual([['deleteBridge br-old']]);
  });

  it('takes a port out and puts it back in two transactions, and rests longer each time it did not help', async () => {
    const world = new AgentWorld();
    world.intents = {
      bridges: [bridgeIntent('br-a')],
      ports: [portIntent('eth1', 'br-a', { attachment: { kind: 'system' } })],
    };
    // Never promiscuous: it looks re-created whatever is done.
    const strange = new Map([['eth1', netdev('eth1', { isPromiscuous: false })]]);
    world.netdevs = strange;
    world.answer = () => undefined;
    world.observed = { ...world.observed, netdevs: strange };
    world.reconciler.start();
    const removals = (): number => world.applied.filter((actions) => names(actions).includes('deletePort eth1')).length;
    await world.pass(10_000);
    const early = removals();
    await world.pass(10_000);
    expect(early).toBeGreaterThan(1);
    expect(early).toBeLessThan(7);
    expect(removals() - early).toBeLessThanOrEqual(1);
  });

  it('hands on what a round throws, as a bug', async () => {
    const world = started(new AgentWorld());
    world.answer = () => {
      throw new TypeError('a bug');
    };
    await world.pass(100);
    expect(world.bugs).toMatchObject([{ message: 'a bug' }]);
  });

  it('does nothing more once it is closed', async () => {
    const world = started(new AgentWorld());
    await world.pass(200);
    await world.reconciler.close();
    const shown = world.statuses.length;
    world.observed = { ...world.observed, ports: new Map(), bridges: new Map() };
    world.notify();
    await world.pass(120_000);
    expect([world.applied.length, world.statuses.length]).toEqual([1, shown]);
  });

  it('says in a status how soon a newer one is due', async () => {
    const world = started(new AgentWorld({ fullResyncMs: 5_000 }));
    await world.pass(100);
    expect(world.status.freshMs).toBeGreaterThan(5_000);
  });

  it('keeps its hands off the ports of others on a bridge that it owns', async () => {
    const world = started(new AgentWorld());
    await world.pass(100);
    const stranger = { ...ownPortRow('veth9', 'br-a'), externalIds: new Map([['iface', 'x']]) };
    const port = {
      ...stranger,
      interfaces: stranger.interfaces.map((entry) => ({ ...entry, externalIds: new Map() })),
    };
    world.observed = { ...world.observed, ports: new Map([...world.observed.ports, ['veth9', port]]) };
    world.notify();
    await world.pass(5_000);
    expect(world.applied).toHaveLength(1);
  });
});
