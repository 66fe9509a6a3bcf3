import { describe, expect, it } from 'vitest';
import { defaultCookieTag } from '../../src/chain/chain-id.js';
import { judgeChains } from '../../src/chain/judge-chain.js';
import { planFlows, type ObservedFlows } from '../../src/chain/plan-flows.js';
import type { ChainIntent } from '../../src/model/chain.js';
import type { ObservedPort } from '../../src/model/observed.js';
import { chainIntent, chainSwitch, flowsOf, idsOf, sfcPort, validate, worldIndex } from '../fakes/chain-world.js';
import { FlowSwitch } from '../fakes/flow-switch.js';

const ports = ['a', 'b', 'c'].map((name, place) => sfcPort(name, place + 1));
const wire = chainIntent('wire', [chainSwitch('a', 'b')]);

interface Situation {
  readonly wanted?: readonly ChainIntent[];
  readonly before?: readonly ChainIntent[];
  readonly world?: readonly ObservedPort[];
  /** Default: all that was planned is there. */
  readonly observed?: ObservedFlows;
  readonly closed?: readonly string[];
}

function judge({ wanted = [wire], before = wanted, world = ports, observed, closed = [] }: Situation) {
  const accepted = new Map(before.map((chain) => [chain.name, chain]));
  const verdict = validate(wanted, worldIndex({ ports: world }), accepted);
  const ids = idsOf(verdict);
  const desired = flowsOf(verdict, ids, closed);
  const done = new FlowSwitch();
  for (const change of planFlows(desired, new Map([['br-sfc', []]])).changes) done.apply(change);
  const seen = observed ?? new Map([['br-sfc', done.dump()]]);
  const plan = planFlows(desired, seen);
  const conditions = judgeChains({
    verdict,
    plan,
    observed: seen,
    ids,
    tag: defaultCookieTag,
    closed: new Set(closed),
  });
  return new Map(conditions.map((condition) => [`${condition.object.kind} ${condition.object.name}`, condition]));
}

describe('a chain', () => {
  it('is ready when its flows were read back and every port is ready', () => {
    const conditions = judge({});
    expect([...conditions.keys()]).toEqual([
      'chain wire',
      'chainPort wire/1/labels id=a',
      'chainPort wire/1/labels id=b',
    ]);
    for (const condition of conditions.values()) expect(condition).toMatchObject({ state: 'ready', reason: 'Ready' });
    expect(conditions.get('chain wire')?.evidence).toMatchObject({ flows_read: '2', generation: '1' });
  });

  it('is not ready while the flows of its bridge have not been read', () => {
    expect(judge({ observed: new Map() }).get('chain wire')).toMatchObject({
      state: 'waiting',
      reason: 'ChainFlowsUnread',
    });
  });

  it('is not ready while a flow is missing', () => {
    expect(judge({ observed: new Map([['br-sfc', []]]) }).get('chain wire')).toMatchObject({
      state: 'waiting',
      reason: 'ChainFlowsPending',
    });
  });

  it('fails with the name of the port whose link is down', () => {
    const world = [sfcPort('a', 1, { linkState: 'down' }), ...ports.slice(1)];
    const conditions = judge({ world });
    expect(conditions.get('chain wire')).toMatchObject({ state: 'failed', reason: 'ChainPortsNotReady' });
    expect(conditions.get('chain wire')?.message).toContain('wire/1/labels id=a');
    expect(conditions.get('chainPort wire/1/labels id=a')).toMatchObject({ state: 'failed', reason: 'LinkDown' });
  });

  it('waits for a port that has vanished or has no number', () => {
    expect(judge({ world: ports.slice(1) }).get('chain wire')).toMatchObject({ state: 'waiting' });
    const unnumbered = judge({ world: [sfcPort('a', -1), ...ports.slice(1)] });
    expect(unnumbered.get('chainPort wire/1/labels id=a')).toMatchObject({ reason: 'ChainPortPending' });
  });

  it('says that its newest version is refused although the earlier one works', () => {
    const wanted = [chainIntent('wire', [chainSwitch('a', 'none')])];
    const condition = judge({ wanted, before: [wire] }).get('chain wire');
    expect(condition).toMatchObject({ state: 'failed', reason: 'ChainRefused' });
    expect(condition?.message).toContain('labels id=none');
  });

  it('has a condition although nothing of it is in force', () => {
    const wanted = [chainIntent('wire', [chainSwitch('a', 'none')])];
    expect(judge({ wanted, before: [] }).get('chain wire')).toMatchObject({
      state: 'waiting',
      reason: 'ChainPortMissing',
    });
  });

  it('says that it is closed', () => {
    expect(judge({ closed: ['wire'] }).get('chain wire')).toMatchObject({ reason: 'ChainClosed' });
  });

  it('shows a port that is too narrow for it', () => {
    const wide = chainIntent('wire', [chainSwitch('a', 'b')], { mtu: 9000 });
    expect(judge({ wanted: [wide] }).get('chainPort wire/1/labels id=a')).toMatchObject({ reason: 'ChainMtuUnfit' });
  });
});
