import { describe, expect, it } from 'vitest';
import {
  actionNames,
  bridgeIntent,
  bridgeRow,
  marked,
  observedOf,
  ownPortRow,
  planOf,
  portIntent,
} from '../fakes/plan-rows.js';

const share = bridgeIntent('br-s', { mode: 'share' });
const world = observedOf({
  bridges: [bridgeRow('br-s')],
  ports: [ownPortRow('x0', 'br-s', { tag: 1 }, { mtuRequest: 1 })],
});
const refusal = (key: string) => ({ quarantined: new Map([[key, 'constraint\nviolation']]) });

describe('an object whose change the database refused', () => {
  const ports = [portIntent('x0', 'br-s'), portIntent('x1', 'br-s')];

  it('is left out, and the others go on', () => {
    const plan = planOf({ bridges: [share], ports }, world, refusal('port:x0'));
    expect(actionNames(plan)).toEqual(['createPort x1']);
  });

  it('is reported once, in the database’s words made safe, however many changes it needs', () => {
    const plan = planOf({ bridges: [share], ports }, world, refusal('port:x0'));
    expect(plan.blocked).toEqual([
      {
        object: { kind: 'port', name: 'x0', bridge: 'br-s' },
        state: 'failed',
        reason: 'TransactionRefused',
        message: 'The database refused the change: constraint\\u000aviolation',
        evidence: {},
      },
    ]);
  });

  it('is not reported when nothing is to be changed about it', () => {
    const plan = planOf({ bridges: [share] }, observedOf({ bridges: [bridgeRow('br-s')] }), refusal('port:x0'));
    expect(plan.blocked).toEqual([]);
  });

  it('holds up the ports of a bridge that it would create', () => {
    const intents = {
      bridges: [bridgeIntent('br-a'), share],
      ports: [portIntent('x5', 'br-a'), portIntent('x6', 'br-s')],
    };
    const plan = planOf(intents, observedOf({ bridges: [bridgeRow('br-s')] }), refusal('bridge:br-a'));
    expect(actionNames(plan)).toEqual(['createPort x6']);
    expect(plan.blocked.map(({ object, reason }) => `${object.kind} ${object.name} ${reason}`)).toEqual([
      'bridge br-a TransactionRefused',
      'port br-a TransactionRefused',
      'port x5 TransactionRefused',
    ]);
  });

  it('holds up a port that would move to such a bridge, with all that is to be repaired on it', () => {
    const intents = { bridges: [bridgeIntent('br-a'), share], ports: [portIntent('x0', 'br-a')] };
    expect(planOf(intents, world, refusal('bridge:br-a')).actions).toEqual([]);
  });

  it('does not hold up the ports of a bridge that exists', () => {
    const own = bridgeRow('br-a', { externalIds: marked() });
    const intents = { bridges: [bridgeIntent('br-a')], ports: [portIntent('x5', 'br-a')] };
    const plan = planOf(intents, observedOf({ bridges: [own] }), refusal('bridge:br-a'));
    expect(actionNames(plan)).toEqual(['createPort br-a', 'createPort x5']);
  });
});

describe('a plan', () => {
  it('passes on what the intents themselves brought up', () => {
    const ports = [portIntent('x0', 'br-s'), portIntent('x0', 'br-t'), portIntent(undefined, 'br-s')];
    const plan = planOf({ ports }, observedOf());
    expect(plan.findings.map(({ reason }) => reason)).toEqual(['PortClaimedTwice']);
    expect(plan.blocked.map(({ reason }) => reason)).toEqual(['NetdevMissing', 'BridgeAbsent']);
  });
});
