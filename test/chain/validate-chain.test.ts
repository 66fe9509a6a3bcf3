import { describe, expect, it } from 'vitest';
import type { ChainIntent } from '../../src/model/chain.js';
import type { ObservedPort } from '../../src/model/observed.js';
import {
  access,
  chainIntent,
  chainPort,
  chainSwitch,
  patchPair,
  sfcPort,
  tagged,
  validate,
  worldIndex,
} from '../fakes/chain-world.js';
import { mapOf } from '../fakes/plan-rows.js';

const ports = ['a', 'b', 'c', 'd', 'e'].map((name, place) => sfcPort(name, place + 1));

function verdict(
  wanted: readonly ChainIntent[],
  before: readonly ChainIntent[] = [],
  world: readonly ObservedPort[] = ports,
) {
  return validate(wanted, worldIndex({ ports: world }), new Map(before.map((chain) => [chain.name, chain])));
}

/** The reasons why the only refused chain is refused. */
function refusal(
  wanted: readonly ChainIntent[],
  before: readonly ChainIntent[] = [],
  world: readonly ObservedPort[] = ports,
) {
  const { refusals } = verdict(wanted, before, world);
  expect(refusals).toHaveLength(1);
  return refusals[0] ?? { problems: [], intent: chainIntent('', []), keeps: undefined };
}

const reasonsOf = (...args: Parameters<typeof refusal>) => refusal(...args).problems.map(({ reason }) => reason);

describe('a chain', () => {
  it('is accepted when every port answers', () => {
    const { accepted, refusals, chains } = verdict([chainIntent('web', [chainSwitch('a', 'b')])]);
    expect([...accepted.keys()]).toEqual(['web']);
    expect(refusals).toEqual([]);
    expect(chains[0]?.switches[0]?.ports.map(({ ofport }) => ofport)).toEqual([1, 2]);
  });

  it('is refused whole when one of its ports is missing', () => {
    const wanted = chainIntent('web', [chainSwitch('a', 'b'), chainSwitch('c', 'none')]);
    expect(reasonsOf([wanted])).toEqual(['ChainPortMissing']);
    expect(verdict([wanted]).chains).toEqual([]);
  });

  it('keeps its earlier version when the new one is refused, and the others go on', () => {
    const before = chainIntent('web', [chainSwitch('a', 'b')]);
    const after = chainIntent('web', [chainSwitch('a', 'none')]);
    const other = chainIntent('dns', [chainSwitch('c', 'd')]);
    const { accepted, refusals, findings, chains } = verdict([after, other], [before]);
    expect(accepted.get('web')).toBe(before);
    expect(refusals).toMatchObject([{ intent: after, keeps: before }]);
    expect(chains.map(({ intent }) => intent.name)).toEqual(['dns', 'web']);
    expect(findings).toMatchObject([{ reason: 'ChainRefused', object: { kind: 'chain', name: 'web' } }]);
    expect(findings[0]?.message).toContain('earlier version stays');
  });

  it('stays accepted when a port vanishes under it, without that port', () => {
    const wanted = chainIntent('web', [chainSwitch('a', 'b')]);
    const { refusals, chains } = verdict([wanted], [wanted], ports.slice(1));
    expect(refusals).toEqual([]);
    expect(chains[0]?.switches[0]?.ports.map(({ problem }) => problem?.reason)).toEqual([
      'ChainPortMissing',
      undefined,
    ]);
  });

  it('is accepted while a patch pair of the agent is still to be made, for accepting it makes the pair', () => {
    const hbn = { kind: 'patch', bridge: 'br-hbn' } as const;
    const { refusals, patches } = verdict([chainIntent('web', [chainSwitch('a', chainPort(hbn))])]);
    expect(refusals).toEqual([]);
    expect(patches.map(({ name }) => name)).toEqual(['p_brhbn_to_brsfc', 'p_brsfc_to_brhbn']);
  });

  it('that two sources describe differently is the first one’s, and both are named', () => {
    const mine = chainIntent('web', [chainSwitch('a', 'b')]);
    const theirs = chainIntent('web', [chainSwitch('c', 'd')], { source: { rank: 1, name: 'controller fleet-1' } });
    const { accepted, findings } = verdict([theirs, mine]);
    expect(accepted.get('web')).toBe(mine);
    expect(findings).toMatchObject([
      { reason: 'ChainClaimedTwice', claimants: ['config.yaml:1', 'controller fleet-1'] },
    ]);
  });

  it.each<[string, ChainIntent]>([
    ['no switch', chainIntent('x', [])],
    ['a switch of one port', chainIntent('x', [chainSwitch('a')])],
    ['an impossible VLAN', chainIntent('x', [chainSwitch(chainPort('a', { vlan: tagged(4095) }), 'b')])],
    [
      'access ports in two VLANs',
      chainIntent('x', [chainSwitch(chainPort('a', { vlan: access(1) }), chainPort('b', { vlan: access(2) }))]),
    ],
    [
      'a pinned group address',
      chainIntent('x', [chainSwitch(chainPort('a', { pinnedMacs: ['01:00:5e:00:00:01'] }), 'b')]),
    ],
    ['an ageing time of nothing', chainIntent('x', [chainSwitch('a', 'b')], { ageingSeconds: 0 })],
    ['a patch to its own bridge', chainIntent('x', [chainSwitch('a', chainPort({ kind: 'patch', bridge: 'br-sfc' }))])],
  ])('with %s is invalid', (_what, chain) => {
    expect(new Set(reasonsOf([chain]))).toEqual(new Set(['ChainInvalid']));
  });
});

