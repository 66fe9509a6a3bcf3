import { describe, expect, it } from 'vitest';
import { ownerKey } from '../../src/model/ownership.js';
import {
  actionNames,
  actionOf,
  bridgeIntent,
  bridgeRow,
  mapOf,
  marked,
  netdev,
  observedOf,
  ownPortRow,
  planOf,
  portIntent,
  portRow,
} from '../fakes/plan-rows.js';
import { apply } from '../fakes/plan-world.js';

const share = [bridgeIntent('br-s', { mode: 'share' })];
const ripe = (...keys: string[]) => ({ ripe: new Set(keys) });

describe('a port of the agent that no intent wants', () => {
  const world = observedOf({ bridges: [bridgeRow('br-s')], ports: [ownPortRow('x0', 'br-s')] });

  it('is not removed at first sight, but named as a candidate and reported', () => {
    const plan = planOf({ bridges: share }, world);
    expect(plan.actions).toEqual([]);
    expect(plan.candidates).toEqual([
      { key: 'orphan port:x0', object: { kind: 'port', name: 'x0', bridge: 'br-s' }, cause: 'orphan' },
    ]);
    expect(plan.findings).toMatchObject([{ reason: 'OrphanPending', object: { name: 'x0' } }]);
  });

  it('is removed once it is ripe, with a word on what it costs', () => {
    const plan = planOf({ bridges: share }, world, ripe('orphan port:x0'));
    expect(actionOf(plan, 'deletePort')).toMatchObject({
      uuid: 'port-x0',
      bridgeUuid: 'bridge-br-s',
      cause: 'orphan',
      loss: expect.stringContaining('which no intent wants') as string,
    });
    expect(plan.findings).toEqual([]);
    expect(apply(world, plan.actions).ports.size).toBe(0);
  });

  it('is removed from a bridge that no intent describes, too', () => {
    expect(actionNames(planOf({}, world, ripe('orphan port:x0')))).toEqual(['deletePort x0']);
  });

  it.each([
    ['its port row', portRow('x0', 'br-s', {}, { externalIds: marked() })],
    ['its interface row', portRow('x0', 'br-s', { externalIds: marked() })],
  ])('is known by the other mark when that of %s was wiped', (_row, port) => {
    const wiped = observedOf({ bridges: [bridgeRow('br-s')], ports: [port] });
    expect(planOf({ bridges: share }, wiped).candidates).toHaveLength(1);
  });

  it('is removed as one whose device is gone, without a finding, when that is so', () => {
    const gone = observedOf({ bridges: [bridgeRow('br-s')], ports: [ownPortRow('p0', 'br-s', {}, { type: '' })] });
    const intents = { bridges: share, ports: [portIntent('p0', 'br-s', { attachment: { kind: 'system' } })] };
    const first = planOf(intents, gone);
    expect(first).toMatchObject({ actions: [], findings: [], candidates: [{ key: 'deviceGone port:p0' }] });
    expect(first.blocked).toMatchObject([{ reason: 'NetdevMissing' }]);
    const plan = planOf(intents, gone, ripe('deviceGone port:p0'));
    expect(actionOf(plan, 'deletePort')).toMatchObject({ cause: 'deviceGone', loss: 'none: its device is gone' });
  });

  it('is an orphan like others while its device is there', () => {
    const port = ownPortRow('p0', 'br-s', {}, { type: '' });
    const there = observedOf({ bridges: [bridgeRow('br-s')], ports: [port], netdevs: [netdev('p0')] });
    expect(planOf({ bridges: share }, there).candidates).toMatchObject([{ cause: 'orphan' }]);
  });

  it('comes after everything that is created', () => {
    const plan = planOf({ bridges: share, ports: [portIntent('z9', 'br-s')] }, world, ripe('orphan port:x0'));
    expect(actionNames(plan)).toEqual(['createPort z9', 'deletePort x0']);
  });
});

describe('a bridge of the agent that no intent wants', () => {
  const own = bridgeRow('br-old', { externalIds: marked() });
  const local = ownPortRow('br-old', 'br-old');

  it('is removed once it is ripe, with the ports of the agent that are on it', () => {
    const world = observedOf({ bridges: [own], ports: [local, ownPortRow('x0', 'br-old')] });
    expect(planOf({}, world).findings.map(({ object }) => object.name)).toEqual(['x0', 'br-old']);
    const plan = planOf({}, world, ripe('orphan bridge:br-old', 'orphan port:x0'));
    expect(actionNames(plan)).toEqual(['deletePort x0', 'deleteBridge br-old']);
    expect(apply(world, plan.actions)).toMatchObject({ bridges: new Map(), ports: new Map() });
  });

  it('is kept while it holds ports of others, and says whose', () => {
    const theirs = portRow('theirs', 'br-old', { externalIds: mapOf({ [ownerKey]: 'agent-2' }) });
    const world = observedOf({ bridges: [own], ports: [local, theirs] });
    const plan = planOf({}, world, ripe('orphan bridge:br-old'));
    expect(plan).toMatchObject({ actions: [], candidates: [] });
    expect(plan.findings).toMatchObject([{ reason: 'OrphanKept', claimants: ['theirs'] }]);
  });

  it('names only some of many strangers', () => {
    const strangers = Array.from({ length: 9 }, (_, index) => portRow(`s${index}`, 'br-old'));
    const plan = planOf({}, observedOf({ bridges: [own], ports: strangers }));
    expect(plan.findings[0]?.claimants).toEqual(['s0', 's1', 's2', 's3', 's4']);
  });

  it('lets a wanted port move away before it goes', () => {
    const world = observedOf({ bridges: [own, bridgeRow('br-s')], ports: [local, ownPortRow('x0', 'br-old')] });
    const intents = { bridges: share, ports: [portIntent('x0', 'br-s')] };
    const plan = planOf(intents, world, ripe('orphan bridge:br-old'));
    expect(plan.actions.map(({ kind }) => kind).at(-1)).toBe('deleteBridge');
    expect(apply(world, plan.actions).ports.get('x0')?.bridge).toBe('br-s');
  });

  it('is known by the mark of its local port when its own was wiped', () => {
    const world = observedOf({ bridges: [bridgeRow('br-old')], ports: [local] });
    expect(actionNames(planOf({}, world, ripe('orphan bridge:br-old')))).toEqual(['deleteBridge br-old']);
  });

  it.each(['share', 'observe'] as const)('stays, with its local port, when it is handed over to mode %s', (mode) => {
    const world = observedOf({ bridges: [own], ports: [local] });
    const plan = planOf({ bridges: [bridgeIntent('br-old', { mode })] }, world);
    expect(plan).toMatchObject({ actions: [], candidates: [], findings: [] });
  });
});

describe('what others made', () => {
  it('is never a candidate', () => {
    const world = observedOf({
      bridges: [bridgeRow('br-f'), bridgeRow('br-g', { externalIds: mapOf({ [ownerKey]: 'agent-2' }) })],
      ports: [portRow('br-f', 'br-f'), portRow('x0', 'br-f'), portRow('x1', 'br-g')],
    });
    expect(planOf({}, world)).toEqual({ actions: [], candidates: [], findings: [], blocked: [] });
  });
});
