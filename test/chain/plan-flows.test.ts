import { describe, expect, it } from 'vitest';
import { defaultCookieTag, decodeCookie, renewChain } from '../../src/chain/chain-id.js';
import { planFlows, type FlowPlan } from '../../src/chain/plan-flows.js';
import type { ChainIntent } from '../../src/model/chain.js';
import type { ObservedFlow } from '../../src/model/flow.js';
import { formatFlowSelector } from '../../src/model/flow-text.js';
import type { ObservedPort } from '../../src/model/observed.js';
import {
  chainIntent,
  chainPort,
  chainSwitch,
  flowsOf,
  idsOf,
  patchPair,
  sfcPort,
  tagged,
  validate,
  worldIndex,
} from '../fakes/chain-world.js';
import { FlowSwitch } from '../fakes/flow-switch.js';
import { mapOf, marked } from '../fakes/plan-rows.js';

const ports = ['a', 'b', 'c', 'd'].map((name, place) => sfcPort(name, place + 1));
const wire = chainIntent('wire', [chainSwitch('a', 'b')]);
const lan = chainIntent('lan', [chainSwitch('b', 'c', 'd')]);

function desired(
  chains: readonly ChainIntent[],
  world: readonly ObservedPort[] = ports,
  closed: readonly string[] = [],
) {
  const accepted = new Map(chains.map((chain) => [chain.name, chain]));
  const verdict = validate(chains, worldIndex({ ports: world }), accepted);
  return flowsOf(verdict, idsOf(verdict), closed);
}

function planOn(world: FlowSwitch, ...args: Parameters<typeof desired>): FlowPlan {
  const plan = planFlows(desired(...args), new Map([['br-sfc', world.dump()]]));
  for (const change of plan.changes) world.apply(change);
  return plan;
}

const words = ({ changes }: FlowPlan): readonly string[] =>
  changes.map((change) =>
    change.kind === 'deleteCookie'
      ? `deleteCookie ${change.flows.length}`
      : `${change.kind} ${formatFlowSelector(change.flow)}`,
  );