describe('a port that two chains want', () => {
  it('stays with the first, and both chains are named', () => {
    const { problems, intent } = refusal([
      chainIntent('beta', [chainSwitch('a', 'c')]),
      chainIntent('alpha', [chainSwitch('a', 'b')]),
    ]);
    expect(intent.name).toBe('beta');
    expect(problems).toMatchObject([{ reason: 'ChainPortClaimedTwice', claimants: ['chain beta', 'chain alpha'] }]);
    expect(problems[0]?.message).toMatch(/beta\/1\/labels id=a.*alpha\/1\/labels id=a/);
  });

  it('stays with the chain that is in force, whatever the names say', () => {
    const before = chainIntent('zeta', [chainSwitch('a', 'b')]);
    expect(refusal([chainIntent('alpha', [chainSwitch('a', 'c')]), before], [before]).intent.name).toBe('alpha');
  });

  it('stays with the earlier version of a chain whose new version is refused', () => {
    const before = chainIntent('web', [chainSwitch('a', 'b')]);
    const after = chainIntent('web', [chainSwitch('none', 'c')]);
    const taker = chainIntent('alpha', [chainSwitch('a', 'd')]);
    const { refusals, accepted } = verdict([after, taker], [before]);
    expect(refusals.map(({ intent }) => intent.name)).toEqual(['alpha', 'web']);
    expect([...accepted.values()]).toEqual([before]);
  });

  it('goes from one to the other when both change at once', () => {
    const before = [chainIntent('one', [chainSwitch('a', 'b')]), chainIntent('two', [chainSwitch('c', 'd')])];
    const after = [chainIntent('one', [chainSwitch('c', 'b')]), chainIntent('two', [chainSwitch('a', 'd')])];
    expect(verdict(after, before).refusals).toEqual([]);
  });

  it('serves both under VLANs of their own, and not under the same', () => {
    const on = (name: string, tag: number, other: string) =>
      chainIntent(name, [chainSwitch(chainPort('a', { vlan: tagged(tag) }), other)]);
    expect(verdict([on('ten', 10, 'b'), on('twenty', 20, 'c')]).refusals).toEqual([]);
    expect(reasonsOf([on('ten', 10, 'b'), on('too', 10, 'c')])).toEqual(['ChainPortClaimedTwice']);
    const whole = chainIntent('whole', [chainSwitch('a', 'c')]);
    expect(reasonsOf([on('ten', 10, 'b'), whole])).toEqual(['ChainPortClaimedTwice']);
  });

  it('cannot be in two switches of one chain either', () => {
    expect(reasonsOf([chainIntent('x', [chainSwitch('a', 'b'), chainSwitch('a', 'c')])])).toEqual([
      'ChainPortClaimedTwice',
    ]);
  });

  it('is lost by the later chain in force when labels move under both', () => {
    const one = chainIntent('one', [chainSwitch('a', 'b')]);
    const two = chainIntent('two', [chainSwitch(chainPort({ kind: 'service', dpfId: 's' }), 'c')]);
    const world = [sfcPort('a', 1, { externalIds: mapOf({ 'dpf-id': 's' }) }), ...ports.slice(1)];
    const { refusals, chains } = verdict([one, two], [one, two], world);
    expect(refusals).toEqual([]);
    expect(chains[0]?.switches[0]?.ports[0]?.problem).toBeUndefined();
    expect(chains[1]?.switches[0]?.ports[0]?.problem?.reason).toBe('ChainPortClaimedTwice');
  });
});

