import { describe, expect, it } from 'vitest';
import type { PortIntent } from '../../src/model/intent.js';
import type { ObservedPort } from '../../src/model/observed.js';
import { ownerKey } from '../../src/model/ownership.js';
import {
  actionNames,
  bridgeIntent,
  bridgeRow,
  interfaceRow,
  mapOf,
  observedOf,
  ownPortRow,
  patchIntent,
  planOf,
  portIntent,
  portRow,
} from '../fakes/plan-rows.js';

const bridges = [bridgeIntent('br-a', { mode: 'share' }), bridgeIntent('br-b', { mode: 'share' })];
const bridgeRows = [bridgeRow('br-a'), bridgeRow('br-b'), bridgeRow('br-f')];

function planPorts(ports: readonly PortIntent[], rows: readonly ObservedPort[] = []) {
  return planOf({ bridges, ports }, observedOf({ bridges: bridgeRows, ports: rows }));
}

/** A name that an intent gives itself for the report. */
const by = (name: string) => ({ source: { rank: 0, name } });

describe('a wanted port', () => {
  it('is not taken from a bridge where somebody else put it, even with adopt', () => {
    const plan = planPorts([portIntent('x0', 'br-a', { adopt: true, ...by('me') })], [portRow('x0', 'br-f')]);
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([
      { reason: 'PortOnForeignBridge', claimants: ['me', 'whoever put it on br-f'] },
    ]);
    expect(plan.findings[0]?.remedy).toContain('ovs-vsctl del-port br-f x0');
  });

  it('is not made while a bridge has its name', () => {
    const plan = planPorts([portIntent('br-f', 'br-a')]);
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([
      { reason: 'PortOnForeignBridge', claimants: ['config.yaml:1', 'bridge br-f'] },
    ]);
  });

  it('is not made of the local port of a bridge of the agent that is about to go', () => {
    const world = observedOf({
      bridges: [...bridgeRows, bridgeRow('br-old', { externalIds: mapOf({ [ownerKey]: 'agent-1' }) })],
      ports: [ownPortRow('br-old', 'br-old')],
    });
    const intents = { bridges, ports: [portIntent('br-old', 'br-a')] };
    expect(planOf(intents, world).findings.map(({ reason }) => reason)).toEqual([
      'PortOnForeignBridge',
      'OrphanPending',
    ]);
  });

  it("is not made while its interface is a member of somebody's bond", () => {
    const bond = portRow('bond0', 'br-f', { interfaces: [interfaceRow('x0'), interfaceRow('x1')] });
    const plan = planPorts([portIntent('x0', 'br-a')], [bond]);
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([
      { reason: 'ForeignPort', claimants: ['config.yaml:1', 'port bond0 on br-f'] },
    ]);
  });

  it('does not take over a bond, even with adopt', () => {
    const bond = portRow('x0', 'br-a', { interfaces: [interfaceRow('x0'), interfaceRow('x1')] });
    const plan = planPorts([portIntent('x0', 'br-a', { adopt: true })], [bond]);
    expect(plan.actions).toEqual([]);
    expect(plan.findings[0]).toMatchObject({
      reason: 'ForeignPort',
      remedy: expect.stringContaining('bond') as string,
    });
  });

  it('is left alone when somebody replaced its interface', () => {
    const replaced = ownPortRow('x0', 'br-a', { interfaces: [interfaceRow('eth9')] });
    const plan = planPorts([portIntent('x0', 'br-a')], [replaced]);
    expect(plan.actions).toEqual([]);
    expect(plan.findings[0]?.message).toBe('The interface of port x0 was replaced by eth9.');
  });

  it("is somebody else's when its row carries their mark, whatever its interface says", () => {
    const theirs = ownPortRow('x0', 'br-a', { externalIds: mapOf({ [ownerKey]: 'agent-2' }) });
    const plan = planPorts([portIntent('x0', 'br-a')], [theirs]);
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([{ reason: 'ForeignPort' }]);
  });

  it('cannot forge a line of the report by foreign names', () => {
    const world = observedOf({ bridges: [...bridgeRows, bridgeRow('br\n!')], ports: [portRow('x0', 'br\n!')] });
    const plan = planOf({ bridges, ports: [portIntent('x0', 'br-a')] }, world);
    expect(plan.findings[0]?.message).not.toContain('\n');
    expect(plan.findings[0]?.remedy).not.toContain('\n');
  });
});

describe('a patch port', () => {
  const pair = [patchIntent('a', 'br-a', 'b', 'br-b'), patchIntent('b', 'br-b', 'a', 'br-a')];

  it('is created with its other end in one plan', () => {
    expect(actionNames(planPorts(pair))).toEqual(['createPort a', 'createPort b']);
  });

  it('is created before its other end is there', () => {
    expect(actionNames(planPorts(pair.slice(0, 1)))).toEqual(['createPort a']);
  });

  it("is created towards somebody's patch port that names it", () => {
    const theirs = portRow('b', 'br-b', {}, { type: 'patch', options: mapOf({ peer: 'a' }) });
    expect(actionNames(planPorts(pair.slice(0, 1), [theirs]))).toEqual(['createPort a']);
  });

  it('is not patched with itself', () => {
    const plan = planPorts([patchIntent('a', 'br-a', 'a', 'br-a')]);
    expect(plan.actions).toEqual([]);
    expect(plan.findings).toMatchObject([{ reason: 'PatchPeerTaken' }]);
  });

  it.each([
    ['is wanted as something else', [portIntent('b', 'br-b', by('other'))], 'is no patch port, says other'],
    ['is wanted with another peer', [patchIntent('b', 'br-b', 'c', 'br-a', by('other'))], 'has the peer c, says other'],
    [
      'is wanted on another bridge',
      [patchIntent('b', 'br-a', 'a', 'br-a', by('other'))],
      'is on br-a and not on br-b, says other',
    ],
    [
      'expects it on another bridge',
      [patchIntent('b', 'br-b', 'a', 'br-b', by('other'))],
      'expects its peer on br-b, says other',
    ],
  ])('is refused when its peer %s, and both claimants are named', (_why, others, words) => {
    const plan = planPorts([patchIntent('a', 'br-a', 'b', 'br-b', by('me')), ...others]);
    const finding = plan.findings.find(({ object }) => object.name === 'a');
    expect(finding).toMatchObject({ reason: 'PatchPeerTaken', claimants: ['me', 'other'] });
    expect(finding?.message).toContain(words);
    expect(actionNames(plan)).not.toContain('createPort a');
  });

  it.each([
    ['no patch port', {}, 'br-b', 'is no patch port'],
    ['patched elsewhere', { type: 'patch', options: mapOf({ peer: 'z' }) }, 'br-b', 'has the peer z'],
    ['patched with nothing', { type: 'patch' }, 'br-b', 'has the peer (none)'],
    ['on another bridge', { type: 'patch', options: mapOf({ peer: 'a' }) }, 'br-f', 'is on br-f and not on br-b'],
  ])("is refused when somebody's port of its peer's name is %s", (_why, main, on, words) => {
    const plan = planPorts([patchIntent('a', 'br-a', 'b', 'br-b')], [portRow('b', on, {}, main)]);
    expect(plan.actions).toEqual([]);
    expect(plan.findings[0]?.message).toContain(words);
    expect(plan.findings[0]?.claimants).toEqual(['config.yaml:1', `port b on ${on}`]);
  });
});
