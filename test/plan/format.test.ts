import { describe, expect, it } from 'vitest';
import { formatPlan, planToJson, summarizeAction } from '../../src/plan/format.js';
import { bridgeIntent, bridgeRow, observedOf, ownPortRow, planOf, portIntent, portRow } from '../fakes/plan-rows.js';

const share = [bridgeIntent('br-s', { mode: 'share' })];

describe('a plan as text', () => {
  it('shows what is created, what for, and that it costs nothing', () => {
    const ports = [portIntent('x0', 'br-s', { ofport: 7 })];
    const plan = planOf({ bridges: share, ports }, observedOf({ bridges: [bridgeRow('br-s')] }));
    expect(formatPlan(plan)).toBe(
      [
        '+ create port x0 on br-s',
        '    Port external_ids:dpu-agent-owner: agent-1',
        '    Interface type: internal',
        '    Interface ofport_request: 7',
        '    Interface external_ids:dpu-agent-owner: agent-1',
        '    expected loss: none',
        '1 change(s), 0 finding(s), 0 waiting or blocked.',
        '',
      ].join('\n'),
    );
  });

  it('shows what is repaired and removed with both values, what it costs, and what is left to a person', () => {
    const rows = [ownPortRow('x0', 'br-s', { tag: 4 }, { ofport: 7, ofportRequest: 7 }), ownPortRow('x1', 'br-s')];
    const ports = [portIntent('x0', 'br-s', { ofport: 7 }), portIntent('x2', 'br-s'), portIntent('x3', 'br-none')];
    const world = observedOf({ bridges: [bridgeRow('br-s')], ports: [...rows, portRow('x2', 'br-s')] });
    const plan = planOf({ bridges: share, ports }, world, { ripe: new Set(['orphan port:x1']) });
    expect(formatPlan(plan)).toBe(
      [
        '~ repair port x0 on br-s',
        '    Port tag: 4 → (unset)',
        '    expected loss: frames of the port until both ends agree on the VLAN',
        '- remove port x1 on br-s',
        '    Bridge ports: x1 → (removed)',
        '    expected loss: all traffic of the object, which no intent wants',
        "! ForeignPort: Port x2 is on br-s already, without the agent's mark.",
        '    Set adopt: true on the port to take it over, or drop the intent.',
        "… port x2 on br-s ForeignPort: Port x2 is on br-s already, without the agent's mark.",
        '… port x3 on br-none BridgeAbsent: Bridge br-none cannot take ports now.',
        '2 change(s), 1 finding(s), 2 waiting or blocked.',
        '',
      ].join('\n'),
    );
  });

  it('says so when there is nothing to change', () => {
    expect(formatPlan(planOf({}, observedOf()))).toBe(
      'Nothing to change. 0 change(s), 0 finding(s), 0 waiting or blocked.\n',
    );
  });

  it('cannot be forged by values that others wrote', () => {
    const rows = [ownPortRow('x0', 'br-s', { vlanMode: 'a\n+ create port evil' }, { ofport: 7, ofportRequest: 7 })];
    const world = observedOf({ bridges: [bridgeRow('br-s')], ports: rows });
    const text = formatPlan(planOf({ bridges: share, ports: [portIntent('x0', 'br-s', { ofport: 7 })] }, world));
    expect(text).toContain('vlan_mode: a\\u000a+ create port evil → (unset)');
    expect(text).not.toContain('\n+');
  });
});

describe('a plan as data', () => {
  it('survives JSON, and keeps a loss that is none apart from one that is missing', () => {
    const plan = planOf({ bridges: [bridgeIntent('br-a')] }, observedOf());
    const json: unknown = JSON.parse(JSON.stringify(planToJson(plan)));
    expect(json).toEqual(planToJson(plan));
    expect(json).toMatchObject({
      actions: [
        { kind: 'createBridge', object: { kind: 'bridge', name: 'br-a' }, loss: null },
        { kind: 'createPort', object: { kind: 'port', name: 'br-a', bridge: 'br-a' } },
      ],
      findings: [],
      blocked: [],
      candidates: [],
    });
  });
});

describe('an action in a few words', () => {
  it('names the verb and the object', () => {
    const plan = planOf({ bridges: [bridgeIntent('br-a')] }, observedOf());
    expect(plan.actions.map(summarizeAction)).toEqual(['create bridge br-a', 'create port br-a on br-a']);
  });
});