describe('the plan of flows', () => {
  it('brings what sends frames on after what takes them on', () => {
    const tables = planOn(new FlowSwitch(), [lan]).changes.map((change) =>
      change.kind === 'deleteCookie' ? -1 : change.flow.table,
    );
    // The last is an obstacle, which comes behind.
    expect(tables).toEqual([14, 14, 14, 14, 10, 0, 0, 0, 10]);
  });

  it('changes only the flows of a port that got another number', () => {
    const world = new FlowSwitch();
    planOn(world, [wire]);
    const moved = [sfcPort('a', 9), ...ports.slice(1)];
    expect(words(planOn(world, [wire], moved))).toEqual([
      'add table=0,priority=100,in_port=9',
      'modify table=0,priority=100,in_port=2',
      'delete table=0,priority=100,in_port=1',
    ]);
  });

  it('takes the flows of a port that vanished, and drops what is sent towards it', () => {
    const world = new FlowSwitch();
    planOn(world, [wire]);
    expect(words(planOn(world, [wire], ports.slice(1)))).toEqual([
      'modify table=0,priority=100,in_port=2',
      'delete table=0,priority=100,in_port=1',
    ]);
    expect(world.receive({ inPort: 2, src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02', vlans: [] })).toEqual([]);
  });

  it('forgets what was learned behind a port that vanished, before all else', () => {
    const world = new FlowSwitch();
    planOn(world, [lan]);
    world.receive({ inPort: 2, src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02', vlans: [] });
    world.receive({ inPort: 3, src: '02:00:00:00:00:02', dst: '02:00:00:00:00:01', vlans: [] });
    const [first, ...rest] = planOn(
      world,
      [lan],
      ports.filter(({ name }) => name !== 'b'),
    ).changes;
    expect(first).toMatchObject({ kind: 'delete', cause: 'learned', flow: { table: 13 } });
    expect(rest.filter((change) => change.kind === 'delete' && change.cause === 'learned')).toEqual([]);
    expect(world.dump().filter((flow) => flow.table === 13)).toHaveLength(1);
  });

  it('names no port that another chain has, although the number is known', () => {
    const taken = chainIntent('web', [chainSwitch('a', 'c')]);
    const flows = [...(desired([taken, wire]).flows.get('br-sfc')?.values() ?? [])];
    const later = flows.filter(({ chain }) => chain === 'wire');
    expect(later.map(({ flow }) => flow.match.inPort)).toEqual([2]);
    expect(later.map(({ flow }) => flow.actions)).toEqual([[]]);
  });

  it('removes a chain by its cookie, and what its switches have learned with it', () => {
    const world = new FlowSwitch();
    planOn(world, [lan, chainIntent('other', [chainSwitch('a', chainPort('x'))])]);
    world.receive({ inPort: 2, src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02', vlans: [] });
    expect(words(planOn(world, []))).toEqual(['deleteCookie 1', 'deleteCookie 10']);
    expect(world.dump()).toEqual([]);
  });

  it('replaces a flow that somebody put under another cookie of the agent', () => {
    const world = new FlowSwitch();
    planOn(world, [wire]);
    const strange = world.dump().map((flow): ObservedFlow => ({ ...flow, cookie: flow.cookie + 1n }));
    const plan = planOn(new FlowSwitch(strange), [wire]);
    expect(plan.changes.map(({ kind }) => kind)).toEqual(['replace', 'replace']);
  });

  it('starts a renewed chain over, and nothing learned before is believed', () => {
    const world = new FlowSwitch();
    planOn(world, [lan]);
    world.receive({ inPort: 2, src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02', vlans: [] });
    const verdict = validate([lan], worldIndex({ ports }));
    const renewed = renewChain(idsOf(verdict), 'lan');
    const { changes } = planFlows(flowsOf(verdict, renewed), new Map([['br-sfc', world.dump()]]));
    for (const change of changes) world.apply(change);
    expect(new Set(world.dump().map(({ cookie }) => decodeCookie(cookie).generation))).toEqual(new Set([2]));
    expect(world.dump().filter(({ table }) => table === 13)).toEqual([]);
  });

  it('leaves a flow of somebody else where it is and says so', () => {
    const theirs: ObservedFlow = {
      table: 0,
      priority: 100,
      match: { inPort: 1 },
      actions: [{ kind: 'other', text: 'NORMAL' }],
      cookie: 0x99n,
      idleTimeout: 0,
      hardTimeout: 0,
      packets: 1n,
      bytes: 1n,
    };
    const plan = planOn(new FlowSwitch([theirs]), [wire]);
    expect(words(plan)).toEqual(['add table=0,priority=100,in_port=2']);
    expect(plan.findings).toMatchObject([{ reason: 'ChainFlowBlocked', object: { kind: 'chain', name: 'wire' } }]);
    expect(plan.findings[0]?.message).toContain('0x99');
  });

  it('plans nothing for a bridge whose flows were not read', () => {
    expect(planFlows(desired([wire]), new Map())).toMatchObject({ changes: [], unread: ['br-sfc'] });
  });

  it('stops the traffic of a closed chain at every port, and of no other', () => {
    const world = new FlowSwitch();
    const other = chainIntent('other', [chainSwitch('c', 'd')]);
    planOn(world, [wire, other]);
    planOn(world, [wire, other], ports, ['wire']);
    const sent = (inPort: number) =>
      world.receive({ inPort, src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02', vlans: [] });
    expect(sent(1)).toEqual([]);
    expect(sent(3)).toEqual([{ port: 4, vlans: [] }]);
  });

  it('guards the rest of a port that is shared by VLAN under a cookie of no chain', () => {
    const shared = chainIntent('x', [chainSwitch(chainPort('a', { vlan: tagged(10) }), 'b')]);
    const guard = [...(desired([shared]).flows.get('br-sfc')?.values() ?? [])].find(({ chain }) => chain === undefined);
    expect(guard?.flow).toMatchObject({ priority: 90, match: { inPort: 1 }, actions: [] });
    expect(decodeCookie(guard?.flow.cookie ?? 0n)).toMatchObject({ tag: defaultCookieTag, id: 0 });
  });

  it('connects the far end of a patch pair of its own with the port that was meant', () => {
    const own = { externalIds: marked() };
    const rep = sfcPort('sf9', 9, { externalIds: mapOf({ 'dpf-id': 's' }) }, 'br-hbn');
    const pair = patchPair(
      { name: 'p_sf9_brsfc_to_brhbn', ofport: 40 },
      { name: 'p_sf9_brhbn_to_brsfc', bridge: 'br-hbn', ofport: 41 },
      { near: own, far: own },
    );
    const chain = chainIntent('x', [chainSwitch('a', chainPort({ kind: 'service', dpfId: 's' }))]);
    const flows = desired([chain], [...ports, rep, ...pair]).flows;
    const far = [...(flows.get('br-hbn')?.values() ?? [])].map(({ flow }) => [flow.match.inPort, flow.actions]);
    expect(far).toEqual([
      [9, [{ kind: 'output', port: 41 }]],
      [41, [{ kind: 'output', port: 9 }]],
    ]);
  });
});