describe('tenants', () => {
  const world: readonly ObservedPort[] = [
    sfcPort('a', 1, { externalIds: mapOf({ 'dpu-agent-tenant': 'acme' }) }),
    ...ports.slice(1),
  ];

  it('are not joined by a chain without permission, and both are named', () => {
    const { problems } = refusal([chainIntent('x', [chainSwitch('a', 'b')], { tenant: 'blue' })], [], world);
    expect(problems).toMatchObject([
      { reason: 'ChainTenantsJoined', claimants: ['config.yaml:1', 'tenant blue', 'tenant acme'] },
    ]);
  });

  it('are joined with permission', () => {
    const wanted = chainIntent('x', [chainSwitch('a', 'b')], { tenant: 'blue', joinsTenants: ['acme'] });
    expect(verdict([wanted], [], world).refusals).toEqual([]);
  });

  it('are parted when a port of a chain in force changes hands', () => {
    const wanted = chainIntent('x', [chainSwitch('a', 'b')], { tenant: 'blue' });
    const { chains } = verdict([wanted], [wanted], world);
    expect(chains[0]?.switches[0]?.ports[0]?.problem?.reason).toBe('ChainTenantsJoined');
  });

  it('do not meet through a patch pair between two chains', () => {
    const pair = patchPair({ name: 'near' }, { name: 'far', bridge: 'br-hbn' });
    const here = chainIntent('here', [chainSwitch('a', chainPort({ kind: 'patch', bridge: 'br-hbn' }))], {
      tenant: 'acme',
    });
    const there = chainIntent('there', [chainSwitch(chainPort({ kind: 'patch', bridge: 'br-sfc' }), 'h')], {
      bridge: 'br-hbn',
      tenant: 'blue',
    });
    const both = [...world, ...pair, sfcPort('h', 70, {}, 'br-hbn')];
    expect(reasonsOf([here, there], [], both)).toEqual(['ChainTenantsJoined']);
    expect(verdict([here, { ...there, joinsTenants: ['acme'] }], [], both).refusals).toEqual([]);
  });
});

describe('loops', () => {
  it('of one interface named twice in a switch are refused', () => {
    const twice = [sfcPort('a', 1, { externalIds: mapOf({ role: 'up' }) }), ...ports.slice(1)];
    const again = chainPort({ kind: 'labels', labels: mapOf({ role: 'up' }) });
    expect(reasonsOf([chainIntent('x', [chainSwitch('a', again, 'b')])], [], twice)).toEqual(['ChainLoop']);
  });

  it('of two patch pairs to one bridge are refused, and both ports are named', () => {
    const world = [
      ...ports,
      ...patchPair({ name: 'one' }, { name: 'eno', bridge: 'br-ovn' }),
      ...patchPair({ name: 'two', ofport: 51 }, { name: 'owt', bridge: 'br-ovn' }),
    ];
    const to = (name: string) => chainPort({ kind: 'patch', bridge: 'br-ovn', name });
    const { problems } = refusal([chainIntent('x', [chainSwitch('a', to('one'), to('two'))])], [], world);
    expect(problems.map(({ reason }) => reason)).toEqual(['ChainLoop']);
    expect(problems[0]?.message).toMatch(/\(two\).*\(one\)/);
    expect(
      verdict([chainIntent('x', [chainSwitch('a', to('one')), chainSwitch('b', to('two'))])], [], world).refusals,
    ).toEqual([]);
  });
});

describe('the MTU of a chain', () => {
  const narrow = [sfcPort('a', 1, { mtu: 1400 }), ...ports.slice(1)];

  it('must fit every port on the way, and the narrow one is named', () => {
    const { problems } = refusal([chainIntent('x', [chainSwitch('a', 'b')], { mtu: 1500 })], [], narrow);
    expect(problems).toMatchObject([{ reason: 'ChainMtuUnfit', claimants: ['config.yaml:1', 'interface a'] }]);
    expect(problems[0]?.message).toContain('1400');
  });

  it('is not asked for by a chain that does not say', () => {
    expect(verdict([chainIntent('x', [chainSwitch('a', 'b')])], [], narrow).refusals).toEqual([]);
  });
});
